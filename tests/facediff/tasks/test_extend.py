from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from facediff import Avatar
from facediff.errors import ConfigError
from facediff.media import VideoReader
from facediff.motion import coefficients
from facediff.motion.template import MotionTemplate, load_template
from facediff.pipelines.loading import load_filler
from facediff.pipelines.motion_filling import MotionFiller
from facediff.tasks.extend import extend_motion
from tests.portraits import plain


@pytest.fixture(scope="module")
def filler() -> MotionFiller:
    return load_filler()


def moved(frames: int, fps: int, strength: float = 1.0) -> MotionTemplate:
    """A head that sways slowly."""
    at = np.arange(frames) / fps
    motion = np.zeros((frames, coefficients.DIMENSIONS), np.float32)
    for channel, period in zip((24, 25, 26), (2.9, 1.9, 3.7), strict=True):
        motion[:, channel] = strength * 3 * np.sin(2 * np.pi * at / period)
    return MotionTemplate(motion, np.ones(frames, bool), np.eye(3, dtype=np.float32), Fraction(fps))


@pytest.mark.parametrize("fps", [25, 30])
def test_a_motion_goes_on_without_a_corner(filler, fps) -> None:
    """The second difference at the join is at most 1.2 times that elsewhere, over ten of them."""
    corners, usual = [], []
    for seed in range(10):
        made = filler.fill_beside(moved(100 + 7 * seed, 25).motion * 0, None, seed=seed + 50)
        template = replace(moved(len(made), fps), motion=made)
        longer = extend_motion(template, 4, filler, seed=seed)
        assert len(longer) == len(template) + 4 * fps and longer.fps == fps
        np.testing.assert_array_equal(longer.motion[: len(template)], template.motion)
        bend = np.abs(np.diff(longer.motion[:, coefficients.ANGLES], n=2, axis=0)).mean(axis=1)
        join = slice(len(template) - 2, len(template))
        corners.append(bend[join].mean())
        usual.append(np.delete(bend, np.r_[join]).mean())
    assert np.mean(corners) <= 1.2 * np.mean(usual)


def test_it_is_as_lively_as_it_was_its_mouth_rests_and_it_blinks(filler) -> None:
    calm, lively = (
        np.mean(
            [extend_motion(moved(200, 25, s), 10, filler, seed=k).motion[225:, 24:27].std(axis=0) for k in range(3)]
        )
        for s in (0.15, 2.0)
    )
    assert calm < 0.7 * lively
    rows = extend_motion(moved(100, 25), 10, filler).motion[125:]
    assert not rows[:, coefficients.LIPS].any() and rows[:, coefficients.LIDS].max() == 1


def test_two_seeds_differ_and_one_does_not(filler) -> None:
    one, again, other = (extend_motion(moved(60, 25), 2, filler, seed=s).motion for s in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - other)[60:, coefficients.ANGLES].max() > 0.5


def test_too_little_and_a_portrait_are_refused(filler) -> None:
    with pytest.raises(ConfigError, match="3 frames says nothing"):
        extend_motion(moved(3, 25), 2, filler)
    with pytest.raises(ConfigError, match="a portrait has no motion"):
        Avatar.from_image(plain(), device="cpu").extend()


def test_a_video_goes_on_from_its_last_picture(tmp_path) -> None:
    portrait = Avatar.from_image(plain(), device="cpu")
    portrait.animate(moved(30, 25), paint=False).save(tmp_path / "a.mp4")
    clip = Avatar.from_file(tmp_path / "a.mp4", device="cpu").extend(seconds=0.6, paint=False)
    assert len(clip) == 45 and clip.record is not None and clip.record.task == "extend"
    frames = list(clip)
    own = list(VideoReader(tmp_path / "a.mp4"))
    assert all(np.array_equal(a, b) for a, b in zip(own, frames[:30], strict=True))
    steps = [np.abs(a.astype(int) - b).mean() for a, b in zip(frames[:-1], frames[1:], strict=True)]
    assert steps[29] < 2 * np.mean(steps), "no cut is seen"
    part = list(clip.frames(28, 33))
    assert all(np.array_equal(a, b) for a, b in zip(part, frames[28:33], strict=True))


def test_the_command_takes_a_saved_motion_too(tmp_path) -> None:
    from typer.testing import CliRunner

    from facediff.cli import app

    moved(50, 25).save(tmp_path / "a.safetensors")
    run = CliRunner().invoke(
        app, ["extend", str(tmp_path / "a.safetensors"), "--seconds", "2", "-o", str(tmp_path / "b.npz")]
    )
    assert run.exit_code == 0, run.output
    assert len(load_template(tmp_path / "b.npz")) == 100
