from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from typer.testing import CliRunner

from facediff import Avatar
from facediff.cli import app
from facediff.cli.provenance import command_line
from facediff.errors import ConfigError, FaceDiffError
from facediff.landmarks.tracker import track_still
from facediff.media import VideoReader, VideoWriter, write_image
from facediff.motion import coefficients
from facediff.motion.template import MotionTemplate
from facediff.options import Stroke, Strokes
from facediff.provenance import read_record
from facediff.tasks import drag
from tests.portraits import avatar, plain

NOSE, CHIN, CORNER, BROW = 1, 152, 291, 334
PX = 0.5  # of hers to one where her head fills a frame of 512


def stroke(point: int, by: tuple[float, float], who: Avatar | None = None, frame: int = 0) -> str:
    """One that takes a landmark by so much."""
    x, y = (who or avatar("plain")).track.points[frame, point, :2]
    return str(Stroke(((x, y), (x + by[0], y + by[1]))))


def find(frame: np.ndarray) -> np.ndarray:
    return track_still(frame, "largest").points[0, :, :2]


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Avatar:
    """She sways for a second."""
    at = np.arange(25) / 25
    motion = np.zeros((25, coefficients.DIMENSIONS), np.float32)
    motion[:, coefficients.ANGLES.start] = 5 * np.sin(2 * np.pi * at)
    sway = MotionTemplate(motion, np.ones(25, bool), np.eye(3, dtype=np.float32), Fraction(25))
    path = tmp_path_factory.mktemp("film") / "sway.mp4"
    clip = avatar("plain").animate(sway, paint=False)
    with VideoWriter(path, clip.size, clip.fps, crf=12) as writer:
        for frame in clip:
            writer.write(frame)
    return Avatar.from_video(path, device="cpu")


def test_no_stroke_moves_nothing() -> None:
    clip = avatar("plain").drag(seconds=0.2, hold=0.0)
    assert len(clip) == 6 and all(np.array_equal(frame, plain()) for frame in clip)


@pytest.mark.parametrize(("point", "by"), [(NOSE, (6, 2)), (CORNER, (2, -2)), (CHIN, (0, 4))])
def test_the_point_is_read_where_it_is_put_and_all_eases_in(point, by) -> None:
    clip = avatar("plain").drag(strokes=stroke(point, by), seconds=0.4, hold=0.2)
    assert len(clip) == 10 + 1 + 5 and clip.preview_index == 10
    frames = list(clip)
    assert np.array_equal(frames[0], plain()) and np.array_equal(frames[10], frames[15])
    moved = find(frames[10])[point] - find(plain())[point]
    assert np.linalg.norm(moved - by) < 2 * PX + 0.3
    steps = [np.abs(b.astype(int) - a).mean() for a, b in zip(frames[:10], frames[1:11], strict=True)]
    assert max(steps) < 4 * np.mean(steps) and steps[0] < max(steps)


def test_a_head_that_goes_round_and_back_is_meant_all_the_same() -> None:
    x, y = avatar("plain").track.points[0, NOSE, :2]
    loop = str(Stroke(((x, y), (x + 12, y), (x, y))))
    frames = list(avatar("plain").drag(strokes=loop, seconds=0.4, hold=0.0, paint=False))
    turned = find(frames[5]) - find(plain())
    assert turned[BROW, 0] > 3 and np.abs(turned[NOSE] - (12, 0)).max() < 1.5
    assert np.abs(frames[10].astype(int) - plain()).mean() < 0.5


def test_what_is_missed_is_made_up(monkeypatch) -> None:
    """Of parts that readers of landmarks see less of than was done."""
    moved = {CORNER: (3, -3), BROW: (0, -4)}

    def missed() -> float:
        off = []
        for point, by in moved.items():
            frame = next(avatar("plain").drag(strokes=stroke(point, by), seconds=0.04, paint=False).frames(1))
            off.append(np.linalg.norm(find(frame)[point] - find(plain())[point] - by))
        return float(np.mean(off))

    mended = missed()
    monkeypatch.setattr(drag, "MEND", replace(drag.MEND, rounds=0))
    assert mended < 0.8 * missed()


def test_the_rest_of_the_picture_stays() -> None:
    frame = next(avatar("plain").drag(strokes=stroke(BROW, (0, -2)), seconds=0.2).frames(5))
    changed = (frame != plain()).any(axis=2)
    brows = find(plain())[BROW, 1]
    assert changed[: int(brows) + 20].any() and not changed[int(brows) + 30 :].any()


