from __future__ import annotations

import numpy as np
import pytest

from facediff.landmarks.canonical import from_canonical, mean_face
from facediff.landmarks.head_pose import head_angles, rotations
from facediff.landmarks.mesh import LIPS_INNER, MESH_POINTS, STABLE
from facediff.landmarks.smoothing import smooth_pose, smooth_track, split_at_cuts
from facediff.types import FaceTrack, RigidPose

FPS = 25.0


def head(places, angles=None, scale=100.0):
    places = np.asarray(places, np.float32)
    angles = np.zeros((len(places), 3)) if angles is None else np.asarray(angles, float)
    return RigidPose(rotations(angles), np.broadcast_to(np.float32(scale), len(places)).astype(np.float32), places)


def track_of(points, absent=()):
    presence = np.full(len(points), 2, np.uint8)
    points = np.asarray(points, np.float32).copy()
    points[list(absent)], presence[list(absent)] = np.nan, 0
    return FaceTrack(points, presence, (640, 480), FPS)


def held(count):
    return from_canonical(mean_face(), head([[300, 200, 0]] * count))


def test_jitter_of_a_face_held_still_is_reduced_and_its_place_kept():
    noise = np.random.default_rng(0).normal(0, 0.8, (60, 478, 3)).astype(np.float32)
    track = track_of(held(60) + noise)
    smooth, _, _ = smooth_track(track)
    shake = [np.abs(np.diff(t.points[:, STABLE], axis=0)).mean() for t in (track, smooth)]
    assert shake[1] < 0.6 * shake[0]
    np.testing.assert_allclose(smooth.points.mean(0), track.points.mean(0), atol=0.15)


def test_a_ramp_is_neither_delayed_nor_changed():
    places = [[200 + 4.0 * i, 200 - 2.0 * i, 0] for i in range(40)]
    angles = [[-20 + i, 0, 0] for i in range(40)]
    pose = head(places, angles)
    smooth = smooth_pose(pose, 0.2, FPS)
    inside = slice(10, 30)
    np.testing.assert_allclose(smooth.translation[inside], pose.translation[inside], atol=0.01)
    np.testing.assert_allclose(head_angles(smooth)[inside], head_angles(pose)[inside], atol=0.02)


def test_a_step_stays_where_it_is():
    pose = head([[300, 200, 0]] * 20 + [[310, 200, 0]] * 20)
    x = smooth_pose(pose, 0.2, FPS).translation[:, 0]
    np.testing.assert_allclose(x + x[::-1], 610, atol=0.01)  # as much before as after
    assert x[19] < 305 < x[20]
    assert (np.diff(x) > -1e-4).all()  # no overshoot


def test_the_pulse_of_a_gaussian_is_a_gaussian():
    seconds, sigma = 0.16, 0.16 * FPS / 2
    pulse = head([[300.0 + 100.0 * (i == 20), 200, 0] for i in range(41)])
    x = smooth_pose(pulse, seconds, FPS).translation[:, 0] - 300
    expected = np.exp(-((np.arange(41) - 20) ** 2) / (2 * sigma**2))
    np.testing.assert_allclose(x, 100 * expected / expected.sum(), atol=0.05)


def test_rotations_stay_rotations_and_sizes_positive():
    rng = np.random.default_rng(1)
    pose = head(rng.normal(300, 1, (30, 3)), rng.normal(0, 15, (30, 3)), rng.uniform(80, 120, 30))
    smooth = smooth_pose(pose, 0.2, FPS)
    product = smooth.rotation @ np.swapaxes(smooth.rotation, 1, 2)
    np.testing.assert_allclose(product, np.broadcast_to(np.eye(3), product.shape), atol=1e-5)
    np.testing.assert_allclose(np.linalg.det(smooth.rotation), 1.0, atol=1e-5)
    assert smooth.scale.std() < 0.5 * pose.scale.std()


def test_lips_are_smoothed_less_than_the_nose():
    noise = np.random.default_rng(2).normal(0, 0.5, (80, 478, 3)).astype(np.float32)
    _, canonical, _ = smooth_track(track_of(held(80) + noise))
    shake = np.abs(np.diff(canonical, axis=0)).mean((0, 2))
    assert shake[[1, 4, 5, 195]].mean() < 0.7 * shake[LIPS_INNER].mean()


def test_a_quick_closure_of_the_lips_survives():
    """As on m, b and p: open, shut for two frames, open."""
    opening = np.array([0.12] * 10 + [0.06, 0.0, 0.0, 0.06] + [0.12] * 10, np.float32)
    face = np.tile(mean_face(), (len(opening), 1, 1))
    lower = [17, 14, 87, 317]
    face[:, lower, 1] += opening[:, None]
    _, canonical, _ = smooth_track(track_of(from_canonical(face, head([[300, 200, 0]] * len(opening)))))
    gap = canonical[:, 14, 1] - mean_face()[14, 1]
    assert gap.min() < 0.012 and int(np.argmin(gap)) in (11, 12)
    np.testing.assert_allclose(gap, gap[::-1], atol=1e-4)


def test_nothing_smears_over_a_cut():
    before, after = held(10), held(10) + np.array([200, 0, 0], np.float32)
    smooth, _, _ = smooth_track(track_of(np.concatenate([before, after])), pose_s=0.5, shape_s=0.5)
    np.testing.assert_allclose(smooth.points, np.concatenate([before, after]), atol=0.02)


def test_nothing_smears_over_a_gap():
    points = np.concatenate([held(10), held(5), held(10) + np.array([20, 0, 0], np.float32)])
    track = track_of(points, absent=range(10, 15))
    smooth, canonical, pose = smooth_track(track, pose_s=0.5)
    assert (
        np.isnan(smooth.points[10:15]).all() and np.isnan(canonical[10:15]).all() and np.isnan(pose.scale[10:15]).all()
    )
    np.testing.assert_allclose(smooth.points[:10], points[:10], atol=0.02)
    np.testing.assert_allclose(smooth.points[15:], points[15:], atol=0.02)


def test_stretches_end_at_gaps_at_cuts_and_where_the_face_changes_size():
    zoomed = from_canonical(mean_face(), head([[300, 200, 0]] * 4, scale=150.0))
    points = np.concatenate([held(4), held(3), held(4) + np.array([120, 0, 0], np.float32), zoomed])
    points[11:, :MESH_POINTS] += points[10, :MESH_POINTS].mean(0) - zoomed[0, :MESH_POINTS].mean(0)
    assert split_at_cuts(track_of(points, absent=[5])) == [slice(0, 5), slice(6, 7), slice(7, 11), slice(11, 15)]


def test_a_cut_to_somebody_at_the_same_place_is_one_and_a_quick_turn_is_none():
    broad = held(5)
    middle = broad[:, :MESH_POINTS].mean(1, keepdims=True)
    broad = (middle + (broad - middle) * np.float32([1.25, 1, 1])).astype(np.float32)
    assert split_at_cuts(track_of(np.concatenate([held(5), broad]))) == [slice(0, 5), slice(5, 10)]
    slight = (middle + (held(5) - middle) * np.float32([1.08, 1, 1])).astype(np.float32)
    assert split_at_cuts(track_of(np.concatenate([held(5), slight]))) == [slice(0, 10)]


def test_a_still_passes_through():
    track = FaceTrack(held(1), np.array([2], np.uint8), (640, 480), 0.0)
    np.testing.assert_allclose(smooth_track(track)[0].points, track.points, atol=1e-3)


def test_a_track_without_a_face_is_refused():
    with pytest.raises(ValueError, match="no face"):
        smooth_track(track_of(held(3), absent=[0, 1, 2]))
