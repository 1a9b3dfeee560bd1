"""Frames at twice their size: sizes, transparency, what the network is told, and what the embedded one is worth."""

from __future__ import annotations

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


@torch.no_grad()
def test_a_frame_is_what_it_is_alone(embedded) -> None:
    frames = [plain()[:64, :64], plain()[64:128, :64]]
    np.testing.assert_array_equal(list(Enlarger(embedded)(frames))[1], Enlarger(embedded).enlarge(frames[1]))
