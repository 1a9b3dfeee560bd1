import numpy as np
import pytest

from facediff.errors import InputError
from facediff.landmarks.alignment import MOUTH, warp_affine
from facediff.landmarks.mesh import LIPS_INNER, LIPS_OUTER
from facediff.training.pairs import LAYOUT, build_pair_cache, make_pair

OPEN = 1  # the row in which the mouth is open and the head leans


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
