from __future__ import annotations

import numpy as np
import pytest

from facediff.evaluation.theval import (
    brow_dynamics,
    head_dynamics,
    lip_dynamics,
    lip_sync,
    openness,
    silent,
    silent_lips,
)
from facediff.motion import coefficients

from .told_faces import FPS, at_rest, face, speaking, without

FRAMES, HOP = 150, 640


@pytest.fixture(scope="module")
def wave() -> np.ndarray:
    """A noise of six seconds that is silent in the third and, too shortly to count, at the end of the fifth."""
    loud = 0.3 + 0.7 * np.abs(np.sin(np.arange(FRAMES) / FPS * 2 * np.pi * 1.3))
    loud[50:75], loud[120:125] = 0, 0
    return (np.random.default_rng(0).normal(size=FRAMES * HOP) * 0.2 * np.repeat(loud, HOP)).astype(np.float32)


def test_who_moves_more_is_more_dynamic_and_who_rests_is_not() -> None:
    swing = np.sin(np.arange(100) / 100 * 6 * np.pi)
    assert lip_dynamics(face(at_rest(100))) == pytest.approx(0, abs=1e-9)
    assert lip_dynamics(speaking(0.2 * swing)) > 3 * lip_dynamics(speaking(0.1 * swing)) > 0.001
    motion = at_rest(100)
    motion[:, coefficients.ANGLES.start] = 6 * swing
    assert head_dynamics(face(motion)) > 10 * head_dynamics(face(at_rest(100)))
    motion = at_rest(100)
    motion[:, coefficients.BROWS.start] = swing
    assert brow_dynamics(face(motion)) > 10 * brow_dynamics(face(at_rest(100)))
    assert lip_dynamics(without(face(motion), slice(3, None))) is None


def test_figures_do_not_depend_on_the_size_of_the_face() -> None:
    swing = 0.1 * np.abs(np.sin(np.arange(60) / 7))
    assert lip_dynamics(speaking(swing, 50)) == pytest.approx(lip_dynamics(speaking(swing, 100)), rel=1e-3)


def test_silence_is_what_lasts(wave) -> None:
    found = silent(wave, FRAMES, FPS)
    assert found[51:74].all() and not found[:49].any() and not found[76:].any()


def test_lips_that_move_in_silence_are_told_from_those_that_rest(wave) -> None:
    swing = np.abs(np.sin(np.arange(FRAMES) / FPS * 2 * np.pi * 1.3))
    moving, resting = speaking(0.1 * swing), speaking(0.1 * np.where(silent(wave, FRAMES, FPS), 0, swing))
    assert silent_lips(moving, wave) > 0.01 > silent_lips(resting, wave)
    assert silent_lips(moving, wave[: 40 * HOP]) is not None  # what is beyond the sound is silent
    assert openness(moving).max() - openness(moving).min() == pytest.approx(0.1, rel=0.3)


def test_lips_that_open_with_the_sound_are_nearer_to_it(wave) -> None:
    level = np.sqrt(np.square(wave.reshape(FRAMES, HOP)).mean(axis=1))
    with_it, against = (lip_sync(speaking(0.4 * opening), wave) for opening in (level, level.max() - level))
    assert with_it < 0.15 and against > with_it + 0.2


def test_the_score_of_a_film_against_itself_is_one_and_shuffled_it_is_less(figure) -> None:
    assert figure("theval_score", "plain") == pytest.approx(1)
    assert figure("theval_score", "shuffled") < 0.8
