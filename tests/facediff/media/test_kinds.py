"""Contents decide what a file is, not its name; a film of one frame is a picture, a picture that moves a film."""

from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from facediff.errors import MediaError
from facediff.media import VideoReader, VideoWriter, is_video, read_image

from .heic import write_heic

PICTURE = np.ascontiguousarray(astronaut()[:256, 100:356])
FILMS = {
    "mpegts": "mpeg2video",
    "3gp": "mpeg4",
    "webm": "libvpx",
    "matroska": "libx264",
    "avi": "mpeg4",
    "mov": "mjpeg",
}


def film(path: Path, container: str, frames: int = 4) -> Path:
    with av.open(str(path), "w", format=container) as written:
        stream = written.add_stream(FILMS.get(container, "libx264"), rate=25)
        stream.height, stream.width, stream.bit_rate = *PICTURE.shape[:2], 4_000_000
        stream.pix_fmt = "yuvj420p" if container == "mov" else "yuv420p"
        for k in range(frames):
            frame = av.VideoFrame.from_ndarray(np.roll(PICTURE, 8 * k, axis=1), format="rgb24")
            frame = frame.reformat(format=stream.pix_fmt)
            frame.pts, frame.time_base = k, Fraction(1, 25)
            written.mux(stream.encode(frame))
        written.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("name", ["film.mts", "film.m2ts", "film.jpg", "film.png", "film.txt", "film", "FILM.MP4"])
@pytest.mark.parametrize("container", FILMS)
def test_a_film_is_one_by_whatever_name(tmp_path, container, name):
    path = film(tmp_path / name, container)
    assert is_video(path)
    frames = list(VideoReader(path))
    assert len(frames) == 4 and np.abs(frames[1].astype(int) - np.roll(PICTURE, 8, axis=1)).mean() < 12


@pytest.mark.parametrize("name", ["portrait.jpg", "portrait.png", "portrait.mp4", "portrait.gif", "portrait"])
@pytest.mark.parametrize(
    "kind", ["PNG", "JPEG", "WEBP", "AVIF", "HEIF", "BMP", "GIF", "TIFF", "JPEG2000", "PPM", "MPO"]
)
def test_a_picture_is_one_by_whatever_name(tmp_path, kind, name):
    path = tmp_path / name
    if kind == "HEIF":
        write_heic(path, PICTURE)
    else:
        more = {"append_images": [Image.fromarray(PICTURE[::2, ::2])], "save_all": True} if kind == "MPO" else {}
        Image.fromarray(PICTURE).save(path, kind, **more)
    assert not is_video(path)
    assert np.abs(read_image(path).astype(int) - PICTURE).mean() < 12


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "AVIF"])
def test_a_picture_that_moves_is_a_film_and_of_one_frame_a_picture(tmp_path, kind):
    frames = [Image.fromarray(np.roll(PICTURE, 8 * k, axis=1)) for k in range(3)]
    for count in (1, 3):
        path = tmp_path / f"{count}.jpg"
        frames[0].save(path, kind, save_all=True, append_images=frames[1:count], duration=40)
        assert is_video(path) == (count > 1)
        assert read_image(path).shape == PICTURE.shape


@pytest.mark.parametrize("container", FILMS)
def test_a_film_of_one_frame_is_a_picture(tmp_path, container):
    path = film(tmp_path / "portrait.mp4", container, frames=1)
    assert not is_video(path)
    assert np.abs(read_image(path).astype(int) - PICTURE).mean() < 12
    with pytest.raises(MediaError, match="has 256x256 pixels"):
        read_image(path, max_pixels=100)


def test_a_song_with_a_cover_is_no_film(tmp_path):
    path = tmp_path / "song.mp3"
    Image.fromarray(PICTURE).save(tmp_path / "cover.jpg")
    with av.open(str(path), "w") as written:
        sound = written.add_stream("libmp3lame", rate=44100, layout="mono")
        with av.open(str(tmp_path / "cover.jpg")) as cover:
            picture = written.add_stream_from_template(cover.streams.video[0])
            packet = next(cover.demux(video=0))
            packet.stream = picture
            block = av.AudioFrame.from_ndarray(np.zeros((1, 4410), np.float32), format="fltp", layout="mono")
            block.sample_rate = 44100
            written.mux(packet)
            written.mux([*sound.encode(block), *sound.encode(None)])
    assert not is_video(path)
    with pytest.raises(MediaError, match=r"song\.mp3 has no picture"):
        VideoReader(path)


def test_a_picture_with_a_film_behind_it_is_a_picture(tmp_path):
    """A motion photo of a phone."""
    Image.fromarray(PICTURE).save(tmp_path / "p.jpg")
    moving = film(tmp_path / "p.mp4", "mp4").read_bytes()
    (tmp_path / "p.jpg").write_bytes((tmp_path / "p.jpg").read_bytes() + moving)
    assert not is_video(tmp_path / "p.jpg") and is_video(tmp_path / "p.mp4")
    assert read_image(tmp_path / "p.jpg").shape == PICTURE.shape


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.mp4", True), ("A.MOV", True), ("a.mts", True), ("a.3gp", True), ("a.png", False), ("mp4", False)],
)
def test_what_is_not_there_or_not_to_be_read_goes_by_its_name(tmp_path, name, expected):
    assert is_video(tmp_path / name) is expected
    (tmp_path / name).write_bytes(b"neither" * 100)
    assert is_video(tmp_path / name) is expected
    with pytest.raises(MediaError, match="cannot be read as a"):
        (VideoReader if expected else read_image)(tmp_path / name)


@pytest.mark.parametrize(("name", "expected"), [("a.h264", True), ("a", True), ("a.ttf", False), ("a.npz", False)])
def test_bare_streams_must_be_called_so(tmp_path, name, expected):
    assert is_video(film(tmp_path / name, "h264")) is expected


def test_a_folder_is_no_film(tmp_path):
    (tmp_path / "frames").mkdir()
    shutil.copyfile(film(tmp_path / "a.mp4", "mp4"), tmp_path / "frames" / "a.mp4")
    assert not is_video(tmp_path / "frames")


def test_a_film_of_ours_is_one(tmp_path):
    with VideoWriter(tmp_path / "v.mp4", (64, 64), Fraction(25)) as writer:
        for _ in range(2):
            writer.write(PICTURE[:64, :64])
    assert is_video(tmp_path / "v.mp4")
