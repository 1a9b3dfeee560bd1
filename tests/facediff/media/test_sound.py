"""A video's own sound stays what it was: its packets, channels and place in time."""

from __future__ import annotations

import logging
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from facediff.audio.wave import load_sound, load_wave
from facediff.media import VideoWriter
from facediff.media.joining import join_videos

RATE = 48000
GREY = np.full((64, 64, 3), 90, np.uint8)


def sound(samples, codec="aac", layout="stereo", rate=RATE, **where) -> dict:
    return {"samples": np.asarray(samples, np.float32), "rate": rate, "codec": codec, "layout": layout, **where}


def pair(bursts: np.ndarray) -> np.ndarray:
    return np.stack([bursts, bursts[::-1]])


def write(path: Path, source: Path, frames: int = 50, fps=25, **options) -> Path:
    """A grey film with the sound of another."""
    found = load_sound(source, sample_rate=RATE)
    with VideoWriter(
        path, (64, 64), Fraction(fps), audio=found.wave, audio_rate=RATE, sound=found, **options
    ) as writer:
        for _ in range(frames):
            writer.write(GREY)
    return path


def packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size and packet.pts is not None]


def layout_of(path: Path) -> tuple[str, str, int]:
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        return stream.codec_context.name, stream.layout.name, stream.rate


def placed(path: Path, seconds: float = 6) -> np.ndarray:
    """The channels (C, N) at 48 kHz as their time stamps place them from the first frame on, without our reader."""
    with av.open(str(path)) as container:
        zero = next(container.decode(video=0)).time
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
        assert frames[0].sample_rate == RATE
        canvas, end = np.zeros((frames[0].layout.nb_channels, round(seconds * RATE)), np.float32), 0
        for frame in frames:
            values = frame.to_ndarray()
            if not frame.format.is_planar:
                values = values.reshape(-1, len(canvas)).T
            if values.dtype.kind == "i":
                values = values / np.float32(2 ** (8 * values.dtype.itemsize - 1))
            begin = round((frame.time - zero) * RATE)
            begin = end if abs(begin - end) < 0.004 * RATE else begin  # whole milliseconds, as players take them
            end = begin + values.shape[1]
            values = values[:, max(0, -begin) :]
            begin = max(begin, 0)
            canvas[:, begin : begin + values.shape[1]] = values[:, : canvas.shape[1] - begin]
    return canvas


