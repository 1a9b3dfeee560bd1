"""Heads that go on and on."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from facediff.motion import coefficients
from facediff.pipelines.loading import load_filler
from facediff.pipelines.motion_filling import MotionFiller
from facediff.pipelines.running_heads import RunningHeads

ANGLES, SHIFT, GAZE = coefficients.ANGLES, coefficients.SHIFT, coefficients.GAZE


@pytest.fixture(scope="module")
def filler() -> MotionFiller:
    return load_filler()


@pytest.fixture(scope="module")
def minute(filler) -> np.ndarray:
    heads = RunningHeads(filler, seed=3)
    return np.stack([heads.take() for _ in range(1000)])


def test_heads_spread_and_step_as_those_of_people_who_speak(minute) -> None:
    """Of 25 training people, in the geometric mean: 3.9, 2.5 and 3.2 degrees, 0.60, 0.44 and 0.35 a frame."""
    angles = minute[:, ANGLES]
    spread, step = angles.std(axis=0), np.sqrt(np.square(np.diff(angles, axis=0)).mean(axis=0))
    for made, people in ((spread, (3.9, 2.5, 3.2)), (step, (0.60, 0.44, 0.35))):
        assert (made > 0.6 * np.array(people)).all() and (made < 1.6 * np.array(people)).all()


def test_nobody_sees_where_windows_meet(minute) -> None:
    bends = np.abs(np.diff(minute[:, ANGLES], n=2, axis=0)).mean(axis=1)
    seams = np.zeros(len(bends), bool)
    for first in range(50, len(minute), 50):
        seams[first - 3 : first + 1] = True
    assert bends[seams].mean() < 1.2 * bends[~seams].mean()
    jumps = np.abs(np.diff(minute[:, GAZE], axis=0)).max(axis=1)
    assert jumps[49::50].max() < 1.2 * jumps.max(), "eyes jump no further than they do by themselves"


def test_a_head_does_not_drift(filler, minute) -> None:
    assert np.abs(minute[-400:, ANGLES].mean(axis=0)).max() < 2.5
    assert 0.5 < minute[-400:, ANGLES].std() / minute[:400, ANGLES].std() < 2
    assert not minute[:, coefficients.LIPS].any() and not minute[:, coefficients.LIDS].any()


def test_each_speech_begins_at_rest_and_goes_another_way(filler) -> None:
    heads = RunningHeads(filler)
    one = np.stack([heads.take() for _ in range(60)])
    heads.rest()
    two = np.stack([heads.take() for _ in range(60)])
    for made in (one, two):
        assert np.abs(made[0, ANGLES]).max() < 0.6 and np.abs(made[0, SHIFT]).max() < 0.02
    assert np.abs(one - two).max() > 0.5


def test_a_window_is_made_while_the_one_before_is_given_out(filler) -> None:
    made = [threading.Event(), threading.Event()]

    class Watched:
        def fill(self, *args, **kwargs):
            out = filler.fill(*args, **kwargs)
            next(event for event in made if not event.is_set()).set()
            return out

    heads = RunningHeads(Watched())
    heads.take()
    assert made[1].wait(20), "nobody has to wait for it after fifty frames"
