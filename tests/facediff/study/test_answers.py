import pytest

from facediff.errors import InputError, OutputError
from facediff.study.answers import Answers


def test_answers_are_kept_once_and_found_again(tmp_path):
    answers = Answers(tmp_path / "a.sqlite")
    rater = answers.begin()
    answers.keep(rater, "q1", "a", swapped=True, seconds=2.5)
    answers.keep(rater, "q1", "b", swapped=False, seconds=9)
    again = Answers(tmp_path / "a.sqlite")
    assert again.knows(rater) and not again.knows("stranger")
    assert again.answered(rater) == {"q1"} and again.answered("stranger") == set()
    (answer,) = again.read()
    assert (answer.answer, answer.swapped, answer.seconds) == ("a", True, 2.5)


def test_a_file_of_something_else_is_refused(tmp_path):
    (tmp_path / "a.sqlite").write_bytes(b"none" * 999)
    with pytest.raises(InputError, match=r"a\.sqlite is no file of answers"):
        Answers(tmp_path / "a.sqlite")
    with pytest.raises(OutputError, match="cannot be written"):
        Answers(tmp_path / "gone" / "a.sqlite")
