import numpy as np

from facediff.motion import coefficients
from facediff.motion.manner import measure_manner, steady


def sway(degrees: float, seconds: float) -> np.ndarray:
    motion = np.zeros((250, coefficients.DIMENSIONS), np.float32)
    turn = degrees * np.sqrt(2) * np.sin(2 * np.pi * np.arange(250) / 25 / seconds)
    motion[:, coefficients.ANGLES] = turn[:, None]
    return motion


def test_a_manner_is_how_far_and_how_fast() -> None:
    far, fast, usual = (np.exp(measure_manner(m)) for m in (sway(4, 5), sway(2, 2.5), sway(2, 5)))
    np.testing.assert_allclose(usual[0], 2, rtol=0.01)
    np.testing.assert_allclose(far[0] / usual[0], 2, rtol=0.01)
    np.testing.assert_allclose([fast[0] / usual[0], fast[2] / usual[2]], [1, 2], rtol=0.02)


def test_a_head_that_is_screwed_down_has_one_too() -> None:
    assert np.isfinite(measure_manner(np.zeros((50, coefficients.DIMENSIONS), np.float32))).all()


def test_steady_takes_trembling_and_leaves_sway_lips_and_lids() -> None:
    rng = np.random.default_rng(0)
    motion = sway(4, 5)
    trembling = motion + rng.normal(size=motion.shape).astype(np.float32) * 0.3
    calm = steady(trembling)
    angles = coefficients.ANGLES
    assert np.diff(calm - motion, axis=0)[:, angles].std() < 0.3 * np.diff(trembling - motion, axis=0)[:, angles].std()
    for part in (coefficients.LIPS, coefficients.LIDS, coefficients.OPENING):
        np.testing.assert_array_equal(calm[:, part], trembling[:, part])
