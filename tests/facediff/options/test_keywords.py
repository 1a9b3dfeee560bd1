"""A method with a record of options is called with keywords, and says so to whoever asks."""

from __future__ import annotations

import inspect
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest

from facediff import Avatar
from facediff.errors import ConfigError
from facediff.options import Checked, Opt
from facediff.options.keywords import takes, takes_more


@dataclass(frozen=True, kw_only=True)
class Loudness(Checked):
    volume: Annotated[float, Opt("How loud.", 0, 11)] = 1.0
    voice: Annotated[str | None, Opt("Whose, of all who ever spoke.")] = None


class Speaker:
    @takes(Loudness)
    def say(self, words: str, options: Loudness) -> tuple[str, float, str | None]:
        """Says it.

        Args:
            words: What.
            options: How.

        Raises:
            ConfigError: It is too loud.
        """
        return words, options.volume, options.voice

    @takes_more(Loudness)
    def sing(self, options: Loudness, **pitches: float) -> tuple[float, dict[str, float]]:
        return options.volume, pitches

    @classmethod
    @takes(Loudness)
    def made(cls, name: str, options: Loudness) -> tuple[type, str, float]:
        return cls, name, options.volume


def test_keywords_are_those_of_the_record():
    assert Speaker().say("ah", volume=3) == ("ah", 3, None)
    assert Speaker().say(words="ah", voice="hers") == ("ah", 1.0, "hers")
    assert Speaker().sing(volume=2, treble=0.5) == (2, {"treble": 0.5})
    assert Speaker.made("x", volume=4) == (Speaker, "x", 4)
    assert str(inspect.signature(Speaker.say)).startswith("(self, words: 'str', *, volume: float = 1.0, voice: ")
    assert list(inspect.signature(Speaker.sing).parameters) == ["self", "volume", "voice", "pitches"]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: Speaker().say("ah", volum=3), r"Speaker.say\(\) got an unexpected keyword argument 'volum'"),
        (lambda: Speaker().say(), r"Speaker.say\(\) missing a required argument: 'words'"),
        (lambda: Speaker().say("ah", 3), r"Speaker.say\(\) too many positional arguments"),
    ],
)
def test_other_calls_are_type_errors(call, said):
    with pytest.raises(TypeError, match=said):
        call()


def test_values_are_checked():
    with pytest.raises(ConfigError, match="volume is a number from 0 to 11, not 12"):
        Speaker().say("ah", volume=12)


def test_help_lists_the_options_in_the_place_of_the_record():
    told = inspect.getdoc(Speaker.say)
    assert "    words: What.\n    volume: How loud.\n    voice: Whose, of all who ever spoke.\n\nRaises:" in told
    for method in (Avatar.talk, Avatar.animate, Avatar.edit, Avatar.from_image, Avatar.from_video, Avatar.from_file):
        keywords = [p.name for p in inspect.signature(method).parameters.values() if p.kind is p.KEYWORD_ONLY]
        assert all(f"    {name}: " in inspect.getdoc(method) for name in keywords)
        assert "options: " not in inspect.getdoc(method)


@pytest.mark.slow
def test_a_checker_refuses_a_misspelt_keyword_and_a_wrong_type(tmp_path):
    pytest.importorskip("mypy")
    (tmp_path / "asked.py").write_text(
        "from facediff import Avatar\n"
        "her = Avatar.from_image('a.png', face=1)\n"
        "her.talk('a.wav', seed=7).save('a.mp4')\n"
        "her.talk('a.wav', sed=7)\n"
        "her.talk('a.wav', seed='7')\n"
        "her.edit(smile=0.6, seed=7)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", str(tmp_path / "asked.py")],
        cwd=Path(__file__).parents[3], capture_output=True, text=True, check=False,
    )  # fmt: skip
    errors = [line.split(":")[1] for line in done.stdout.splitlines() if " error: " in line]
    assert errors == ["4", "5"], done.stdout
