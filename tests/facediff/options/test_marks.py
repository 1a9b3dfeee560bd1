"""What marks a clip is checked when it is asked for, before anything is read."""

from __future__ import annotations

import pytest

from facediff.errors import ConfigError
from facediff.options.marks import CORNERS, MarkOptions


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"label": "a\nb"}, r"label is one line of 1 to 60 letters, not 'a\nb'"),
        ({"label": " "}, "label is one line of 1 to 60 letters, not ' '"),
        ({"label_corner": "middle"}, f"label_corner is one of {', '.join(CORNERS)}, not 'middle'"),
        ({"label_size": 30}, "label_size is a percentage from 2 to 25, not 30"),
        ({"aigc": ""}, "aigc is 1 to 2000 characters, not 0"),
        (
            {"timestamp": "tsa.example"},
            "timestamp is the address of a time-stamp authority, http:// or https://, not 'tsa.example'",
        ),
    ],
)
def test_a_refusal_is_one_sentence_that_begins_with_the_name(given, said):
    with pytest.raises(ConfigError) as refused:
        MarkOptions(**given)
    assert str(refused.value) == said


@pytest.mark.parametrize("address", ["", "ftp://x/", "http://", "http://[", "https://a b/", "file:///etc/passwd"])
def test_a_time_stamp_comes_from_an_address_of_the_web(address):
    assert MarkOptions(timestamp="https://tsa.example/path?x=1").timestamp
    with pytest.raises(ConfigError, match="timestamp is the address of"):
        MarkOptions(timestamp=address)
