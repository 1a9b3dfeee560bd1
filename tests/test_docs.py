"""What the pages show runs as it stands, and what they name exists."""

from __future__ import annotations

import importlib
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut, coffee

import facediff
from facediff.errors import MissingExtra
from facediff.media import VideoWriter
from facediff.motion import coefficients
from facediff.motion.template import MotionTemplate

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
SPEECH = Path(facediff.__file__).parent / "samples" / "hello.flac"


def blocks(page: Path, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture
def files(tmp_path, monkeypatch) -> Path:
    """The files that the pages speak of, small."""
    small = np.ascontiguousarray(astronaut()[:256, 96:352])
    for name in ("portrait.jpg", "smile.jpg"):
        Image.fromarray(small).save(tmp_path / name)
    Image.fromarray(coffee()).save(tmp_path / "nobody.jpg")
    wave = (0.3 * np.sin(np.arange(4800) / 9) * np.hanning(4800)).astype(np.float32)
    for name in ("driving.mp4", "me.mp4", "speech.mp4"):
        with VideoWriter(tmp_path / name, (256, 256), Fraction(25), audio=wave) as writer:
            for k in range(6):
                writer.write(np.roll(small, k, axis=1))
    (tmp_path / "speech.mp4").rename(tmp_path / "speech.wav")  # whatever it is called, it is looked into
    motion = np.zeros((4, coefficients.DIMENSIONS), np.float32)
    motion[:, coefficients.ANGLES.start] = range(4)
    MotionTemplate(motion, np.ones(4, bool), np.eye(3, dtype=np.float32), Fraction(25)).save(
        tmp_path / "nod.safetensors"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "python")], ids=lambda p: p.name)
def test_examples_run_one_after_the_other(page, files) -> None:
    names: dict = {}
    for block in blocks(page, "python"):
        exec(compile(block, page.name, "exec"), names)
    if any("hello.mp4" in block for block in blocks(page, "python")):
        assert (files / "hello.mp4").stat().st_size > 1000


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere_and_modules_exist(page) -> None:
    text = page.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        assert link.startswith("https://") or (page.parent / link).exists(), link
    for path in re.findall(r"`((?:benchmarks|docs|facediff|tests)/[\w/.-]+)`", text):
        assert (ROOT / path).exists(), path
    for name in re.findall(r"`(facediff(?:\.\w+)+)`", text):
        parts, value = name.split("."), facediff
        for k, part in enumerate(parts[1:], 2):
            try:
                value = __import__(".".join(parts[:k]), fromlist=["_"])
            except MissingExtra:  # a module for a library that is not installed
                break
            except ModuleNotFoundError:
                value = getattr(value, part)


def test_what_docstrings_name_exists() -> None:
    """Of the package, by its full name: a module that moved takes what is said about it along."""
    named = {
        name
        for folder in ("facediff", "audio", "landmarks", "demo", "benchmarks", "docs")
        for file in (ROOT / folder).rglob("*.py")
        for name in re.findall(r"``(facediff(?:\.\w+)+)``", file.read_text(encoding="utf-8"))
    }
    assert len(named) > 20 and not [name for name in sorted(named) if not exists(name)]


def exists(name: str) -> bool:
    """Whether a dotted name is a module, or something in one."""
    for parts in range(name.count(".") + 1, 0, -1):
        words = name.split(".")
        try:
            value = importlib.import_module(".".join(words[:parts]))
        except ModuleNotFoundError:
            continue
        for part in words[parts:]:
            value = getattr(value, part, None)
        return value is not None
    return False


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_commands_have_the_options_that_are_shown(page) -> None:
    from typer.main import get_group

    from facediff.cli import app

    commands = get_group(app).commands
    for block in re.findall(r"^```\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            words = line.split("#")[0].split()
            if len(words) < 2 or words[0] != "facediff":
                continue
            command = commands[words[1]]
            if hasattr(command, "commands"):
                command = command.commands[words[2]]
            known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
            assert {word for word in words if word.startswith("-")} <= known, line
