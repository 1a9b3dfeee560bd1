"""Emotions by name: faces do what they are said to, and names that are none are refused."""

from __future__ import annotations

import numpy as np
import pytest

from facediff.errors import ConfigError
from facediff.landmarks.canonical import fit_pose, mean_face
from facediff.landmarks.folds import FOLDS
from facediff.motion import coefficients
from facediff.motion.emotions import EMOTIONS, ShapeTrack, check_emotion, emotions, find_emotion
from facediff.motion.rig import FaceRig

CORNERS, INNER_BROWS, UPPER_LIDS, LOWER_LIDS = [61, 291], [55, 285], [159, 386], [145, 374]


def moved(name: str) -> np.ndarray:
    """By how much the mean face moves (478, 3); y goes down."""
    rest = mean_face()
    rig, emotion = FaceRig.from_shape(rest, fit_pose(rest[None])), find_emotion(name)
    return rig.express(emotion.row[None])[0] + emotion.shape - rest


@pytest.mark.parametrize("name", EMOTIONS)
def test_an_emotion_is_alike_on_both_sides_and_does_not_part_the_lips(name) -> None:
    change = moved(name)
    left, right = change[CORNERS]
    np.testing.assert_allclose(left * [-1, 1, 1], right, atol=2e-3)
    lips = coefficients.lip_opening(np.stack([mean_face() + change, mean_face()]))
    assert abs(lips[0] - lips[1]) < 0.025  # eye distances; speech parts them by 0.1


def test_faces_do_what_the_names_say() -> None:
    happy, sad, angry, surprised = (moved(name) for name in ("happy", "sad", "angry", "surprised"))
    assert happy[CORNERS[1], 0] > 0.03 and happy[CORNERS, 1].mean() < sad[CORNERS, 1].mean() - 0.02
    assert angry[INNER_BROWS, 1].mean() > 0.015 > -0.015 > surprised[INNER_BROWS, 1].mean()
    gaps = [(change[LOWER_LIDS, 1] - change[UPPER_LIDS, 1]).mean() for change in (surprised, angry)]
    assert gaps[0] > 0.01 and gaps[1] < -0.01  # wide eyes, narrow eyes
    assert not moved("neutral").any()


def test_a_track_of_shapes_is_the_weighed_sum() -> None:
    shapes = np.random.default_rng(0).normal(size=(2, 478, 3)).astype(np.float32)
    track = ShapeTrack(np.array([[1, 0], [0.5, 2]], np.float32), shapes)
    (only,) = track.frames(slice(1, 2))
    np.testing.assert_allclose(only, 0.5 * shapes[0] + 2 * shapes[1], rtol=1e-5)


def test_folds_come_with_emotions_and_have_an_end() -> None:
    shapes = np.zeros((2, 478, 3), np.float32)
    folds = np.array([np.eye(len(FOLDS))[0], -np.eye(len(FOLDS))[1]], np.float32)
    track = ShapeTrack(np.array([[0.5, 0.2], [2.0, 0.0]], np.float32), shapes, folds)
    one, other = track.additions(slice(0, 2))
    np.testing.assert_allclose(one.folds[:2], [0.5, 0.0])
    np.testing.assert_allclose(other.folds[:2], [1.5, 0.0])
    (none,) = ShapeTrack(np.ones((1, 2), np.float32), shapes + 1).additions(slice(0, 1))
    assert not none.folds.any() and (none.shape == 2).all()


@pytest.mark.parametrize(
    ("name", "strength", "said"),
    [
        ("glad", 1.0, "there is no emotion 'glad'; there are neutral, happy"),
        ("happy", -0.5, "happy is a strength from 0 to 2, not -0.5"),
        ("smile", -2.5, "smile is a strength from -2 to 2"),
    ],
)
def test_what_is_no_emotion_is_refused(name, strength, said) -> None:
    with pytest.raises(ConfigError, match=said):
        check_emotion(name, strength)
    check_emotion("smile", -0.5)
    assert find_emotion("Mouth_Open").row is find_emotion("mouth-open").row and emotions()
