from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest
import skimage.data

from facediff.errors import InputError, NoFaceFound, SeveralFaces
from facediff.landmarks.detection import eye_distance
from facediff.landmarks.tracker import track_face, track_faces, track_still
from facediff.types import Presence

FPS = 25.0
HEAD_CENTRE = np.array([114.0, 125.0])  # of the mesh, in a head as cut below


class Stage:
    """Heads of the portrait, moved over a smooth background."""

    def __init__(self, portrait, size=(640, 360), seed=0):
        self.size = size
        colours = np.random.default_rng(seed).integers(60, 200, (3, 5, 3), dtype=np.uint8)
        self.background = cv2.resize(colours, size, interpolation=cv2.INTER_CUBIC)
        self.head = portrait[0:240, 110:340]
        soft = np.zeros(self.head.shape[:2], np.float32)
        soft[8:-8, 8:-8] = 1
        self.alpha = cv2.GaussianBlur(soft, (0, 0), 4)[..., None]

    def __call__(self, *heads):
        """A frame with heads at (x, y, zoom) of their centres."""
        frame = self.background.astype(np.float32)
        for x, y, zoom in heads:
            shift = np.array([x, y]) - zoom * HEAD_CENTRE
            matrix = np.array([[zoom, 0, shift[0]], [0, zoom, shift[1]]])
            head = cv2.warpAffine(self.head.astype(np.float32), matrix, self.size)
            alpha = cv2.warpAffine(self.alpha, matrix, self.size)[..., None]
            frame = frame * (1 - alpha) + head * alpha
        return np.rint(frame).astype(np.uint8)


@pytest.fixture(scope="module")
def stage(portrait):
    return Stage(portrait)


def centres(track):
    return track.points[:, :, :2].mean(1)


def test_a_still_is_a_track_of_one_frame(portrait, mesh):
    track = track_still(portrait)
    assert len(track) == 1 and track.fps == 0 and track.size == (512, 512)
    assert track.presence.tolist() == [Presence.FOUND]
    assert np.abs(track.points[0] - mesh)[:, :2].mean() < 1.0


def test_a_still_has_the_landmarks_that_a_video_of_it_has(portrait):
    """Where a face is merely found, its landmarks are off by a hundredth of an eye distance."""
    still, video = track_still(portrait).points[0], track_face([portrait] * 6, 25.0).points[5]
    apart = np.linalg.norm(still[:468, :2] - video[:468, :2], axis=1).mean() / eye_distance(video)
    assert apart < 0.004


def test_a_profile_cannot_be_a_still():
    man = skimage.data.camera()
    with pytest.raises(NoFaceFound, match=r"the face in man.png is turned away by \d\d degrees"):
        track_still(cv2.cvtColor(man, cv2.COLOR_GRAY2RGB), where="man.png")


def test_a_moving_face_is_followed_to_the_pixel(stage):
    path = [(180 + 8 * i, 180 + 20 * np.sin(i / 5), 0.8 + 0.012 * i) for i in range(36)]  # leaves its first window
    track = track_face((stage(place) for place in path), FPS)
    assert track.presence.tolist() == [Presence.FOUND] * 36 and track.size == (640, 360) and track.fps == FPS
    offset = centres(track) - np.array(path)[:, :2]
    assert np.abs(offset - offset.mean(0)).max() < 2.0
    sizes = np.array([eye_distance(points) for points in track.points])
    np.testing.assert_allclose(sizes / sizes[0], np.array(path)[:, 2] / 0.8, rtol=0.05)


def test_a_face_held_still_does_not_jump_when_its_window_moves(stage):
    rest, moved = (200, 180, 1.0), (420, 180, 1.0)
    path = [rest] * 3 + [(200 + 22 * i, 180, 1.0) for i in range(1, 10)] + [moved] * 8
    track = track_face((stage(place) for place in path), FPS)
    still = centres(track)[-6:]
    assert np.ptp(still, axis=0).max() < 0.5
    assert np.abs(centres(track)[0] - still[0] - np.array([-220, 0])).max() < 1.0


def test_frames_are_not_kept(stage):
    def frames() -> Iterator[np.ndarray]:
        buffer = np.empty((360, 640, 3), np.uint8)
        for i in range(4):
            buffer[:] = stage((200 + 10 * i, 180, 1.0))
            yield buffer

    steps = np.diff(centres(track_face(frames(), FPS))[:, 0])
    np.testing.assert_allclose(steps, 10, atol=1.0)


