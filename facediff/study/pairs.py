"""Pairs of videos to compare: a table of them, or two folders with the same names."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facediff.errors import InputError
from facediff.media import is_video


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two videos of the same thing.

    Attributes:
        name: What they show; no other pair has it.
        a: A video; ``b`` the other.
        b: See ``a``.
        system_a: What made ``a``; ``system_b`` what made ``b``.
        system_b: See ``system_a``.
    """

    name: str
    a: Path
    b: Path
    system_a: str
    system_b: str


def read_pairs(sources: Sequence[Path]) -> list[Pair]:
    """The pairs of a CSV or JSON file, or of two folders.

    A table has ``a`` and ``b``, files relative to it, and may have ``name``, ``system_a`` and ``system_b``; by default
    systems are called as the folders that the files lie in.

    Raises:
        InputError: There is none, a file is not there, or two pairs have one name.
    """
    if len(sources) == 2 and all(source.is_dir() for source in sources):
        return _of_folders(*sources)
    if len(sources) != 1 or not sources[0].is_file():
        given = " and ".join(map(str, sources))
        raise InputError(f"pairs are a CSV or JSON file, or two folders of videos with the same names, not {given}")
    table = sources[0]
    pairs = [_pair(table, number, row) for number, row in enumerate(_rows(table), start=1)]
    if not pairs:
        raise InputError(f"{table} names no pair")
    names = [pair.name for pair in pairs]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"{table} has two pairs called {twice[0]!r}; give each a name of its own")
    return pairs


def _of_folders(first: Path, second: Path) -> list[Pair]:
    if first.resolve() == second.resolve():
        raise InputError(f"both folders are {first}; give two")
    found = [{path.stem: path for path in sorted(folder.iterdir()) if is_video(path)} for folder in (first, second)]
    shared = [name for name in found[0] if name in found[1]]
    if not shared:
        raise InputError(f"{first} and {second} have no videos of the same names")
    systems = (first.name, second.name) if first.name != second.name else (str(first), str(second))
    return [
        Pair(name=name, a=found[0][name], b=found[1][name], system_a=systems[0], system_b=systems[1]) for name in shared
    ]


def _rows(table: Path) -> list[dict[str, Any]]:
    try:
        if table.suffix.lower() != ".json":
            with table.open(newline="", encoding="utf-8-sig") as file:
                return [dict(row) for row in csv.DictReader(file)]
        rows = json.loads(table.read_text(encoding="utf-8-sig"))
    except (ValueError, csv.Error) as error:
        raise InputError(f"{table} cannot be read as a table: {error}") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError(f"{table} is not a list of objects with 'a' and 'b'")
    return rows


def _pair(table: Path, number: int, row: dict[str, Any]) -> Pair:
    files = []
    for side in ("a", "b"):
        if not row.get(side):
            raise InputError(f"pair {number} of {table} has no {side!r}; each needs 'a' and 'b'")
        files.append(table.parent / str(row[side]))
        if not files[-1].is_file() or not is_video(files[-1]):
            raise InputError(f"pair {number} of {table} names {row[side]}, which is no video that is there")
    a, b = files
    systems = [
        str(row.get(f"system_{side}") or path.resolve().parent.name) for side, path in zip("ab", files, strict=True)
    ]
    if systems[0] == systems[1]:
        raise InputError(f"both videos of pair {number} of {table} are of {systems[0]!r}; say system_a and system_b")
    return Pair(name=str(row.get("name") or a.stem), a=a, b=b, system_a=systems[0], system_b=systems[1])
