from __future__ import annotations

import json

import numpy as np
import pytest

from facediff.errors import ConfigError, InputError
from facediff.motion import coefficients
from facediff.motion.expressions import expression
from facediff.motion.keyframes import key_motion, known_words, parse_keyframes, read_keyframes

ROWS = [
    {"at": 3, "do": "look left"},
    {"at": 5, "do": "nod"},
    {"at": 7, "to": 9, "do": "smile", "strength": 0.5},
    {"at": 9.5, "yaw": 12, "pitch": -4},
]


def test_json_and_csv_say_the_same(tmp_path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(ROWS))
    (tmp_path / "a.csv").write_text(
        "at,to,do,strength,yaw,pitch\n3,,look left,,,\n5,,Nod,,,\n7,9,smile,0.5,,\n9.5,,,,12,-4\n"
    )
    assert read_keyframes(tmp_path / "a.json") == read_keyframes(tmp_path / "a.csv") == parse_keyframes(ROWS)


@pytest.mark.parametrize("separator", [";", "\t"])
def test_tables_are_read_as_excel_writes_them_in_europe(tmp_path, separator) -> None:
    (tmp_path / "a.csv").write_text(
        "do,at,to,strength,yaw,pitch\r\nlook left,3,,,,\r\nnod,5,,,,\r\nsmile,7,9,0c5,,\r\n,9c5,,,12,-4\r\n"
        .replace(",", separator).replace("0c5", "0,5").replace("9c5", "9,5"),
        encoding="utf-8-sig",
    )  # fmt: skip
    assert read_keyframes(tmp_path / "a.csv") == parse_keyframes(ROWS)


def test_head_and_gaze_are_given_at_their_moments_and_expressions_added_over_theirs() -> None:
    keyed = key_motion(parse_keyframes(ROWS), 250)
    assert keyed.given[75, coefficients.ANGLES][0] == 8 and keyed.mask[75, coefficients.GAZE].all()
    assert not keyed.mask[100].any()
    assert keyed.given[130, coefficients.ANGLES][1] == 6  # the deepest of the nod
    assert not keyed.added[174].any() and not keyed.added[226].any()
    np.testing.assert_allclose(keyed.added[200], expression({"smile": 0.5}))
    np.testing.assert_allclose(keyed.given[238, coefficients.ANGLES], (12, -4, 0))
    assert not keyed.mask[238, coefficients.GAZE].any()


def test_angles_are_free_of_the_strength_that_comes_after() -> None:
    keyed = key_motion(parse_keyframes([{"at": 1, "yaw": 10}]), 50, head=0.5)
    assert keyed.given[25, coefficients.ANGLES][0] * 0.5 == 10


def test_every_word_can_be_done() -> None:
    for word in known_words():
        keyed = key_motion(parse_keyframes([{"at": 1, "do": word}]), 100)
        assert keyed.mask.any() or keyed.added.any()


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{"at": 5, "do": "nod"}, {"at": 3, "do": "nod"}], "keyframe 2 is at 3 s, before"),
        ([{"at": 1, "do": "dance"}], "nobody knows how to 'dance'; there are look left"),
        ([{"at": 1, "yaw": 120}], "no neck turns a yaw of 120 degrees; 60 at most"),
        ([{"do": "nod"}], "does not say when"),
        ([{"at": 1}], "either what to do or angles"),
        ([{"at": 1, "do": "nod", "yaw": 3}], "either what to do or angles"),
        ([{"at": -1, "do": "nod"}], "times rise from 0"),
        ([{"at": 3, "to": 2, "do": "smile"}], "times rise from 0"),
        ([{"at": "soon", "do": "nod"}], "its at is a number, not 'soon'"),
        ([{"at": float("nan"), "do": "nod"}], "its at is a number"),
        ([{"at": 1, "do": "smile", "strength": 9}], "from 0 to 2, not 9"),
        ([{"at": 1, "when": 3}], "has 'when'; there are at, to, do"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(rows, words) -> None:
    with pytest.raises(ConfigError, match=words):
        parse_keyframes(rows)


def test_what_lies_beyond_the_end_or_turns_a_still_head_is_refused() -> None:
    with pytest.raises(ConfigError, match="ends at 3 s, and the clip after 2 s"):
        key_motion(parse_keyframes([{"at": 3, "yaw": 5}]), 50)
    with pytest.raises(ConfigError, match="held still"):
        key_motion(parse_keyframes([{"at": 1, "do": "nod"}]), 50, head=0.0)
    key_motion(parse_keyframes([{"at": 0.5, "do": "smile"}]), 50, head=0.0)


@pytest.mark.parametrize("text", ["", "[]", "{}", "[1]", "nonsense"])
def test_a_file_without_keyframes_is_refused(tmp_path, text) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match="holds no keyframes"):
        read_keyframes(tmp_path / "a.json")
    with pytest.raises(InputError, match="there are no keyframes"):
        read_keyframes(tmp_path / "b.json")


@pytest.mark.parametrize("name", ["p.jpg", "p.json", "p.csv"])
def test_what_is_no_text_is_refused_without_a_codec_s_words(tmp_path, name) -> None:
    (tmp_path / name).write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(InputError, match=r"is no text in UTF-8, so it holds no keyframes: JSON or CSV is wanted$"):
        read_keyframes(tmp_path / name)
