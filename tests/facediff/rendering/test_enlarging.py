"""Frames at twice their size: sizes, transparency, what the network is told, and what the embedded one is worth."""

from __future__ import annotations

import weakref
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from facediff.errors import ConfigError
from facediff.models.super_resolver import SuperResolver
from facediff.pipelines.loading import load_super_resolver
from facediff.rendering.enlarging import Enlarger, back_project, enlarge_bicubic
from facediff.training.super_resolution import halve
from facediff.types import Frame
from tests.portraits import plain


@pytest.fixture
def untaught() -> SuperResolver:
    """It adds nothing."""
    return SuperResolver(channels=8, blocks=1).eval()


@pytest.fixture(scope="module")
def embedded() -> SuperResolver:
    return load_super_resolver("base", "cpu")


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean((one.astype(float) - other) ** 2)))


@pytest.mark.parametrize("size", [(64, 48), (63, 47)])
def test_a_network_that_adds_nothing_enlarges_bicubically(untaught, size) -> None:
    """To what has the means that were given."""
    frame = plain()[: size[1], : size[0]]
    (made,) = Enlarger(untaught)([frame])
    wanted = cv2.resize(frame, (2 * size[0], 2 * size[1]), interpolation=cv2.INTER_CUBIC)
    assert made.dtype == np.uint8 and made.shape == (2 * size[1], 2 * size[0], 3)
    assert np.abs(made.astype(int) - wanted).mean() < 1
    assert psnr(halve(made, "area"), frame) > psnr(halve(wanted, "area"), frame) + 3
    (noisy,) = Enlarger(untaught, noise=0.01)([frame])  # whose noise would come back
    assert np.abs(noisy.astype(int) - wanted).max() <= 1


