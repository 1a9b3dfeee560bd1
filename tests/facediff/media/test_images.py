"""Any picture comes in as upright RGB of 8 bits; what is not a picture is named."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from facediff.errors import InputError, MediaError, OutputError
from facediff.media import read_image, write_image
from facediff.media.images import list_pictures, read_layers

PICTURE = np.ascontiguousarray(astronaut()[::4, ::4])


def saved(path, image: Image.Image, **options):
    image.save(path, **options)
    return path


@pytest.mark.parametrize("orientation", range(1, 9))
def test_phone_photos_are_turned_upright(tmp_path, orientation):
    upright = PICTURE[:100]
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: upright.transpose(1, 0, 2)[::-1, ::-1],
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / "p.png", Image.fromarray(np.ascontiguousarray(stored)), exif=exif)
    assert np.array_equal(read_image(path), upright)


def test_transparency_lies_over_white(tmp_path):
    layered = np.dstack([PICTURE, np.full(PICTURE.shape[:2], 128, np.uint8)])
    layered[:10, :, 3] = 0
    frame = read_image(saved(tmp_path / "p.png", Image.fromarray(layered)))
    assert (frame[:10] == 255).all()
    expected = PICTURE[10:] * (128 / 255) + 255 * (127 / 255)
    assert np.abs(frame[10:] - expected).max() <= 1


def test_opacity_is_kept_beside_the_picture_where_it_hides_something(tmp_path):
    layered = np.dstack([PICTURE, np.full(PICTURE.shape[:2], 255, np.uint8)])
    assert read_layers(saved(tmp_path / "whole.png", Image.fromarray(layered)))[1] is None
    layered[:10, :, 3] = 0
    path = saved(tmp_path / "p.png", Image.fromarray(layered))
    frame, opacity = read_layers(path)
    np.testing.assert_array_equal(opacity, layered[..., 3])
    np.testing.assert_array_equal(frame, read_image(path))


def test_palette_with_a_transparent_colour(tmp_path):
    palette = Image.fromarray(np.eye(8, dtype=np.uint8) * 7).convert("P")
    frame = read_image(saved(tmp_path / "p.png", palette, transparency=0))
    assert (frame[0, 1] == 255).all() and frame.shape == (8, 8, 3)


@pytest.mark.parametrize("mode", ["L", "LA", "1", "CMYK", "YCbCr", "P"])
def test_other_modes_become_rgb(tmp_path, mode):
    suffix = "jpg" if mode in ("CMYK", "YCbCr") else "png"
    frame = read_image(saved(tmp_path / f"p.{suffix}", Image.fromarray(PICTURE).convert(mode)))
    assert frame.shape == PICTURE.shape and frame.dtype == np.uint8
    grey = np.asarray(Image.fromarray(PICTURE).convert("L"), float)
    seen = np.asarray(Image.fromarray(frame).convert("L"), float)
    assert abs(seen.mean() - grey.mean()) < 8


def test_sixteen_bits_keep_their_brightness(tmp_path):
    grey = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    for suffix in ("png", "tif"):
        frame = read_image(saved(tmp_path / f"p.{suffix}", Image.fromarray(grey)))
        assert np.abs(frame[..., 0] - grey / 257).max() <= 1
        assert (frame[..., 0] == frame[..., 2]).all()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP"])
def test_damage_is_a_media_error_and_nothing_else(tmp_path, kind):
    buffer = io.BytesIO()
    Image.fromarray(PICTURE).save(buffer, kind)
    whole, random = buffer.getvalue(), np.random.default_rng(0)
    path = tmp_path / "p"
    for k in range(60):
        data = bytearray(whole[: random.integers(1, len(whole))] if k % 2 else whole)
        for at in random.integers(0, min(len(data), 600), 8):
            data[at] = random.integers(256)
        path.write_bytes(data)
        try:
            frame = read_image(path)
        except MediaError:
            continue
        assert frame.ndim == 3 and frame.shape[2] == 3


@pytest.mark.parametrize("content", [b"", b"no picture" * 50, b"\x89PNG\r\n\x1a\n"])
def test_what_is_not_a_picture_is_named(tmp_path, content):
    path = tmp_path / "p.png"
    path.write_bytes(content)
    with pytest.raises(MediaError, match=r"p\.png cannot be read as a picture"):
        read_image(path)
    with pytest.raises(MediaError, match="there is no picture at"):
        read_image(tmp_path)


def test_too_many_pixels_are_refused_before_they_fill_memory(tmp_path):
    path = saved(tmp_path / "p.png", Image.new("1", (9000, 9000)))
    with pytest.raises(MediaError, match=r"9000x9000 pixels; at most 64 million"):
        read_image(path)


def test_a_photo_of_twelve_megapixels_is_taken(tmp_path):
    path = saved(tmp_path / "p.jpg", Image.new("RGB", (4000, 3000), (9, 99, 199)))
    assert read_image(path).shape == (3000, 4000, 3)


@pytest.mark.parametrize(("suffix", "error"), [(".png", 0), (".jpg", 12), (".WEBP", 12)])
def test_written_pictures_come_back(tmp_path, suffix, error):
    path = tmp_path / "new" / f"p{suffix}"
    write_image(path, PICTURE)
    assert np.abs(read_image(path).astype(int) - PICTURE).mean() <= error
    assert list(path.parent.iterdir()) == [path]


def test_pictures_that_cannot_be_written(tmp_path):
    with pytest.raises(InputError, match=r"must end in one of \.png"):
        write_image(tmp_path / "p.xyz", PICTURE)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        write_image(tmp_path / "file" / "p.png", PICTURE)
    (tmp_path / "p.png").mkdir()
    with pytest.raises(OutputError, match="cannot be written"):
        write_image(tmp_path / "p.png", PICTURE)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "p.png"]


@pytest.mark.parametrize(
    "names",
    [
        ["f1.jpg", "f2.jpg", "f10.jpg", "f11.jpg", "f100.jpg"],
        ["f0009.png", "f0010.png", "f10000.png"],
        ["1.png", "2.PNG", "10.png"],
        ["take 1 frame 2.jpg", "take 1 frame 10.jpg", "take 2 frame 1.jpg", "Take 10 frame 1.jpg"],
        ["frame.png", "frame1.png", "frame2.png"],
        ["a (1).webp", "a (2).webp", "a (10).webp"],
        ["shot-1_1.tif", "shot-1_10.tif", "shot-2_1.tif"],
    ],
)
def test_numbered_frames_come_in_the_order_of_their_numbers(tmp_path, names):
    for name in [*reversed(names), ".DS_Store", "Thumbs.db", "desktop.ini", *(f"._{name}" for name in names)]:
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "more.png").mkdir()
    assert [path.name for path in list_pictures(tmp_path)] == names


def test_a_folder_without_pictures_is_named(tmp_path):
    (tmp_path / "._f1.jpg").write_bytes(b"")
    with pytest.raises(MediaError, match=r"holds no pictures \(\.png, \.jpg"):
        list_pictures(tmp_path)
