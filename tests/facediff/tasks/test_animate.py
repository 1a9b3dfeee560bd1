"""A portrait and a video driven by known motions, end to end."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut, coffee
from typer.testing import CliRunner

import facediff
from facediff import Avatar
from facediff.audio.wave import load_wave
from facediff.cli import app
from facediff.errors import AudioError, ConfigError
from facediff.landmarks.masks import face_hull
from facediff.landmarks.mesh import CHIN
from facediff.landmarks.tracker import track_face, track_still
from facediff.media import VideoReader, VideoWriter, read_image
from facediff.motion import coefficients
from facediff.motion.rig import encode_motion
from facediff.motion.template import MotionTemplate, load_template
from tests.portraits import avatar

HELLO = Path(facediff.__file__).parent / "samples" / "hello.flac"


def opened(amount: np.ndarray) -> np.ndarray:
    """Coefficients (T, 16) of lips that part by so many eye distances (T,)."""
    b = coefficients.basis()
    return amount[:, None] * (b.opening.ravel() @ np.linalg.pinv(b.lips.reshape(len(b.lips), -1)))


def act(frames: int = 24) -> MotionTemplate:
    time = np.arange(frames) / 24
    motion = np.zeros((frames, coefficients.DIMENSIONS), np.float32)
    motion[:, coefficients.LIPS] = opened(0.2 * np.clip(np.sin(2 * np.pi * 2 * time), 0, 1))
    motion[:, coefficients.ANGLES.start] = 8 * np.sin(2 * np.pi * time)
    motion[:, coefficients.LIDS] = np.clip(np.sin(2 * np.pi * time + 2), 0, 1)[:, None]
    return MotionTemplate(motion, np.ones(frames, bool), np.eye(3, dtype=np.float32), Fraction(25))


@pytest.fixture(scope="module")
def portrait() -> Avatar:
    return Avatar.from_image(astronaut(), device="cpu")


@pytest.fixture(scope="module")
def driver(portrait, tmp_path_factory) -> Path:
    """The astronaut acting, as a video with sound."""
    clip = portrait.animate(act(), paint=False)
    path = tmp_path_factory.mktemp("driver") / "driver.mp4"
    with VideoWriter(path, (512, 512), Fraction(25), audio=np.zeros(48000, np.float32), audio_rate=48000) as writer:
        for frame in clip:
            writer.write(frame)
    return path


def tracked(frames) -> np.ndarray:
    return encode_motion(track_face(iter(frames), 25.0).points)


@pytest.mark.parametrize(("codec", "layout", "kept"), [("aac", "5.1", "aac"), ("libopus", "stereo", "opus")])
def test_a_drivers_own_sound_comes_along_with_all_its_channels_in_its_place(
    portrait, driver, write_film, remux, bursts, tmp_path, codec, layout, kept
) -> None:
    channels = [np.roll(bursts, 500 * k) for k in range({"5.1": 6, "stereo": 2}[layout])]
    film = {"samples": channels, "rate": 48000, "codec": codec, "layout": layout, "start": 0.4}
    spoken = write_film(tmp_path / "s.mkv", [film], seconds=0)
    acted = remux(driver, spoken, tmp_path / "d.mkv")
    made = portrait.animate(acted, paint=False, sound=True).save(tmp_path / "made.mp4")
    with av.open(str(made)) as container:
        stream = container.streams.audio[0]
        assert (stream.codec_context.name, stream.layout.name) == (kept, layout)
    own, wave = load_wave(acted), load_wave(made)
    onset = [np.flatnonzero(np.abs(heard) > 0.02)[0] / 16000 for heard in (own, wave)]
    assert onset[0] > 0.35 and onset[1] == pytest.approx(onset[0], abs=0.002)


def test_which_sound_of_a_driver_comes_along_can_be_chosen(
    portrait, driver, write_film, remux, bursts, tmp_path
) -> None:
    sounds = [{"samples": [one], "rate": 48000, "codec": "aac", "layout": "mono"} for one in (bursts, bursts[::-1])]
    acted = remux(driver, write_film(tmp_path / "s.mkv", sounds, seconds=0), tmp_path / "d.mkv")
    clip = portrait.animate(acted, paint=False, sound=True, track=2)
    np.testing.assert_array_equal(clip.audio, load_wave(acted, sample_rate=48000, track=2))
    np.testing.assert_allclose(
        load_wave(clip.save(tmp_path / "made.mp4"))[:12000], load_wave(acted, track=2)[:12000], atol=1e-3
    )
    with pytest.raises(AudioError, match=r"d\.mkv has 2 sound tracks; there is no track 3$"):
        portrait.animate(acted, paint=False, sound=True, track=3)


def test_what_drives_is_what_is_seen(portrait, driver) -> None:
    """A video's motion, given back to the same face, moves it as the video does; a quality gate, without a network."""
    clip = portrait.animate(driver, paint=False)
    assert (len(clip), clip.fps, clip.size) == (24, 25, (512, 512))
    seen, wanted = tracked(clip), tracked(VideoReader(driver))
    for channel, least in (
        (coefficients.OPENING.start, 0.9),
        (coefficients.ANGLES.start, 0.9),
        (coefficients.LIDS.start, 0.8),
    ):
        assert np.corrcoef(seen[:, channel], wanted[:, channel])[0, 1] > least, channel