def test_what_halves_lack_is_given_back() -> None:
    given = plain()[:48, :64].astype(np.float32)
    made = enlarge_bicubic(given)
    kept, nearer, nearest = (back_project(made, given, share) for share in (0.0, 0.5, 1.0))
    np.testing.assert_array_equal(kept, made)
    halves = [cv2.resize(one, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for one in (made, nearer, nearest)]
    off = [np.abs(half - given).mean() for half in halves]
    assert off[1] < 0.7 * off[0] and off[2] < 0.4 * off[0]
    np.testing.assert_allclose(back_project(nearest * 0 + 3, given[..., :1] * 0 + 3), nearest * 0 + 3)


def test_what_is_transparent_stays_so(untaught) -> None:
    matte = np.zeros((32, 32), np.uint8)
    matte[:, 16:] = 255
    made = Enlarger(untaught).enlarge(np.dstack([plain()[:32, :32], matte]))
    assert made.shape == (64, 64, 4) and not made[:, :28, 3].any() and (made[:, 36:, 3] == 255).all()


def test_noise_that_is_added_is_the_same_for_all_frames_and_told(untaught) -> None:
    frame = np.full((32, 32, 3), 128, np.uint8)
    made = list(Enlarger(untaught, augment=0.08)([frame, frame]))
    np.testing.assert_array_equal(*made)
    assert 3 < made[0].std() < 0.08 * 127.5 * 1.1
    with pytest.raises(ConfigError, match="noise and augment make 0.113 together"):
        Enlarger(untaught, noise=0.08, augment=0.08)


def test_the_network_is_told_how_noisy_a_frame_is(untaught) -> None:
    nn.init.normal_(untaught.leave.weight, std=0.1)
    frame = plain()[:32, :32]
    clean, noisy = (Enlarger(untaught, noise=level).enlarge(frame).astype(int) for level in (0.0, 0.1))
    assert np.abs(clean - noisy).max() > 2


def test_the_embedded_one_makes_detail_that_enlargement_lacks(embedded) -> None:
    picture = plain()
    small = halve(picture, "area")
    made = Enlarger(embedded).enlarge(small)
    wide = cv2.resize(small, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    assert psnr(made, picture) > psnr(wide, picture) + 1.0


def test_the_embedded_one_takes_out_noise_that_it_is_told_of(embedded) -> None:
    picture = plain()
    rng = np.random.default_rng(0)
    grain = 0.1 * 127.5 * rng.standard_normal((128, 128, 3))
    small = np.clip(halve(picture, "area") + grain, 0, 255).astype(np.uint8)
    told, untold = (psnr(Enlarger(embedded, noise=level).enlarge(small), picture) for level in (0.1, 0.0))
    assert told > untold + 2


@pytest.fixture(scope="module")
def recalling() -> SuperResolver:
    """A small one whose temporal layer is as if it had learnt something."""
    torch.manual_seed(0)
    made = SuperResolver(channels=8, blocks=1)
    layer = made.add_temporal(8)
    for parameter in layer.parameters():
        nn.init.normal_(parameter, std=0.1)
    return made.eval()


def sway(count: int, side: int = 64) -> list[Frame]:
    """A portrait that moves by fractions of a pixel."""
    moved = [np.float32([[1, 0, -90 + 0.7 * k], [0, 1, -60 + 0.4 * k]]) for k in range(count)]
    return [np.asarray(cv2.warpAffine(plain(), one, (side, side), flags=cv2.INTER_AREA), np.uint8) for one in moved]


def test_a_temporal_layer_that_has_not_learnt_leaves_frames_as_they_are_alone() -> None:
    network = SuperResolver(channels=8, blocks=1).eval()
    nn.init.normal_(network.leave.weight, std=0.1)
    network.add_temporal(8).eval()
    enlarger = Enlarger(network)
    for made, frame in zip(enlarger(sway(3)), sway(3), strict=True):
        np.testing.assert_array_equal(made, enlarger.enlarge(frame))


@pytest.mark.parametrize("size", [(64, 48), (63, 47), (9, 7)])
def test_a_picture_and_frames_that_stand_still_are_what_they_are_alone(recalling, size) -> None:
    enlarger, frame = Enlarger(recalling), plain()[60 : 60 + size[1], 90 : 90 + size[0]]
    alone = enlarger.enlarge(frame)
    for count in (1, 4):
        made = list(enlarger([frame] * count))
        assert len(made) == count
        for one in made:
            np.testing.assert_array_equal(one, alone)


def test_a_frame_depends_on_its_neighbours_and_on_no_others(recalling) -> None:
    enlarger, frames = Enlarger(recalling), sway(5)
    made = list(enlarger(frames))
    assert all(
        np.abs(one.astype(int) - enlarger.enlarge(frame)).max() > 2 for one, frame in zip(made, frames, strict=True)
    )
    for changed in range(5):
        other = [frame if k != changed else sway(9)[8] for k, frame in enumerate(frames)]
        differs = [bool((one != was).any()) for one, was in zip(enlarger(other), made, strict=True)]
        assert differs == [abs(k - changed) <= enlarger.reach for k in range(5)]


def test_over_a_cut_nothing_is_recalled(recalling) -> None:
    enlarger, frames = Enlarger(recalling), sway(2)
    other = [255 - frame for frame in frames]
    made = list(enlarger([*frames, *other]))
    for shot, first in ((frames, 0), (other, 2)):
        for one, was in zip(enlarger(shot), made[first : first + 2], strict=True):
            np.testing.assert_array_equal(one, was)


def test_few_frames_are_held_at_a_time(recalling) -> None:
    held: list[weakref.ref] = []

    def stream() -> Iterator[Frame]:
        for k in range(12):
            frame = sway(k + 1, 32)[k]
            held.append(weakref.ref(frame))
            yield frame
            del frame

    most = 0
    for _ in Enlarger(recalling)(stream()):
        most = max(most, sum(one() is not None for one in held))
    assert len(held) == 12 and most <= 3


def test_what_is_transparent_stays_so_in_clips(recalling) -> None:
    matte = np.zeros((64, 64), np.uint8)
    matte[:, 32:] = 255
    for made in Enlarger(recalling)([np.dstack([frame, matte]) for frame in sway(2)]):
        assert made.shape == (128, 128, 4) and not made[:, :60, 3].any() and (made[:, 68:, 3] == 255).all()


def test_without_a_temporal_layer_nothing_is_recalled(untaught) -> None:
    enlarger = Enlarger(untaught)
    assert enlarger.reach == 0
    with pytest.raises(ConfigError, match="no temporal layer"):
        enlarger.recall(None, enlarger.look(plain()[:32, :32]), None)


def test_the_embedded_one_recalls_what_neighbours_show(embedded) -> None:
    large = cv2.resize(plain(), (512, 512), interpolation=cv2.INTER_CUBIC)
    moved = [np.float32([[1, 0, -120 + 0.9 * k], [0, 1, -40 + 0.5 * k]]) for k in range(4)]
    frames = [np.asarray(cv2.warpAffine(large, one, (256, 256), flags=cv2.INTER_CUBIC), np.uint8) for one in moved]
    del large
    small = [halve(frame, "area") for frame in frames]
    enlarger = Enlarger(embedded)
    made = list(enlarger(small))
    gains = [
        psnr(one, own) - psnr(enlarger.enlarge(half), own) for one, half, own in zip(made, small, frames, strict=True)
    ]
    assert min(gains) > 0.1
