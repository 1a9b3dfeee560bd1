"""Damaged bits in films: what a decoder says of them, told in one sentence a file.

FFmpeg flags the pictures of H.264 and MPEG-4 in which it met some. Of HEVC and VP9 it makes up what is missing without
a word; so a second decoder that refuses such bits runs beside the one whose pictures are used.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av

from facediff.media.notices import warn_once
from facediff.media.rates import fraction_of

# Decoders that refuse, of those whose usual one does not. That of HEVC also compares the MD5 that some encoders add.
_REFUSING: dict[str, tuple[str, dict[str, str]]] = {
    "vp9": ("libvpx-vp9", {}),
    "hevc": ("hevc", {"err_detect": "crccheck+explode"}),
}


class DamageWatch:
    """Tells of damaged bits in one stream of a file, once.

    Args:
        path: The file.
        stream: Its picture.
        has_second: Whether the second decoder runs, which costs as much as the first.
    """

    def __init__(self, path: Path, stream: av.VideoStream, *, has_second: bool = True) -> None:
        self._path, self._base = path, fraction_of(stream.time_base)
        self._decoder = _refusing_decoder(stream) if has_second else None
        self._is_told = self._has_begun = False

    def packets(self, packets: Iterator[av.Packet]) -> Iterator[av.Packet]:
        """The same packets; each is looked at after it has been used."""
        for packet in packets:
            yield packet
            self._has_begun |= packet.is_keyframe  # what a broadcast shows before that is no damage
            if self._decoder is not None and self._has_begun and not self._is_told:
                try:
                    self._decoder.decode(packet)
                except av.InvalidDataError:
                    self._tell(packet.pts, self._base)

    def frames(self, frames: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        """The same frames; those that are flagged are told of."""
        for frame in frames:
            if frame.is_corrupt and not self._is_told:
                self._tell(frame.pts, fraction_of(frame.time_base) or self._base)
            yield frame

    def _tell(self, pts: int | None, base: Fraction | None) -> None:
        self._is_told = True
        when = "" if pts is None or base is None else f" at {float(pts * base):.1f} s"
        warn_once(
            f"{self._path} has damaged bits{when}: what is shown there is partly made up by the decoder; "
            "give another copy of the file, or cut the place out"
        )


def _refusing_decoder(stream: av.VideoStream) -> av.VideoCodecContext | None:
    name, options = _REFUSING.get(stream.codec_context.name, ("", {}))
    if name not in av.codecs_available:
        return None
    pixels = stream.codec_context.format
    if name == "libvpx-vp9" and (pixels is None or any(part.bits > 8 for part in pixels.components)):
        return None  # it may be built for eight bits alone
    decoder = av.CodecContext.create(name, "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.extradata = stream.codec_context.extradata
    decoder.options = {**stream.codec_context.options, **options}
    return decoder
