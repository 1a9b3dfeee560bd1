"""Sound and video files, opened alone: a playlist in disguise must reach neither the network nor other files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import av
from av.container import InputContainer

MAX_PIXELS = 64_000_000  # of a picture or a frame, which would fill the memory
# Formats that hold their own samples; playlists (hls, dash, concat, imf, ...) are not among them.
FORMATS = (
    "mov,matroska,webm,avi,mpeg,mpegts,mpegvideo,m4v,flv,asf,gif,h264,hevc,ogg,wav,w64,flac,mp3,aac,loas,aiff,caf,ac3,"
    "eac3,amr,amrnb,amrwb,au,dv,mxf,nut,rm,wv,tta,ape,mpc,mpc8,dts,opus,y4m,yuv4mpegpipe,apng,webp_pipe"
)

_DEFAULT = 0x1  # AV_DISPOSITION_DEFAULT
# Pictures beside a film: AV_DISPOSITION_ATTACHED_PIC, TIMED_THUMBNAILS, DEPENDENT, STILL_IMAGE.
_BESIDE = 0x400 | 0x800 | 0x80000 | 0x100000
_PREVIEW = 0.2  # of the area of the largest, or less
_LOOKED_THROUGH = 500  # packets, among which a film has two of a picture


def open_container(path: str | Path) -> InputContainer:
    """The file at a path, ready to be decoded.

    Raises:
        av.FFmpegError, ValueError: It cannot be read, or is a list of other files.
    """
    return av.open(f"file:{path}", options={"protocol_whitelist": "file", "format_whitelist": FORMATS})


def moving_stream(container: InputContainer) -> av.VideoStream | None:
    """The video of a container that a player shows; None without.

    Covers, thumbnails and small previews aside, that is what the file calls its default, of several the largest, and of
    those the first; what has one frame alone is taken where nothing has more.
    """
    streams = moving_streams(container)
    if len(streams) > 1:
        return next((stream for stream in streams if _has_two_frames(container, stream)), streams[0])
    return streams[0] if streams else None


def moving_streams(container: InputContainer) -> list[av.VideoStream]:
    """The videos of a container, covers and thumbnails aside, the one that is meant first.

    Programs that write files call the first video their default if nothing else is said; so a small one is a preview.
    """
    streams = [stream for stream in container.streams.video if not _disposition(stream) & _BESIDE]
    whole = max((_area(stream) for stream in streams), default=0)

    def rank(stream: av.VideoStream) -> tuple[bool, int]:
        is_meant = _disposition(stream) & _DEFAULT and _area(stream) > _PREVIEW * whole
        return not is_meant, -_area(stream)

    return sorted(streams, key=rank)


def _area(stream: av.VideoStream) -> int:
    return (stream.width or 0) * (stream.height or 0)


def in_time(frames: Iterable[av.VideoFrame], container: InputContainer) -> Iterator[av.VideoFrame]:
    """Decoded frames with the times at which players show them.

    AVI keeps none, and those that FFmpeg makes up are in disorder where frames are coded out of order, as in H.264; the
    time of the packet at which a frame came out of the decoder is right.
    """
    if container.format.name != "avi":
        yield from frames
        return
    last, step = -1, 1
    for frame in frames:
        stamp = last + step if frame.dts is None else frame.dts
        last, step = stamp, stamp - last if last >= 0 else 1
        frame.pts = stamp
        yield frame


def _disposition(stream: av.VideoStream) -> int:
    return int(getattr(stream, "disposition", 0))


def _has_two_frames(container: InputContainer, stream: av.VideoStream) -> bool:
    """Whether a stream goes on behind its first frame, by the header or else by the packets at the file's beginning."""
    if stream.frames:
        return stream.frames > 1
    options = {"protocol_whitelist": "file", "format_whitelist": FORMATS}
    with av.open(container.name, options=options) as again:
        packets = islice(again.demux(), _LOOKED_THROUGH)
        return len([packet for packet in packets if packet.size and packet.stream.index == stream.index]) > 1
