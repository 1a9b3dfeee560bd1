"""A portrait warped, for another process to paint."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from facediff.live.engine import Portrait
from facediff.live.shots import MOST_AT_ONCE, ShotMaker
from facediff.motion import coefficients
from facediff.tasks.model_choice import ModelChoice


@pytest.fixture(scope="module")
def warper(small_avatar, tiny_model):
    return Portrait.of(small_avatar._source, None).warper(ModelChoice(str(tiny_model), "cpu"))


def test_shots_are_the_frames_of_the_warper_and_can_be_sent(warper):
    rows = np.zeros((MOST_AT_ONCE, coefficients.DIMENSIONS), np.float32)
    rows[:, coefficients.SHIFT.start] = np.linspace(0, 0.15, MOST_AT_ONCE)
    shots = ShotMaker(warper)
    made = shots.make(shots.rest(rows))
    for shot, frame in zip(made, warper.speak(rows)(slice(0, MOST_AT_ONCE)), strict=True):
        np.testing.assert_array_equal(shot.frame.picture, frame.picture)
        np.testing.assert_array_equal(shot.frame.face.points, frame.face.points)
        assert shot.frame.face.inpaint is None and frame.face.inpaint is not None
    sent = pickle.loads(pickle.dumps(made, protocol=5))
    np.testing.assert_array_equal(sent[3].frame.picture, made[3].frame.picture)
    assert sent[3].opening == 0 and sent[3].window.shape == (32, 80)


def test_a_portrait_at_rest_is_one_frame_that_does_not_move(warper):
    shots = ShotMaker(warper, columns=20)
    (still,) = shots.make(shots.rest())
    assert np.abs(still.frame.picture.astype(int) - warper.source.frame(0)).mean() < 3
    assert still.window.shape == (20, 80) and np.unique(still.window).size == 1
