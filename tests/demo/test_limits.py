"""Uploads are hostile until they have passed."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from facediff.demo.limits import Limits
from facediff.errors import ConfigError, InputError, MediaError
from facediff.media import VideoWriter


def test_what_is_within_the_limits_passes(uploads):
    limits = Limits()
    assert limits.picture(uploads / "portrait.png").shape == (512, 512, 3)
    assert limits.check_video(uploads / "short.mp4") == uploads / "short.mp4"
    assert limits.check_sound(uploads / "long.flac") == uploads / "long.flac"


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["seconds", "megapixels", "megabytes", "videos"])
def test_limits_that_mean_nothing_are_refused(name, value):
    with pytest.raises(ConfigError, match=name):
        Limits(**{name: value})


def test_nothing_chosen_is_said_so():
    for check, said in (("picture", "a picture"), ("check_video", "a video"), ("check_sound", "some speech")):
        with pytest.raises(InputError, match=said):
            getattr(Limits(), check)(None)


def test_long_uploads_are_refused(uploads):
    with pytest.raises(MediaError, match="longer than 2 seconds"):
        Limits(seconds=2).check_sound(uploads / "long.flac")
    with pytest.raises(MediaError, match=r"longer than 0\.1 seconds"):
        Limits(seconds=0.1).check_video(uploads / "short.mp4")


def test_large_uploads_are_refused(uploads, tmp_path):
    Image.new("1", (8193, 8)).save(tmp_path / "wide.png")
    with pytest.raises(MediaError, match="no side may have more"):
        Limits().picture(tmp_path / "wide.png")
    with pytest.raises(MediaError, match="at most 0.2 million"):
        Limits(megapixels=0.2).picture(uploads / "portrait.png")
    with pytest.raises(MediaError, match="at most 0.2 million"):
        Limits(megapixels=0.2).check_video(uploads / "short.mp4")
    with pytest.raises(MediaError, match=r"larger than 0\.001 MB"):
        Limits(megabytes=0.001).check_video(uploads / "short.mp4")


def test_a_decompression_bomb_is_not_decoded(tmp_path, monkeypatch):
    Image.new("1", (12000, 12000)).save(tmp_path / "bomb.png")
    monkeypatch.setattr(Image.Image, "convert", lambda *args: pytest.fail("it was decoded"))
    with pytest.raises(MediaError, match="12000x12000"):
        Limits().picture(tmp_path / "bomb.png")


def test_playlists_cannot_name_other_files(uploads, tmp_path):
    """FFmpeg follows an HLS playlist, such as list.m3u8, to other media files on this machine."""
    with VideoWriter(tmp_path / "secret.mkv", (64, 64), Fraction(25), audio=np.zeros(16000, np.float32)) as writer:
        for _ in range(25):
            writer.write(np.zeros((64, 64, 3), np.uint8))
    lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:1", "#EXTINF:1,", str(tmp_path / "secret.mkv"), "#EXT-X-ENDLIST"]
    for name in ("list.wav", "list.mp4", "list.m3u8"):
        (tmp_path / name).write_text("\n".join(lines))
        with pytest.raises(MediaError, match="cannot be read"):
            Limits().check_sound(tmp_path / name)
        with pytest.raises(MediaError, match="cannot be read"):
            Limits().check_video(tmp_path / name)


@pytest.mark.parametrize("content", [b"", b"garbage" * 99])
def test_corrupt_uploads_are_refused(tmp_path, content):
    for name, check in (("a.png", "picture"), ("a.mp4", "check_video"), ("a.wav", "check_sound")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(MediaError, match="cannot be read"):
            getattr(Limits(), check)(tmp_path / name)


def test_a_picture_has_no_sound(uploads):
    with pytest.raises(MediaError, match="no sound|cannot be read"):
        Limits().check_sound(uploads / "portrait.png")


@pytest.mark.parametrize("suffix", ["gif", "webp", "png"])
def test_pictures_that_move_are_videos_within_the_same_limits(tmp_path, suffix):
    frames = [Image.new("RGB", (512, 512), (9 * k, 0, 0)) for k in range(6)]
    path = tmp_path / f"a.{suffix}"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=500)
    assert Limits().check_video(path) == path and list(Limits().check_footage([path])) == [path]
    with pytest.raises(MediaError, match="longer than 2 seconds"):
        Limits(seconds=2).check_video(path)
    with pytest.raises(MediaError, match="at most 0.2 million"):
        Limits(megapixels=0.2).check_video(path)