def without_neck() -> np.ndarray:
    """The portrait, cut off right below the chin."""
    chin = int(track_still(astronaut()).points[0, CHIN, 1])
    return np.ascontiguousarray(astronaut()[: chin + 3, 100:350])


def with_a_hand() -> np.ndarray:
    """The portrait with two fingers over one cheek."""
    picture, points = astronaut().copy(), track_still(astronaut()).points[0]
    x, y = points[50, :2].astype(int)
    for k in (0, 9):
        cv2.line(picture, (x - 25 + k, y + 50), (x - 8 + k, y), (214, 160, 130), 7, cv2.LINE_AA)
        cv2.line(picture, (x - 21 + k, y + 50), (x - 4 + k, y), (120, 80, 60), 1, cv2.LINE_AA)
    return picture


@pytest.mark.parametrize("source", [without_neck, with_a_hand])
def test_a_source_without_a_neck_or_with_a_hand_on_its_cheek_moves_as_any(source) -> None:
    picture, wanted = source(), act()
    frames = list(Avatar.from_image(picture, device="cpu").animate(wanted))
    assert all(frame.shape == picture.shape for frame in frames)
    seen = tracked(frames)
    for channel in (coefficients.OPENING.start, coefficients.ANGLES.start, coefficients.LIDS.start):
        asked = wanted.motion[:, channel if channel != coefficients.OPENING.start else coefficients.LIPS.start]
        assert abs(np.corrcoef(seen[:, channel], asked)[0, 1]) > 0.8, channel


def test_a_region_leaves_the_others_alone(portrait) -> None:
    lips = tracked(portrait.animate(act(), region="lips", paint=False))
    assert lips[:, coefficients.OPENING].std() > 0.04
    assert np.abs(lips[:, coefficients.ANGLES]).max() < 3 and lips[:, coefficients.LIDS].std() < 0.1
    eyes = list(portrait.animate(act(), region="eyes"))
    assert np.abs(eyes[20].astype(int) - astronaut()).max() > 30
    np.testing.assert_array_equal(eyes[20][180:], astronaut()[180:])  # below the nose nothing changes


def test_no_strength_is_no_motion(portrait) -> None:
    frames = portrait.animate(act(4), lips=0, eyes=0, brows=0, head=0, region="expression", paint=False)
    still = next(iter(frames)).astype(int)
    for frame in frames:
        np.testing.assert_array_equal(frame, still)
    assert np.abs(still[:140] - astronaut()[:140]).mean() < 0.1


