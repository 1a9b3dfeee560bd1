"""Portraits and videos edited, end to end: expressions here, attributes with the embedded autoencoder."""

from __future__ import annotations

import re
import shlex
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from facediff import Avatar
from facediff.audio.wave import load_wave
from facediff.cli import app
from facediff.cli.provenance import command_line
from facediff.errors import AudioError, ConfigError, WeightsError
from facediff.landmarks.canonical import canonicalise
from facediff.landmarks.masks import face_hull
from facediff.landmarks.tracker import track_face
from facediff.media import VideoReader, VideoWriter, read_image
from facediff.provenance import read_record
from tests.portraits import plain

FRAMES = 8
STEPS = 4


@pytest.fixture(scope="module")
def portrait() -> Avatar:
    return Avatar.from_image(plain(), device="cpu")


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Path:
    """The astronaut drifting to the right, with a sound, at 24 frames a second."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    tone = (0.2 * np.sin(np.arange(24000) / 20)).astype(np.float32)
    with VideoWriter(path, (256, 256), Fraction(24), audio=tone, audio_rate=48000) as writer:
        for shift in range(FRAMES):
            writer.write(np.roll(plain(), 2 * shift, axis=1))
    return path


@pytest.fixture(scope="module")
def video(film) -> Avatar:
    return Avatar.from_video(film, device="cpu")


def sound_packets(path: Path) -> list[tuple[float, bytes]]:
    with av.open(str(path)) as container:
        return [(float(p.pts * p.time_base), bytes(p)) for p in container.demux(audio=0) if p.pts is not None]


def mouth_width(frames) -> np.ndarray:
    canonical, _ = canonicalise(track_face(frames, 25.0).points)
    return np.linalg.norm(canonical[:, 61] - canonical[:, 291], axis=1)


def test_a_smile_appears_on_a_portrait_and_stays(portrait: Avatar) -> None:
    clip = portrait.edit(smile=-0.8)  # she smiles already
    frames = [next(clip.frames(k, k + 1)) for k in range(0, 50, 7)]
    assert len(clip) == 50 and clip.fps == 25 and clip.audio is None
    widths = mouth_width(frames)
    assert widths[-1] < 0.96 * widths[0] and abs(widths[-1] - widths[-2]) < 0.01
    np.testing.assert_array_equal(clip.preview(), frames[-1])


def test_a_videos_stereo_sound_stays_as_it_is_and_as_late_as_it_is(film, write_film, remux, bursts, tmp_path) -> None:
    pair = {"samples": [bursts, bursts[::-1]], "rate": 48000, "codec": "aac", "layout": "stereo", "start": 0.2}
    own = remux(film, write_film(tmp_path / "sound.mp4", [pair], seconds=0), tmp_path / "own.mp4")
    clip = Avatar.from_video(own, device="cpu").edit(mouth_open=0.5)
    assert clip.audio.ndim == 1 and not clip.audio[: round(0.17 * 48000)].any()
    made = sound_packets(clip.save(tmp_path / "made.mp4"))
    for (time, data), (own_time, own_data) in zip(made, sound_packets(own), strict=False):
        assert data == own_data and time == pytest.approx(own_time, abs=0.001)
    assert made[-1][0] < FRAMES / 24 < made[-1][0] + 0.03


@pytest.mark.slow
def test_the_sound_that_is_kept_can_be_chosen(film, write_film, remux, bursts, tmp_path) -> None:
    sounds = [{"samples": [one], "rate": 48000, "codec": "aac", "layout": "mono"} for one in (bursts, bursts[::-1])]
    own = remux(film, write_film(tmp_path / "sounds.mkv", sounds, seconds=0), tmp_path / "own.mkv")
    avatar = Avatar.from_video(own, device="cpu")
    for track in (1, 2):
        made = avatar.edit(mouth_open=0.5, track=track).save(tmp_path / f"{track}.mkv")
        wave, wanted = load_wave(made), load_wave(own, track=track)
        np.testing.assert_allclose(wave[:4000], wanted[:4000], atol=1e-3)
        assert read_record(made).options["track"] == track
    with pytest.raises(AudioError, match=r"own\.mkv has 2 sound tracks; there is no track 3$"):
        avatar.edit(mouth_open=0.5, track=3)
    with pytest.raises(ConfigError, match="a portrait has no sound, and so no track 1"):
        Avatar.from_image(plain(), device="cpu").edit(smile=0.5, track=1)


def test_a_video_keeps_rate_sound_and_surroundings(film: Path, video: Avatar) -> None:
    clip = video.edit(mouth_open=0.7)
    frames, own = list(clip), list(VideoReader(film))
    assert clip.fps == 24 and len(frames) == FRAMES and clip.audio is not None
    for index, (made, true) in enumerate(zip(frames, own, strict=True)):
        points = video.track.points[index]
        away = face_hull(points, (256, 256), float(np.linalg.norm(points[33] - points[263])), reach=1.4) == 0
        np.testing.assert_array_equal(made[away], true[away])
    assert any((made != true).any() for made, true in zip(frames, own, strict=True))


def test_a_part_is_what_it_is_in_the_whole(video: Avatar) -> None:
    clip = video.edit(smile=-0.7, head_left=0.3)
    whole = list(clip)
    for made, frame in zip(clip.frames(3, 6), whole[3:6], strict=True):
        assert np.abs(made.astype(int) - frame).max() <= 1


@pytest.mark.parametrize("method", ["prototype", "delta"])
def test_an_attribute_changes_the_head_and_strength_0_nothing(film: Path, video: Avatar, method: str) -> None:
    own = list(VideoReader(film))
    for made, true in zip(video.edit(beard=0.0, method=method, steps=STEPS), own, strict=True):
        np.testing.assert_array_equal(made, true)
    bearded = list(video.edit(beard=1.0, method=method, steps=STEPS))
    change = np.abs(np.stack(bearded).astype(int) - np.stack(own))
    points = video.track.points[5]
    chin = face_hull(points, (256, 256), 60.0, reach=0.5) > 0
    assert change[5][chin].mean() > 0.3 and not change[5][~chin].any()


def test_glasses_are_put_on_all_through_a_video(film: Path, video: Avatar) -> None:
    clip = video.edit(eyeglasses=1.0, age=0.5)
    assert clip.record is not None and clip.record.options["method"] == "prototype"
    for index, (made, true) in enumerate(zip(clip, VideoReader(film), strict=True)):
        points = video.track.points[index]
        bridge = np.rint(points[[168, 6], :2].mean(axis=0)).astype(int)
        box = slice(bridge[1] - 9, bridge[1] + 10), slice(bridge[0] - 5, bridge[0] + 6)
        assert made[box].mean(axis=2).min() < true[box].mean(axis=2).min() - 20  # the bridge of the glasses


def test_each_method_knows_its_attributes(portrait: Avatar) -> None:
    with pytest.raises(ConfigError, match="'age' is edited by the method prototype, not delta"):
        portrait.edit(age=1.0, method="delta")
    with pytest.raises(ConfigError, match="prototype, delta, inversion"):
        portrait.edit(age=1.0, method="magic")
    with pytest.raises(ConfigError, match="put on, not taken off"):
        portrait.edit(eyeglasses=-1.0)


def test_expressions_and_attributes_go_together(portrait: Avatar) -> None:
    both = portrait.edit(attributes="smile=-0.5, beard=1", steps=STEPS)
    only = portrait.edit(smile=-0.5)
    assert len(both) == len(only)
    assert (both.preview() != only.preview()).any()


@pytest.mark.parametrize(("wishes", "said"), [
    ({}, "nothing is wished for"),
    ({"hat": 1.0}, "there is no attribute 'hat'"),
    ({"smile": 5.0}, "smile is a strength"),
    ({"beard": -3.0}, "beard is a strength"),
    ({"attributes": "smile"}, "a wish reads as"),
])  # fmt: skip
def test_wishes_that_cannot_be_met_are_named(portrait: Avatar, wishes: dict, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        portrait.edit(**wishes)


def test_a_text_wants_a_clip_model(portrait: Avatar, tmp_path) -> None:
    with pytest.raises(WeightsError, match="CLIP"):
        portrait.edit(text="face with eyeglasses", clip_model=str(tmp_path), steps=STEPS)


def run(*arguments: object):
    return CliRunner().invoke(app, ["edit", *map(str, arguments)])


def test_the_command_writes_a_video_that_says_how_it_was_made(film: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    done = run(film, "-o", out, "-a", "smile=-0.6", "--attribute", "brows-up=0.5", "--seed", 3)
    assert done.exit_code == 0, done.output
    info = VideoReader(out).info
    assert (info.width, info.fps, info.has_audio) == (256, 24, True)
    record = read_record(out)
    assert record is not None and record.task == "edit" and record.seed == 3
    assert record.options["attributes"] == "smile=-0.6, brows-up=0.5" and len(record.inputs) == 1
    again = shlex.split(command_line(record, out))
    assert again[:3] == ["facediff", "edit", "film.mp4"] and "--attribute=smile=-0.6, brows-up=0.5" in again


def test_the_command_takes_time_ranges(film: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    done = run(film, "-o", out, "-a", "smile=0.6@0.1s-", "-a", "brows-up=0.5", "--seed", 3)
    assert done.exit_code == 0, done.output
    record = read_record(out)
    assert record is not None and record.options["attributes"] == "brows-up=0.5"
    assert record.options["emotion"] == "smile=0.6@0.1s-"


def test_the_command_writes_pictures_strips_and_lists(film: Path, tmp_path: Path) -> None:
    picture = tmp_path / "one.png"
    Image.fromarray(plain()).save(picture)
    assert run(picture, "-o", tmp_path / "edited.png", "-a", "smile=-1").exit_code == 0
    assert read_image(tmp_path / "edited.png").shape == (256, 256, 3)
    assert run(film, "-o", tmp_path / "strip.mp4", "-a", "smile=1", "--sweep").exit_code == 0
    height, width, _ = read_image(tmp_path / "strip.png").shape
    assert width > 3 * height
    assert run(film, "-o", tmp_path / "glasses.png", "-a", "eyeglasses=1", "--sweep").exit_code == 0
    listed = run("--list-attributes")
    assert listed.exit_code == 0 and "smile" in listed.output and "beard" in listed.output


def test_bad_orders_are_one_sentence(film: Path, tmp_path: Path) -> None:
    for arguments in (
        [film, "-o", tmp_path / "out.mp4"],
        [film, "-o", tmp_path / "out.avi", "-a", "smile=1"],
        [tmp_path / "none.mp4", "-o", tmp_path / "out.mp4", "-a", "smile=1"],
        [film, "-o", film, "-a", "smile=1"],
        [film],
        [film, "-o", tmp_path / "out.mp4", "--sweep"],
        [film, "-o", tmp_path / "out.mp4", "--sweep", "-a", "smile=1@0.1s-"],
    ):
        done = run(*arguments)
        assert done.exit_code == 2 and isinstance(done.exception, SystemExit), done.stderr
        assert re.fullmatch(r"facediff: [^\n]+\n", done.stderr), done.stderr
    assert not (tmp_path / "out.mp4").exists()


def test_a_video_becomes_one_of_twice_the_rate_with_its_sound(film) -> None:
    avatar = Avatar.from_video(film, device="cpu")
    clip, own = avatar.edit(fps=48), list(VideoReader(film))
    assert clip.fps == 48 and len(clip) == 2 * FRAMES and clip.sound is not None
    frames = list(clip)
    np.testing.assert_array_equal(frames[4], own[2])
    assert not np.array_equal(frames[5], own[2]) and not np.array_equal(frames[5], own[3])
    smiled = avatar.edit(smile=0.5, fps=48)
    assert len(list(smiled)) == 2 * FRAMES
