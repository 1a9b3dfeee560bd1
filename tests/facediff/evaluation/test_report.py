from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import cv2
import pytest

from facediff.audio.wave import load_wave
from facediff.errors import AudioError, InputError, MediaError, NoFaceFound
from facediff.evaluation.cases import Case, Item, Kit
from facediff.evaluation.registry import select_metrics
from facediff.evaluation.report import Report, evaluate, measure_case
from facediff.media import VideoReader, VideoWriter, write_image

LATE = 5
NAMES = ("faces", "lips", "fidelity", "flicker", "av_gap_ms")


@pytest.fixture(scope="module")
def measured(features):
    """What measures a film, and looks once at a film that is the truth of many."""
    return lambda made, **companions: evaluate(made, names=NAMES, kit=Kit(features), **companions)


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
def ideal(measured, footage) -> Report:
    """The talk against itself."""
    return measured(footage / "talk.mp4", truth=footage / "talk.mp4")


def test_a_video_against_itself_is_ideal(ideal) -> None:
    assert ideal.frames == ideal.compared == 72 and ideal.size == (192, 192) and ideal.face_rate == 1
    assert ideal.lmd_mouth == pytest.approx(0, abs=1e-6) and ideal.lmd_face == pytest.approx(0, abs=1e-6)
    assert (ideal.aperture_corr, ideal.ssim, ideal.sharp_ratio) == pytest.approx((1, 1, 1))
    assert min(ideal.psnr, ideal.psnr_mouth) > 130
    assert ideal.av_gap_ms < 80
    own = ideal.truth
    assert (own.flicker, own.sync_corr, own.blink_per_min) == (ideal.flicker, ideal.sync_corr, ideal.blink_per_min)
    assert own.psnr is None and own.truth is None


def test_lips_that_come_five_frames_late_are_found_so(measured, ideal, folder, footage) -> None:
    late = measured(folder / "late.mp4", truth=footage / "talk.mp4")
    assert late.sync_lag_ms - ideal.sync_lag_ms == pytest.approx(1000 * LATE / 25, abs=41)
    assert late.aperture_corr < 0.7 and late.lmd_mouth > 1


def test_blur_shows_in_what_it_touches_and_not_in_the_landmarks(measured, ideal, folder, footage) -> None:
    soft = measured(folder / "blurred.mp4", truth=footage / "talk.mp4")
    assert soft.sharp_ratio < 0.4 and soft.psnr < 40 and soft.ssim < 0.97
    assert soft.aperture_corr > 0.8 and soft.lmd_face < 2


def test_a_portrait_is_the_model_of_upper_face_and_sharpness(measured, folder, footage) -> None:
    found = measured(footage / "talk.mp4", portrait=folder / "portrait.png")
    assert 0.6 < found.identity_ssim < 1 and found.sharp_ratio > 0.4
    assert found.psnr is None and found.truth is None


def test_another_sound_can_be_given_and_a_silent_video_has_none(measured, folder, footage) -> None:
    silent = measured(footage / "more" / "quiet.mp4")
    assert silent.sync_corr is None and silent.av_gap_ms is None and silent.silence_ratio is None
    assert silent.notes["sync_corr"] == silent.notes["silence_ratio"] == "quiet.mp4 has no sound; give --speech"
    assert measured(folder / "fast.mp4", speech=footage / "talk.mp4").sync_corr is not None


def test_of_a_shorter_video_the_common_frames_are_compared_and_counted(measured, folder, footage) -> None:
    short = measured(folder / "short.mp4", truth=footage / "talk.mp4")
    assert short.compared == 50 and short.aperture_corr > 0.95
    assert short.notes["frames"] == "short.mp4 has 50 and its truth 72; the first 50 are compared"


def test_what_cannot_be_measured_is_refused(measured, folder, footage, tmp_path) -> None:
    with pytest.raises(InputError, match=r"fast\.mp4 has 30 frames a second and its truth, .*talk\.mp4, 25.*same rate"):
        measured(folder / "fast.mp4", truth=footage / "talk.mp4")
    with pytest.raises(NoFaceFound, match=r"coffee\.mp4: no human face"):
        measured(footage / "coffee.mp4")
    with pytest.raises(MediaError, match="there is no video"):
        measured(tmp_path / "nothing.mp4")
    with pytest.raises(AudioError, match="has no sound"):
        measured(footage / "talk.mp4", speech=folder / "fast.mp4")


def test_json_holds_what_was_measured_and_nothing_else(ideal) -> None:
    told = json.loads(ideal.to_json())
    assert told["psnr"] == ideal.psnr and told["size"] == [192, 192]
    assert told["truth"]["frames"] == 72 and "psnr" not in told["truth"]
    assert not [name for name, value in told.items() if value is None]


def test_a_figure_that_is_no_metric_is_no_attribute(ideal) -> None:
    assert ideal.fvd is None and ideal.lse_c_facediff is None
    with pytest.raises(AttributeError, match="has no 'psrn'"):
        _ = ideal.psrn


def test_its_state_is_all_of_it(ideal) -> None:
    again = Report.from_state(json.loads(json.dumps(ideal.to_state())))
    assert again == ideal and again.pose_std_deg == ideal.pose_std_deg
    assert len(again.curves["psnr"]) == 72


def test_a_truth_that_cannot_be_compared_leaves_the_rest(folder, footage, kit) -> None:
    item = Item(made=folder / "fast.mp4", truth=footage / "talk.mp4")
    report = measure_case(Case(item, kit), select_metrics(["face_rate", "psnr", "flicker"]))
    assert report.face_rate == 1 and report.flicker is not None and report.psnr is None
    assert "30 frames a second" in report.notes["psnr"] and report.truth.face_rate == 1


def test_without_a_face_what_needs_none_is_measured(footage, kit) -> None:
    item = Item(made=footage / "coffee.mp4", truth=footage / "talk.mp4")
    report = measure_case(Case(item, kit), select_metrics(["face_rate", "psnr_frame", "psnr"]))
    assert report.psnr_frame > 0 and report.frames > 0
    assert "no human face" in report.notes["psnr"]
