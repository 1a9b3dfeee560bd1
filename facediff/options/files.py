"""The files that options name beside a task's own inputs: what a clip is made of, too, and what records hide."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from facediff.options.performance import hide_folders, place_condition, read_performance
from facediff.options.record import Checked
from facediff.options.speakers import hide_speaker_folders, place_speakers, read_speakers
from facediff.options.staging import hide_background, place_background, read_background


def named_files(options: Checked | Mapping[str, Any]) -> dict[str, str]:
    """Paths as they are given, by what each file gives: ``head``, ``background``, ``speech left``.

    Raises:
        ConfigError: An option does not read as it should.
    """
    given = options if isinstance(options, Mapping) else vars(options)
    found = read_performance(given).files
    behind = read_background(given)
    if behind is not None and behind.picture is not None:
        found["background"] = behind.picture
    for place, path in read_speakers(given.get("speakers")).items():
        found[f"speech {place}"] = path
    return found


def place_files(name: str, text: str, folder: Path) -> str:
    """What an option says of files, the same in every folder: paths that are not whole count from the one given.

    Raises:
        ConfigError: It does not read as it should.
    """
    place = {"background": place_background, "speakers": place_speakers}.get(name)
    return place_condition(name, text, folder) if place is None else place(text, folder)


def hide_paths(options: Checked) -> dict[str, str]:
    """The options that name files, without where those lie."""
    hidden = {**hide_folders(options), **hide_background(vars(options))}
    if (spoken := getattr(options, "speakers", None)) is not None:
        hidden["speakers"] = hide_speaker_folders(spoken)
    return hidden
