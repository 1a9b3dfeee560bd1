"""Pictures that move are films, in their own time."""

from __future__ import annotations

import logging
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from facediff.errors import MediaError
from facediff.media import VideoReader
from facediff.media.animation import read_ends

PICTURE = np.ascontiguousarray(astronaut()[:128, 150:278])
KINDS = ["gif", "png", "webp", "avif"]


def shade(k: int) -> Image.Image:
    return Image.fromarray(np.full((64, 64, 3), 20 * k, np.uint8))


def animated(path: Path, durations: list[int]) -> Path:
    frames = [shade(k) for k in range(len(durations))]
    options = {"lossless": True} if path.suffix == ".webp" else {}
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=durations, **options)
    return path


def levels(reader) -> list[int]:
    return [round(float(frame.mean()) / 20) for frame in reader]


@pytest.mark.parametrize("suffix", KINDS)
def test_each_frame_has_its_time(tmp_path, suffix):
    path = animated(tmp_path / f"p.{suffix}", [40, 120, 40, 200, 80])
    reader = VideoReader(path)
    assert reader.info.fps == 25 and reader.info.seconds == pytest.approx(0.48)
    assert levels(reader) == [0, 1, 1, 1, 2, 3, 3, 3, 3, 3, 4, 4]
    assert levels(VideoReader(path, Fraction(50))) == list(np.repeat(levels(reader), 2))
    assert not reader.info.has_audio and (reader.info.width, reader.info.height) == (64, 64)


@pytest.mark.parametrize("suffix", KINDS)
def test_an_even_rate_is_kept(tmp_path, suffix):
    reader = VideoReader(animated(tmp_path / f"p.{suffix}", [100] * 6))
    assert reader.info.fps == 10 and levels(reader) == list(range(6))


def test_what_asks_for_no_time_is_shown_as_browsers_do(tmp_path):
    reader = VideoReader(animated(tmp_path / "p.gif", [0] * 5))
    assert reader.info.fps == 10 and levels(reader) == list(range(5))


@pytest.mark.parametrize("suffix", ["png", "webp", "gif"])
def test_transparency_lies_over_white(tmp_path, suffix):
    layered = [np.dstack([np.roll(PICTURE, 9 * k, 1), np.full(PICTURE.shape[:2], 255, np.uint8)]) for k in range(3)]
    for frame in layered:
        frame[:20, :, 3] = 0
    first, *others = map(Image.fromarray, layered)
    options = {"lossless": True} if suffix == "webp" else {}
    first.save(tmp_path / f"p.{suffix}", save_all=True, append_images=others, duration=40, disposal=2, **options)
    for k, frame in enumerate(VideoReader(tmp_path / f"p.{suffix}")):
        assert (frame[:20] == 255).all()
        assert np.abs(frame[20:].astype(int) - np.roll(PICTURE, 9 * k, 1)[20:]).mean() < (6 if suffix == "gif" else 1)


def test_damage_ends_the_film_with_a_warning(tmp_path, caplog):
    frames = [Image.fromarray(np.roll(PICTURE, 9 * k, 1)) for k in range(8)]
    path = tmp_path / "p.png"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=40)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with caplog.at_level(logging.WARNING):
        assert 2 <= len(list(VideoReader(path))) < 8
    assert "p.png is damaged; the frames before the damage are used" in caplog.text


def test_damage_from_the_start_is_an_error(tmp_path):
    path = animated(tmp_path / "p.gif", [40] * 3)
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(MediaError, match=r"p\.gif cannot be read as a video"):
        list(read_ends(path))
