"""A folder of videos of one person or of one style, as clips to train on."""

from __future__ import annotations

from pathlib import Path

from facediff.datasets.recordings import Recording
from facediff.errors import InputError
from facediff.media import VideoReader, is_video


def read_footage(folder: Path) -> list[Recording]:
    """The videos in a folder and in those under it, by name; all are taken to show the same domain.

    Args:
        folder: Or one video.

    Raises:
        InputError: There is no folder, or no video in it.
        MediaError: A video cannot be read.
    """
    if folder.is_file() and is_video(folder):
        return [_record(folder, folder.name)]
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}; give one with videos, or a video")
    files = sorted(path for path in folder.rglob("*") if path.is_file() and is_video(path))
    if not files:
        raise InputError(f"there is no video in {folder}")
    return [_record(path, path.relative_to(folder).as_posix()) for path in files]


def _record(path: Path, name: str) -> Recording:
    """One of them."""
    has_sound = VideoReader(path).info.has_audio
    return Recording(path, name, "av" if has_sound else "silent", "domain", path if has_sound else None)


def read_caption(clip: Recording) -> str:
    """What is said about a clip: the text file of its name beside it, or nothing.

    Raises:
        InputError: It is not text.
    """
    path = clip.path.with_suffix(".txt")
    try:
        return path.read_text(encoding="utf-8-sig").strip() if path.is_file() else ""
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not text in UTF-8") from error
