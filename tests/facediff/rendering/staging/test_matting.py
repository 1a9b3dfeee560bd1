"""A person's matte, and their colours without what was behind."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage.data import astronaut, brick

from facediff.rendering.staging import matting
from facediff.rendering.staging.matting import (
    SteadyMatte,
    estimate_foreground,
    find_matte,
    guided_filter,
    refine_matte,
)

SIDE = 192


@pytest.fixture(scope="module")
def strands() -> tuple[np.ndarray, np.ndarray]:
    """A dark disc with strands around it before a wall, (H, W, 3), and its true matte."""
    fine = np.zeros((4 * SIDE, 4 * SIDE), np.float32)
    middle = np.array([2 * SIDE, 2 * SIDE])
    cv2.circle(fine, tuple(int(x) for x in middle), 200, 1.0, -1)
    for angle in np.linspace(0, 2 * np.pi, 90, endpoint=False):
        ends = [
            middle + reach * np.array([np.cos(angle + bend), np.sin(angle + bend)])
            for reach, bend in ((190, 0), (250, 0.1))
        ]
        cv2.line(fine, *[tuple(int(x) for x in end) for end in ends], 1.0, 3)
    matte = cv2.resize(fine, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    x = np.linspace(0, 40, SIDE)
    wall = np.dstack([np.tile(150 + x, (SIDE, 1)), np.tile(180 - x, (SIDE, 1)), np.full((SIDE, SIDE), 200.0)])
    return np.rint(matte[..., None] * HAIR + (1 - matte[..., None]) * wall).astype(np.uint8), matte


HAIR = np.array([70.0, 45.0, 30.0])


def test_strands_that_a_coarse_mask_does_not_know_are_found_in_the_picture(strands):
    picture, truth = strands
    coarse = cv2.GaussianBlur((cv2.GaussianBlur(truth, (0, 0), 6) > 0.4).astype(np.float32), (0, 0), 3)
    found = refine_matte(picture, coarse)
    assert np.abs(found - truth).mean() < 0.03 < np.abs(coarse - truth).mean()
    around = cv2.dilate((truth > 0).astype(np.uint8), np.ones((25, 25))) == 0
    assert found[around].max() < 0.02 and found[truth == 1].mean() > 0.98


def test_a_filter_follows_the_colours_of_its_guide_also_where_they_are_equally_bright():
    guide = np.zeros((40, 40, 3), np.float32)
    guide[:, :20, 0], guide[:, 20:, 1] = 0.587, 0.299
    rough = cv2.GaussianBlur(np.repeat(np.repeat([[0.0, 1.0]], 20, axis=1), 40, axis=0).astype(np.float32), (0, 0), 4)
    sharp = guided_filter(guide, rough, 6, 1e-5, 640)
    assert sharp[:, :18].max() < 0.2 and sharp[:, 22:].min() > 0.8 > rough[20, 22]


def test_hair_keeps_its_colour_and_nothing_of_the_wall(strands):
    picture, truth = strands
    front = estimate_foreground(picture, truth)
    partly = (truth > 0.2) & (truth < 0.8)
    assert np.abs(front[partly] - HAIR).mean() < 12 and np.abs(picture[partly] - HAIR).mean() > 40
    np.testing.assert_array_equal(front[truth == 1], picture[truth == 1])
    assert np.abs(front[0, 0] - HAIR).max() < 25  # carried on everywhere


def test_a_portrait_is_cut_out():
    picture = astronaut()
    matte = find_matte(picture)
    assert matte[80:150, 195:250].min() > 0.98  # the face
    assert matte[:100, 320:360].max() < 0.02 and matte[10:60, 60:130].max() < 0.02  # the wall, on either side
    edge = matte[40, 130:180]
    assert ((edge > 0.05) & (edge < 0.95)).any()


def test_mattes_of_a_video_do_not_shimmer(monkeypatch):
    rng = np.random.default_rng(0)
    truth = np.zeros((96, 96), np.float32)
    cv2.circle(truth, (48, 48), 25, 1.0, -1)
    wall = np.repeat(brick()[:96, :96, None], 3, axis=2)
    picture = np.where(truth[..., None] > 0, np.array([120, 90, 60]), wall).astype(np.uint8)

    def doubtful(frame, quarters):
        return np.clip(
            cv2.GaussianBlur(truth, (0, 0), 4) + cv2.GaussianBlur(rng.normal(size=truth.shape), (0, 0), 6) * 2, 0, 1
        ).astype(np.float32)

    monkeypatch.setattr(matting, "coarse_mask", doubtful)
    steady = SteadyMatte()
    followed = np.stack([steady(picture) for _ in range(12)])[4:]
    alone = np.stack([SteadyMatte()(picture) for _ in range(8)])
    assert np.abs(np.diff(followed, axis=0)).mean() < 0.5 * np.abs(np.diff(alone, axis=0)).mean()


def test_a_matte_moves_with_who_moves(monkeypatch):
    def shown(left):
        picture = np.repeat(brick()[:96, :128, None], 3, axis=2)
        picture[20:80, left : left + 30] = (120, 90, 60)
        return np.ascontiguousarray(picture)

    def told(frame, quarters):
        return cv2.GaussianBlur(
            (np.abs(frame - np.array([120.0, 90, 60])).max(axis=2) < 2).astype(np.float32), (0, 0), 2
        )

    monkeypatch.setattr(matting, "coarse_mask", told)
    steady = SteadyMatte()
    for left in range(20, 60, 2):
        matte = steady(shown(left))
    assert matte[40:60, left + 4 : left + 26].min() > 0.7
    assert matte[40:60, : left - 10].max() < 0.2  # no tail


def test_nobody_is_nothing():
    wall = np.random.default_rng(0).integers(150, 170, (96, 128, 3), dtype=np.uint8)
    assert find_matte(wall).mean() < 0.1
