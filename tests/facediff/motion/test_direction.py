"""Each condition moves its own channels, in its own time, and leaves the others bit for bit."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from facediff.errors import ConfigError
from facediff.media import write_image
from facediff.motion import coefficients
from facediff.motion.direction import EASE_S, PARTS, bridge_blinks, close_lips, direct, measure_envelope, part_lips
from facediff.motion.emotions import emotions
from facediff.motion.expressions import expressions
from facediff.motion.template import MotionTemplate
from facediff.options import Condition, Performance
from tests.portraits import plain

FPS = Fraction(25)


@pytest.fixture(scope="module")
def driver(tmp_path_factory) -> tuple[Path, np.ndarray]:
    """A saved motion in which every channel moves in a way of its own."""
    rng = np.random.default_rng(0)
    rows = np.cumsum(rng.normal(size=(40, coefficients.DIMENSIONS)), axis=0).astype(np.float32) * 0.02
    path = tmp_path_factory.mktemp("motion") / "m.safetensors"
    MotionTemplate(rows, np.ones(40, bool), np.eye(3, dtype=np.float32), FPS).save(path)
    return path, rows


def channels_of(part: str) -> np.ndarray:
    chosen = np.zeros(coefficients.DIMENSIONS, bool)
    for channels in PARTS[part]:
        chosen[channels] = True
    return chosen


@pytest.mark.parametrize("part", PARTS)
def test_a_part_is_the_drivers_and_the_rest_stays_bit_for_bit(part, driver) -> None:
    path, rows = driver
    own = np.random.default_rng(1).normal(size=(40, coefficients.DIMENSIONS)).astype(np.float32) * 0.1
    made = direct(Performance(**{part: Condition(str(path), 0.5)}), 40, FPS)
    got, chosen = made(own), channels_of(part)
    np.testing.assert_array_equal(made.touched, chosen)
    np.testing.assert_array_equal(got[:, ~chosen], own[:, ~chosen])
    for column in np.flatnonzero(chosen):
        assert np.corrcoef(got[:, column], rows[:, column])[0, 1] > 0.95
    if part == "brows":  # of which none is held back
        np.testing.assert_allclose(got[:, chosen], 0.5 * rows[:, chosen], atol=1e-6)


def test_a_short_driver_goes_back_and_forth_from_where_its_range_begins(driver) -> None:
    path, rows = driver
    made = direct(Performance(brows=Condition(str(path), 1.0, 1.0)), 160, FPS)
    wanted, first = made.wanted[:, coefficients.BROWS], int(np.argmax(made.share[:, coefficients.BROWS.start] > 0))
    assert first in (25, 26)
    np.testing.assert_array_equal(wanted[first : first + 40], rows[:, coefficients.BROWS])
    np.testing.assert_array_equal(wanted[first + 39 : first + 78], rows[39:0:-1, coefficients.BROWS])


def test_a_condition_comes_and_goes_inside_its_range() -> None:
    held = measure_envelope(Condition("happy", 1.0, 1.0, 3.0), 100, FPS)
    assert not held[:26].any() and not held[75:].any() and held.max() == 1
    assert np.abs(np.diff(held)).max() < 2 / (EASE_S * float(FPS))
    assert (measure_envelope(Condition("happy"), 100, FPS) == 1).all()  # all through is from the first frame on


@pytest.mark.parametrize(("start", "end"), [(5.0, None), (1.0, 9.0), (4.0, 6.0)])
def test_a_range_outside_the_clip_is_refused(start, end) -> None:
    with pytest.raises(ConfigError, match=r"outside the clip, which lasts 4\.00 s"):
        measure_envelope(Condition("happy", 1.0, start, end), 100, FPS)


def test_a_blink_stays_one_whatever_is_added_to_lids() -> None:
    made = direct(Performance(emotion=(Condition("surprised"),)), 3, FPS)
    rows = np.zeros((3, coefficients.DIMENSIONS), np.float32)
    rows[1, coefficients.LIDS] = 1.0
    got = made(rows)[:, coefficients.LIDS]
    assert (got[0] < -0.1).all() and (got[1] == 1).all()


def test_emotions_are_weighed_and_summed() -> None:
    made = direct(Performance(emotion=(Condition("happy", 0.5), Condition("brows-up", 0.4))), 2, FPS)
    wanted = 0.5 * emotions()["happy"].row + 0.4 * expressions()["brows-up"]
    np.testing.assert_allclose(made.added[0], wanted, atol=1e-6)
    (shape, _) = made.shapes.frames(slice(0, 2))
    np.testing.assert_allclose(shape, 0.5 * emotions()["happy"].shape, atol=1e-6)


def test_lips_that_an_emotion_parts_rest_apart_and_speak_as_they_would_have() -> None:
    """Speech between two rests, whose lips meet for a moment every third of a second."""
    at = np.arange(100)
    spoken = (at >= 30) & (at < 70)
    opening = np.where(spoken, 0.1 * np.abs(np.sin(np.pi * (at - 30) / 8)), 0.0)
    parted = part_lips(opening, 0.12, FPS)
    np.testing.assert_allclose(parted[[*range(26), *range(75, 100)]], 0.12, atol=1e-6)
    assert not parted[36:64].any()
    together = opening + parted
    assert np.abs(np.diff(together)).max() < 0.06 and (together[26:32] > 0.05).all()  # straight from rest to the sound
    pausing = np.where((at > 44) & (at < 56), 0.0, opening)
    assert not part_lips(pausing, 0.12, FPS)[36:64].any()  # half a second between words
    assert not part_lips(opening, 0.0, FPS).any()
    np.testing.assert_allclose(part_lips(np.zeros(5), 0.12, FPS), 0.12, atol=1e-6)  # at rest all through


def test_an_emotion_parts_lips_and_an_expression_alone_does_not() -> None:
    rows = np.zeros((5, coefficients.DIMENSIONS), np.float32)
    got = direct(Performance(emotion=(Condition("surprised", 0.5),)), 5, FPS)(rows)
    assert emotions()["surprised"].parting > 0.05
    np.testing.assert_allclose(got[:, coefficients.OPENING.start], 0.5 * emotions()["surprised"].parting, atol=5e-3)
    smiling = direct(Performance(emotion=(Condition("smile"), Condition("sad", 0.0))), 5, FPS)
    assert not smiling.part_lips(rows).any()


def test_an_expression_is_held_without_parting_the_lips(tmp_path) -> None:
    path = tmp_path / "me.png"
    write_image(path, plain())
    made = direct(Performance(expression=Condition(str(path))), 5, FPS)
    assert np.abs(made.added[:, coefficients.OPENING]).max() < 1e-5
    assert np.abs(made.added[:, coefficients.LIPS]).max() > 0.3
    assert not made.added[:, coefficients.ANGLES].any() and not made.added[:, coefficients.GAZE].any()
    np.testing.assert_allclose(close_lips(expressions()["mouth-open"]), 0, atol=1e-6)


def test_a_gaze_goes_straight_on_behind_shut_lids() -> None:
    rows = np.zeros((20, coefficients.DIMENSIONS), np.float32)
    rows[:, coefficients.GAZE.start] = np.arange(20) / 100
    rows[8:11, coefficients.LIDS], rows[8:11, coefficients.GAZE] = 0.9, 0.5
    np.testing.assert_allclose(bridge_blinks(rows)[:, coefficients.GAZE.start], np.arange(20) / 100, atol=1e-6)


@pytest.mark.parametrize("part", ["head", "gaze", "lids", "lips"])
def test_a_picture_has_no_motion_to_give(part, tmp_path) -> None:
    path = tmp_path / "me.png"
    write_image(path, plain())
    with pytest.raises(ConfigError, match=f"is a picture, which shows no motion of the {part}; give a video"):
        direct(Performance(**{part: Condition(str(path))}), 5, FPS)


def test_a_curve_of_emotions_is_their_sum_in_each_frame(tmp_path) -> None:
    (tmp_path / "c.csv").write_text("time,happy,smile\n0,0,0.5\n2,1,0.5\n")
    made = direct(Performance(emotion_curve=Condition(str(tmp_path / "c.csv"), 0.5)), 51, FPS)
    happy, smile = emotions()["happy"], expressions()["smile"]
    for frame, share in ((0, 0.0), (25, 0.5), (50, 1.0)):
        np.testing.assert_allclose(made.added[frame], 0.5 * (share * happy.row + 0.5 * smile), atol=1e-6)
    np.testing.assert_allclose(made.shapes.weights[:, 0], np.linspace(0, 0.5, 51), atol=1e-6)


def test_a_curve_counts_in_its_range_by_the_clips_own_time(tmp_path) -> None:
    (tmp_path / "c.csv").write_text("time,happy\n0,0\n4,1\n")
    made = direct(Performance(emotion_curve=Condition(str(tmp_path / "c.csv"), start=1.0, end=3.0)), 101, FPS)
    weights = made.shapes.weights[:, 0]
    assert weights[20] == 0 and weights[50] == pytest.approx(0.5) and weights[80] == 0


def test_a_curve_that_becomes_too_strong_is_refused(tmp_path) -> None:
    (tmp_path / "c.csv").write_text("time,happy\n0,1.5\n")
    with pytest.raises(ConfigError, match="happy"):
        direct(Performance(emotion_curve=Condition(str(tmp_path / "c.csv"), 2.0)), 50, FPS)
