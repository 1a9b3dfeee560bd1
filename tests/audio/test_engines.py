"""Engines whose weights lie on a hub: their own classes, tiny and untrained, where the packages are installed."""

from __future__ import annotations

import pytest

from facediff.audio.kokoro_voice import KokoroVoice
from facediff.audio.pocket_voice import PocketVoice
from facediff.errors import ConfigError, MissingExtra


@pytest.mark.parametrize(("voice", "extra"), [(KokoroVoice, "kokoro"), (PocketVoice, "pocket")])
def test_an_engine_that_is_not_installed_says_how_to_get_it(voice, extra, monkeypatch) -> None:
    for name in ("kokoro", "pocket_tts"):
        monkeypatch.setitem(__import__("sys").modules, name, None)  # as if it were not there
    with pytest.raises(MissingExtra, match=rf"pip install 'facediff\[{extra}\]'"):
        voice()


def test_pocket_knows_its_catalogue() -> None:
    pytest.importorskip("pocket_tts")
    with pytest.raises(ConfigError, match="pocket knows no voice 'nobody'; it knows .*alba"):
        PocketVoice("nobody")