def delay(heard: np.ndarray, meant: np.ndarray, *, least: float = 0.0) -> float:
    """By how many seconds what is heard comes after what was meant; they must be as like as that."""
    size = 1 << int(np.ceil(np.log2(len(heard) + len(meant))))
    product = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(meant, size)), size)
    best = int(product.argmax())
    assert product[best] >= least * np.linalg.norm(heard) * np.linalg.norm(meant)
    return (best if best < size // 2 else best - size) / RATE


@pytest.mark.parametrize("target", ["b.mp4", "b.mov", "b.m4v", "b.mkv"])
@pytest.mark.parametrize(("name", "codec", "layout"), [
    ("a.mp4", "aac", "stereo"), ("a.mp4", "aac", "5.1"), ("a.mkv", "ac3", "5.1(side)"), ("a.mov", "alac", "stereo"),
])  # fmt: skip
def test_what_the_container_holds_is_copied(tmp_path, write_film, bursts, target, name, codec, layout):
    channels = np.stack([np.roll(bursts, 999 * k) for k in range(2 if layout == "stereo" else 6)])
    source = write_film(tmp_path / name, [sound(channels, codec, layout)])
    made = write(tmp_path / target, source)
    assert packets(made) == packets(source) and layout_of(made) == layout_of(source)
    assert delay(placed(made)[1], placed(source)[1], least=0.99) == pytest.approx(0, abs=0.0011)


@pytest.mark.parametrize(("source", "codec", "target", "expected"), [
    ("a.webm", "libopus", "b.mp4", "opus"), ("a.webm", "libopus", "b.mkv", "opus"),
    ("a.webm", "libopus", "b.mov", "aac"), ("a.webm", "libopus", "b.m4v", "aac"),
    ("a.mov", "pcm_s16le", "b.mov", "pcm_s16le"), ("a.mov", "pcm_s16le", "b.mp4", "aac"),
    ("a.mkv", "flac", "b.mp4", "flac"), ("a.mkv", "flac", "b.mov", "aac"), ("a.mkv", "libmp3lame", "b.mp4", "mp3float"),
    ("a.ts", "aac", "b.mp4", "aac"), ("a.ts", "aac", "b.mkv", "aac"), ("a.ts", "ac3", "b.mp4", "ac3"),
    ("a.mkv", "pcm_s24le", "b.mp4", "aac"), ("a.mpg", "mp2", "b.mp4", "aac"),
])  # fmt: skip
@pytest.mark.parametrize("start", [0.0, 0.536])
def test_both_channels_stay_in_time_whatever_the_codec(
    tmp_path, write_film, bursts, source, codec, target, expected, start
):
    film = write_film(tmp_path / source, [sound(pair(bursts), codec, start=start)], seconds=3)
    made = write(tmp_path / target, film, frames=75)
    assert layout_of(made) == (expected, "stereo", RATE)
    before, after = placed(film), placed(made)
    for channel in range(2):
        assert delay(after[channel], before[channel], least=0.9) == pytest.approx(0, abs=0.0011)
    assert delay(load_wave(made, sample_rate=RATE), load_wave(film, sample_rate=RATE)) == pytest.approx(0, abs=0.0011)


@pytest.mark.parametrize("target", ["b.mp4", "b.mkv"])
@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "aac"), ("a.mkv", "flac"), ("a.ts", "aac"), ("a.mov", "pcm_s16le")]
)
def test_early_sound_and_holes_stay(tmp_path, write_film, bursts, target, name, codec):
    film = [sound(pair(bursts), codec, keeps=lambda time: codec[:3] == "pcm" or not 0.9 <= time < 1.2)]
    source = write_film(tmp_path / name, film, picture_from=0.4)
    before, after = placed(source), placed(write(tmp_path / target, source))
    for part in (slice(2000, 20000), slice(42000, 76000)):
        assert delay(after[0, part], before[0, part], least=0.9) == pytest.approx(0, abs=0.0011)
    if codec != "pcm_s16le":
        assert np.abs(after[:, 29000:37000]).max() < 1e-3


@pytest.mark.parametrize("target", ["b.mp4", "b.mkv"])
def test_an_edit_list_stays_obeyed(tmp_path, write_film, bursts, target):
    source = write_film(tmp_path / "a.mp4", [sound(pair(bursts), start=-0.3)])
    after = placed(write(tmp_path / target, source))
    assert delay(after[0], bursts) == pytest.approx(-0.3, abs=0.001)


@pytest.mark.parametrize(("name", "codec", "target"), [
    ("a.mp4", "aac", "b.mp4"), ("a.mkv", "flac", "b.mp4"), ("a.mov", "pcm_s16le", "b.mp4"),
    ("a.webm", "libopus", "b.mov"),
])  # fmt: skip
def test_it_ends_with_the_picture(tmp_path, write_film, bursts, name, codec, target):
    made = write(tmp_path / target, write_film(tmp_path / name, [sound(pair(bursts), codec)]), frames=17)
    with av.open(str(made)) as container:
        end = [frame.time + frame.samples / frame.sample_rate for frame in container.decode(audio=0)][-1]
    assert 17 / 25 - 0.025 < end < 17 / 25 + 0.1
    assert len(load_wave(made)) / 16000 < 17 / 25 + 0.1


