"""Pocket TTS through its own package: what is said of voices and of a package that is not there."""

from __future__ import annotations

import sys

import pytest

from facediff.audio.pocket_voice import PocketVoice
from facediff.errors import ConfigError, MissingExtra


def test_a_package_that_is_not_there_says_how_to_get_it(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pocket_tts", None)
    with pytest.raises(MissingExtra, match=r"pip install 'facediff\[pocket\]'"):
        PocketVoice()


def test_it_knows_its_catalogue() -> None:
    pytest.importorskip("pocket_tts")
    with pytest.raises(ConfigError, match="pocket knows no voice 'nobody'; it knows .*alba"):
        PocketVoice("nobody")
