"""The portraits that other tests lean on are what they are called, and each of them can be animated."""

from __future__ import annotations

import numpy as np
import pytest

from facediff.landmarks.canonical import canonicalise
from facediff.landmarks.mesh import SUBNASALE
from facediff.landmarks.tracker import track_still
from facediff.motion import coefficients
from facediff.rendering.inpainting.teeth import find_source_teeth
from facediff.types import Frame

from .portraits import PORTRAITS, avatar, opened_mouth, plain


def cheeks(frame: Frame) -> np.ndarray:
    """Mean colour (3,) of the cheeks of the plain portrait, in levels."""
    points = avatar("plain").track.points[0, [50, 280, 205, 425], :2].astype(int)
    return np.mean([frame[y - 2 : y + 3, x - 2 : x + 3].mean(axis=(0, 1)) for x, y in points], axis=0)


@pytest.mark.parametrize("name", PORTRAITS)
def test_they_are_made_alike_each_time_and_differ_from_the_plain_one(name) -> None:
    once = PORTRAITS[name]()
    np.testing.assert_array_equal(PORTRAITS[name](), once)
    assert once.dtype == np.uint8 and (name == "plain" or once.shape != plain().shape or (once != plain()).any())


def test_they_are_what_they_are_called() -> None:
    light = cheeks(plain()).mean()
    assert cheeks(PORTRAITS["darker"]()).mean() < 0.65 * light < 0.65 * cheeks(PORTRAITS["lighter"]()).mean() - 8
    for name in ("darker", "lighter"):
        assert np.abs(PORTRAITS[name]().astype(int) - plain())[:40].mean() < 4  # hair and wall stay
    chin = avatar("plain").track.points[0, 199, :2].astype(int)
    assert PORTRAITS["bearded"]()[chin[1], chin[0]].mean() < plain()[chin[1], chin[0]].mean() - 25
    bridge = avatar("plain").track.points[0, 168, :2].astype(int)
    across = slice(bridge[1] - 6, bridge[1] + 7), bridge[0]
    assert PORTRAITS["spectacled"]()[across].min() < plain()[across].min() - 40
    assert np.ptp(PORTRAITS["grey"](), axis=2).max() == 0
    assert PORTRAITS["dim"]().mean() < 0.6 * plain().mean()
    assert np.linalg.norm(avatar("distant").track.points[0, 33] - avatar("distant").track.points[0, 263]) < 34


def test_the_turned_one_is_turned_and_the_mirrored_one_the_other_way() -> None:
    yaw = {}
    for name in ("plain", "turned", "mirrored"):
        canonical, pose = canonicalise(avatar(name).track.points)
        yaw[name] = np.degrees(np.arctan2(pose.rotation[0, 0, 2], pose.rotation[0, 2, 2]))
    assert abs(yaw["turned"] - yaw["plain"]) > 15
    assert yaw["mirrored"] == pytest.approx(-yaw["plain"], abs=4)


@pytest.mark.parametrize("name", PORTRAITS)
def test_each_opens_its_mouth_when_told_to(name) -> None:
    """By a quarter of an eye distance; the tracker sees less of it, in grey least. A quality gate of any model."""
    shut, wide = (track_still(frame).points for frame in avatar(name).animate(opened_mouth()).frames(0, 2))
    gaps = [
        coefficients.lip_opening(points)[0] / np.linalg.norm(points[0, 33] - points[0, 263]) for points in (shut, wide)
    ]
    assert gaps[1] - gaps[0] > 0.14


@pytest.mark.parametrize("name", PORTRAITS)
def test_the_upper_teeth_that_she_shows_are_known_for_upper_ones(name) -> None:
    """They stay with the skull where the mouth opens, and do not go down with the lower lip."""
    track = avatar(name).track
    teeth = find_source_teeth(PORTRAITS[name](), track.points[0], canonicalise(track.points)[1])
    assert teeth is None or teeth.point == SUBNASALE


@pytest.mark.parametrize(
    "strengths", [{"makeup": 1.5}, {"age": 1.0}, {"beard": 1.0}, {"eyeglasses": 1.0}, {"eyes_closed": 1.0}], ids=str
)
def test_a_grey_picture_stays_grey_whatever_is_changed(strengths) -> None:
    frame = avatar("grey").edit(**strengths).preview()
    assert np.ptp(frame, axis=2).max() == 0 and (frame != PORTRAITS["grey"]()).any()


def test_a_grey_picture_stays_grey_as_it_is_painted() -> None:
    frames = list(avatar("grey").animate(opened_mouth()))
    assert max(int(np.ptp(frame, axis=2).max()) for frame in frames) <= 1
