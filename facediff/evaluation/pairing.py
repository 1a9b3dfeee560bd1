"""Which truth, speech, portrait and text belong to which video, by the names of files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from facediff.errors import InputError
from facediff.evaluation.cases import Item
from facediff.media.images import READ_SUFFIXES
from facediff.media.kinds import VIDEO_SUFFIXES

SOUND_SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aac", ".aif", ".aiff", ".wma", ".amr")
Companion = Callable[[Path], bool]


class Found(NamedTuple):
    """What there is to measure.

    Attributes:
        items: The videos with what belongs to them.
        notes: What was found and cannot be measured, or was looked for and is not there, a sentence each.
    """

    items: list[Item]
    notes: list[str]


def find_items(
    made: Sequence[Path],
    *,
    truth: Path | None = None,
    speech: Path | None = None,
    portrait: Path | None = None,
    text: str | None = None,
) -> Found:
    """The videos among files and folders, each with its companions.

    A companion that is a file is that of all videos; of a folder, each video has the file with its own name, whatever
    the ending. So have texts, in files of words; a text that names no file or folder is itself the words.

    Raises:
        InputError: There is no such file, or not one video.
    """
    notes: list[str] = []
    videos = list(_videos(made, notes))
    if not videos:
        raise InputError(f"there is no video in {', '.join(map(str, made))}; give videos, or folders of them")
    for given in (truth, speech, portrait):
        if given is not None and not given.exists():
            raise InputError(f"there is no file or folder at {given}")
    items = []
    for video in videos:
        items.append(Item(
            made=video,
            truth=_companion(video, truth, "truth", _is_video, notes),
            speech=_companion(video, speech, "speech", lambda p: _is_sound(p) or _is_video(p), notes),
            portrait=_companion(video, portrait, "portrait", lambda p: p.suffix.lower() in READ_SUFFIXES, notes),
            text=_words(video, text, notes),
        ))  # fmt: skip
    return Found(items, notes)


def _videos(made: Iterable[Path], notes: list[str]) -> Iterable[Path]:
    for place in made:
        if not place.exists():
            raise InputError(f"there is no file or folder at {place}")
        if not place.is_dir():
            yield place
            continue
        for file in sorted(place.iterdir()):
            if file.is_file() and not file.name.startswith("."):
                if _is_video(file):
                    yield file
                elif not (_is_sound(file) or file.suffix.lower() in (*READ_SUFFIXES, ".txt")):
                    notes.append(f"{file} is no video, and is left out")


def _companion(video: Path, given: Path | None, what: str, fits: Companion, notes: list[str]) -> Path | None:
    if given is None or not given.is_dir():
        return given
    there = sorted(file for file in given.iterdir() if file.stem == video.stem and file.is_file() and fits(file))
    if not there:
        notes.append(f"{video.name} has no {what} of its name in {given}; it is measured without")
        return None
    if len(there) > 1:
        notes.append(f"{video.name} has several of its name in {given}; {there[0].name} is taken as its {what}")
    return there[0]


def _words(video: Path, given: str | None, notes: list[str]) -> str | None:
    place = None if given is None or len(given) > 255 else Path(given)
    if place is None or not place.exists():
        return given
    file = _companion(video, place, "text", lambda p: p.suffix.lower() == ".txt", notes)
    if file is None:
        return None
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file} cannot be read as a text: {error}") from error


def _is_video(path: Path) -> bool:
    return path.suffix.lower() in (*VIDEO_SUFFIXES, ".gif", ".apng")


def _is_sound(path: Path) -> bool:
    return path.suffix.lower() in SOUND_SUFFIXES
