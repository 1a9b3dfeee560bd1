"""espeak-ng says texts and tells when; on machines that have it."""

from __future__ import annotations

import numpy as np
import pytest

from facediff.audio.espeak import Espeak, _library, _words
from facediff.audio.voices import say
from facediff.errors import ConfigError, MissingExtra


@pytest.fixture(scope="module")
def engine() -> None:
    try:
        _library()
    except MissingExtra:
        pytest.skip("there is no espeak-ng here")


def test_words_come_in_order_with_what_stands_behind_them(engine) -> None:
    text = "Hello there. My name is Ann, and I am old!"
    spoken = say(text, "espeak:en-us")
    assert spoken.rate == 22050 and 1.5 < len(spoken.wave) / spoken.rate < 6 and np.abs(spoken.wave).max() > 0.1
    assert " ".join(word.text for word in spoken.words) == text
    times = [time for word in spoken.words for time in (word.start, word.end)]
    assert times == sorted(times) and times[-1] <= len(spoken.wave) / spoken.rate
    sounds = {word.text: (word.start, word.end) for word in spoken.words}
    assert sounds["there."][1] == sounds["My"][0]


def test_voices_differ_and_what_is_said_again_is_the_same(engine) -> None:
    first, again, other = (Espeak(name).say("Good morning").wave for name in ("en-us", "en-us", "en-us+f3"))
    np.testing.assert_array_equal(first, again)
    assert len(other) != len(first) or (other != first).any()
    assert Espeak("de").say("Grüße aus München").words[-1].text == "München"


def test_a_voice_that_it_does_not_know_is_refused(engine) -> None:
    with pytest.raises(ConfigError, match="espeak knows no voice 'xx-yy'"):
        Espeak("xx-yy")


def test_several_words_of_a_number_are_one_that_is_written() -> None:
    words = _words("in 1984 we", [(0, 2, 0.0), (3, 4, 0.2), (3, 4, 0.5), (8, 2, 1.0)], 1.3)
    assert [(word.text, word.start, word.end) for word in words] == [
        ("in", 0.0, 0.2),
        ("1984", 0.2, 1.0),
        ("we", 1.0, 1.3),
    ]
