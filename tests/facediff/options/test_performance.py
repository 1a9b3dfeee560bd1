"""What is said of a performance is read alike from text, JSON and Python, and what is said twice is refused."""

from __future__ import annotations

import json

import pytest

from facediff.errors import ConfigError
from facediff.options import AnimateOptions, Condition, EditOptions, Performance, TalkOptions
from facediff.options.performance import hide_folders, place_condition, read_performance, split_timed


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("nod.mp4", Condition("nod.mp4")),
        ("nod.mp4=0.5", Condition("nod.mp4", 0.5)),
        ("nod.mp4@3s-7.5s", Condition("nod.mp4", 1.0, 3.0, 7.5)),
        ("a=b.mp4=1.5@3-", Condition("a=b.mp4", 1.5, 3.0)),
        ("smile=-0.6@0s-2s", Condition("smile", -0.6, 0.0, 2.0)),
    ],
)
def test_a_condition_is_read_and_written_alike(text, wanted) -> None:
    assert Condition.read(text) == wanted
    assert Condition.read(str(wanted)) == wanted


def test_a_file_of_just_that_name_is_a_file(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Condition.read("take=2@1s-3s") == Condition("take", 2.0, 1.0, 3.0)
    (tmp_path / "take=2@1s-3s").touch()
    assert Condition.read("take=2@1s-3s") == Condition("take=2@1s-3s")


def test_json_keeps_a_performance() -> None:
    whole = Performance(
        head=Condition("nod.mp4", 0.5, 3.0, 7.0), brows=Condition("b.jpg"), emotion=(Condition("happy", 0.6),)
    )
    assert Performance.from_json(whole.to_json()) == whole
    assert Performance.from_json('{"head": "nod.mp4=0.5@3s-7s", "emotion": "happy"}').head == whole.head
    assert not Performance() and whole


def test_flags_json_and_python_say_the_same() -> None:
    flags = TalkOptions(head_from="nod.mp4=0.5", eyes_from="me.mp4", emotion="happy=0.6, sad=0.2@1s-")
    eyes = Condition("me.mp4")
    record = Performance(
        head=Condition("nod.mp4", 0.5), gaze=eyes, lids=eyes,
        emotion=(Condition("happy", 0.6), Condition("sad", 0.2, 1.0)),
    )  # fmt: skip
    assert read_performance(flags) == record
    assert read_performance(TalkOptions(performance=record)) == record
    assert read_performance(TalkOptions(performance=record.to_json())) == record


def test_paths_in_a_file_are_counted_from_its_folder(tmp_path) -> None:
    (tmp_path / "p.json").write_text('{"head": "clips/nod.mp4"}')
    read = read_performance(AnimateOptions(performance=tmp_path / "p.json"))
    assert read.head == Condition(str(tmp_path / "clips" / "nod.mp4"))
    placed = place_condition("performance", '{"head": "nod.mp4"}', tmp_path)
    assert json.loads(placed)["head"]["source"] == str(tmp_path / "nod.mp4")
    assert place_condition("eyes_from", "me.mp4=2@1s-", tmp_path) == f"{tmp_path / 'me.mp4'}=2@1s-"


def test_records_tell_names_and_not_folders() -> None:
    options = AnimateOptions(lips_from="/home/ann/me.mp4=0.5@1s-", performance='{"head": "/home/ann/nod.mp4"}')
    hidden = hide_folders(options)
    assert hidden["lips_from"] == "me.mp4=0.5@1s-" and "ann" not in str(hidden)
    assert read_performance(hidden).files == {"head": "nod.mp4", "lips": "me.mp4"}


def test_wishes_with_a_time_range_are_told_from_those_without() -> None:
    assert split_timed("smile=0.6@3s-7s, beard=1") == ("beard=1", "smile=0.6@3s-7s")
    assert split_timed(None) == (None, None)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"eyes_from": "a.mp4", "gaze_from": "b.mp4"}, "gaze is given twice, by a.mp4 and by b.mp4; keep one"),
        ({"head_from": "a.mp4", "performance": '{"head": "b.mp4"}'}, "head is given twice, by b.mp4 and by a.mp4"),
        ({"performance": '{"head": "a", "head": "b"}'}, "head is given twice in a performance"),
        ({"performance": '{"nose": "a"}'}, "a performance has no part 'nose'; it has lips, head, gaze"),
        ({"performance": "[]"}, "performance is JSON, or a file of it"),
        ({"performance": "{"}, "a performance is JSON, as in"),
        ({"performance": '{"head": {"source": "a", "speed": 2}}'}, "head of a performance has source, strength"),
        ({"performance": '{"head": {"source": "a", "start": "x"}}'}, "start of a is a number, not 'x'"),
        ({"head_from": "a.mp4@7s-3s"}, "a time range that begins before it ends, not 7s-3s"),
        ({"head_from": "a.mp4@soon"}, "a time range is written as in 'smile=0.6@3s-7s', not 'a.mp4@soon'"),
        ({"head_from": "a.mp4=9"}, "a.mp4 has a strength of 3 at most, not 9"),
        ({"emotion": "happy 0.6"}, "emotion reads as in 'happy=0.6@3s-7s', not 'happy 0.6'"),
        ({"emotion": "happy=2.5"}, "happy is a strength up to 2, not 2.5"),
        ({"emotion": ",".join(["happy"] * 101)}, "100 emotions at most, not 101"),
        ({"eye_contact": 1.5}, "eye_contact is a share from 0 to 1, not 1.5"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(given, said) -> None:
    with pytest.raises(ConfigError) as refused:
        TalkOptions(**given)
    assert said in str(refused.value) and "\n" not in str(refused.value)


def test_an_edit_has_no_parts_of_others_but_an_expression() -> None:
    with pytest.raises(TypeError):
        EditOptions(head_from="nod.mp4")
    assert read_performance(EditOptions(expression_from="smile.jpg")).files == {"expression": "smile.jpg"}
