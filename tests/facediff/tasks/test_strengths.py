import pytest

from facediff.errors import ConfigError
from facediff.tasks.strengths import read_strengths, write_strengths


def test_wishes_are_read_and_written() -> None:
    strengths = read_strengths(" smile=0.6, mouth_open=-1;Beard=.3 ")
    assert strengths == {"smile": 0.6, "mouth-open": -1.0, "beard": 0.3}
    assert read_strengths(write_strengths(strengths)) == strengths


def test_names_may_be_python_s() -> None:
    assert read_strengths("smile=1", {"brows_up": 0.5}) == {"smile": 1.0, "brows-up": 0.5}
    assert read_strengths(None) == {} and read_strengths("") == {}


@pytest.mark.parametrize("text", ["smile", "smile=", "smile=much", "=0.3", "smile=nan", "smile=1 beard=1", "a=1,a=2"])
def test_what_reads_otherwise_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        read_strengths(text)


def test_a_wish_that_is_no_number_is_refused() -> None:
    with pytest.raises(ConfigError, match="smile is a number"):
        read_strengths(None, {"smile": "much"})  # type: ignore[dict-item]
