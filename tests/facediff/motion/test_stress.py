import numpy as np

from facediff.motion import coefficients
from facediff.motion.stress import stress_head

ANGLES, OPENING = coefficients.ANGLES, coefficients.OPENING


def nodding(lips: np.ndarray) -> np.ndarray:
    """A head that sways in four seconds and nods three times a second, and lips (T,)."""
    at = np.arange(len(lips)) / 25
    motion = np.zeros((len(lips), coefficients.DIMENSIONS), np.float32)
    motion[:, ANGLES] = (3 * np.sin(np.pi / 2 * at) + np.sin(6 * np.pi * at))[:, None]
    motion[:, OPENING.start] = lips
    return motion


def test_a_head_nods_further_where_lips_move_and_less_where_they_rest() -> None:
    at = np.arange(300) / 25
    motion = nodding(np.where(at < 6, 0.1 * np.sin(8 * np.pi * at), 0.0))
    made = stress_head(motion, 0.5)
    nods = np.abs(made - np.roll(made, 8, axis=0))[:, ANGLES.start]  # sway hardly counts: a third of a second is a nod
    turned = np.abs(np.diff(made[:, ANGLES.start], n=2))
    was = np.abs(np.diff(motion[:, ANGLES.start], n=2))
    assert turned[25:125].mean() > 1.2 * was[25:125].mean()
    assert turned[175:275].mean() < 0.8 * was[175:275].mean()
    assert nods[25:275].max() < 4, "sway is as it was"
    others = [k for k in range(coefficients.DIMENSIONS) if not ANGLES.start <= k < ANGLES.stop]
    np.testing.assert_array_equal(made[:, others], motion[:, others])


def test_nothing_changes_without_lips_or_without_a_share() -> None:
    still = nodding(np.zeros(100))
    np.testing.assert_array_equal(stress_head(still, 0.5), still)
    speaking = nodding(0.1 * np.sin(np.arange(100)))
    np.testing.assert_array_equal(stress_head(speaking, 0.0), speaking)
    assert np.isfinite(stress_head(speaking[:1], 0.5)).all()
