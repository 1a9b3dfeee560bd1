import numpy as np
import pytest
from skimage.data import astronaut

from facediff.errors import InputError
from facediff.landmarks.alignment import MOUTH, align, warp_affine
from facediff.landmarks.canonical import canonicalise, from_canonical
from facediff.landmarks.mesh import LIPS_INNER, LIPS_OUTER
from facediff.landmarks.tracker import track_still
from facediff.landmarks.warp import MeshWarp
from facediff.motion import coefficients
from facediff.motion.rig import move_head
from facediff.training.faces import WIDE, FaceCrops
from facediff.training.pairs import LAYOUT, build_pair_cache, make_pair

OPEN = 1  # the row in which the mouth is open and the head leans


@pytest.fixture(scope="module")
def crops() -> FaceCrops:
    """One face, then the same with its mouth open and its head moved, in a clip; and a portrait on its own."""
    points = track_still(astronaut()).points
    canonical, pose = canonicalise(points)
    alignment = align(pose, WIDE)
    first = alignment.crop(astronaut(), 0)
    here = np.concatenate([alignment.to_crop(points[0], 0), points[0, :, 2:] * WIDE.unit_px / pose.scale], axis=1)
    motion = np.zeros((1, coefficients.DIMENSIONS), np.float32)
    motion[0, coefficients.ANGLES] = 6, 4, 5
    shape, at_rest = canonicalise(here[None])
    there = from_canonical(shape + 0.15 * coefficients.basis().opening, move_head(at_rest, motion))[0]
    frames = np.stack([first, MeshWarp(first, here)(there), first])
    return FaceCrops(
        frames=frames,
        points=np.stack([here, there, here]).astype(np.float32),
        rotation=np.repeat(pose.rotation, 3, axis=0),
        clip=np.array([0, 0, 1]),
        time=np.array([0, 0.04, 0], np.float32),
        source_unit_px=np.array([144, 144, 144], np.float32),
        names=np.array(["a", "b"]),
        identities=np.array(["x", "x"]),
        kinds=np.array(["silent", "still"]),
    )


def off(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(float) - other.astype(float)).mean())


@pytest.mark.parametrize("seed", range(4))
def test_the_reference_is_carried_onto_the_target(crops, seed) -> None:
    pair = make_pair(crops, 0, OPEN, np.random.default_rng(seed))
    raw = make_pair(crops, OPEN, 0, np.random.default_rng(seed)).target  # the other crop through the same window
    assert off(pair.reference, pair.target) < 0.5 * off(raw, pair.target)
    assert off(pair.reference, pair.target) < 6


@pytest.mark.parametrize("seed", range(8))
def test_the_mask_covers_the_lips_and_the_maps_show_them(crops, seed) -> None:
    pair = make_pair(crops, OPEN, 0, np.random.default_rng(seed))
    assert set(np.unique(pair.mask)) == {0, 255}
    outer, inner = (np.rint(pair.points[line, :2]).astype(int) for line in (LIPS_OUTER, LIPS_INNER))
    assert (pair.mask[outer[:, 1], outer[:, 0]] == 255).all()
    gap = np.rint(pair.points[[13, 14], :2].mean(0) / 2).astype(int)
    assert (pair.lips[:, gap[1], gap[0]] == 255).all()  # between open lips, inside of both lines
    lip = np.rint(pair.points[[14, 17], :2].mean(0) / 2).astype(int)
    assert pair.lips[:, lip[1], lip[0]].tolist() == [255, 0]
    assert np.ptp(inner[:, 1]) > 8


def test_windows_vary_in_place_and_size_and_their_points_with_them(crops) -> None:
    pairs = [make_pair(crops, 0, OPEN, np.random.default_rng(seed)) for seed in range(6)]
    places = np.array([p.points[13, :2] for p in pairs])
    widths = np.array([np.linalg.norm(p.points[61] - p.points[291]) for p in pairs])
    assert (np.ptp(places, axis=0) > 2).all() and np.ptp(widths) > 1
    assert np.abs(places - MOUTH.anchor_px).max() < 30
    one, other = pairs[:2]
    zoom = widths[1] / widths[0]
    np.testing.assert_allclose(other.points[:, 2], zoom * one.points[:, 2], rtol=1e-3, atol=1e-3)
    for pair in pairs:  # the crop, laid onto the window by the points alone, shows the same
        own, there = crops.points[0, :, :2], pair.points[:, :2]
        size = np.linalg.norm(there[61] - there[291]) / np.linalg.norm(own[61] - own[291])
        shift = there[13] - size * own[13]
        laid = warp_affine(crops.frames[0], np.column_stack([size * np.eye(2), shift]), MOUTH.size)
        assert off(laid, pair.target) < 0.5


def test_a_cache_that_was_cut_off_is_continued(crops, tmp_path) -> None:
    whole = build_pair_cache(crops, tmp_path / "whole", count=4, seed=3)
    assert {k: (v.shape, v.dtype) for k, v in whole.items()} == {
        k: ((4, *s), np.dtype(t)) for k, (s, t) in LAYOUT.items()
    }
    cut = build_pair_cache(crops, tmp_path / "cut", count=4, seed=3)
    for array in cut.values():
        array[:] = 7
        array.flush()
    (tmp_path / "cut" / "done.txt").write_text("2")
    cut = build_pair_cache(crops, tmp_path / "cut", count=4, seed=3)
    for name, array in cut.items():
        assert (array[:2] == 7).all(), name  # not made again
        np.testing.assert_array_equal(array[2:], whole[name][2:])
    assert not np.array_equal(build_pair_cache(crops, tmp_path / "other", count=4, seed=4)["points"], whole["points"])


def test_the_cache_of_another_run_is_refused(crops, tmp_path) -> None:
    build_pair_cache(crops, tmp_path, count=2)
    with pytest.raises(InputError, match=r"target.npy holds \(2, .*, not \(3, .* choose another folder"):
        build_pair_cache(crops, tmp_path, count=3)
    assert (tmp_path / "done.txt").read_text() == "2"