def test_parts_of_a_clip_are_the_whole_and_records_are_text() -> None:
    text = stroke(CHIN, (0, 3))
    clip = avatar("plain").drag(strokes=text, seconds=0.3, hold=0.1, paint=False)
    again = avatar("plain").drag(strokes=Strokes((Stroke(tuple(_points(text))),)), seconds=0.3, hold=0.1, paint=False)
    assert all(np.array_equal(a, b) for a, b in zip(list(clip)[4:7], again.frames(4, 7), strict=True))
    assert clip.record is not None and clip.record.task == "drag" and clip.record.options["strokes"] == text


def _points(text: str) -> list[tuple[float, ...]]:
    return [tuple(map(float, one.split(","))) for one in text.split(":")]


def test_a_video_is_dragged_from_a_frame_on_and_along_with_its_head(film) -> None:
    by = np.array([0.0, 4.0])
    clip = film.drag(strokes=stroke(CHIN, tuple(by), film, 5), frame=5, seconds=0.2, paint=False)
    frames, own = list(clip), list(VideoReader(film._source.content))
    assert len(frames) == 25 and all(np.array_equal(a, b) for a, b in zip(frames[:6], own[:6], strict=True))
    for k in (12, 20):
        moved = find(frames[k]) - find(own[k])
        assert np.linalg.norm(moved[CHIN] - by) < 1.7 and np.linalg.norm(moved[NOSE]) < 1.2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"strokes": "5,5:20,20"}, "stroke 1 begins at 5,5, off the face"),
        ({"strokes": "300,20:10,10"}, "stroke 1 has the point 300,20, outside the picture, which is 256x256"),
        ({"strokes": "125,130:125,300"}, "outside the picture"), ({"strokes": "125,130:125,130"}, "has no length"),
        ({"strokes": "125,130"}, "goes from a point to another"), ({"strokes": "nose:chin"}, "reads X,Y:X,Y"),
        ({"strokes": "125,130:130,130", "pins": "5,5"}, "pin 1 begins at 5,5, off the face"),
        ({"strokes": "149,141:250,141"}, "farther than faces go; make them"),
        ({"strokes": "125,130:130,130, 126,130:120,130"}, "stroke 1 and stroke 2 are of one point, 125,130; keep one"),
        ({"strokes": "125,130:130,130", "pins": "125,131"}, "stroke 1 and pin 1 are of one point, 125,130"),
        ({"strokes": "125,130:130,130", "frame": 3}, "a portrait has but one"), ({"seconds": 0}, "seconds is"),
    ],
)  # fmt: skip
def test_what_cannot_be_dragged_is_refused_in_a_sentence(options, said) -> None:
    with pytest.raises(ConfigError, match=said) as told:
        avatar("plain").drag(**options)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(("point", "by", "is_head"), [(NOSE, (0, 0.6), True), (17, (0, 0.6), False)])
def test_no_head_leaves_its_neck_and_no_mouth_the_face(point, by, is_head) -> None:
    points = avatar("plain").track.points[0]
    unit = np.linalg.norm(points[33, :2] - points[263, :2])
    with pytest.raises(ConfigError, match="farther than faces go; make them [3-7].% as long") as told:
        avatar("plain").drag(strokes=stroke(point, tuple(unit * part for part in by)))
    assert ("move the head too" in str(told.value)) is not is_head


def test_a_frame_that_is_not_there_is_refused(film) -> None:
    with pytest.raises(FaceDiffError, match="0 to 24, as the video has 25, not 25"):
        film.drag(strokes="125,130:130,130", frame=25)


def test_the_command_writes_a_clip_that_says_how_it_was_made(tmp_path) -> None:
    write_image(tmp_path / "her.png", plain())
    words = ["drag", str(tmp_path / "her.png"), "-o", str(tmp_path / "out.mp4"), "--no-paint", "--seconds", "0.2"]
    run = CliRunner().invoke(app, [*words, "--stroke", stroke(NOSE, (5, 0)), "--stroke", stroke(CHIN, (5, 0))])
    assert run.exit_code == 0, run.output
    record = read_record(tmp_path / "out.mp4")
    assert record is not None and record.task == "drag" and str(record.options["strokes"]).count(":") == 2
    assert "--stroke=" in command_line(record, tmp_path / "out.mp4")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ([], "--stroke X,Y:X,Y"), (["--stroke", "5,5:9,9"], "off the face"), (["--stroke", "x"], "reads X,Y:X,Y"),
        (["--stroke", "125,130:130,130", "--seconds", "-1"], "--seconds is"),
    ],
)  # fmt: skip
def test_the_command_refuses_with_code_2_and_leaves_nothing(tmp_path, more, said) -> None:
    write_image(tmp_path / "her.png", plain())
    run = CliRunner().invoke(app, ["drag", str(tmp_path / "her.png"), "-o", str(tmp_path / "out.mp4"), *more])
    assert run.exit_code == 2 and said in run.stderr and isinstance(run.exception, SystemExit)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["her.png"]
