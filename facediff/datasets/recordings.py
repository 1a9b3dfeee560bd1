"""The table of training clips: a CSV with one row a file, split by identity."""

from __future__ import annotations

import csv
import logging
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from facediff.datasets.published.cards_of_faces import FACES
from facediff.errors import InputError

COLUMNS = ("file", "split", "kind", "identity", "licence")
_RESERVED = re.compile(r"non-? ?commercial|\bNC\b|research only|academic|^\s*$", re.IGNORECASE)
# Sets whose own terms reserve it: their clips lie in many a repository, under that one's licence.
_RESERVED_SETS = re.compile(
    "|".join(rf"\b{re.escape(one.card.title)}\b" for one in FACES if _RESERVED.search(one.card.licence)), re.IGNORECASE
)
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recording:
    """One row of the table.

    Attributes:
        path: The file.
        name: Its path in the table, which names its cache entries.
        kind: ``av`` (speech that matches the lips), ``silent`` (no usable sound) or ``still``.
        identity: Who is seen; splits and sampling weights go by it.
        sound: The file that holds the speech; None unless ``kind`` is ``av``.
    """

    path: Path
    name: str
    kind: str
    identity: str
    sound: Path | None


class Source(Protocol):
    """What can stand in the place of a table; see ``facediff.datasets.published.clips.Sources``."""

    def read(self, split: str, kinds: Collection[str], licence: str) -> list[Recording]:
        """The clips of one split."""


def read_recordings(
    catalog: Path | Source,
    *,
    split: str = "train",
    kinds: Collection[str] = ("av", "silent", "still"),
    licence: str = "any",
) -> list[Recording]:
    """The clips of one split.

    Args:
        catalog: CSV with at least the columns ``file, split, kind, identity, licence``; ``file`` is relative to the
            CSV. An optional column ``sound`` names a sound file beside the clip where the clip's own is not used, an
            optional ``note`` is where it comes from. Or published sets, whose val is train here.
        split: ``train`` or ``test``.
        kinds: Kinds to keep.
        licence: ``any`` keeps all rows, ``permissive`` none that are non-commercial, for research or without one, nor
            those of which licence or note name a published set that is (``facediff dataset list``).

    Raises:
        InputError: The table is missing, lacks a column, names a file that is not there, or nothing is left.
    """
    if licence not in ("any", "permissive"):
        raise InputError(f"licence is 'any' or 'permissive', not {licence!r}")
    if not isinstance(catalog, Path):
        return catalog.read(split, kinds, licence)
    if catalog.is_dir():
        raise InputError(
            f"{catalog} is a folder; give a CSV of the clips in it, or --data NAME=PATH for a published set"
        )
    if not catalog.is_file():
        raise InputError(f"there is no table of clips at {catalog}")
    rows = [row for row in _rows(catalog) if row["split"] == split and row["kind"] in kinds]
    free = [row for row in rows if licence == "any" or not _is_reserved(row)]
    if len(free) < len(rows):
        log.info("%d of %d rows are left out: licence non-commercial, or none", len(rows) - len(free), len(rows))
    clips = []
    for row in free:
        path = catalog.parent / row["file"]
        if not path.is_file():
            raise InputError(f"{catalog} names {row['file']}, which is not there")
        clips.append(Recording(path, row["file"], row["kind"], row["identity"], _sound(path, row)))
    if not clips:
        hint = f"; of other licences there are {len(rows)}" if rows else ""
        raise InputError(
            f"{catalog} has no clips of split {split!r}, kinds {sorted(kinds)} and licence {licence!r}{hint}"
        )
    return clips


def _is_reserved(row: dict[str, str]) -> bool:
    """Whether commercial use of a row is reserved, by its licence or by the terms of the set that it is of."""
    return bool(_RESERVED.search(row["licence"])) or any(
        _RESERVED_SETS.search(row.get(column) or "") for column in ("licence", "note")
    )


def _rows(catalog: Path) -> list[dict[str, str]]:
    try:
        with catalog.open(newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(file)
            rows, there = list(table), table.fieldnames or ()
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{catalog} is no CSV in UTF-8: {error}") from error
    missing = [name for name in COLUMNS if name not in there]
    if missing:
        raise InputError(f"{catalog} lacks the column {missing[0]!r}; it needs {', '.join(COLUMNS)}")
    if not rows:
        raise InputError(f"{catalog} lists no clip; give it a row for each")
    return rows


def _sound(path: Path, row: dict[str, str]) -> Path | None:
    if row["kind"] != "av":
        return None
    beside = (row.get("sound") or "").removeprefix("separate:").strip()
    if not beside.endswith((".flac", ".wav", ".mp3", ".m4a")):
        return path
    if not (path.parent / beside).is_file():
        raise InputError(f"the sound {beside} of {row['file']} is not there")
    return path.parent / beside