@pytest.mark.parametrize(("degrees", "is_told"), [(25, False), (55, True)])
def test_who_turns_farther_than_a_portrait_can_is_told(portrait, caplog, degrees, is_told) -> None:
    template = act()
    template.motion[:, coefficients.ANGLES.start] = np.linspace(0, degrees, len(template.motion))
    with caplog.at_level("WARNING", "facediff.tasks.animate"):
        portrait.animate(template, paint=False)
    told = [record.getMessage() for record in caplog.records]
    turned = [float(re.search(r"turns up to (\d+) degrees", one)[1]) for one in told]
    assert turned == ([pytest.approx(degrees, abs=2)] if is_told else [])


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_driver_s_film_that_lies_on_its_side_turns_no_head_over(portrait, quarters) -> None:
    motion = np.zeros((2, coefficients.DIMENSIONS), np.float32)
    turn = np.linalg.matrix_power(np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]], np.float32), quarters)
    standing, lying = (
        MotionTemplate(motion, np.ones(2, bool), rotation, Fraction(25))
        for rotation in (np.eye(3, dtype=np.float32), turn)
    )
    wanted, made = (portrait.animate(one, absolute=True, paint=False).preview() for one in (standing, lying))
    np.testing.assert_array_equal(made, wanted)


def test_absolute_motion_takes_the_drivers_head(portrait) -> None:
    angle = np.radians(-12)
    turned = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]], np.float32)
    template = MotionTemplate(act(2).motion * 0, np.ones(2, bool), turned, Fraction(25))
    relative, absolute = (
        track_face(iter(portrait.animate(template, absolute=a, paint=False)), 25.0).points[0] for a in (False, True)
    )
    shift = (absolute[1] - absolute[[33, 263]].mean(0))[0] - (relative[1] - relative[[33, 263]].mean(0))[0]
    assert shift > 3  # the nose of a head that looks a little to the left now points to the right


def test_the_shape_of_the_drivers_face_is_taken_over_as_far_as_is_asked_for(portrait, tmp_path) -> None:
    wide = cv2.resize(astronaut(), None, fx=1.25, fy=1.0)
    Image.fromarray(wide).save(tmp_path / "wide.png")

    def slimness(picture: np.ndarray) -> float:
        points = track_still(picture, None).points[0]
        return float(np.linalg.norm(points[10] - points[152]) / np.linalg.norm(points[234] - points[454]))

    def animated(share: float) -> np.ndarray:
        clip = portrait.animate(tmp_path / "wide.png", absolute=True, face_shape=share, paint=False)
        return next(clip.frames(0, 1))

    own, half, all_of_it = (slimness(animated(share)) for share in (0.0, 0.5, 1.0))
    assert own == pytest.approx(slimness(astronaut()), abs=0.03)
    assert own > half > all_of_it and all_of_it - slimness(wide) < 0.5 * (own - slimness(wide))
    with pytest.raises(ConfigError, match="a saved motion has no face"):
        portrait.animate(act(2), face_shape=0.5)


def test_a_video_takes_over_expressions_and_keeps_its_head_and_rate(driver, tmp_path) -> None:
    rate = Fraction(30000, 1001)
    with VideoWriter(tmp_path / "me.mp4", (512, 512), rate) as writer:
        for shift in range(8):
            writer.write(np.roll(astronaut(), shift, axis=1))
    me = Avatar.from_video(tmp_path / "me.mp4", device="cpu")
    clip = me.animate(act(), paint=False)
    assert (clip.fps, len(clip)) == (rate, 29)  # as long as the driver, there and back
    frames, source = list(clip), list(VideoReader(tmp_path / "me.mp4"))
    np.testing.assert_array_equal(frames[5][400:], source[5][400:])
    seen = tracked(frames)
    assert seen[:, coefficients.OPENING].std() > 0.03
    with pytest.raises(ConfigError, match="keeps its own head"):
        me.animate(act(), region="pose")


