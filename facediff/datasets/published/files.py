"""Folders and tables as people publish them: read line by line, and missed by name."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from facediff.datasets.published.record import Tally
from facediff.errors import InputError

VIDEO_SUFFIXES = (".mp4", ".mkv", ".webm", ".avi", ".flv", ".mov", ".mpg")
PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png")
_POINTER = b"version https://git-lfs"


def need(root: Path, *names: str) -> Path:
    """The first of some files or folders that is there.

    Raises:
        InputError: None is.
    """
    for name in names:
        if found := sorted(root.glob(name)):
            return found[0]
    raise InputError(f"{root} has no {' and no '.join(names)}; give the folder as it was downloaded and unpacked")


def walk(root: Path, pattern: str, tally: Tally, name: str) -> Iterator[tuple[Path, dict[str, str]]]:
    """The files of a pattern, in order, with what their paths say.

    Args:
        root: Where to look.
        pattern: As in ``Path.glob``.
        tally: Told of files whose paths say nothing, and of those that git-LFS has not fetched.
        name: A regular expression for the path below ``root``, with named groups.
    """
    spoken = re.compile(name)
    for path in sorted(root.glob(pattern)):
        inside = path.relative_to(root).as_posix()
        match = spoken.fullmatch(inside)
        if match is None:
            tally.miss("files have names that the set does not use", inside)
        elif path.is_file() and is_pointer(path):
            tally.listed += 1
            tally.miss("files are pointers of git-LFS, whose contents were not fetched (git lfs pull)", inside)
        else:
            tally.listed += 1
            yield path, match.groupdict()


def is_pointer(path: Path) -> bool:
    """Whether a file is what git-LFS leaves in the place of one."""
    if path.stat().st_size > 1024:
        return False
    with path.open("rb") as file:
        return file.read(len(_POINTER)) == _POINTER


def beside(root: Path, *places: str, suffixes: tuple[str, ...] = VIDEO_SUFFIXES) -> Path | None:
    """The first of some names without their endings that is a file with one of these."""
    for place in places:
        for suffix in suffixes:
            path = root / f"{place}{suffix}"
            if path.is_file():
                return path
    return None


def read_table(path: Path, columns: tuple[str, ...], *, named: bool = True, **form: Any) -> Iterator[dict[str, str]]:
    """The rows of a table.

    Args:
        path: Comma-separated, if ``form`` says nothing else.
        columns: That it must have; their names, where it has none itself.
        named: Whether its first row names them.
        form: As the csv module takes it.

    Raises:
        InputError: A column is not there, or it is not text.
    """
    with path.open(newline="", encoding="utf-8-sig", errors="strict") as file:
        rows = csv.DictReader(file, None if named else columns, **form)
        try:
            names = [name.strip() for name in rows.fieldnames or ()]
            if missing := [column for column in columns if column not in names]:
                raise InputError(f"{path} has no column {missing[0]!r}; it has {', '.join(names) or 'none'}")
            for row in rows:
                yield {key.strip(): (value or "").strip() for key, value in row.items() if isinstance(key, str)}
        except (UnicodeDecodeError, csv.Error) as error:
            raise InputError(f"{path} is not a table in UTF-8: {error}") from error


def read_json(path: Path, kind: type) -> Any:
    """What a JSON file holds.

    Raises:
        InputError: It is not JSON, or not of that kind.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise InputError(f"{path} is not JSON: {error}") from error
    if not isinstance(found, kind):
        raise InputError(f"{path} holds a {type(found).__name__} and not a {kind.__name__}; is it of another set?")
    return found


def read_lines(path: Path) -> Iterator[list[str]]:
    """The words of each line that has any."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        yield from (words for line in file if (words := line.split()))


def seconds(clock: str) -> float:
    """``00:01:02.500``, ``01:02`` or ``62.5`` as seconds."""
    total = 0.0
    for part in clock.split(":"):
        total = total * 60 + float(part)
    return total
