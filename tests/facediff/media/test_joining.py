from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from skimage.data import astronaut

from facediff.audio.wave import load_wave
from facediff.errors import MediaError, OutputError
from facediff.media import VideoReader, VideoWriter
from facediff.media.joining import join_videos

FPS, COUNTS = Fraction(30000, 1001), (7, 1, 12)
TONE = (0.3 * np.sin(np.arange(48000) / 15)).astype(np.float32)


def frames(first: int, count: int) -> list[np.ndarray]:
    return [np.roll(astronaut()[:256, 96:352], 3 * k, axis=1) for k in range(first, first + count)]


@pytest.fixture(scope="module")
def parts(tmp_path_factory) -> list[Path]:
    folder, made, first = tmp_path_factory.mktemp("parts"), [], 0
    for number, count in enumerate(COUNTS):
        made.append(folder / f"{number}.mp4")
        with VideoWriter(made[-1], (256, 256), FPS, is_part=True) as writer:
            for frame in frames(first, count):
                writer.write(frame)
        first += count
    return made


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_parts_become_one_video_with_the_frames_of_each(parts, suffix: str, tmp_path: Path) -> None:
    out = tmp_path / f"out{suffix}"
    assert join_videos(parts, out, FPS, audio=TONE, audio_rate=48000, metadata={"comment": "hello"}) == sum(COUNTS)
    reader = VideoReader(out)
    joined = list(reader)
    apart = [frame for part in parts for frame in VideoReader(part)]
    kept = not (suffix == ".mkv" and av.__version__.startswith("17."))  # which does not copy the rate to its header
    assert abs(float(reader.info.fps - FPS)) < (0.01 if kept else 0.5) and len(joined) == len(apart) == sum(COUNTS)
    for one, other in zip(joined, apart, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_sound_is_as_long_as_the_picture(parts, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    join_videos(parts, out, FPS, audio=TONE, audio_rate=48000)
    heard = load_wave(out)
    assert abs(len(heard) / 16000 - sum(COUNTS) / FPS) < 0.08
    assert 0.15 < float(np.abs(heard[2000:6000]).max()) < 0.5


def test_it_looks_as_if_written_in_one_go(parts, tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "whole.mp4", (256, 256), FPS) as writer:
        for frame in frames(0, sum(COUNTS)):
            writer.write(frame)
    join_videos(parts, tmp_path / "joined.mp4", FPS)
    for one, other in zip(VideoReader(tmp_path / "whole.mp4"), VideoReader(tmp_path / "joined.mp4"), strict=True):
        assert np.abs(one.astype(int) - other).mean() < 3


def test_a_part_that_is_missing_damaged_or_other_leaves_nothing(parts, tmp_path: Path) -> None:
    (tmp_path / "damaged.mp4").write_bytes(parts[0].read_bytes()[:300])
    with VideoWriter(tmp_path / "other.mp4", (128, 256), FPS, is_part=True) as writer:
        writer.write(astronaut()[:256, :128])
    for bad in ("missing.mp4", "damaged.mp4", "other.mp4"):
        with pytest.raises(MediaError):
            join_videos([parts[0], tmp_path / bad], tmp_path / "out.mp4", FPS)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["damaged.mp4", "other.mp4"]


def test_a_seal_that_fails_leaves_nothing(parts, tmp_path: Path) -> None:
    def fails(path: Path) -> None:
        raise OutputError("no room")

    with pytest.raises(OutputError, match="no room"):
        join_videos(parts, tmp_path / "out.mp4", FPS, seal=fails)
    assert not list(tmp_path.iterdir())


def test_a_link_as_output_stays(parts, tmp_path: Path) -> None:
    (tmp_path / "link.mp4").symlink_to("joined.mp4")
    join_videos(parts, tmp_path / "link.mp4", FPS)
    assert (tmp_path / "link.mp4").is_symlink()
    assert len(list(VideoReader(tmp_path / "joined.mp4"))) == sum(COUNTS)
