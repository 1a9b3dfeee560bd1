from __future__ import annotations

import numpy as np
import pytest
from skimage.data import astronaut

from facediff.landmarks.alignment import FACE
from facediff.landmarks.canonical import canonicalise
from facediff.landmarks.tracker import track_still
from facediff.training.faces import WIDE, FaceCrops, align
from facediff.training.identity_pairs import IdentityPairs, build_identity_pairs, mirror_face

COUNT = 4


@pytest.fixture(scope="module")
def crops() -> FaceCrops:
    """A video of one person and two portraits of another, all the same picture in other shades."""
    track = track_still(astronaut())
    _, pose = canonicalise(track.points)
    alignment = align(pose, WIDE)
    face = alignment.crop(astronaut(), 0)
    zoom = WIDE.unit_px / pose.scale[0]
    points = np.concatenate([alignment.to_crop(track.points[0], 0), track.points[0, :, 2:] * zoom], axis=1)
    shades = np.array([1.0, 0.9, 0.8, 0.6, 0.5])
    return FaceCrops(
        frames=np.rint(face[None] * shades[:, None, None, None]).astype(np.uint8),
        points=np.repeat(points[None], 5, axis=0).astype(np.float32),
        rotation=np.repeat(pose.rotation, 5, axis=0),
        clip=np.array([0, 0, 0, 1, 2]),
        time=np.arange(5, dtype=np.float32),
        source_unit_px=np.full(5, 100.0, np.float32),
        names=np.array(["talk.mp4", "one.png", "two.png"]),
        identities=np.array(["her", "other", "other"]),
        kinds=np.array(["av", "still", "still"]),
    )


def test_both_moments_show_one_person_in_one_light(crops: FaceCrops) -> None:
    pairs, kept = IdentityPairs(crops), set()
    for seed in range(30):
        rng = np.random.default_rng(seed)
        pair = pairs(rng)
        ratio = pair.other[100:150, 80:140].mean() / pair.target[100:150, 80:140].mean()
        kept.add(round(float(ratio), 1))
        assert 0.75 < ratio < 1.35  # within a group shades differ by a fifth; across groups by a third and more
    assert len(kept) > 1


def test_all_that_is_told_fits_the_target(crops: FaceCrops) -> None:
    pair = IdentityPairs(crops).make(0, 1, np.random.default_rng(1))
    lips = pair.maps[0].astype(float)
    row, column = (np.array(np.nonzero(lips > 128)).mean(axis=1) + 0.5) * 4
    centre = pair.points[[61, 291, 0, 17], :2].mean(axis=0)
    np.testing.assert_allclose([column, row], centre, atol=5)
    x, y = (centre // 8).astype(int)
    assert pair.mask[y, x] == 255 and pair.mask[0, 0] == 0
    assert abs(pair.coordinates[0, y, x]) < 0.1  # lips are in the middle of a face


def test_a_mirror_swaps_the_sides() -> None:
    track = track_still(astronaut())
    face = astronaut()
    seen, points = mirror_face(face, track.points[0])
    np.testing.assert_array_equal(seen[:, ::-1], face)
    again = track_still(seen).points[0]
    assert np.linalg.norm(points[:468, :2] - again[:468, :2], axis=1).mean() < 3.0


def test_a_cache_is_what_it_was(crops: FaceCrops, tmp_path) -> None:
    made = build_identity_pairs(crops, tmp_path, count=COUNT, seed=2)
    assert made["target"].shape == (COUNT, *FACE.size[::-1], 3)
    kept = {name: np.array(values) for name, values in made.items()}
    for name, values in build_identity_pairs(crops, tmp_path, count=COUNT, seed=2).items():
        np.testing.assert_array_equal(values, kept[name])
