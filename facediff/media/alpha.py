"""Films that are transparent: decoders that give transparency as well, and whether frames have any."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import av

from facediff.media.colour import RgbConverter

# FFmpeg's own decoders of VP8 and VP9 leave out the second picture of a frame, which WebM keeps transparency in.
_WHOLE_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}


def decode(packets: Iterable[av.Packet], stream: av.VideoStream) -> Iterator[av.VideoFrame]:
    """The frames of a stream in its packets, with their transparency."""
    name = _WHOLE_DECODERS.get(stream.codec_context.name)
    told = {key.lower(): value for key, value in stream.metadata.items()}  # names of tags are in either case
    if name is None or told.get("alpha_mode") != "1" or name not in av.codecs_available:
        for packet in packets:
            yield from packet.decode()
        return
    decoder = av.CodecContext.create(name, "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.options = dict(stream.codec_context.options)
    decoder.thread_type = stream.thread_type
    for packet in packets:
        yield from decoder.decode(packet)


def has_alpha(frame: av.VideoFrame, stream: av.VideoStream) -> bool:
    """Whether a film is transparent, by its first frame.

    Uncompressed films of 32 bits a pixel often leave the fourth byte empty: what would hide all of a picture is none.
    """
    if not any(component.is_alpha for component in frame.format.components):
        return False
    if stream.codec_context.name != "rawvideo":
        return True
    pixels = RgbConverter((frame.width, frame.height), has_alpha=True)(frame).to_ndarray()
    return bool(pixels[..., 3].any())
