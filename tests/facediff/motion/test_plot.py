from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from facediff.errors import InputError, OutputError
from facediff.motion import coefficients
from facediff.motion.plot import measure_ranges, plot_motion
from facediff.motion.template import MotionTemplate


@pytest.fixture
def template() -> MotionTemplate:
    motion = np.zeros((20, coefficients.DIMENSIONS), np.float32)
    motion[:, coefficients.ANGLES.start] = np.linspace(-7, 9, 20)
    return MotionTemplate(motion, np.arange(20) < 15, np.eye(3, dtype=np.float32), Fraction(25))


def test_ranges_are_named(template) -> None:
    found = {name: (low, high) for name, low, high in measure_ranges(template)}
    assert found["yaw (degrees)"] == (-7, 9)
    assert found["opening (opening, eye distances)"] == (0, 0)


def test_a_picture_is_drawn(template, tmp_path) -> None:
    drawn = np.asarray(Image.open(plot_motion(template, tmp_path / "new" / "m.png")).convert("RGB"))
    still = MotionTemplate(np.zeros_like(template.motion), template.present, template.rotation, template.fps)
    other = np.asarray(Image.open(plot_motion(still, tmp_path / "still.png")).convert("RGB"))
    assert drawn.shape == other.shape and (drawn != other).any()


def test_places_that_cannot_be_written_are_refused(template, tmp_path) -> None:
    with pytest.raises(InputError, match="must end in one of .png"):
        plot_motion(template, tmp_path / "m.gif")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        plot_motion(template, tmp_path / "file" / "m.png")


def test_stretches_without_a_face_are_grey(template, tmp_path) -> None:
    def grey(present: np.ndarray) -> np.ndarray:
        path = plot_motion(replace(template, present=present), tmp_path / "g.png")
        return (np.asarray(Image.open(path).convert("L")) == round(0.85 * 255)).sum(axis=0)

    seen, late = grey(np.ones(20, bool)), grey(np.arange(20) < 10)
    extra = np.flatnonzero(late > seen + 300)
    assert len(extra) > 300 and extra.min() > len(late) / 2 - 20  # the right half, through all the panels


@pytest.mark.parametrize(("name", "start"), [("m.SVG", b"<?xml"), ("m.pdf", b"%PDF")])
def test_the_ending_says_what_is_drawn(template, tmp_path, name: str, start: bytes) -> None:
    assert plot_motion(template, tmp_path / name).read_bytes().startswith(start)
