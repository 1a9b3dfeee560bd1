"""Sound and video files, opened alone: a playlist in disguise must reach neither the network nor other files."""

from __future__ import annotations

from pathlib import Path

import av
from av.container import InputContainer

MAX_PIXELS = 64_000_000  # of a picture or a frame, which would fill the memory
# Formats that hold their own samples; playlists (hls, dash, concat, imf, ...) are not among them.
FORMATS = (
    "mov,matroska,webm,avi,mpeg,mpegts,mpegvideo,m4v,flv,asf,gif,h264,hevc,ogg,wav,w64,flac,mp3,aac,aiff,caf,ac3,eac3,"
    "amr,amrnb,amrwb,au,dv,mxf,nut,rm,wv,tta,ape,mpc,mpc8,dts,opus,y4m,yuv4mpegpipe,apng,webp_pipe"
)

_COVER = 0x400  # AV_DISPOSITION_ATTACHED_PIC


def open_container(path: str | Path) -> InputContainer:
    """The file at a path, ready to be decoded.

    Raises:
        av.FFmpegError, ValueError: It cannot be read, or is a list of other files.
    """
    return av.open(f"file:{path}", options={"protocol_whitelist": "file", "format_whitelist": FORMATS})


def moving_stream(container: InputContainer) -> av.VideoStream | None:
    """The first video of a container that is not the cover of a song; None without."""
    return next(
        (stream for stream in container.streams.video if not int(getattr(stream, "disposition", 0)) & _COVER), None
    )
