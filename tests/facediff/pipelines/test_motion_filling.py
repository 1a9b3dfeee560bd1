from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from facediff.errors import ConfigError
from facediff.motion import coefficients
from facediff.motion.keyframes import key_motion, parse_keyframes
from facediff.pipelines.loading import load_filler
from facediff.pipelines.motion_filling import SPOKEN, FillStyle, MotionFiller

ANGLES, SHIFT = coefficients.ANGLES, coefficients.SHIFT


@pytest.fixture(scope="module")
def filler() -> MotionFiller:
    return load_filler()


def silent(frames: int) -> np.ndarray:
    return np.zeros((frames, coefficients.DIMENSIONS), np.float32)


def test_heads_move_as_peoples_do_begin_where_the_picture_is_and_differ_by_seed(filler) -> None:
    """Over people who speak yaw and pitch spread by 2.8 degrees and step by 0.5 a frame, steady."""
    made = [filler.fill_beside(silent(500), None, seed=seed) for seed in range(3)]
    angles = np.stack([m[:, ANGLES] for m in made])
    assert not angles[:, 0].any() and not made[0][0, SHIFT].any()
    spread, step = angles.std(axis=1).mean(axis=0), np.diff(angles, axis=1).std(axis=1).mean(axis=0)
    assert (spread[:2] > 1.0).all() and (spread < 5).all()
    assert (step > 0.15).all() and (step < 0.9).all()
    assert max(abs(np.corrcoef(angles[a, :, 0], angles[b, :, 0])[0, 1]) for a, b in ((0, 1), (0, 2), (1, 2))) < 0.6
    np.testing.assert_array_equal(made[0], filler.fill_beside(silent(500), None, seed=0))


def test_a_head_does_not_tremble(filler) -> None:
    """Above 6 Hz there is less than a hundredth of the power."""
    angles = filler.fill_beside(silent(500), None, seed=4)[:, ANGLES]
    power = np.abs(np.fft.rfft(angles - angles.mean(axis=0), axis=0)) ** 2
    assert power[np.fft.rfftfreq(500, 1 / 25) > 6].sum() < 0.01 * power.sum()


def test_lips_stay_as_they_are_given(filler) -> None:
    motion = np.random.default_rng(0).normal(size=(60, coefficients.DIMENSIONS)).astype(np.float32)
    made = filler.fill_beside(motion, None)
    for part in (coefficients.LIPS, coefficients.OPENING):
        np.testing.assert_array_equal(made[:, part], motion[:, part])


def test_keyframes_are_met_and_gone_to_smoothly(filler) -> None:
    rows = [{"at": 2, "yaw": 12, "pitch": -4}, {"at": 4, "do": "look right"}, {"at": 6, "do": "nod"}]
    keyed = key_motion(parse_keyframes(rows), 200)
    made = filler.fill_beside(silent(200), None, seed=1, keyed=keyed)
    asked = keyed.mask > 0
    np.testing.assert_allclose(made[asked], keyed.given[asked], atol=1e-5)  # 2 degrees would do
    assert np.abs(np.diff(made[:, ANGLES], axis=0)).max() < 4, "no head jumps"


def test_what_follows_a_known_beginning_joins_it(filler) -> None:
    known = filler.fill_beside(silent(300), None, seed=2)
    mask = np.zeros_like(known)
    mask[:150] = 1
    ratios = []
    for seed in range(6):
        made = filler.fill(known, mask, seed=seed + 10)
        np.testing.assert_array_equal(made[:150], known[:150])
        bend = np.abs(np.diff(made[:, ANGLES], n=2, axis=0)).mean(axis=1)
        ratios.append(bend[147:151].mean() / np.delete(bend, np.r_[147:151]).mean())
    assert np.mean(ratios) < 1.2


@pytest.mark.parametrize("style", [FillStyle(steps=4), replace(SPOKEN, steps=4)], ids=["usual", "spoken"])
def test_ten_minutes_do_not_drift(filler, style) -> None:
    motion = silent(15_000)
    motion[:, coefficients.OPENING] = np.clip(np.sin(np.arange(15_000) / 2), 0, 0.1)[:, None]
    angles = filler.fill_beside(motion, None, style=style)[:, ANGLES]
    minutes = angles.reshape(10, 1500, 3)
    assert np.abs(minutes.mean(axis=1)).max() < 2.0
    assert minutes.std(axis=1).max() < 2 * minutes.std(axis=1).min()


def test_a_rate_or_a_prior_that_it_was_not_trained_with_is_refused(filler) -> None:
    with pytest.raises(ConfigError, match="trained at 5 to 25 frames a second, not at 50"):
        filler.fill(silent(10), silent(10), rate=50)
    with pytest.raises(ConfigError, match="trained with independent noise, not mixed"):
        filler.fill(silent(10), silent(10), noise_prior="mixed")
