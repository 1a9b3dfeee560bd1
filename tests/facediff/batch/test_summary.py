"""A run at a glance."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
from PIL import Image
from rich.console import Console

from facediff.batch.manifest import Entry
from facediff.batch.summary import summary_table, write_contact_sheet
from facediff.media import VideoWriter

DONE = Entry(
    output="a.mp4", status="done", reason=None, key="k", sha256="ab", task="talk", line=1, inputs={}, options={},
    seed=1, weights_sha256="", versions={}, size_bytes=9, frames=42, seconds={"total": 0.5}, host="", finished="",
)  # fmt: skip
FAILED = replace(DONE, output="[b].mp4", status="failed", reason="no [bold]face")


def text(entries, fresh=()) -> str:
    console = Console(width=120)
    with console.capture() as capture:
        console.print(summary_table(entries, fresh))
    return capture.get()


def test_few_jobs_are_all_in_the_table():
    said = text([DONE, replace(DONE, output="c.mp4"), FAILED], fresh=["a.mp4", "[b].mp4"])
    lines = [line.split() for line in said.splitlines()[1:]]
    assert lines == [["a.mp4", "done", "42", "0.5"], ["c.mp4", "kept", "42", "0.5"],
                     ["[b].mp4", "failed", "0.5", "no", "[bold]face"]]  # fmt: skip


def test_of_many_jobs_those_that_failed_are():
    said = text([DONE] * 50 + [FAILED] * 50)
    assert "a.mp4" not in said and said.count("[b].mp4") == 40 and "and 10 more that failed" in said


def test_the_contact_sheet_shows_each_clip(tmp_path):
    colours = {"a.mp4": (200, 40, 40), "b.mp4": (40, 200, 40), "c.mp4": (40, 40, 200)}
    for name, colour in colours.items():
        with VideoWriter(tmp_path / name, (64, 32), Fraction(5)) as writer:
            for _ in range(3):
                writer.write(np.full((32, 64, 3), colour, np.uint8))
    (tmp_path / "d.mp4").write_text("damaged")
    entries = [replace(DONE, output=name) for name in (*colours, "d.mp4", "é" * 99 + ".mp4")]
    assert write_contact_sheet(tmp_path / "sheet.png", tmp_path, [*entries, FAILED])
    sheet = np.asarray(Image.open(tmp_path / "sheet.png")).astype(int)
    assert sheet.shape == (2 * 220 + 8, 4 * 200 + 8, 3)
    for k, colour in enumerate(colours.values()):
        assert np.abs(sheet[8 + 96, 8 + 200 * k + 96] - colour).max() < 12
    assert (sheet[104, 8 + 600 + 96] == 255).all()


def test_there_is_none_where_nothing_was_made(tmp_path):
    assert not write_contact_sheet(tmp_path / "sheet.png", tmp_path, [FAILED])
    assert not list(tmp_path.iterdir())
