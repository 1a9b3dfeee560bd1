import json
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest

from facediff.errors import ConfigError, InputError, MediaError, OutputError
from facediff.media import VideoReader, VideoWriter
from facediff.study.options import StudyOptions
from facediff.study.pairs import Pair, read_pairs
from facediff.study.plan import make_study, read_study
from facediff.study.videos import write_playable


def test_names_tell_nothing_and_every_video_is_there_once(study):
    files = {file for question in study.questions for file in question.files}
    assert not any(word in file for file in files for word in ("ours", "theirs", "clip", "check"))
    assert Counter(q.name.split("-")[0] for q in study.questions) == {"choice": 2, "score": 4, "check": 2}
    assert len(list((study.folder / "videos").iterdir())) == 4 + 2


def test_each_rater_has_an_order_of_their_own_that_stays(study):
    assert study.ordered("anna") == study.ordered("anna")
    orders = {tuple((q.name, swapped) for q, swapped in study.ordered(f"rater {k}")) for k in range(20)}
    assert len(orders) > 10
    sides = [swapped for k in range(200) for q, swapped in study.ordered(str(k)) if q.kind == "choice"]
    assert 0.4 < np.mean(sides) < 0.6


def test_checks_are_broken_so_that_who_looks_sees_it(study):
    checks = [question for question in study.questions if question.wrong]
    choice = next(question for question in checks if question.kind == "choice")
    broken = choice.files["ab".index(choice.wrong)]
    frame = next(iter(VideoReader(study.folder / "videos" / broken)))
    assert np.abs(np.diff(frame[20, :6].astype(int), axis=0)).max() < 12, "squares"
    assert choice.is_failed(choice.wrong) and not choice.is_failed("ab".replace(choice.wrong, ""))
    score = next(question for question in checks if question.kind == "score")
    assert [score.is_failed(answer) for answer in "12345"] == [False, False, True, True, True]


def test_what_gives_videos_away_is_told(two_folders, tmp_path):
    with VideoWriter(tmp_path / "long.mp4", (32, 48), Fraction(25), audio=np.zeros(16000, np.float32)) as writer:
        for _ in range(25):
            writer.write(np.zeros((48, 32, 3), np.uint8))
    pair = Pair(name="p", a=two_folders[0] / "clip0.mp4", b=tmp_path / "long.mp4", system_a="a", system_b="b")
    assert make_study([pair], tmp_path / "study", StudyOptions(checks=0)) == [
        "p: sizes are 64x48 and 32x48", "p: they last 0.2 s and 1.0 s", "p: one has sound and the other has none",
    ]  # fmt: skip


def test_a_video_that_browsers_do_not_play_is_written_as_one_that_they_do(tmp_path):
    with VideoWriter(tmp_path / "a.mkv", (32, 48), Fraction(25)) as writer:
        writer.write(np.zeros((48, 32, 3), np.uint8))
    write_playable(tmp_path / "a.mkv", tmp_path / "b.mp4")
    assert VideoReader(tmp_path / "b.mp4").info.width == 32


def test_nothing_is_half_made(two_folders, study, tmp_path):
    (tmp_path / "broken.mp4").write_bytes(b"none" * 99)
    pair = Pair(name="p", a=two_folders[0] / "clip0.mp4", b=tmp_path / "broken.mp4", system_a="a", system_b="b")
    with pytest.raises(MediaError, match="broken"):
        make_study([pair], tmp_path / "other", StudyOptions())
    assert not (tmp_path / "other").exists()
    with pytest.raises(OutputError, match="is there already"):
        make_study(read_pairs(two_folders), study.folder, StudyOptions())
    with pytest.raises(ConfigError, match="ask is one of choice, score, both, not 'all'"):
        StudyOptions(ask="all")


def test_a_folder_that_is_no_study_is_named(study, tmp_path):
    with pytest.raises(InputError, match="there is no study in"):
        read_study(tmp_path)
    (study.folder / "videos" / study.questions[0].files[0]).unlink()
    with pytest.raises(InputError, match="lacks the video"):
        read_study(study.folder)
    (study.folder / "study.json").write_text(json.dumps({"version": 0}))
    with pytest.raises(InputError, match="is not the plan of a study of this version"):
        read_study(study.folder)
