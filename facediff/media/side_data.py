"""What decoded frames carry beside their pixels."""

from __future__ import annotations

from typing import Any

import av


def side_data(frame: av.VideoFrame, kind: str) -> bytes | None:
    """The bytes of a struct of FFmpeg's that a frame carries, by the name of its AVFrameSideDataType; None without."""
    data: Any = frame.side_data.get(kind)
    return None if data is None else bytes(data)
