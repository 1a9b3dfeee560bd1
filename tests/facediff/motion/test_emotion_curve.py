"""Emotions over time, out of tables and out of what is heard."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from facediff.audio.emotion_reader import HeardEmotions
from facediff.errors import ConfigError, InputError
from facediff.motion.emotion_curve import EmotionCurve, hear_emotions, measure_length, read_emotion_curve

FPS = Fraction(25)


def write(path, text: str):
    path.write_text(text, encoding="utf-8")
    return path


def test_a_table_is_straight_between_its_rows_and_held_beyond(tmp_path) -> None:
    curve = read_emotion_curve(write(tmp_path / "a.csv", "time,happy,smile\n1,0,-1\n3,1,1\n"))
    assert curve.names == ("happy", "smile")
    at = curve.at(101, FPS)
    np.testing.assert_allclose(at[[0, 25, 50, 75, 100], 0], [0, 0, 0.5, 1, 1], atol=1e-6)
    np.testing.assert_allclose(at[[0, 50, 100], 1], [-1, 0, 1], atol=1e-6)
    assert measure_length(tmp_path / "a.csv") == 3.0


@pytest.mark.parametrize("text", ["time;sad\n0;0,25\n2;0,5\n", "time\tsad\n0\t0.25\n\n2\t0.5\n"])
def test_tables_of_other_countries_and_of_spreadsheets_are_read(tmp_path, text) -> None:
    curve = read_emotion_curve(write(tmp_path / "a.csv", text))
    np.testing.assert_allclose(curve.at(51, FPS)[[0, 50], 0], [0.25, 0.5], atol=1e-6)


def test_what_is_saved_is_read_again(tmp_path) -> None:
    curve = EmotionCurve(np.array([0.0, 1.5]), ("happy", "sad"), np.array([[0, 1], [0.5, 0.25]], np.float32))
    curve.save(tmp_path / "a.csv")
    again = read_emotion_curve(tmp_path / "a.csv")
    assert again.names == curve.names
    np.testing.assert_allclose(again.at(60, FPS), curve.at(60, FPS), atol=1e-3)


def test_what_is_heard_is_made_steady() -> None:
    heard = HeardEmotions(np.arange(10) / 2, ("happy",), np.array([[k % 2] for k in range(10)], np.float32))
    at = hear_emotions(np.zeros(10, np.float32), lambda _: heard).at(120, FPS)[:, 0]
    raw = EmotionCurve(heard.times, heard.names, heard.strengths).at(120, FPS)[:, 0]
    assert np.ptp(raw) > 0.9 and np.ptp(at[20:90]) < 0.5 and at.mean() == pytest.approx(raw.mean(), abs=0.05)


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("", InputError, "first row is as"),
        ("time,happy\n", InputError, "first row is as"),
        ("happy,time\n0,1\n", InputError, "first row is as"),
        ("time,glad\n0,1\n", ConfigError, "no emotion 'glad'"),
        ("time,happy,happy\n0,1,1\n", ConfigError, "two columns"),
        ("time,happy\n0,much\n", ConfigError, "row 2 is not 2 numbers"),
        ("time,happy\n0,1\n1\n", ConfigError, "row 3 is not 2 numbers"),
        ("time,happy\n0,nan\n", ConfigError, "row 2"),
        ("time,happy\n0,-1\n", ConfigError, "happy"),
        ("time,happy\n0,2.5\n", ConfigError, "happy"),
        ("time,happy\n2,1\n1,1\n", ConfigError, "do not rise"),
    ],
)
def test_tables_that_make_no_sense_are_refused(tmp_path, text, error, said) -> None:
    with pytest.raises(error, match=said):
        read_emotion_curve(write(tmp_path / "a.csv", text))


def test_a_sound_wants_somebody_who_hears_it(tmp_path) -> None:
    with pytest.raises(ConfigError, match="emotion_reader"):
        read_emotion_curve(tmp_path / "a.wav")
    with pytest.raises(InputError, match="no emotions at"):
        read_emotion_curve(tmp_path / "none.csv")
    (tmp_path / "odd.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="UTF-8"):
        read_emotion_curve(tmp_path / "odd.csv")
