"""The watermark cannot be seen, outlives compression, rescaling and cropping, and is not found where it is not."""

from __future__ import annotations

import time
from fractions import Fraction

import cv2
import numpy as np
import pytest
from skimage.data import astronaut, chelsea, coffee

from facediff.errors import InputError
from facediff.media import VideoReader, VideoWriter
from facediff.provenance.watermark import THRESHOLD, detect, embed

PICTURE = astronaut()
GREY = np.full((512, 512, 3), 128, np.uint8)
NOISE = np.random.default_rng(0).integers(0, 256, (512, 512, 3), np.uint8)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return 10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2))


def nodding(picture: np.ndarray, frames: int = 16) -> list[np.ndarray]:
    """The middle of a picture moves up and down, as a head does before a wall."""
    moving = [picture.copy() for _ in range(frames)]
    middle = slice(picture.shape[1] // 4, picture.shape[1] * 3 // 4)
    for k, frame in enumerate(moving):
        frame[:, middle] = np.roll(picture[:, middle], round(6 * np.sin(k / 3)), axis=0)
    return moving


def coded(folder, frames: list[np.ndarray], crf: int, preset: str = "veryfast") -> list[np.ndarray]:
    path = folder / "v.mp4"
    with VideoWriter(path, (frames[0].shape[1], frames[0].shape[0]), Fraction(25), crf=crf, preset=preset) as writer:
        for frame in frames:
            writer.write(frame)
    return list(VideoReader(path))


def scaled(frames: list[np.ndarray], by: float) -> list[np.ndarray]:
    return [cv2.resize(frame, None, fx=by, fy=by, interpolation=cv2.INTER_AREA) for frame in frames]


@pytest.mark.parametrize("side", [512, 256, 63])
@pytest.mark.parametrize("picture", [PICTURE, GREY, NOISE], ids=["astronaut", "grey", "noise"])
def test_it_is_far_below_the_picture(picture, side):
    frame = np.ascontiguousarray(picture[:side, 100 : 100 + side])
    marked = embed(frame)
    assert marked.shape == frame.shape and marked.dtype == np.uint8
    assert psnr(marked, frame) >= 34


def test_a_smooth_wall_hardly_changes():
    change = embed(GREY).astype(int) - GREY
    assert np.abs(change).max() <= 1 and change.std() < 0.3
    assert np.ptp(change, axis=2).max() == 0, "luma alone, no colour"


def test_a_wall_with_the_grain_of_a_camera_hardly_changes_once_coded(tmp_path):
    grain = np.random.default_rng(1).normal(0, 1.2, (16, 256, 256, 1))
    walls = list(np.clip(np.round(np.linspace(100, 140, 256)[:, None] + grain), 0, 255).repeat(3, 3).astype(np.uint8))
    without, marked = (coded(tmp_path, frames, 12) for frames in (walls, [embed(wall) for wall in walls]))
    standing = np.mean([a.astype(float) - b for a, b in zip(marked, without, strict=True)], axis=0)
    assert standing.std() < 0.45


def test_texture_bears_more_than_a_lone_edge_which_bears_more_than_a_wall():
    scene = np.full((256, 256, 3), 60, np.uint8)
    scene[:, 80:160] = 160
    scene[:, 160:] = np.random.default_rng(2).integers(90, 170, (256, 96, 1))
    change = np.abs(embed(scene).astype(int) - scene).mean(axis=2)
    wall, edge, texture = change[:, :50].mean(), change[:, 72:88].mean(), change[:, 190:].mean()
    assert wall < 0.2 < edge < 1.7 and texture > 2 * edge


def test_frames_are_left_as_they_are_and_do_not_flicker():
    before = PICTURE.copy()
    first = embed(PICTURE)
    assert (before == PICTURE).all() and (embed(PICTURE) == first).all()
    brighter = np.clip(PICTURE.astype(int) + 3, 0, 255).astype(np.uint8)
    middle = (PICTURE > 20).all(axis=2) & (PICTURE < 235).all(axis=2)
    steps = (embed(brighter).astype(int) - brighter) - (first.astype(int) - PICTURE)
    assert np.abs(steps[middle]).max() <= 1


@pytest.mark.parametrize("size", [(512, 512), (400, 333), (361, 511), (288, 360)], ids=str)
def test_it_survives_h264_at_half_size_at_crf_28(tmp_path, size):
    frames = nodding(np.ascontiguousarray(PICTURE[: size[0], : size[1]]))
    marked = coded(tmp_path, [embed(frame) for frame in frames], 17)
    assert detect(coded(tmp_path, scaled(marked, 0.5), 28, "medium")).is_found
    assert not detect(coded(tmp_path, scaled(frames, 0.5), 28, "medium")).is_found


def test_it_survives_enlarging_and_stretching():
    marked = embed(PICTURE)
    for size in ((768, 768), (1000, 300)):
        assert detect([cv2.resize(marked, size)]).score > 6


def test_it_is_found_where_edges_were_cut_off(tmp_path):
    marked = coded(tmp_path, [embed(frame) for frame in nodding(PICTURE)], 23)
    found = detect([np.ascontiguousarray(frame[40:460, 30:480]) for frame in marked])
    assert found.is_found and found.is_cropped
    assert not detect([np.ascontiguousarray(f[40:460, 30:480]) for f in nodding(PICTURE)]).is_found


def test_it_is_found_in_an_upright_cut_of_another_size(tmp_path):
    marked = coded(tmp_path, [embed(frame) for frame in nodding(PICTURE)], 20)
    upright = [cv2.resize(np.ascontiguousarray(frame[:, 112:400]), (540, 960)) for frame in marked]
    found = detect(coded(tmp_path, upright, 25))
    assert found.is_found and found.is_cropped


@pytest.mark.parametrize("share", [0.6, 0.8])
def test_it_is_found_in_a_recording_of_a_screen_that_shows_other_things_too(tmp_path, share):
    def recorded(frames: list[np.ndarray]) -> list[np.ndarray]:
        screen = cv2.resize(coffee(), (960, 540))
        side = round(540 * share)
        shots = [screen.copy() for _ in frames]
        for shot, frame in zip(shots, frames, strict=True):
            shot[31 : 31 + side, 203 : 203 + side] = cv2.resize(frame, (side, side), interpolation=cv2.INTER_AREA)
        return coded(tmp_path, shots, 23)

    frames = nodding(PICTURE)
    assert detect(recorded(coded(tmp_path, [embed(frame) for frame in frames], 17))).is_found
    assert not detect(recorded(frames)).is_found


@pytest.mark.parametrize("picture", [PICTURE, coffee(), chelsea(), GREY, NOISE], ids=list("abcde"))
def test_it_is_not_found_where_it_is_not(picture):
    for frame in (picture, np.ascontiguousarray(picture[::-1]), np.ascontiguousarray(picture[:, ::-1])):
        found = detect([frame])
        assert not found.is_found and abs(found.score) < 4 and found.threshold == THRESHOLD


def test_the_first_frame_which_a_coder_treats_best_counts_for_more():
    plain = nodding(PICTURE)
    first, last = [embed(plain[0]), *plain[1:]], [*plain[:-1], embed(plain[-1])]
    assert detect(first).score > detect(last).score + 2


def test_marking_twice_is_no_harm():
    assert detect([embed(embed(PICTURE))]).score > detect([embed(PICTURE)]).score


@pytest.mark.parametrize("size", [(2, 2), (2, 300), (64, 48)], ids=str)
def test_the_smallest_frames_are_taken(size):
    frame = np.full((*size, 3), 90, np.uint8)
    assert embed(frame).shape == frame.shape
    assert detect([frame, frame]).frame_count == 2


def test_no_frame_is_refused():
    with pytest.raises(InputError, match="there is none"):
        detect([])


def test_it_costs_little():
    embed(PICTURE)
    times = []
    for _ in range(9):
        started = time.process_time()
        embed(PICTURE)
        times.append(time.process_time() - started)
    assert min(times) < 0.010, "a frame takes 0.1 to 0.2 s to render"
