"""What is transparent in a film lies over white, as in a picture."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from skimage.data import astronaut

from facediff.media import VideoReader, VideoWriter

PICTURE = np.ascontiguousarray(astronaut()[:256, 100:356])
FILMS = [
    ("web.webm", "libvpx-vp9", "yuva420p"), ("old.webm", "libvpx", "yuva420p"), ("web.mkv", "libvpx-vp9", "yuva420p"),
    ("cut.mov", "prores_ks", "yuva444p10le"), ("pictures.mov", "png", "rgba"), ("animation.mov", "qtrle", "argb"),
    ("lossless.mkv", "ffv1", "bgra"), ("raw.avi", "rawvideo", "bgra"),
]  # fmt: skip


def write(path: Path, codec: str, pixel_format: str, opacity: np.ndarray, frames: int = 4) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width, stream.pix_fmt = *PICTURE.shape[:2], pixel_format
        stream.bit_rate = 8_000_000
        if codec.startswith("libvpx"):
            stream.options = {"auto-alt-ref": "0", "deadline": "realtime", "cpu-used": "5"}
        for k in range(frames):
            layered = np.dstack([np.roll(PICTURE, 4 * k, axis=1), opacity])
            frame = av.VideoFrame.from_ndarray(layered, format="rgba").reformat(format=pixel_format)
            frame.pts, frame.time_base = k, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(("name", "codec", "pixel_format"), FILMS)
def test_what_is_transparent_lies_over_white(tmp_path, name, codec, pixel_format):
    opacity = np.full(PICTURE.shape[:2], 255, np.uint8)
    opacity[:, :100], opacity[:, 100:140] = 0, 128
    frames = list(VideoReader(write(tmp_path / name, codec, pixel_format, opacity)))
    assert len(frames) == 4
    for k, frame in enumerate(frames):
        assert frame.dtype == np.uint8 and frame[:, :90].min() >= 250
        shown, picture = frame.astype(int), np.roll(PICTURE, 4 * k, axis=1).astype(int)
        assert np.abs(shown[:, 150:] - picture[:, 150:]).mean() < 6
        assert np.abs(shown[:, 106:134] - (picture[:, 106:134] + 255) / 2).mean() < 6


@pytest.mark.parametrize(("name", "codec", "pixel_format"), FILMS)
def test_what_hides_nothing_changes_nothing(tmp_path, name, codec, pixel_format):
    frame = list(VideoReader(write(tmp_path / name, codec, pixel_format, np.full(PICTURE.shape[:2], 255, np.uint8))))[1]
    assert np.abs(frame.astype(int) - np.roll(PICTURE, 4, axis=1)).mean() < 5


def test_a_film_of_our_own_lies_over_white(tmp_path):
    opacity = np.full(PICTURE.shape[:2], 255, np.uint8)
    opacity[:, :100] = 0
    with VideoWriter(tmp_path / "own.webm", (256, 256), Fraction(25), is_transparent=True) as writer:
        for _ in range(3):
            writer.write(np.dstack([PICTURE, opacity]))
    for frame in VideoReader(tmp_path / "own.webm"):
        assert frame[:, :90].min() >= 250
        assert np.abs(frame[:, 110:].astype(int) - PICTURE[:, 110:]).mean() < 8


def test_a_fourth_byte_that_nobody_filled_hides_nothing(tmp_path):
    """Recorders of screens write 32 bits a pixel uncompressed, of which 8 are 0."""
    path = write(tmp_path / "v.avi", "rawvideo", "bgra", np.zeros(PICTURE.shape[:2], np.uint8))
    np.testing.assert_array_equal(next(iter(VideoReader(path))), PICTURE)
