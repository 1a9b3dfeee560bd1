import numpy as np
import pytest

from facediff.motion.joining import join_known


def wave(count: int = 100) -> np.ndarray:
    at = np.arange(count)[:, None]
    return np.sin(at / np.array([7.0, 11.0])).astype(np.float32)


def test_what_is_known_is_met_and_what_is_far_from_it_stays() -> None:
    made, known = wave(), wave() + 1.5
    mask = np.zeros(made.shape, bool)
    mask[:30] = mask[40, 0] = True
    got = join_known(made, known, mask)
    np.testing.assert_array_equal(got[mask], known[mask])
    np.testing.assert_allclose(got[95:], made[95:], atol=0.15)
    np.testing.assert_allclose(got[80:, 1], made[80:, 1], atol=0.15)


def test_there_is_no_corner_at_a_join() -> None:
    made, known = wave(), wave() + 1.5
    mask = np.zeros(made.shape, bool)
    mask[:30] = True
    cut = np.where(mask, known, made)
    corners = [np.abs(np.diff(x, n=2, axis=0))[27:31].max() for x in (cut, join_known(made, known, mask))]
    assert corners[0] > 1 and corners[1] < 0.1


def test_what_fits_already_hardly_moves() -> None:
    made = wave()
    mask = np.zeros(made.shape, bool)
    mask[:30] = mask[60:62] = True
    assert np.abs(join_known(made, made, mask) - made).max() < 0.15


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_frames_are_no_trouble(count) -> None:
    mask = np.zeros((count, 2), bool)
    mask[0] = True
    got = join_known(wave(count), wave(count) + 1, mask)
    assert np.isfinite(got).all() and (got[0] == wave(count)[0] + 1).all()


def test_all_or_nothing_known_is_as_it_is() -> None:
    made = wave()
    np.testing.assert_array_equal(join_known(made, made + 1, np.zeros(made.shape, bool)), made)
    np.testing.assert_array_equal(join_known(made, made + 1, np.ones(made.shape, bool)), made + 1)
