"""Pictures that are filled in from what is known of them."""

from __future__ import annotations

import numpy as np

from facediff.landmarks.push_pull import push_pull


def test_what_is_known_stays_and_the_rest_is_smooth() -> None:
    y, x = np.mgrid[0:64, 0:80].astype(np.float32)
    plane = np.stack([x, y], axis=-1)
    known = np.ones((64, 80), np.float32)
    np.testing.assert_allclose(push_pull(plane, known)[8:-8, 8:-8], plane[8:-8, 8:-8], atol=0.05)
    known[20:40, 30:50] = 0
    hole = np.where(known[..., None] > 0, plane, 1000).astype(np.float32)
    assert np.abs(push_pull(hole, known) - plane)[20:40, 30:50].max() < 10  # nothing of what is not known
    one = push_pull(np.full((64, 80), 7, np.float32), known)
    np.testing.assert_allclose(one, 7, atol=1e-3)


def test_what_is_made_up_is_as_smooth_as_asked() -> None:
    rng = np.random.default_rng(0)
    picture, known = rng.normal(size=(64, 80)).astype(np.float32), np.ones((64, 80), np.float32)
    rough = [push_pull(picture, known, smooth).std() for smooth in (0.5, 2.0, 8.0)]
    assert rough[0] > rough[1] > rough[2]
