"""What a performance makes of portraits and of videos, frame by frame, and what of it they refuse."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from facediff import Avatar
from facediff.errors import ConfigError
from facediff.motion import coefficients
from facediff.motion.template import MotionTemplate
from facediff.options import Condition, EditOptions, Performance
from facediff.tasks.direct import is_directed
from tests.portraits import avatar

from .test_talk import WAVE

EYES, HAIR, MOUTH = np.s_[78:104, 96:166], np.s_[20:50, 100:170], np.s_[125:160, 100:160]


@pytest.fixture(scope="module")
def nod(tmp_path_factory):
    """A saved motion: a head that turns, lids that shut, brows that rise."""
    rows = np.zeros((10, coefficients.DIMENSIONS), np.float32)
    rows[:, coefficients.ANGLES.start] = np.linspace(0, 15, 10)
    rows[4:, coefficients.LIDS] = 0.9
    rows[:, coefficients.BROWS.start] = np.linspace(0, 3, 10)
    return saved(rows, tmp_path_factory.mktemp("nod") / "nod.safetensors")


@pytest.fixture(scope="module")
def rest(tmp_path_factory):
    """A saved motion of somebody who does nothing, as brows of a speech do not."""
    rows = np.zeros((10, coefficients.DIMENSIONS), np.float32)
    return saved(rows, tmp_path_factory.mktemp("rest") / "rest.safetensors")


def saved(rows: np.ndarray, path: Path) -> Path:
    MotionTemplate(rows, np.ones(len(rows), bool), np.eye(3, dtype=np.float32), Fraction(25)).save(path)
    return path


def frames(of: Avatar, **options) -> np.ndarray:
    return np.stack(list(of.talk(WAVE, seed=2, paint=False, **options))).astype(int)


def change(one: np.ndarray, other: np.ndarray, where) -> float:
    return float(np.abs(one - other)[-1][where].mean())


def test_each_part_moves_its_own_region_of_a_portrait(nod, rest) -> None:
    still = frames(avatar("plain"), still=True)
    head = frames(avatar("plain"), head_from=nod)
    lids = frames(avatar("plain"), still=True, lids_from=nod)
    brows, unmoved = (frames(avatar("plain"), still=True, brows_from=whose) for whose in (nod, rest))
    assert change(head, still, HAIR) > 8
    assert change(lids, still, EYES) > 6 and change(lids, still, HAIR) < 0.2 and change(lids, still, MOUTH) < 0.2
    assert change(brows, unmoved, np.s_[60:84, 96:166]) > 2 and change(brows, still, MOUTH) < 0.2


def test_nothing_is_directed_where_nothing_is_said() -> None:
    assert not is_directed(EditOptions())
    assert is_directed(EditOptions(eye_contact=0.5)) and is_directed(EditOptions(emotion="happy"))
    neutral = frames(avatar("plain"), emotion="neutral")
    np.testing.assert_array_equal(neutral, frames(avatar("plain")))


def test_an_emotion_comes_and_goes(video) -> None:
    for of in (avatar("plain"), video):
        usual, timed = frames(of), frames(of, emotion="surprised@0.08s-0.32s")
        moved = np.abs(timed - usual).mean(axis=(1, 2, 3))
        assert max(moved[0], moved[-1]) < 1e-3 and moved[4:6].min() > 0.3  # a value in a million by a level, on Intel's


def test_the_parts_of_a_clip_are_those_of_the_whole(video, nod) -> None:
    for of, given in ((avatar("plain"), {"head_from": nod}), (video, {"eyes_from": nod, "eye_contact": 1.0})):
        clip = of.talk(WAVE, paint=False, emotion="happy=0.6", **given)
        np.testing.assert_array_equal(np.stack(list(clip.frames(3, 7))), np.stack(list(clip))[3:7])


def test_a_video_takes_eyes_and_keeps_its_head(video, nod) -> None:
    usual, shut = frames(video), frames(video, eyes_from=nod)
    assert change(shut, usual, np.s_[78:104, 100:174]) > 4 and change(shut, usual, HAIR) < 0.2
    with pytest.raises(ConfigError, match="a video keeps its own head motion; leave it out"):
        video.talk(WAVE, head_from=nod)


def test_an_animation_takes_a_part_from_another_driver(nod, tmp_path) -> None:
    driver = MotionTemplate(
        np.zeros((10, coefficients.DIMENSIONS), np.float32),
        np.ones(10, bool),
        np.eye(3, dtype=np.float32),
        Fraction(25),
    )
    still, lids = (
        np.stack(list(avatar("plain").animate(driver, paint=False, **given))).astype(int)
        for given in ({}, {"lids_from": nod})
    )
    assert change(lids, still, EYES) > 6 and change(lids, still, HAIR) < 0.2


def test_an_edit_of_a_portrait_lasts_as_long_as_its_ranges() -> None:
    clip = avatar("plain").edit(attributes="smile=0.6@1s-3s", emotion="brows-up=0.5@2.5s-")
    assert len(clip) == round(4.5 * 25)
    assert clip.record.options["emotion"] == "brows-up=0.5@2.5s-, smile=0.6@1s-3s"
    first, middle = (next(clip.frames(k, k + 1)).astype(int) for k in (0, 50))
    assert np.abs(middle - first)[MOUTH].mean() > 2
    with pytest.raises(ConfigError, match="there is no emotion 'beard'"):
        avatar("plain").edit(attributes="beard=1@1s-3s")


def test_what_has_a_part_already_is_told(nod) -> None:
    with pytest.raises(ConfigError, match="still holds the head, and head_from moves it"):
        avatar("plain").talk(WAVE, still=True, head_from=nod)
    with pytest.raises(ConfigError, match=r"lips comes from .*, but the speech has the lips"):
        avatar("plain").talk(WAVE, performance=Performance(lips=Condition(str(nod))))


def test_the_record_names_the_files_and_their_hashes(nod) -> None:
    record = avatar("plain").talk(WAVE, paint=False, head_from=f"{nod}=0.5").record
    assert record.options["head_from"] == "nod.safetensors=0.5"
    assert [part.role for part in record.inputs] == ["source", "speech", "head"]
    assert record.inputs[2].name == "nod.safetensors" and len(record.inputs[2].sha256) == 64
