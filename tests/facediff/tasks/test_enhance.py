"""Videos and pictures, larger and sharper: sizes, sound, texts, records, the command, and what is refused."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from typer.testing import CliRunner

import facediff
from facediff.cli import app
from facediff.cli.provenance import command_line
from facediff.errors import ConfigError
from facediff.media import VideoReader, VideoWriter, read_image, write_image
from facediff.provenance import read_record
from tests.portraits import plain


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    """Seven small frames at 30000/1001 with sound and a title."""
    path = tmp_path_factory.mktemp("small") / "small.mp4"
    wave = np.sin(np.arange(12000) / 20).astype(np.float32) / 4
    texts = {"title": "A test", "comment": "said elsewhere"}
    with VideoWriter(path, (96, 80), Fraction(30000, 1001), audio=wave, audio_rate=48000, metadata=texts) as writer:
        for shift in range(7):
            writer.write(np.roll(plain(), shift, axis=1)[60:140, 80:176])
    return path


def test_a_video_keeps_its_rate_its_sound_and_its_title(small, tmp_path) -> None:
    clip = facediff.enhance(small, device="cpu")
    assert clip.size == (192, 160) and clip.frame_total == 7 and clip.fps == Fraction(30000, 1001)
    for ending in (".mp4", ".mov", ".mkv"):
        out = clip.save(tmp_path / f"large{ending}")
        with av.open(str(out)) as made, av.open(str(small)) as was:
            told = {name.lower(): text for name, text in made.metadata.items()}
            assert told["title"] == "A test"
            assert "said elsewhere" not in told["comment"]
            assert made.streams.video[0].average_rate == was.streams.video[0].average_rate
            one, other = ([bytes(p) for p in f.demux(f.streams.audio[0]) if p.size] for f in (made, was))
            assert one[:5] == other[:5], "the sound is copied"
        record = read_record(out)
        assert record.task == "enhance" and record.inputs[0].name == "small.mp4" and record.options == {}
        frames = list(VideoReader(out))
        assert len(frames) == 7 and frames[0].shape == (160, 192, 3)


def test_parts_are_what_they_are_in_the_whole(small) -> None:
    clip = facediff.enhance(small, device="cpu", augment=0.03)
    whole = list(clip)
    for start, stop in ((0, 1), (3, 5), (6, 7)):
        np.testing.assert_array_equal(list(clip.frames(start, stop)), whole[start:stop])
    assert clip.record.options == {"augment": 0.03}
    other = facediff.enhance(small, device="cpu", augment=0.03, seed=1)
    assert other.record.seed == 1 and not np.array_equal(other.preview(), clip.preview())


def test_a_part_that_is_enlarged_twice_is_what_it_is_in_the_whole(small) -> None:
    """As many frames on either side as both steps look at."""
    clip = facediff.enhance(small, device="cpu", upscale=4)
    np.testing.assert_array_equal(next(clip.frames(3, 4)), list(clip)[3])


def test_sizes_are_those_that_are_asked_for_and_odd_ones_stay(small, tmp_path) -> None:
    assert facediff.enhance(small, device="cpu", upscale=4).preview().shape == (320, 384, 3)
    same = facediff.enhance(small, device="cpu", upscale=1)
    assert same.size == (96, 80) and same.preview().shape == (80, 96, 3)
    write_image(tmp_path / "odd.png", plain()[:63, :65])
    odd = facediff.enhance(tmp_path / "odd.png", device="cpu", upscale=1)
    assert odd.size == (65, 63) and odd.preview().shape == (63, 65, 3) and len(odd) == 1


def test_what_cannot_be_is_refused_in_a_sentence(small, tmp_path) -> None:
    with pytest.raises(ConfigError, match="upscale is 1, 2 or 4, not 3"):
        facediff.enhance(small, upscale=3)
    write_image(tmp_path / "wide.png", np.zeros((64, 1100, 3), np.uint8))
    with pytest.raises(ConfigError, match="4400x256 would be more than the 4096 pixels"):
        facediff.enhance(tmp_path / "wide.png", upscale=4, device="cpu")
    with pytest.raises(ConfigError, match="noise and augment make 0.112"):
        facediff.enhance(small, noise=0.1, augment=0.05, device="cpu")
    with pytest.raises(ConfigError, match="track is of a video's sound"):
        facediff.enhance(tmp_path / "wide.png", track=1, device="cpu")


def run(*words: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["enhance", *map(str, words)])
    return done.exit_code, done.output


def test_the_command_takes_videos_and_pictures(small, tmp_path) -> None:
    code, said = run(small, "-o", tmp_path / "a.mp4", "--device", "cpu")
    assert code == 0, said
    assert len(list(VideoReader(tmp_path / "a.mp4"))) == 7
    write_image(tmp_path / "in.png", plain()[:64, :64])
    code, said = run(tmp_path / "in.png", "-o", tmp_path / "out.png", "--device", "cpu")
    assert code == 0 and read_image(tmp_path / "out.png").shape == (128, 128, 3), said
    code, said = run(tmp_path / "in.png", "-o", tmp_path / "out.mp4")
    assert code == 2 and "is a picture and becomes one" in said and not (tmp_path / "out.mp4").exists()
    again = command_line(read_record(tmp_path / "a.mp4"), tmp_path / "a.mp4")
    assert again == "facediff enhance small.mp4 --output again.mp4"
    code, said = run(small, "-o", small)
    assert code == 2 and "is an input" in said
    code, said = run(tmp_path / "none.mp4", "-o", tmp_path / "b.mp4")
    assert code == 2 and "there is no file" in said
