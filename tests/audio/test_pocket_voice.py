"""Pocket TTS through its own package: what is said of voices and of a package that is not there."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

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


def test_its_own_model_untrained_speaks_through_it(tmp_path) -> None:
    pocket_tts, spm, yaml = (pytest.importorskip(name) for name in ("pocket_tts", "sentencepiece", "yaml"))
    (tmp_path / "t.txt").write_text("\n".join(["hello there my name is ann", "the quick brown fox"] * 20))
    spm.SentencePieceTrainer.train(
        input=str(tmp_path / "t.txt"), model_prefix=str(tmp_path / "t"), vocab_size=60, hard_vocab_limit=False
    )
    tokens = spm.SentencePieceProcessor(model_file=str(tmp_path / "t.model")).vocab_size()
    config = yaml.safe_load((Path(pocket_tts.__file__).parent / "config" / "english_2m_2026-10.yaml").read_text())
    config["weights_path"] = config["weights_path_without_voice_cloning"] = None
    config["flow_lm"]["lookup_table"].update(tokenizer_path=str(tmp_path / "t.model"), n_bins=tokens)
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(config))
    model = pocket_tts.TTSModel.load_model(config=str(tmp_path / "c.yaml"))
    heard = model.get_state_for_audio_prompt(torch.full((1, 24000), 0.01))
    spoken = PocketVoice("alba", model, heard).say("hello there")
    assert spoken.rate == 24000 and len(spoken.wave) > 2000 and spoken.words is None
    assert spoken.wave.dtype == np.float32 and np.isfinite(spoken.wave).all()
