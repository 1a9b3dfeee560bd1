"""How long files are, found without decoding them."""

from __future__ import annotations

from pathlib import Path

import av

from facediff.errors import MediaError
from facediff.system.containers import open_container


def seconds_of(path: str | Path) -> float:
    """Length of a film or a sound in seconds, as its container says; 0 where it does not.

    Raises:
        MediaError: It cannot be read.
    """
    try:
        with open_container(Path(path)) as container:
            lengths = [float(s.duration * s.time_base) for s in container.streams if s.duration and s.time_base]
            return max([*lengths, (container.duration or 0) / av.time_base])
    except (av.FFmpegError, OSError, ValueError) as error:
        raise MediaError(f"{path} cannot be read: it is corrupt, empty or of an unknown kind") from error
