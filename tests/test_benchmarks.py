"""Every benchmark runs for a stranger: without arguments, on the sample that travels in the package."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BENCHMARKS = sorted(
    path for path in (ROOT / "benchmarks").glob("*.py") if "__main__" in path.read_text(encoding="utf-8")
)
PRINTED = {
    "adapt": "medians over the clips", "animate": "median refined", "batch": "one worker", "direct": "within 3 degrees",
    "edit": "cost of a frame", "heads": "speed with lips",
    "identity_drift": "mean slope",
    "landmarks": "torch, ", "live": "first voiced frame", "long": "power of angles over that in one go",
    "metrics": "sync_facediff moved by coding",
    "puppet": "| sketch |", "ranges": "ranges.json", "rates": "mean of the clips", "speed": "frames a second rendering",
    "streaming": "less by", "strokes": "no stroke moves", "talk": "median facediff",
    "upscale": "512 to 1024 pixels, frames a second",
    "watermark": "| unmarked | 0 of",
}  # fmt: skip


@pytest.mark.parametrize("path", BENCHMARKS, ids=lambda path: path.stem)
def test_no_argument_is_required(path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "add_argument":
            how = {keyword.arg: getattr(keyword.value, "value", None) for keyword in node.keywords}
            name = node.args[0].value
            assert not how.get("required"), name
            assert name.startswith("-") or how.get("nargs") in ("*", "?"), name


def test_every_benchmark_is_named_with_its_command_on_the_page_of_evaluation() -> None:
    page = (ROOT / "docs" / "evaluate.md").read_text(encoding="utf-8")
    assert {path.stem for path in BENCHMARKS} == set(PRINTED)
    for name in PRINTED:
        assert f"| `python benchmarks/{name}.py` |" in page


@pytest.mark.slow
@pytest.mark.parametrize("path", BENCHMARKS, ids=lambda path: path.stem)
def test_without_arguments_it_prints_its_table(path, tmp_path) -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, path], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert PRINTED[path.stem] in done.stdout
    assert not list(tmp_path.iterdir())  # nothing is left behind