@pytest.mark.parametrize(
    ("kind", "options"),
    [("portrait", {}), ("portrait", {"steps": 2}), ("video", {}), ("video", {"paint": False})],
    ids=str,
)
def test_a_part_is_what_it_is_in_the_whole(kind, options, tmp_path) -> None:
    """Wherever it begins: parts are what batches and previews are made of.

    Bit for bit on processors of AMD; on those of Intel the sums of a matrix depend in their last bit on how many frames
    are painted at once, which tips some values by a level, two in a thousand at most.
    """
    picture = np.ascontiguousarray(astronaut()[:256, 96:352])
    if kind == "portrait":
        avatar = Avatar.from_image(picture, device="cpu")
    else:
        with VideoWriter(tmp_path / "me.mp4", (256, 256), Fraction(25)) as writer:
            for shift in range(5):
                writer.write(np.roll(picture, shift, axis=1))
        avatar = Avatar.from_video(tmp_path / "me.mp4", device="cpu")
    clip = avatar.animate(act(10), region="all" if kind == "portrait" else "expression", seed=3, **options)
    whole = list(clip)
    assert len(whole) == 10
    for first, last in ((4, 8), (3, 7), (9, 10)):
        apart = np.abs(np.array(list(clip.frames(first, last)), int) - whole[first:last])
        assert apart.max() <= 1 and apart.mean() < 3e-3


def test_the_result_stands_beside_what_made_it(portrait, driver) -> None:
    plain, compared = (portrait.animate(driver, paint=False, compare=c) for c in (False, True))
    assert compared.size == (3 * 512, 512)
    frame, third = (next(c.render(slice(7, 8))) for c in (plain, compared))
    np.testing.assert_array_equal(third[:, 1024:], frame)
    np.testing.assert_array_equal(third[:, 512:1024], astronaut())
    assert portrait.animate(act(), paint=False, compare=True).size == (2 * 512, 512)  # a motion shows no one


def test_refining_is_seeded_and_stays_in_the_face(portrait) -> None:
    one, again, coarse = (portrait.animate(act(3), steps=1, seed=2, paint=p) for p in (True, True, False))
    frames = list(one)
    np.testing.assert_array_equal(frames, list(again))
    changed = (frames[2] != list(coarse)[2]).any(axis=2)
    unit = float(np.linalg.norm(portrait.track.points[0, 33] - portrait.track.points[0, 263]))
    near = face_hull(portrait.track.points[0], (512, 512), unit, reach=0.3) > 0
    assert changed[near].mean() > 0.02 and not changed[~near].any()  # a better refiner may find less to change


def test_what_is_the_drivers_own_moment_is_given_back(portrait, driver, tmp_path) -> None:
    """A source that is a frame of its driver moves as the driver did, place and pose included."""
    frames = list(VideoReader(driver))
    Image.fromarray(frames[7]).save(tmp_path / "seventh.png")
    me = Avatar.from_image(tmp_path / "seventh.png", device="cpu")
    made = list(me.animate(driver, paint=False))
    assert np.abs(made[7].astype(int) - frames[7]).mean() < 1.0
    seen, wanted = (track_face(iter(f), 25.0).points[..., :2] for f in (made, frames))
    apart = np.linalg.norm(seen - wanted, axis=2).mean(axis=1)
    assert apart.max() < 2.5 and np.median(apart) < 1.2


def test_the_clip_has_the_drivers_rate_and_its_preview_is_one_of_its_frames(portrait) -> None:
    clip = portrait.animate(replace(act(6), fps=Fraction(60)), paint=False)
    assert (len(clip), clip.fps) == (6, 60)
    np.testing.assert_array_equal(clip.preview(), list(clip)[clip.preview_index])


def test_half_the_strength_is_half_the_motion(portrait) -> None:
    full, half = (tracked(portrait.animate(act(), head=h, lips=0, region="all", paint=False)) for h in (1, 0.5))
    yaw = coefficients.ANGLES.start
    assert half[:, yaw].std() / full[:, yaw].std() == pytest.approx(0.5, abs=0.08)
    assert full[:, yaw].std() > 3 and full[:, coefficients.OPENING].std() < 0.02


