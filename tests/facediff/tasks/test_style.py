"""A video in another look, by a Stable Diffusion so small that it paints noise; and the command from end to end."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from skimage.data import astronaut, coffee
from typer.testing import CliRunner

from facediff import Avatar
from facediff.cli import app
from facediff.errors import ConfigError, WeightsError
from facediff.landmarks.depth import draw_depth, soften_structure
from facediff.media import VideoReader, VideoWriter
from facediff.options.style import StyleOptions
from facediff.pipelines.painter_loading import load_painter
from facediff.provenance.record import record_in
from facediff.tasks.style import make_style
from facediff.tasks.styling import Styling, face_structure
from tests.facediff.pipelines import picture_models as tiny

FRAMES, SIDE = 5, 32


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A painter, a ControlNet and an IP-Adapter of it, a video of a head that goes aside, and a wider face."""
    folder = tmp_path_factory.mktemp("style")
    (folder / "sd").mkdir()
    tiny.save_stable_diffusion(folder / "sd")
    tiny.control(tiny.unet()).save_pretrained(folder / "depth")
    tiny.save_image_adapter(folder / "adapter")
    small = np.ascontiguousarray(astronaut()[:256, 96:352])
    wave = (0.3 * np.sin(np.arange(9600) / 9)).astype(np.float32)
    with VideoWriter(folder / "me.mp4", (256, 256), Fraction(25), audio=wave) as writer:
        for k in range(FRAMES):
            writer.write(np.roll(small, 4 * k, axis=1))
    wide = cv2.resize(small[:, ::-1], (320, 256))
    Image.fromarray(wide).save(folder / "wide.png")
    Image.fromarray(coffee()[:200, :200]).save(folder / "coffee.png")
    with VideoWriter(folder / "coffee.mp4", (200, 200), Fraction(25)) as writer:
        for _ in range(3):
            writer.write(np.ascontiguousarray(coffee()[:200, :200]))
    return folder


def options(place: Path, **changes) -> StyleOptions:
    given = {
        "model": str(place / "sd"),
        "text": "a bust",
        "size": SIDE,
        "steps": 3,
        "device": "cpu",
        "frames_at_once": 2,
    }
    return StyleOptions(**{**given, **changes})


def frames(place: Path, **changes) -> np.ndarray:
    return np.stack(list(make_style(place / "me.mp4", options(place, **changes))))


LED = {"controlnet": "depth"}


@pytest.mark.parametrize(
    "changes", [{}, {"way": "carried"}, LED, {**LED, "invert": True}], ids=["noise", "carried", "depth", "both"]
)
def test_any_part_of_a_clip_is_what_the_whole_has_there(place, changes) -> None:
    if "controlnet" in changes:
        changes = {**changes, "controlnet": str(place / "depth")}
    clip = make_style(place / "me.mp4", options(place, **changes))
    assert clip.size == (SIDE, SIDE) and len(clip) == FRAMES and clip.audio is not None
    whole = np.stack(list(clip))
    assert whole.shape == (FRAMES, SIDE, SIDE, 3) and whole.std() > 1
    np.testing.assert_array_equal(np.stack(list(clip.frames(1, 4))), whole[1:4])
    assert np.abs(whole[4].astype(int) - whole[0]).mean() > 0.5


@pytest.mark.parametrize(
    "changes",
    [{"text": "a hat"}, {"detail_lost": 5}, {"temporal_guidance": 0.0}, {"seed": 1}, {"invert": True}],
    ids=str,
)
def test_what_is_asked_for_changes_what_is_painted(place, led, changes) -> None:
    asked = Styling(place / "me.mp4", led, options(place, **changes))
    plain = Styling(place / "me.mp4", led, options(place))
    one, other = (next(styling.render(slice(1, 2))) for styling in (asked, plain))
    assert (one != other).any()


@pytest.fixture(scope="module")
def led(place):
    return load_painter(place / "sd", controlnet=place / "depth", device="cpu")


def test_a_face_s_structure_is_its_depth_as_pictures(mesh) -> None:
    made = face_structure([mesh, mesh], (512, 512), 3)
    assert made.shape == (2, 3, 512, 512)
    np.testing.assert_array_equal(made[0, 1], soften_structure(draw_depth(mesh, (512, 512)), 3))


