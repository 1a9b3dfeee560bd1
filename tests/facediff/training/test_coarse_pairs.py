from __future__ import annotations

import numpy as np
import pytest
from skimage.data import astronaut

from facediff.landmarks.alignment import FACE, align
from facediff.landmarks.canonical import canonicalise, from_canonical
from facediff.landmarks.mesh import LIPS_OUTER
from facediff.landmarks.tracker import track_still
from facediff.landmarks.warp import MeshWarp
from facediff.motion import coefficients
from facediff.motion.rig import move_head
from facediff.training.coarse_pairs import LAYOUT, CoarsePair, CoarsePairs, build_coarse_pairs
from facediff.training.faces import WIDE, FaceCrops

AT_REST, OPEN = 0, 2


@pytest.fixture(scope="module")
def crops() -> FaceCrops:
    """A face whose mouth opens and whose head turns, in three moments of a clip."""
    points = track_still(astronaut()).points
    _, pose = canonicalise(points)
    alignment = align(pose, WIDE)
    first = alignment.crop(astronaut(), 0)
    here = np.concatenate([alignment.to_crop(points[0], 0), points[0, :, 2:] * WIDE.unit_px / pose.scale], axis=1)
    shape, at_rest = canonicalise(here[None])
    moments, frames = [], []
    for amount in (0.0, 0.5, 1.0):
        motion = np.zeros((1, coefficients.DIMENSIONS), np.float32)
        motion[0, coefficients.ANGLES] = 8 * amount, 0, 0
        face = shape + 0.18 * amount * coefficients.basis().opening
        face[:, [1, 4, 5], 0] += 0.06 * amount  # a nose does not do that, says the basis
        there = from_canonical(face, move_head(at_rest, motion))[0]
        moments.append(there)
        frames.append(MeshWarp(first, here)(there))
    return FaceCrops(
        frames=np.stack(frames),
        points=np.stack(moments).astype(np.float32),
        rotation=np.repeat(pose.rotation, 3, axis=0),
        clip=np.zeros(3, int),
        time=np.array([0, 0.04, 0.08], np.float32),
        source_unit_px=np.full(3, 144, np.float32),
        names=np.array(["a"]),
        identities=np.array(["x"]),
        kinds=np.array(["silent"]),
    )


def made(crops, row: int, other: int, seed: int = 0, *, is_transferred: bool = False) -> CoarsePair:
    return CoarsePairs(crops).make(row, other, np.random.default_rng(seed), is_transferred=is_transferred)


def off(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(float) - other.astype(float)).mean())


@pytest.mark.parametrize("seed", range(3))
def test_the_coarse_frame_is_carried_onto_the_target(crops, seed) -> None:
    pair, unmoved = made(crops, OPEN, AT_REST, seed), made(crops, AT_REST, OPEN, seed).target
    assert off(pair.coarse, pair.target) < 0.6 * off(unmoved, pair.target)


def test_attributes_are_the_sources_motion_less_the_targets(crops) -> None:
    there, back = made(crops, OPEN, AT_REST).attributes, made(crops, AT_REST, OPEN).attributes
    np.testing.assert_allclose(there, -back)
    assert there[coefficients.OPENING] < -0.1 and abs(there[coefficients.ANGLES.start]) > 4


def test_landmarks_through_the_coefficients_are_near_the_real_ones_and_not_the_same(crops) -> None:
    real, transferred = (made(crops, OPEN, AT_REST, is_transferred=t) for t in (False, True))
    np.testing.assert_array_equal(real.target, transferred.target)
    apart = np.linalg.norm((real.points - transferred.points)[:, :2], axis=1) / FACE.unit_px
    assert apart[4] > 0.03 and apart.mean() < 0.01
    assert off(real.coarse, transferred.coarse) > 0.1


def test_colours_vary_for_both_pictures_alike(crops) -> None:
    pairs = [made(crops, OPEN, OPEN, seed) for seed in range(4)]
    for pair in pairs:
        assert off(pair.coarse, pair.target) < 2  # the same moment: nothing to warp
    assert np.std([pair.target.mean() for pair in pairs]) > 2


def test_mask_and_maps_are_where_the_face_is(crops) -> None:
    pair = made(crops, OPEN, AT_REST)
    lips = pair.points[LIPS_OUTER, :2].mean(axis=0)
    x, y = (lips / 8).astype(int)
    assert pair.mask[y, x] == 255 and pair.mask[0, 0] == 0
    x, y = (lips / 4).astype(int)
    assert (pair.maps[:2, y, x] == 255).all() and not pair.maps[2:, y, x].any()


def test_the_cache_holds_what_is_promised(crops, tmp_path) -> None:
    kept = build_coarse_pairs(crops, tmp_path, count=3, seed=1)
    assert {k: (v.shape, v.dtype) for k, v in kept.items()} == {
        k: ((3, *s), np.dtype(t)) for k, (s, t) in LAYOUT.items()
    }
    assert kept["target"].std() > 10 and kept["coarse"].std() > 10
