"""What a run made, at a glance: a table and a contact sheet."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps
from rich.table import Table
from rich.text import Text

from facediff.batch.manifest import Entry
from facediff.errors import MediaError
from facediff.media import VideoReader
from facediff.options.marks import MarkOptions
from facediff.provenance.marker import write_marked
from facediff.types import Frame

SHEET = "contact-sheet.png"
MAX_CELLS, MAX_ROWS = 400, 40

_CELL, _CAPTION, _GAP = 192, 20, 8  # pixels
_MIN_COLUMNS = 4
_INK, _PAPER = "black", "white"
_SHOWN_S = 1.0  # which frame: a talking mouth is open by then


def summary_table(entries: Sequence[Entry], fresh: Collection[str]) -> Table:
    """A table of a run: all jobs if they are few, else those that failed.

    Args:
        entries: What became of each job.
        fresh: Names of those that this run did.
    """
    table = Table(box=None, pad_edge=False)
    table.add_column("clip", overflow="fold")
    table.add_column("status")
    table.add_column("frames", justify="right")
    table.add_column("seconds", justify="right")
    table.add_column("reason", overflow="fold")
    shown = entries if len(entries) <= MAX_ROWS else [entry for entry in entries if not entry.is_done]
    for entry in shown[:MAX_ROWS]:
        is_old = entry.output not in fresh
        table.add_row(
            Text(entry.output),
            Text("failed", "red") if not entry.is_done else Text("kept" if is_old else "done", "green"),
            str(entry.frames) if entry.is_done else "",
            f"{entry.seconds.get('total', 0.0):.1f}",
            Text(entry.reason or ""),
        )
    if (left := len(shown) - MAX_ROWS) > 0:
        table.add_row(f"and {left} more that failed")
    return table


def write_contact_sheet(path: Path, folder: Path, entries: Iterable[Entry]) -> bool:
    """Writes a grid with a frame of each clip and its name below it, of the first 400 at most; it is watermarked.

    Args:
        path: Where to; a PNG.
        folder: Where the clips are.
        entries: What became of each job.

    Returns:
        Whether there was a clip to show.

    Raises:
        OutputError: It cannot be written.
    """
    names = [entry.output for entry in entries if entry.is_done][:MAX_CELLS]
    if not names:
        return False
    columns = min(len(names), max(_MIN_COLUMNS, math.ceil(math.sqrt(len(names)))))
    wide, tall = _CELL + _GAP, _CELL + _CAPTION + _GAP
    rows = math.ceil(len(names) / columns)
    sheet = Image.new("RGB", (columns * wide + _GAP, rows * tall + _GAP), _PAPER)
    draw = ImageDraw.Draw(sheet)
    for k, name in enumerate(names):
        left, top = _GAP + k % columns * wide, _GAP + k // columns * tall
        for frame in _shown(folder / name):
            picture = ImageOps.contain(Image.fromarray(frame), (_CELL, _CELL))
            sheet.paste(picture, (left + (_CELL - picture.width) // 2, top + (_CELL - picture.height) // 2))
        draw.text((left, top + _CELL + 2), _shortened(name), _INK, _font())
    write_marked(path, np.asarray(sheet), None, MarkOptions())
    return True


def _shown(path: Path) -> Iterator[Frame]:
    """The frame that stands for a clip; none where it cannot be read."""
    try:
        reader = VideoReader(path)
        index = int(min(_SHOWN_S, reader.info.seconds / 2) * reader.info.fps)
        yield from islice(reader, index, index + 1)
    except MediaError:
        return


def _shortened(name: str) -> str:
    """A name that fits below a picture; its end tells it from others."""
    if _font().getlength(name) <= _CELL:
        return name
    while name and _font().getlength(f"…{name}") > _CELL:
        name = name[1:]
    return f"…{name}"


@lru_cache(maxsize=1)
def _font() -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", 12)
