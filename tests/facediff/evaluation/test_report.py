from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from facediff.audio.wave import load_wave
from facediff.cli import app
from facediff.errors import AudioError, InputError, MediaError, NoFaceFound
from facediff.evaluation.report import Report, evaluate
from facediff.media import VideoReader, VideoWriter, write_image

LATE = 5


@pytest.fixture(scope="module")
def folder(footage, close_up, tmp_path_factory) -> Path:
    """The talk of the footage, and copies of it: lips late, blurred, at another rate, cut short; and its portrait."""
    folder = tmp_path_factory.mktemp("report")
    frames, wave = list(VideoReader(footage / "talk.mp4")), load_wave(footage / "talk.mp4")
    copies = {
        "late": [frames[0]] * LATE + frames[:-LATE],
        "blurred": [cv2.GaussianBlur(frame, (0, 0), 2) for frame in frames],
        "short": frames[:50],
    }
    for name, shown in copies.items():
        with VideoWriter(folder / f"{name}.mp4", (192, 192), Fraction(25), audio=wave) as writer:
            for frame in shown:
                writer.write(frame)
    with VideoWriter(folder / "fast.mp4", (192, 192), Fraction(30)) as writer:
        for frame in frames:
            writer.write(frame)
    write_image(folder / "portrait.png", close_up)
    return folder


@pytest.fixture(scope="module")
def ideal(footage) -> Report:
    """The talk against itself."""
    return evaluate(footage / "talk.mp4", truth=footage / "talk.mp4")


def test_a_video_against_itself_is_ideal(ideal) -> None:
    assert ideal.frames == ideal.compared == 72 and ideal.size == (192, 192) and ideal.face_rate == 1
    assert ideal.lmd_mouth == pytest.approx(0, abs=1e-6) and ideal.lmd_face == pytest.approx(0, abs=1e-6)
    assert (ideal.aperture_corr, ideal.ssim, ideal.sharp_ratio) == pytest.approx((1, 1, 1))
    assert min(ideal.psnr, ideal.psnr_mouth) > 130
    assert ideal.av_gap_ms < 80
    own = ideal.truth
    assert (own.flicker, own.sync_corr, own.blink_per_min) == (ideal.flicker, ideal.sync_corr, ideal.blink_per_min)
    assert own.psnr is None and own.truth is None


def test_lips_that_come_five_frames_late_are_found_so(ideal, folder, footage) -> None:
    late = evaluate(folder / "late.mp4", truth=footage / "talk.mp4")
    assert late.sync_lag_ms - ideal.sync_lag_ms == pytest.approx(1000 * LATE / 25, abs=41)
    assert late.aperture_corr < 0.7 and late.lmd_mouth > 1


def test_blur_shows_in_what_it_touches_and_not_in_the_landmarks(ideal, folder, footage) -> None:
    soft = evaluate(folder / "blurred.mp4", truth=footage / "talk.mp4")
    assert soft.sharp_ratio < 0.4 and soft.psnr < 40 and soft.ssim < 0.97
    assert soft.aperture_corr > 0.8 and soft.lmd_face < 2


def test_a_portrait_is_the_model_of_upper_face_and_sharpness(folder, footage) -> None:
    found = evaluate(footage / "talk.mp4", portrait=folder / "portrait.png")
    assert 0.6 < found.identity_ssim < 1 and found.sharp_ratio > 0.4
    assert found.psnr is None and found.truth is None


def test_another_sound_can_be_given_and_a_silent_video_has_none(folder, footage) -> None:
    silent = evaluate(footage / "more" / "quiet.mp4")
    assert silent.sync_corr is None and silent.av_gap_ms is None and silent.silence_ratio is None
    assert evaluate(folder / "fast.mp4", speech=footage / "talk.mp4").sync_corr is not None


def test_of_a_shorter_video_the_common_frames_are_compared_and_counted(folder, footage) -> None:
    short = evaluate(folder / "short.mp4", truth=footage / "talk.mp4")
    assert short.compared == 50 and short.aperture_corr > 0.95


def test_what_cannot_be_measured_is_refused(folder, footage, tmp_path) -> None:
    with pytest.raises(InputError, match=r"fast\.mp4 has 30 frames a second and talk\.mp4 25.*same rate"):
        evaluate(folder / "fast.mp4", truth=footage / "talk.mp4")
    with pytest.raises(NoFaceFound, match=r"coffee\.mp4: no human face"):
        evaluate(footage / "coffee.mp4")
    with pytest.raises(MediaError, match="there is no video"):
        evaluate(tmp_path / "nothing.mp4")
    with pytest.raises(AudioError, match="has no sound"):
        evaluate(footage / "talk.mp4", speech=folder / "fast.mp4")


def test_json_holds_what_was_measured_and_nothing_else(ideal) -> None:
    told = json.loads(ideal.to_json())
    assert told["psnr"] == ideal.psnr and told["size"] == [192, 192]
    assert told["truth"]["frames"] == 72 and "psnr" not in told["truth"]
    assert not [name for name, value in told.items() if value is None]


def test_the_command_prints_a_table_or_json(footage, folder) -> None:
    talk = str(footage / "talk.mp4")
    run = CliRunner().invoke(app, ["evaluate", talk, "--truth", talk])
    assert run.exit_code == 0, run.output
    assert "72 frames of 192x192" in run.output
    (row,) = [line.split() for line in run.output.splitlines() if line.startswith("aperture_corr")]
    assert row[1] == "1"
    told = CliRunner().invoke(app, ["evaluate", talk, "--portrait", str(folder / "portrait.png"), "--json"])
    assert np.isfinite(json.loads(told.stdout)["identity_ssim"])


def test_the_command_refuses_in_one_sentence(footage) -> None:
    run = CliRunner().invoke(app, ["evaluate", str(footage / "coffee.mp4")])
    assert run.exit_code == 2
    assert "coffee.mp4: no human face was found" in run.stderr and len(run.stderr.strip().splitlines()) == 1
