"""Colours of a picture are those that its ICC profile says, in sRGB."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms
from skimage.data import astronaut

from facediff.media import VideoReader, read_image

from .films import RGB_TO_2020, RGB_TO_P3, hlg, levels, linear, pq
from .heic import write_heic
from .icc import cmyk_profile, grey_profile, rgb_profile, seen_in_srgb

PICTURE = np.ascontiguousarray(astronaut()[:256, 100:356])


def saved(path: Path, picture: Image.Image, **options) -> Path:
    picture.save(path, **options)
    return path


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif", "avif", "heic"])
@pytest.mark.parametrize(("space", "gamma"), [("P3", 2.2), ("Adobe", 2.2), ("sRGB", 1.8)])
def test_pictures_of_other_colour_spaces_come_in_srgb(tmp_path, suffix, space, gamma):
    profile, path = rgb_profile(space, gamma), tmp_path / f"p.{suffix}"
    if suffix == "heic":
        write_heic(path, PICTURE, profile=profile)
    else:
        quality = {"lossless": True} if suffix == "webp" else {} if suffix in ("png", "tif") else {"quality": 100}
        saved(path, Image.fromarray(PICTURE), icc_profile=profile, **quality)
    expected = seen_in_srgb(PICTURE, space, gamma)
    assert np.abs(expected - PICTURE).mean() > 2.5
    assert np.abs(read_image(path) - expected).mean() < (1 if suffix in ("png", "tif", "webp") else 2)


def test_numbers_of_srgb_and_of_no_profile_stay_bit_for_bit(tmp_path):
    for profile in (b"", ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()):
        path = saved(tmp_path / "p.png", Image.fromarray(PICTURE), icc_profile=profile)
        np.testing.assert_array_equal(read_image(path), PICTURE)


def test_what_is_transparent_keeps_its_profile(tmp_path):
    layered = np.dstack([PICTURE, np.full(PICTURE.shape[:2], 255, np.uint8)])
    layered[:20, :, 3] = 0
    path = saved(tmp_path / "p.png", Image.fromarray(layered), icc_profile=rgb_profile("Adobe"))
    frame = read_image(path)
    assert (frame[:20] == 255).all()
    assert np.abs(frame[20:] - seen_in_srgb(PICTURE[20:], "Adobe", 2.2)).mean() < 1


@pytest.mark.parametrize(("bits", "is_layered"), [(8, False), (8, True), (16, False)])
def test_grey_has_profiles_too(tmp_path, bits, is_layered):
    grey = np.tile(np.arange(256, dtype=np.uint8), (8, 1))
    picture = Image.fromarray(grey) if bits == 8 else Image.fromarray(grey.astype(np.uint16) * 257)
    if is_layered:
        picture.putalpha(255)
    frame = read_image(saved(tmp_path / "p.png", picture, icc_profile=grey_profile(1.8)))
    linear = (grey / 255.0) ** 1.8
    expected = 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    assert np.abs(frame - expected[..., None]).max() <= 2


def test_inks_look_as_their_press_prints_them(tmp_path):
    """A press whose inks are all greys: no formula of CMYK without its profile would guess that."""
    light = [
        (100 - 20 * c - 15 * m - 10 * y - 50 * k, 0, 0) for c in (0, 1) for m in (0, 1) for y in (0, 1) for k in (0, 1)
    ]
    inks = np.zeros((16, 16, 4), np.uint8)
    inks[:, 8:] = (255, 255, 0, 0)
    for name in ("p.jpg", "p.tif"):
        options = {"quality": 100} if name == "p.jpg" else {}
        path = saved(tmp_path / name, Image.fromarray(inks, "CMYK"), icc_profile=cmyk_profile(light), **options)
        frame = read_image(path).astype(int)
        assert np.ptp(frame, axis=2).max() <= 3, "grey"
        assert frame[4, 4].min() >= 252 and abs(frame[4, 12].mean() - 158) < 6  # L* 65


@pytest.mark.parametrize("profile", [b"no profile at all", rgb_profile("P3")[:300], grey_profile(2.2)])
def test_a_profile_that_is_damaged_or_of_other_pictures_is_left_out(tmp_path, caplog, profile):
    with caplog.at_level(logging.WARNING):
        frame = read_image(saved(tmp_path / "p.png", Image.fromarray(PICTURE), icc_profile=profile))
    np.testing.assert_array_equal(frame, PICTURE)
    assert profile == grey_profile(2.2) or "colour profile is damaged" in caplog.text


def test_pictures_that_move_have_profiles(tmp_path):
    still = Image.fromarray(PICTURE)
    saved(tmp_path / "p.webp", still, save_all=True, append_images=[still.rotate(90)], duration=40, lossless=True,
          icc_profile=rgb_profile("Adobe"))  # fmt: skip
    frame = next(iter(VideoReader(tmp_path / "p.webp")))
    assert np.abs(frame - seen_in_srgb(PICTURE, "Adobe", 2.2)).mean() < 1


@pytest.mark.parametrize(("primaries", "transfer"), [(9, 16), (9, 18), (12, 13), (1, 13)])
def test_heic_may_say_by_numbers_what_it_means(tmp_path, primaries, transfer):
    light = linear(PICTURE) * 80
    if transfer == 13:
        codes, expected = PICTURE / 255.0, PICTURE.astype(float)
        if primaries == 12:
            expected = levels(linear(PICTURE) @ np.linalg.inv(RGB_TO_P3).T)
    else:
        codes, expected = (pq if transfer == 16 else hlg)(light @ RGB_TO_2020.T), levels(light / 203)
    stored = (255 * codes).round().astype(np.uint8)
    frame = read_image(write_heic(tmp_path / "p.heic", stored, nclx=(primaries, transfer, 6)))
    assert np.abs(frame - expected).mean() < 4
    assert primaries == 1 or np.abs(stored - expected).mean() > np.abs(frame - expected).mean()