def test_a_tuned_painter_paints(place, tmp_path) -> None:
    """From 'adapt --method one-shot --painter' to 'style --tuned'."""
    made = CliRunner().invoke(
        app, ["adapt", str(place / "me.mp4"), "-o", str(tmp_path / "tuned"), "--method", "one-shot", "--painter",
              str(place / "sd"), "--text", "a woman", "--steps", "2", "--learning-rate", "0.05", "--size", str(SIDE)],
    )  # fmt: skip
    assert made.exit_code == 0, made.output
    assert [path.name for path in tmp_path.iterdir()] == ["tuned"]  # the work is gone
    assert (frames(place, tuned=str(tmp_path / "tuned")) != frames(place)).any()


def run(place: Path, *arguments: str):
    return CliRunner().invoke(app, ["style", str(place / "me.mp4"), *arguments], env={"COLUMNS": "200"})


def test_the_command_writes_a_video_that_says_how_it_was_made(place, tmp_path) -> None:
    output = tmp_path / "bust.mp4"
    done = run(
        place, "-o", str(output), "--painter", str(place / "sd"), "--text", "a bust", "--size", str(SIDE), "--steps",
        "2", "--frames-at-once", "4", "--seed", "3", "--consent", "yes",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    info = VideoReader(output).info
    assert (info.width, info.height, info.has_audio) == (SIDE, SIDE, True)
    told = CliRunner().invoke(app, ["info", str(output)], env={"COLUMNS": "400"}).output
    assert "facediff style me.mp4 --output again.mp4" in told
    for words in ("--painter=sd", "'--text=a bust'", "--seed=3", "--steps=2", "--consent=yes"):
        assert words in told
    assert str(place) not in told


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--text", "a bust"), "give a painter"),
        (("--painter", "{place}/sd"), "give a text of what is to be seen"),
        (("--painter", "{place}/sd", "--text", " "), "give a text of what is to be seen"),
        (("--painter", "{place}/sd", "--text", "a", "--way", "carried", "--invert"), "first frame alone"),
        (("--painter", "{place}/sd", "--text", "a", "--detail-lost", "2"), "this painter is not shown"),
        (
            ("--painter", "{place}/sd", "--text", "a", "--detail-lost", "8"),
            "--detail-lost is a whole number from 0 to 7",
        ),
        (("--painter", "{place}/none", "--text", "a"), "cannot be loaded"),
        (("--painter", "{place}/sd", "--text", "a", "--tuned", "none"), "there is no folder none"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(place, tmp_path, arguments, said) -> None:
    done = run(place, "-o", str(tmp_path / "a.mp4"), *(word.format(place=place) for word in arguments))
    assert done.exit_code == 2 and said in done.stderr, done.output
    assert "Traceback" not in done.output and not list(tmp_path.iterdir())


@pytest.mark.parametrize("way", ["structure", "carried"])
def test_a_painter_sees_a_picture_through_an_ip_adapter(place, way) -> None:
    seen = {"image_adapter": str(place / "adapter"), "text": None, "way": way}
    cup, wide = (frames(place, like=str(place / name), **seen) for name in ("coffee.png", "wide.png"))
    assert cup.shape == (FRAMES, SIDE, SIDE, 3) and (cup != wide).any()
    weak = frames(place, like=str(place / "wide.png"), like_strength=0.0, **seen)
    assert (weak != wide).any()


def test_the_face_of_a_picture_performs_a_video(place) -> None:
    like = str(place / "wide.png")
    clip = make_style(place / "me.mp4", StyleOptions(like=like, consent="yes", device="cpu"))
    assert clip.size == (320, 256) and len(clip) == FRAMES and clip.audio is not None
    assert [(part.role, part.name) for part in clip.record.inputs] == [("source", "me.mp4"), ("like", "wide.png")]
    assert clip.record.options == {"like": "wide.png"} and clip.record.consent == "yes"
    me = place / "me.mp4"
    moved = Avatar.from_image(like, device="cpu").animate(me, absolute=True, sound=True, gaze_from=me)
    np.testing.assert_array_equal(np.stack(list(clip)), np.stack(list(moved)))


def test_of_several_faces_of_a_picture_the_largest_performs_and_a_line_says_so(place, tmp_path, caplog) -> None:
    wide = np.asarray(Image.open(place / "wide.png"))
    small = cv2.resize(wide, None, fx=0.75, fy=0.75)
    small = np.pad(small, ((0, wide.shape[0] - small.shape[0]), (0, 0), (0, 0)), constant_values=128)
    Image.fromarray(np.hstack([small, wide])).save(tmp_path / "pair.png")
    clip = make_style(place / "me.mp4", StyleOptions(like=str(tmp_path / "pair.png"), device="cpu"))
    still, moved = np.asarray(Image.open(tmp_path / "pair.png")).astype(int), list(clip)[-1].astype(int)
    assert "pair.png shows several faces and the largest performs" in caplog.text
    width = small.shape[1]
    changed = np.abs(moved - still).mean((0, 2))
    assert changed[width:].mean() > 10 * changed[: width // 2].mean()


def test_the_face_of_a_picture_wants_none_of_a_painter_s_libraries() -> None:
    code = "import sys, facediff.tasks.style; print('diffusers' in sys.modules, 'transformers' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"] and not done.stderr


def test_the_command_has_a_face_perform_a_video_and_says_how(place, tmp_path) -> None:
    output = tmp_path / "wide.mp4"
    done = run(place, "-o", str(output), "--like", str(place / "wide.png"), "--face-shape", "0.5", "--device", "cpu")
    assert done.exit_code == 0, done.output
    info = VideoReader(output).info
    assert (info.width, info.height, info.has_audio) == (320, 256, True)
    told = CliRunner().invoke(app, ["info", str(output)], env={"COLUMNS": "400"}).output
    assert "facediff style me.mp4 --output again.mp4 --like=wide.png --face-shape=0.5" in told
    assert str(place) not in told


@pytest.mark.parametrize(
    ("video", "arguments", "said"),
    [
        ("coffee.mp4", ("--like", "{place}/wide.png"), "no human face was found"),
        ("me.mp4", ("--like", "{place}/coffee.png"), "no human face was found"),
        ("me.mp4", ("--like", "{place}/me.mp4"), "--like is a picture, not"),
        ("me.mp4", ("--like", "{place}/none.png"), "none.png"),
        ("me.mp4", ("--like", "{place}/wide.png", "--text", "a bust"), "--text is for a painter, and none is given"),
        ("me.mp4", ("--like", "{place}/wide.png", "--way", "carried"), "--way is for a painter"),
        ("me.mp4", ("--like", "{place}/wide.png", "--painter", "{place}/sd"), "give --image-adapter and like"),
        ("me.mp4", ("--image-adapter", "{place}/adapter", "--painter", "{place}/sd", "--text", "a"), "and like, or"),
        (
            "me.mp4",
            ("--like", "{place}/wide.png", "--painter", "{place}/sd", "--image-adapter", "{place}/adapter",
             "--face-shape", "1"),
            "--face-shape is for like without a painter",
        ),
    ],
)  # fmt: skip
def test_a_picture_that_cannot_be_used_is_refused_in_a_sentence(place, tmp_path, video, arguments, said) -> None:
    given = [word.format(place=place) for word in arguments]
    done = CliRunner().invoke(
        app, ["style", str(place / video), "-o", str(tmp_path / "a.mp4"), *given], env={"COLUMNS": "200"}
    )
    assert done.exit_code == 2 and said in done.stderr, done.output
    assert "Traceback" not in done.output and not list(tmp_path.iterdir())


def test_a_picture_is_no_video(place, portrait, tmp_path) -> None:
    Image.fromarray(portrait).save(tmp_path / "me.png")
    with pytest.raises(ConfigError, match="is no video"):
        make_style(tmp_path / "me.png", options(place))


def test_a_painter_of_another_kind_is_refused(place) -> None:
    with pytest.raises(WeightsError, match="cannot be loaded"):
        make_style(place / "me.mp4", options(place, model=str(place / "depth")))
    assert torch.is_grad_enabled() and record_in(None) is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--method", "small", "--painter", "sd", "--text", "a"), "a painter is tuned by one-shot, not by small"),
        (("--method", "one-shot", "--painter", "sd"), "give a text of what it shows"),
        (("--method", "one-shot", "--text", "a"), "text is what a painter is told"),
    ],
)
def test_what_cannot_be_tuned_is_refused(place, tmp_path, arguments, said) -> None:
    done = CliRunner().invoke(
        app, ["adapt", str(place / "me.mp4"), "-o", str(tmp_path / "tuned"), *arguments], env={"COLUMNS": "200"}
    )
    assert done.exit_code == 2 and said in done.stderr, done.output
    assert not list(tmp_path.iterdir())
