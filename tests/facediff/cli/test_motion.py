"""``facediff motion extract`` and ``show``: what they write, what they say, and how they refuse."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut, coffee
from typer.testing import CliRunner

from facediff.cli import app
from facediff.media import VideoWriter
from facediff.motion import coefficients
from facediff.motion.template import MotionTemplate, load_template

SMALL = np.ascontiguousarray(astronaut()[:256, 100:356])


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def saved() -> MotionTemplate:
    motion = np.random.default_rng(0).normal(size=(12, coefficients.DIMENSIONS)).astype(np.float32)
    template = MotionTemplate(motion, np.arange(12) < 9, np.eye(3, dtype=np.float32), Fraction(30000, 1001))
    template.save("m.safetensors")
    return template


def run(*arguments: object):
    return CliRunner().invoke(app, ["motion", *map(str, arguments)])


def refused(*arguments: object) -> str:
    """The one sentence that a refusal is; nothing is written."""
    left = sorted(p.name for p in Path().iterdir())
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert re.fullmatch(r"facediff: [^\n]+\n", result.stderr), result.stderr
    assert result.stdout == "" and sorted(p.name for p in Path().iterdir()) == left
    return result.stderr


def test_a_moving_head_is_saved_as_it_moves():
    with VideoWriter("d.mp4", (256, 256), Fraction(30)) as writer:
        for k in range(8):
            writer.write(np.roll(SMALL, 2 * k, axis=1))
    result = run("extract", "d.mp4", "-o", "new/m.npz")
    assert (result.exit_code, result.stdout) == (0, "") and "wrote new/m.npz" in result.stderr
    template = load_template("new/m.npz")
    assert template.fps == 30 and template.present.all() and len(template) == 8
    assert np.diff(template.motion[:, coefficients.SHIFT.start]).min() > 0
    assert [p.name for p in Path("new").iterdir()] == ["m.npz"]


def test_from_one_kind_of_file_to_the_other_nothing_is_lost(saved):
    assert run("extract", "m.safetensors", "-o", "m.npz").exit_code == 0
    again = load_template("m.npz")
    for part in ("motion", "present", "rotation"):
        np.testing.assert_array_equal(getattr(again, part), getattr(saved, part))
    assert again.fps == saved.fps


def test_the_table_says_how_much_of_what_moves(saved):
    said = run("show", "m.safetensors").stdout
    assert said.startswith("12 frames at 29.97 a second, a face in 9\n")
    lines = [line for line in said.splitlines() if line.startswith("pitch (degrees)")]
    low, high = map(float, re.findall(r"-?\d+\.\d+", lines[0]))
    pitch = saved.motion[:, coefficients.ANGLES.start + 1]
    assert (low, high) == pytest.approx((pitch.min(), pitch.max()), abs=0.006)


def test_a_picture_shows_its_expression():
    Image.fromarray(SMALL).save("p.png")
    assert run("show", "p.png").stdout.startswith("1 frames at 25 a second, a face in 1\n")


def test_what_is_no_driver_is_refused(saved):
    Image.fromarray(coffee()).save("coffee.png")
    Path("empty").mkdir()
    Path("bad.safetensors").write_bytes(b"garbage" * 9)
    with VideoWriter("grey.mp4", (64, 64), Fraction(25)) as writer:
        for _ in range(3):
            writer.write(np.full((64, 64, 3), 90, np.uint8))
    for driving, said in (
        ("none.mp4", "there is no video at none.mp4"),
        ("none.npz", "there is no motion at none.npz"),
        ("coffee.png", "no human face"),
        ("grey.mp4", "face"),
        ("empty", "empty holds no pictures"),
        ("bad.safetensors", "bad.safetensors is not a motion"),
    ):
        assert said in refused("extract", driving, "-o", "new.npz")
        assert said in refused("show", driving)


def test_places_that_cannot_be_written_are_named(saved):
    Path("file").touch()
    assert "m.pkl must end in one of .safetensors, .npz" in refused("extract", "m.safetensors", "-o", "m.pkl")
    assert "m.gif must end in one of .png, .svg, .pdf" in refused("show", "m.safetensors", "-o", "m.gif")
    assert "cannot be written" in refused("extract", "m.safetensors", "-o", "file/m.npz")
    assert "cannot be written" in refused("show", "m.safetensors", "-o", "file/m.png")
    assert "--face is 'largest', 'left', 'right'" in refused("extract", "m.safetensors", "-o", "n.npz", "--face", "up")
