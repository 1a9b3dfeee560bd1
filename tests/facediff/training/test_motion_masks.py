import numpy as np

from facediff.motion import coefficients
from facediff.training.motion_masks import MOUTH, draw_mask


def masks(count: int, frames: int, **options: float) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [draw_mask(rng, frames, **options) for _ in range(count)]


def test_something_is_left_to_do_and_sometimes_nothing_is_given() -> None:
    for frames in (8, 64, 192):
        drawn = masks(300, frames, lips_share=0.0)
        assert all(set(np.unique(m)) <= {0.0, 1.0} and not m.all() for m in drawn)
        assert 0.2 < np.mean([not m.any() for m in drawn]) < 0.6


def test_the_mouth_is_given_throughout_as_often_as_asked_for() -> None:
    given = [all(m[part].all() for part in MOUTH) for m in masks(400, 32, lips_share=0.5)]
    assert 0.4 < np.mean(given) < 0.6


def test_pasts_ends_spread_frames_and_keyframes_all_come_up() -> None:
    drawn = masks(400, 64, lips_share=0.0)
    frames = [m.all(axis=0) for m in drawn]
    assert any(f[0] and f.sum() == 1 for f in frames), "the first frame, as a picture gives it"
    assert any(f[:10].all() and not f[32:].any() for f in frames), "a past"
    assert any(f[0] and f[-1] and not f[30:50].any() for f in frames), "both ends"
    assert any((np.diff(np.flatnonzero(f)) == 4).sum() > 3 for f in frames), "evenly spaced"
    angles = [m[coefficients.ANGLES].any() and not m[coefficients.LIPS].any() for m in drawn]
    assert any(angles), "some channels alone"