def test_a_larger_face_that_enters_does_not_take_the_track(stage):
    a, b = (150, 190, 0.8), (450, 180, 1.3)
    both, only_b, only_a = stage(a, b), stage(b), stage(a)
    frames = [only_a] * 3 + [both] * 16 + [only_b] * 30 + [both] * 3
    track = track_face(frames, FPS)
    assert np.abs(centres(track)[track.usable] - np.array(a[:2])).max() < 20
    assert track.presence.tolist() == [2] * 19 + [0] * 30 + [2] * 3


def test_short_absences_are_filled_and_long_ones_stay(stage):
    here, gone = stage((300, 180, 1.0)), stage()
    track = track_face([here] * 3 + [gone] * 6 + [here] * 3 + [gone] * 16 + [here] * 3, FPS)
    assert track.presence.tolist() == [2] * 3 + [1] * 6 + [2] * 3 + [0] * 16 + [2] * 3
    assert np.isnan(track.points[track.presence == 0]).all()
    assert np.abs(centres(track)[3:9] - centres(track)[2]).max() < 1.0


def test_after_a_cut_the_face_is_there_at_once(stage, portrait):
    elsewhere = Stage(portrait, seed=5)
    track = track_face([stage((130, 150, 0.8))] * 3 + [elsewhere((520, 200, 1.1))] * 3, FPS)
    assert track.presence.tolist() == [2] * 6
    assert centres(track)[3, 0] > 480


def test_the_face_is_chosen_by_size_or_from_the_left(stage):
    frames = [stage((140, 180, 0.7), (420, 180, 1.1))] * 2
    assert centres(track_face(frames, FPS, face="largest"))[0, 0] > 350
    for left, right in ((0, 1), ("left", "right")):
        assert centres(track_face(frames, FPS, face=left))[0, 0] < 200
        assert centres(track_face(frames, FPS, face=right))[0, 0] > 350
    with pytest.raises(SeveralFaces, match="the video has 2 faces"):
        track_face(frames, FPS, face=None)


@pytest.mark.parametrize(("zoom", "face", "told"), [
    (0.9, "largest", [(2, 1)]), (0.5, "largest", []), (0.9, 0, []), (0.9, 1, []),
])  # fmt: skip
def test_rivals_of_the_face_that_is_taken_are_told_once(stage, zoom, face, told):
    seen = []
    frames = [stage((140, 180, zoom), (420, 180, 1.1))] * 3
    track_face(frames, FPS, face=face, on_rivals=lambda count, index: seen.append((count, index)))
    assert seen == told


def test_an_index_waits_for_the_frame_that_has_it(stage):
    a, b = (140, 180, 0.9), (460, 180, 0.9)
    track = track_face([stage(a)] * 2 + [stage(a, b)] * 2, FPS, face=1)
    assert track.presence.tolist() == [0, 0, 2, 2] and centres(track)[3, 0] > 400
    with pytest.raises(InputError, match="face 1 was asked for, but no frame of the video shows more than 1"):
        track_face([stage(a)] * 2, FPS, face=1)


def test_videos_without_a_usable_face_say_why(stage):
    with pytest.raises(InputError, match="no frames"):
        track_face([], FPS)
    with pytest.raises(NoFaceFound, match="no human face was found in the video"):
        track_face([stage()] * 3, FPS)
    with pytest.raises(NoFaceFound, match=r"largest face in the video has \d\d pixels .*, at least 24"):
        track_face([stage((300, 180, 0.35))] * 2, FPS)


def test_all_faces_are_tracked_each_on_its_own(stage):
    a, b = (150, 180, 0.8), (460, 180, 1.0)
    frames = [stage(b)] * 4 + [stage(a, b)] * 30 + [stage(a)] * 16
    tracks = track_faces(frames, FPS)
    assert [len(track) for track in tracks] == [50, 50]
    first, second = tracks  # in the order in which they appear
    assert first.presence.tolist() == [2] * 34 + [0] * 16
    assert second.usable[17:].all() and not second.usable[:4].any()
    assert np.abs(centres(first)[first.usable] - b[:2]).max() < 20
    assert np.abs(centres(second)[second.usable] - a[:2]).max() < 20
    with pytest.raises(NoFaceFound, match="the video"):
        track_faces([stage()] * 2, FPS)
