import numpy as np
import pytest

from facediff.errors import ConfigError
from facediff.motion import coefficients
from facediff.pipelines.motion_finishing import (
    BlinkStyle,
    MotionFinisher,
    WholeClipFinisher,
    draw_blinks,
    finish_motion,
)

COUNT = 200


@pytest.fixture
def sampled() -> tuple[np.ndarray, np.ndarray]:
    """Motion with tremor about a head that does not face the camera, and speech with a pause."""
    rng = np.random.default_rng(0)
    motion = rng.normal(size=(COUNT, coefficients.DIMENSIONS)).astype(np.float32)
    motion[:, coefficients.ANGLES] += 5
    speaking = np.ones(COUNT, np.float32)
    speaking[60:90] = 0
    return motion, speaking


def finish(sampled, **options) -> np.ndarray:
    return finish_motion(WholeClipFinisher(**options), *sampled)


@pytest.mark.parametrize("sizes", [(COUNT,), (1, 60, 139), (0, 199, 1)])
def test_it_does_not_matter_in_which_parts_motion_comes(sampled, sizes) -> None:
    finisher: MotionFinisher = WholeClipFinisher(seed=2, head=0.7)
    bounds = np.cumsum([0, *sizes])
    parts = [finisher.push(sampled[0][a:b], sampled[1][a:b]) for a, b in zip(bounds[:-1], bounds[1:], strict=True)]
    np.testing.assert_array_equal(np.concatenate([*parts, finisher.finish()]), finish(sampled, seed=2, head=0.7))


def test_nothing_in_is_nothing_out() -> None:
    assert WholeClipFinisher().finish().shape == (0, coefficients.DIMENSIONS)


def test_what_was_sampled_is_left_as_it_is(sampled) -> None:
    before = sampled[0].copy()
    finish(sampled)
    np.testing.assert_array_equal(sampled[0], before)


def test_lips_rest_where_they_may_not_open(sampled) -> None:
    out = finish(sampled, lips=1.5)
    assert not out[60:90, coefficients.LIPS].any()
    np.testing.assert_allclose(out[:60, coefficients.LIPS], 1.5 * sampled[0][:60, coefficients.LIPS], rtol=1e-6)


def test_heads_are_as_strong_as_asked_for_and_else_as_they_came(sampled) -> None:
    for part in (coefficients.ANGLES, coefficients.SHIFT):
        np.testing.assert_allclose(finish(sampled, head=0.5)[:, part], 0.5 * sampled[0][:, part], rtol=1e-6)
    for part in (coefficients.GAZE, coefficients.BROWS):
        np.testing.assert_array_equal(finish(sampled, head=0.5)[:, part], sampled[0][:, part])


def count_blinks(style: BlinkStyle, minutes: int = 10) -> float:
    shut = draw_blinks(25 * 60 * minutes, 0, style) > 0.6
    return float((shut[1:] & ~shut[:-1]).sum()) / minutes


def test_people_blink_as_often_as_people_do() -> None:
    closure = np.concatenate([draw_blinks(25 * 60, seed) for seed in range(20)])
    shut = closure > 0.6
    assert 10 < (shut[1:] & ~shut[:-1]).sum() / 20 < 25
    assert closure.max() == 1


def test_what_each_end_of_a_blink_style_does() -> None:
    assert count_blinks(BlinkStyle(per_minute=2)) < count_blinks(BlinkStyle()) < count_blinks(BlinkStyle(per_minute=40))
    assert count_blinks(BlinkStyle(per_minute=600, least_pause_s=2.0)) == pytest.approx(30, abs=1)
    assert draw_blinks(500, 0, BlinkStyle(shape=(0.5,))).max() == 0.5
    assert not draw_blinks(250, 0, BlinkStyle(first_s=(10.0, 11.0))).any()
    spreads = []
    for regularity in (1.0, 3.0, 100.0):
        style = BlinkStyle(regularity=regularity, least_pause_s=0.4)
        begins = np.flatnonzero(np.diff((draw_blinks(25 * 600, 0, style) > 0.6).astype(int)) == 1)
        spreads.append(np.diff(begins).std())
    assert spreads[0] > spreads[1] > spreads[2]


def test_a_longer_clip_blinks_as_a_shorter_one_does_at_first() -> None:
    np.testing.assert_array_equal(draw_blinks(1000, 5)[:400], draw_blinks(400, 5))


@pytest.mark.parametrize("numbers", [{"per_minute": 0.0}, {"least_pause_s": -1.0}, {"regularity": 0.0}])
def test_blinks_that_nobody_can_draw_are_refused(numbers) -> None:
    with pytest.raises(ConfigError, match="above 0"):
        BlinkStyle(**numbers)
