"""The page of options is what the records say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from facediff.cli.options_page import options_page
from facediff.options import TASKS, SourceOptions, options_of
from facediff.options.marks import OutputOptions

ROOT = Path(__file__).parents[3]


def test_the_page_is_made_of_the_records():
    kept = (ROOT / "docs" / "options.md").read_text(encoding="utf-8")
    assert kept == options_page(), "run: python -m facediff.cli.options_page docs/options.md"


@pytest.mark.parametrize("record", [*TASKS.values(), SourceOptions, OutputOptions])
def test_every_option_has_its_row(record):
    rows = options_page().splitlines()
    for name, option in options_of(record).items():
        (row, *_) = [row for row in rows if row.startswith(f"| `{name}` |") and option.opt.help in row]
        assert option.meaning in row and row.count(" | ") == 5


def test_it_is_written_where_it_is_wanted(tmp_path):
    page = tmp_path / "options.md"
    subprocess.run([sys.executable, "-m", "facediff.cli.options_page", str(page)], cwd=ROOT, check=True)
    assert page.read_text(encoding="utf-8") == options_page()