def test_a_picture_of_an_expression_is_taken_over_slowly(portrait, tmp_path) -> None:
    wide = replace(act(1), motion=np.zeros((1, coefficients.DIMENSIONS), np.float32))
    wide.motion[:, coefficients.LIPS] = opened(np.array([0.25]))
    Image.fromarray(list(portrait.animate(wide, paint=False))[-1]).save(tmp_path / "wide.png")
    clip = portrait.animate(tmp_path / "wide.png", region="lips", paint=False)
    assert (len(clip), clip.fps) == (50, 25)
    first, early, late, last = (next(clip.render(slice(k, k + 1))) for k in (0, 4, 20, 49))
    np.testing.assert_array_equal(late, last)
    gaps = coefficients.lip_opening(track_face(iter([first, early, last]), 25.0).points)
    assert gaps[0] < gaps[1] < gaps[2] and gaps[2] - gaps[0] > 8  # pixels


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    return result.exit_code, result.stderr


def test_the_command_line_animates_and_saves_motions(driver, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(astronaut()).save("p.png")
    assert run("motion", "extract", driver, "-o", "m.safetensors")[0] == 0
    assert len(load_template("m.safetensors")) == 24
    play_motion = CliRunner().invoke(app, ["motion", "show", "m.safetensors"])
    assert "24 frames at 25 a second, a face in 24" in play_motion.stdout and "yaw (degrees)" in play_motion.stdout
    assert run("motion", "show", "m.safetensors", "-o", "m.png")[0] == 0 and Path("m.png").stat().st_size > 9999
    assert run("animate", "p.png", driver, "-o", "a.mp4", "--region", "eyes", "--sound")[0] == 0
    assert VideoReader("a.mp4").info.has_audio
    assert run("animate", "p.png", "m.safetensors", "-o", "one.mp4", "--preview", "--steps", 1)[0] == 0
    assert read_image("one.png").shape == (512, 512, 3)


def test_the_command_line_refuses_in_one_sentence(driver, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(astronaut()).save("p.png")
    Image.fromarray(coffee()).save("coffee.png")
    Path("bad.npz").write_bytes(b"no")
    act(2).save("m.npz")
    before = sorted(p.name for p in Path().iterdir())
    for arguments, said in (
        (["p.png", "none.mp4"], "there is no file at none.mp4"),
        (["p.png", "coffee.png"], "no human face"),
        (["p.png", "bad.npz"], "bad.npz is not a motion"),
        (["p.png", "m.npz", "--sound"], "only a driving video has a sound"),
        (["p.png", "m.npz", "--track", "2"], "--track is of the sound that is carried over, and none is"),
        (["p.png", "m.npz", "--eyes", "9"], "--eyes is a strength from 0 to 3"),
        ([driver, "m.npz", "--region", "pose"], "a video keeps its own head motion"),
    ):
        code, words = run("animate", *arguments, "-o", "o.mp4")
        assert code == 2 and said in words and re.fullmatch(r"facediff: [^\n]+\n", words), words
    assert sorted(p.name for p in Path().iterdir()) == before


def test_above_the_drivers_rate_motion_is_that_of_the_times_between():
    motion = np.zeros((4, coefficients.DIMENSIONS), np.float32)
    motion[:, coefficients.ANGLES.start] = [0, 3, 6, 9]
    turn = MotionTemplate(motion, np.ones(4, bool), np.eye(3, dtype=np.float32), Fraction(25))
    usual, twice = (list(avatar("plain").animate(turn, paint=False, fps=fps)) for fps in (None, 50))
    assert avatar("plain").animate(turn, paint=False, fps=50).fps == 50
    assert len(usual) == 4 and len(twice) in (7, 8)
    for k in range(4):
        np.testing.assert_array_equal(usual[k], twice[2 * k])
    away = [np.abs(twice[3].astype(int) - usual[k]).mean() for k in (1, 2)]
    apart = np.abs(usual[1].astype(int) - usual[2]).mean()
    assert max(away) < apart, "it lies between both"


def test_a_video_is_animated_at_twice_its_rate(video):
    turn = MotionTemplate(
        np.zeros((5, coefficients.DIMENSIONS), np.float32), np.ones(5, bool), np.eye(3, dtype=np.float32), Fraction(25)
    )
    clip = video.animate(turn, paint=False, fps=50, region="expression")
    assert clip.fps == 50 and len(clip) == len(list(clip)) in (9, 10) and clip.record.options["fps"] == 50
