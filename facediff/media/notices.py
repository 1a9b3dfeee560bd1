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
    warn_once(
        f"{video} shows {count} faces and the largest is taken, face={index}; choose with face=0 to {count - 1} "
        f"(0 is the leftmost)"
    )


def warn_of_other_drivers(video: Path, count: int, index: int) -> None:
    """Says that a video that drives shows several faces; which drives is chosen elsewhere."""
    warn_once(
        f"{video} shows {count} faces and the largest drives, number {index} from the left, counted from 0; "
        f"'facediff motion extract {video.name} face=0' keeps another's motion, which can drive, too"
    )