def test_sound_that_begins_after_the_end_leaves_a_video_that_can_be_read(tmp_path, write_film, bursts):
    for name, codec in (("a.mp4", "aac"), ("a.mov", "pcm_s16le")):
        made = write(
            tmp_path / f"{codec}.mp4", write_film(tmp_path / name, [sound(pair(bursts), codec, start=1.5)]), 10
        )
        with av.open(str(made)) as container:
            assert len(list(container.decode(video=0))) == 10


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 96000])
def test_what_is_coded_anew_keeps_its_rate_and_its_channels(tmp_path, write_film, bursts, rate):
    source = write_film(tmp_path / "a.mov", [sound(np.stack([bursts] * 6), "pcm_s16le", "5.1", rate=rate)], seconds=1)
    assert layout_of(write(tmp_path / "b.mp4", source, frames=25)) == ("aac", "5.1", rate)


def test_eight_channels_are_coded_anew_as_eight(tmp_path, write_film, bursts):
    channels = np.stack([0.9 * np.roll(bursts, 500 * k) for k in range(8)])
    source = write_film(tmp_path / "a.mkv", [sound(channels, "pcm_s16le", "7.1")])
    made = write(tmp_path / "b.mp4", source)
    assert layout_of(made) == ("aac", "7.1", RATE)
    assert np.corrcoef(load_wave(made)[2000:30000], load_wave(source)[2000:30000])[0, 1] > 0.85


def test_the_language_is_kept(tmp_path, write_film, bursts):
    source = write_film(tmp_path / "a.mkv", [sound(pair(bursts), "flac")])
    with av.open(str(source)) as container, av.open(str(tmp_path / "c.mkv"), "w") as spoken:
        pairs = {stream.index: spoken.add_stream_from_template(stream) for stream in container.streams}
        pairs[container.streams.audio[0].index].metadata["language"] = "pol"
        for packet in container.demux():
            if packet.pts is not None:
                packet.stream = pairs[packet.stream_index]
                spoken.mux(packet)
    with av.open(str(write(tmp_path / "b.mp4", tmp_path / "c.mkv"))) as container:
        assert container.streams.audio[0].language == "pol"


def test_a_file_that_is_gone_leaves_the_wave_and_a_word(tmp_path, write_film, bursts, caplog):
    source = write_film(tmp_path / "a.mp4", [sound(pair(bursts))])
    found = load_sound(source, sample_rate=RATE)
    source.unlink()
    with (
        caplog.at_level(logging.WARNING),
        VideoWriter(
            tmp_path / "b.mp4", (64, 64), Fraction(25), audio=found.wave, audio_rate=RATE, sound=found
        ) as writer,
    ):
        for _ in range(50):
            writer.write(GREY)
    assert layout_of(tmp_path / "b.mp4")[:2] == ("aac", "mono") and "it is written in mono" in caplog.text
    assert delay(load_wave(tmp_path / "b.mp4", sample_rate=RATE), found.wave) == pytest.approx(0, abs=0.001)


@pytest.mark.parametrize("target", ["b.mp4", "b.mov", "b.mkv"])
@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "aac"), ("a.webm", "libopus"), ("a.ts", "ac3")])
def test_parts_that_are_joined_get_it_too(tmp_path, write_film, bursts, target, name, codec):
    source = write_film(tmp_path / name, [sound(pair(bursts), codec, start=0.2)], seconds=3)
    found, parts = load_sound(source, sample_rate=RATE), []
    for number, count in enumerate((30, 1, 19)):
        parts.append(tmp_path / f"{number}.mp4")
        with VideoWriter(parts[-1], (64, 64), Fraction(25), is_part=True) as writer:
            for _ in range(count):
                writer.write(GREY)
    join_videos(parts, tmp_path / target, Fraction(25), audio=found.wave, audio_rate=RATE, sound=found)
    before, after = placed(source), placed(tmp_path / target)
    assert delay(after[1], before[1]) == pytest.approx(0, abs=0.0011)
    assert np.abs(after[:, round(2.1 * RATE) :]).max() == 0
