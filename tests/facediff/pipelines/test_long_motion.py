"""Long speech in windows: as in one go where it can be, without seams, and taken up again to the bit."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from facediff.errors import ConfigError
from facediff.motion import coefficients
from facediff.motion.keyframes import parse_keyframes
from facediff.pipelines.loading import load_motion
from facediff.pipelines.long_motion import WAYS, HeadWindows, LongMotionSampler
from facediff.system.kept_arrays import keep_in
from tests.facediff.pipelines.test_speech_motion import speech

HEAD = slice(coefficients.ANGLES.start, coefficients.SHIFT.stop)
SECONDS = 40


def windows(way: str) -> HeadWindows:
    """Short ones, so that there are several at both rates."""
    return HeadWindows(way=way, size=128, fresh=96)


@pytest.fixture(scope="module")
def motion_model():
    return load_motion("base", "cpu")


@pytest.fixture(scope="module")
def whole(motion_model) -> np.ndarray:
    return motion_model(speech(SECONDS), seed=2)


@pytest.fixture(scope="module")
def made(motion_model) -> dict[str, np.ndarray]:
    return {way: LongMotionSampler(motion_model, windows(way))(speech(SECONDS), seed=2) for way in WAYS}


@pytest.mark.parametrize("way", WAYS)
def test_lips_are_those_of_one_go_and_heads_begin_as_the_picture_is(made, whole, way) -> None:
    assert made[way].shape == whole.shape and np.isfinite(made[way]).all()
    for part in (coefficients.LIPS, coefficients.OPENING, coefficients.LIDS):
        np.testing.assert_allclose(made[way][:, part], whole[:, part], atol=1e-4)
    np.testing.assert_allclose(made[way][0, HEAD], 0, atol=1e-5)


@pytest.mark.parametrize("way", WAYS)
def test_a_head_bends_no_more_where_windows_meet(made, way) -> None:
    plan = windows(way).plan(len(made[way]))
    starts = {w.made[0] for at_once in plan.rounds for w in at_once} - {0, 1}
    bends = np.abs(np.diff(made[way][:, HEAD], n=2, axis=0))
    at = np.array(sorted({k - 1 - side for k in starts for side in (0, 1)}))
    elsewhere = np.setdiff1d(np.arange(2, len(bends)), at)
    assert np.mean(bends[at].mean(axis=0) / bends[elsewhere].mean(axis=0)) < 1.2


def test_merged_heads_are_those_of_one_go_and_the_others_move_as_much(made, whole) -> None:
    assert np.abs(made["merge"][:, HEAD] - whole[:, HEAD]).max() < 0.05  # degrees, and eye distances
    for way in ("hierarchy", "extend"):
        assert np.abs(made[way][:, HEAD] - whole[:, HEAD]).max() > 0.5, "it is another head"
        for of in (lambda m: m, lambda m: np.diff(m, axis=0)):
            ratio = of(made[way][:, coefficients.ANGLES]).std(axis=0) / of(whole[:, coefficients.ANGLES]).std(axis=0)
            assert 0.5 < np.exp(np.mean(np.log(ratio))) < 1.5


def test_a_speech_shorter_than_a_window_is_made_in_one_go(motion_model) -> None:
    wave = speech(5)
    for way in WAYS:
        made = LongMotionSampler(motion_model, HeadWindows(way=way))(wave, seed=1)
        np.testing.assert_array_equal(made, motion_model(wave, seed=1))


@pytest.mark.parametrize("way", WAYS)
def test_keyframes_are_met_in_any_window(motion_model, way) -> None:
    """That at 10.28 s falls between two frames of five a second."""
    rows = [{"at": 3, "do": "look left"}, {"at": 10.28, "yaw": -12, "pitch": 5}, {"at": 15, "do": "nod"}]
    sampler = LongMotionSampler(motion_model, HeadWindows(way=way))
    made = sampler(speech(20), seed=1, keyframes=parse_keyframes(rows))
    np.testing.assert_allclose(made[257, coefficients.ANGLES], (-12, 5, 0), atol=0.01)
    assert np.abs(np.diff(made[:, coefficients.ANGLES], axis=0)).max() < 6, "no head jumps"


@pytest.mark.parametrize("way", WAYS)
def test_what_was_made_before_a_kill_is_taken_up_again_to_the_bit(motion_model, monkeypatch, tmp_path, way) -> None:
    wave, sampler = speech(24), LongMotionSampler(motion_model, HeadWindows(way=way))
    filler, calls = sampler.filler.denoiser, itertools.count()
    forward = type(filler).forward

    def counted(stop: int | None):
        def call(*args, **more):
            if next(calls) == stop:
                raise KeyboardInterrupt
            return forward(filler, *args, **more)

        monkeypatch.setattr(filler, "forward", call)

    counted(None)
    unbroken = sampler(wave, seed=3)
    needed = next(calls)
    calls = itertools.count()
    counted(needed // 2)
    with keep_in(tmp_path):
        with pytest.raises(KeyboardInterrupt):
            sampler(wave, seed=3)
        calls = itertools.count()
        counted(None)
        np.testing.assert_array_equal(sampler(wave, seed=3), unbroken)
        assert 0 < next(calls) < 0.8 * needed, "windows that were there were made again, or none was left"
        calls = itertools.count()
        np.testing.assert_array_equal(sampler(wave, seed=3), unbroken)
        assert next(calls) == 0
        assert not np.array_equal(sampler(wave, seed=4), unbroken), "of another seed they are others"


def test_there_are_three_ways() -> None:
    with pytest.raises(ConfigError, match="merge, hierarchy, extend, not 'twice'"):
        HeadWindows(way="twice")
