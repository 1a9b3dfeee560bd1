"""Pictures of the kinds that people bring look as a viewer shows them, or are refused in a sentence."""

from __future__ import annotations

import os
import struct

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from facediff.audio.wave import load_wave
from facediff.errors import FaceDiffError
from facediff.media import VideoReader, read_image
from facediff.media.images import list_pictures
from facediff.media.kinds import is_video

from . import films, sounds
from .stills import PICTURE, STILLS


@pytest.mark.parametrize("about", STILLS)
def test_a_picture_looks_as_it_is(tmp_path, about):
    name, levels, make = STILLS[about]
    expected = make(tmp_path / name)
    assert not is_video(tmp_path / name)
    shown = read_image(tmp_path / name)
    assert shown.shape == expected.shape and shown.dtype == np.uint8
    assert np.abs(shown.astype(int) - expected).mean() < levels


def test_the_small_view_of_a_raw_photo_is_not_taken_for_it(tmp_path):
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    directory[254], directory[50706] = 1, b"\1\4\0\0"  # a reduced picture, and the version of DNG
    Image.fromarray(PICTURE[::4, ::4]).save(tmp_path / "a.dng", format="TIFF", tiffinfo=directory)
    with pytest.raises(FaceDiffError, match=r"a\.dng is a raw photo, .*export it as JPEG"):
        read_image(tmp_path / "a.dng")


def test_colours_in_planes_of_16_bits_are_refused_and_of_8_are_read(tmp_path):
    planes = PICTURE.transpose(2, 0, 1)
    for bits in (8, 16):
        _, height, width = planes.shape
        pixels = (planes.astype(np.uint16) * (257 if bits == 16 else 1)).astype(f"<u{bits // 8}").tobytes()
        size, at = len(pixels) // 3, 8
        tags = [(256, 3, [width]), (257, 3, [height]), (258, 3, [bits] * 3), (259, 3, [1]), (262, 3, [2]),
                (273, 4, [at + k * size for k in range(3)]), (277, 3, [3]), (278, 3, [height]), (279, 4, [size] * 3),
                (284, 3, [2])]  # fmt: skip
        entries, more, end = b"", b"", at + len(pixels) + 2 + 12 * len(tags) + 4
        for tag, code, values in tags:
            data = struct.pack(f"<{len(values)}{'H' if code == 3 else 'I'}", *values)
            place = data.ljust(4, b"\0") if len(data) <= 4 else struct.pack("<I", end + len(more))
            more += data if len(data) > 4 else b""
            entries += struct.pack("<HHI", tag, code, len(values)) + place
        head = b"II*\0" + struct.pack("<I", at + len(pixels))
        path = tmp_path / f"{bits}.tif"
        path.write_bytes(head + pixels + struct.pack("<H", len(tags)) + entries + bytes(4) + more)
    assert np.abs(read_image(tmp_path / "8.tif").astype(int) - PICTURE).max() == 0
    with pytest.raises(FaceDiffError, match=r"16\.tif keeps red, green and blue apart in 16 bits"):
        read_image(tmp_path / "16.tif")


def damaged() -> dict:
    """What makes each file that nothing can be made of."""
    key = {
        "encryption_scheme": "cenc-aes-ctr", "encryption_key": "76a6c65c5ea762046bd749a2e632ccbb",
        "encryption_kid": "a7e61c373e219033c21091fa607bf3b8",
    }  # fmt: skip
    return {
        "nothing.mp4": lambda path: path.touch(),
        "page.mp4": lambda path: path.write_text("<!DOCTYPE html><html><body>404</body></html>" * 20),
        "pointer.mp4": lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\nsize 12345\n"),
        "titles.mp4": lambda path: path.write_text("1\n00:00:00,000 --> 00:00:02,000\nhello\n" * 4),
        "broke-off.mp4": lambda path: films.cut(films.write(path), 0.7),
        "folder.mp4": lambda path: path.mkdir(),
        "pipe.mp4": os.mkfifo,
        "dangling.mp4": lambda path: path.symlink_to("nowhere.mp4"),
        "locked.mp4": lambda path: films.write(path, muxing=key),
        "noise.mp4": lambda path: path.write_bytes(np.random.default_rng(0).bytes(50000)),
        "vector.svg": lambda path: path.write_text('<svg xmlns="http://www.w3.org/2000/svg"/>'),
        "page.pdf": lambda path: path.write_bytes(b"%PDF-1.4\n" + bytes(1000)),
        "head.wav": lambda path: path.write_bytes(sounds.write(path, "pcm_s16le", 16000).read_bytes()[:78]),
    }


@pytest.mark.parametrize("name", damaged())
def test_what_nothing_can_be_made_of_is_refused_in_one_sentence(tmp_path, name):
    path = tmp_path / name
    damaged()[name](path)
    for read in (lambda: list(VideoReader(path)), lambda: read_image(path), lambda: load_wave(path)):
        with pytest.raises(FaceDiffError) as refusal:
            read()
        assert name in str(refusal.value) and "\n" not in str(refusal.value)


def test_frames_with_gaps_and_mixed_zeros_come_in_their_order_without_what_systems_leave(tmp_path):
    names = ["f1.png", "f002.PNG", "f3.jpeg", "f007.png", "f10.png", "f0100.png"]
    for name in [*names, "._f1.png", ".hidden.png"]:
        Image.fromarray(PICTURE[:8, :8]).save(tmp_path / name)
    for name in ("Thumbs.db", ".DS_Store", "desktop.ini", "notes.txt"):
        (tmp_path / name).write_bytes(b"\0")
    (tmp_path / "f4.png").mkdir()
    assert [path.name for path in list_pictures(tmp_path)] == names
