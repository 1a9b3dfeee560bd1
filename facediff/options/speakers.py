"""Who says what in a picture of several people, as text. Knows no file's content.

speakers="left=anna.wav, right=ben.wav"     by where they are in the picture
speakers="0=anna.wav, 2=ben.wav"            by their number from the left, as ``face`` has it
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from facediff.errors import ConfigError

LEFT, RIGHT = "left", "right"
MOST_SPEAKERS = 8
_MEANING = "'left=anna.wav, right=ben.wav', or by number from the left, '0=anna.wav'"
_ONE = re.compile(r"(left|right|\d{1,2})=(.+)", re.DOTALL)


def read_speakers(text: str | None) -> dict[str, str]:
    """Files with speech by the place of who says it, ``left``, ``right`` or a number.

    Raises:
        ConfigError: It does not read so, or two are for one place.
    """
    found: dict[str, str] = {}
    for part in re.split(r"[,;]\s*(?=(?:left|right|\d{1,2})=)", (text or "").strip()):
        if not part.strip():
            continue
        one = _ONE.fullmatch(part.strip())
        if one is None or "\0" in part:
            raise ConfigError(f"speakers reads as in {_MEANING}, not {part[:80]!r}")
        if one[1] in found:
            raise ConfigError(f"speakers has two voices for one face, {one[1]}: {found[one[1]]} and {one[2]}; keep one")
        found[one[1]] = one[2]
    if text is not None and not 0 < len(found) <= MOST_SPEAKERS:
        raise ConfigError(f"speakers are 1 to {MOST_SPEAKERS}, as in {_MEANING}, not {len(found)}")
    return found


def choose_faces(speakers: dict[str, str], count: int) -> dict[int, str]:
    """Files with speech by the number of a face from the left.

    Args:
        speakers: By place.
        count: Faces that there are.

    Raises:
        ConfigError: There is no such face, or two voices are for one.
    """
    found: dict[int, str] = {}
    for place, path in speakers.items():
        index = {LEFT: 0, RIGHT: count - 1}.get(place)
        index = int(place) if index is None else index
        if index >= count:
            raise ConfigError(f"speakers are by number from 0, the leftmost, to {count - 1} here, not {place}")
        if index in found:
            raise ConfigError(
                f"speakers has two voices for one face, {found[index]} and {path}: the picture shows {count}, and "
                f"{place} is number {index}"
            )
        found[index] = path
    return found


def place_speakers(text: str, folder: Path) -> str:
    """The same in every folder: paths that are not whole count from the one given."""
    return _written({place: os.path.abspath(folder / path) for place, path in read_speakers(text).items()})


def hide_speaker_folders(text: str) -> str:
    """The same without where files lie."""
    return _written({place: os.path.basename(path) for place, path in read_speakers(text).items()})


def _written(speakers: dict[str, str]) -> str:
    return ", ".join(f"{place}={path}" for place, path in speakers.items())
