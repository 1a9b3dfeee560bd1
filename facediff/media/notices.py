"""What is not as a file has it, said once for each file however often it is opened."""

from __future__ import annotations

import logging
from functools import lru_cache
from pathlib import Path

log = logging.getLogger(__name__)


@lru_cache(maxsize=1024)
def warn_once(message: str) -> None:
    """Logs a warning, unless the same one has been logged before."""
    log.warning("%s", message)


def warn_of_rivals(video: Path, count: int, index: int) -> None:
    """Says that a video shows several faces, of which the largest is taken.

    Args:
        video: The file.
        count: How many.
        index: Which is taken, from the left.
    """
    others = f"{_other(count, index)} takes {'the other' if count == 2 else 'the leftmost, and so on to the right'}"
    warn_once(f"{video} shows {count} faces and the largest is taken; {others}")


def warn_of_other_drivers(video: Path, count: int, index: int) -> None:
    """Says that a video that drives shows several faces; which drives is chosen elsewhere."""
    warn_once(
        f"{video} shows {count} faces and the largest drives; 'facediff motion extract {video.name} "
        f"{_other(count, index)}' keeps another's motion, which can drive, too"
    )


def _other(count: int, index: int) -> str:
    """How a face is chosen that is not this one of so many."""
    return f"face={'left' if index else 'right'}" if count == 2 else "face=0"
