"""Imports point down; the contract in pyproject.toml holds and covers every module."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
CONTRACT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"][0]


def test_every_module_has_its_layer():
    """A module that no layer names could import anything."""
    placed = {name for layer in CONTRACT["layers"] for name in re.findall(r"facediff\.\w+", layer)}
    children = {p.stem for p in (ROOT / "facediff").iterdir() if p.suffix == ".py" or (p / "__init__.py").is_file()}
    assert {f"facediff.{name}" for name in children - {"__init__", "__main__"}} == placed


def test_imports_point_down():
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_heavy_libraries_stay_in_their_rooms():
    homes = {
        "mediapipe": ("landmarks",),
        "face_alignment": ("landmarks",),
        "librosa": ("audio", "evaluation"),  # features; onsets
        "transformers": ("audio", "pipelines", "evaluation"),  # speech encoders; CLIP
    }
    for library, rooms in homes.items():
        for folder in ("facediff", "audio", "landmarks"):
            for file in (ROOT / folder).rglob("*.py"):
                room = file.relative_to(ROOT).parts[0 if folder != "facediff" else 1]
                if room not in rooms:
                    text = file.read_text(encoding="utf-8")
                    assert not re.search(rf"^\s*(import|from) {library}\b", text, re.M), file
