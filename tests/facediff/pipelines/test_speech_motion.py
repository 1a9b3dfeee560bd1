import numpy as np
import pytest

from facediff.diffusion.score_guider import ScoreCompositionGuidance
from facediff.motion import coefficients
from facediff.pipelines.loading import load_talk
from facediff.pipelines.speech_motion import blinks


@pytest.fixture(scope="module")
def motion_model():
    return load_talk(device="cpu")[0]


def speech(seconds: float, seed: int = 0) -> np.ndarray:
    """Something with the rhythm of speech: noise in syllables."""
    rng = np.random.default_rng(seed)
    count = int(seconds * 16000)
    syllables = np.clip(np.sin(np.arange(count) / 16000 * 2 * np.pi * 4), 0, 1)
    return (0.2 * syllables * rng.normal(size=count)).astype(np.float32)


def test_length_and_seed(motion_model) -> None:
    wave = speech(2.01)
    one = motion_model(wave, seed=3)
    assert one.shape == (51, coefficients.DIMENSIONS)
    np.testing.assert_array_equal(one, motion_model(wave, seed=3))
    assert not np.array_equal(one, motion_model(wave, seed=4))


def test_a_mouth_rests_in_silence(motion_model) -> None:
    motion = motion_model(np.zeros(3 * 16000, np.float32))
    assert np.abs(motion[:, coefficients.LIPS]).max() < 1e-3
    pause = np.concatenate([speech(2), np.zeros(2 * 16000, np.float32), speech(2)])
    motion = motion_model(pause)
    assert np.abs(motion[60:90, coefficients.LIPS]).max() < 0.05 * np.abs(motion[:50, coefficients.LIPS]).max()


def test_strengths(motion_model) -> None:
    wave = speech(3)
    plain, mute = motion_model(wave), motion_model(wave, lips=0.0)
    assert np.abs(mute[:, coefficients.LIPS]).max() == 0
    np.testing.assert_array_equal(plain[:, coefficients.ANGLES], mute[:, coefficients.ANGLES])
    double = motion_model(wave, lips=2.0)
    np.testing.assert_allclose(double[:, coefficients.LIPS], 2 * plain[:, coefficients.LIPS], rtol=1e-5)
    still = motion_model(wave, still=True)
    assert np.abs(still[:, coefficients.ANGLES]).max() == 0
    np.testing.assert_array_equal(still[:, coefficients.LIDS], plain[:, coefficients.LIDS])


def test_a_manner_is_spoken_with_and_rests_in_silence(motion_model) -> None:
    speaking_style = np.zeros(coefficients.DIMENSIONS, np.float32)
    speaking_style[coefficients.LIPS] = 0.5
    wave = np.concatenate([speech(2), np.zeros(2 * 16000, np.float32)])
    plain, own = motion_model(wave), motion_model(wave, speaking_style=speaking_style)
    change = own - plain
    assert change[:45, coefficients.LIPS].mean() > 0.3  # less where an m, b or p may be heard
    assert np.abs(change[-20:]).max() < 1e-3
    assert not np.delete(change, np.r_[coefficients.LIPS, coefficients.OPENING], axis=1).any()


def test_people_blink_as_often_as_people_do() -> None:
    closure = np.concatenate([blinks(25 * 60, seed) for seed in range(20)])
    shut = closure > 0.6
    rate = (shut[1:] & ~shut[:-1]).sum() / 20
    assert 10 < rate < 25
    assert closure.max() == 1


def test_another_denoiser_is_composed_with_its_own_by_a_guider(motion_model) -> None:
    wave, plain = speech(2), motion_model(speech(2))
    guider = ScoreCompositionGuidance(1.0, 0.0)
    np.testing.assert_array_equal(motion_model(wave, guider=guider), plain)
    guider, asked = ScoreCompositionGuidance(1.0, 0.5), []

    def prior(x, t, heard):
        asked.append(int(t))
        return heard[:, : x.shape[1]]

    guider.prior = prior
    moved = motion_model(wave, guider=guider, num_inference_steps=4)
    assert len(asked) == 2 * 4  # with sound and without
    assert moved.shape == plain.shape and np.isfinite(moved).all()
    assert (
        np.abs(moved[:, coefficients.BROWS] - motion_model(wave, num_inference_steps=4)[:, coefficients.BROWS]).max()
        > 1e-3
    )
