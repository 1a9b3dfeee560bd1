from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import facediff
from facediff.audio.wave import load_wave
from facediff.errors import WeightsError
from facediff.evaluation.networks.syncnet import COLUMNS, SPAN, Expert, SyncNetV2, mfcc

HELLO = Path(facediff.__file__).parent / "samples" / "hello.flac"


def test_the_layers_are_those_of_the_published_weights() -> None:
    """Which are a file of 54.6 MB, whose tensors lie by number among layers that hold none."""
    network = SyncNetV2().eval()
    assert sum(p.numel() for p in network.parameters()) * 4 == pytest.approx(54.5e6, rel=0.01)
    assert {"netcnnlip.18.weight", "netcnnaud.18.bias", "netfclip.3.weight", "netfcaud.1.running_var"} <= set(
        network.state_dict()
    )
    with torch.inference_mode():
        assert network.see(torch.zeros(1, 3, SPAN, 224, 224)).shape == (1, 1024)
        assert network.hear(torch.zeros(2, 1, 13, COLUMNS)).shape == (2, 1024)


def test_cepstra_are_those_of_python_speech_features() -> None:
    wave = load_wave(HELLO)[:32000].astype(np.float64)
    theirs = pytest.importorskip("python_speech_features").mfcc(np.rint(wave * 32767), 16000)
    np.testing.assert_allclose(mfcc(wave), theirs, atol=1e-6)


def test_cepstra_tell_pitch_and_silence() -> None:
    tone = np.sin(np.arange(8000) / 16000 * 2 * np.pi * 400).astype(np.float32)
    found = mfcc(np.concatenate([0.5 * tone, np.zeros(8000, np.float32)]))
    assert found.shape == (99, 13)
    assert found[10, 0] > found[80, 0] + 20 and np.ptp(found[5:40], axis=0).max() < 1.0


def test_a_film_has_a_glance_a_frame_but_for_the_last(tmp_path, cases) -> None:
    torch.manual_seed(0)
    torch.save(SyncNetV2().state_dict(), tmp_path / "syncnet.model")
    case = cases["plain"]
    lips, speech = Expert(str(tmp_path / "syncnet.model")).embed(
        case.item.made, case.track.take(slice(0, 16)), case.wave
    )
    assert lips.shape == speech.shape == (1024, 16 - SPAN)
    assert np.isfinite(lips).all() and np.ptp(speech, axis=1).max() > 0


def test_other_weights_are_refused(tmp_path) -> None:
    torch.save({"a": torch.zeros(2)}, tmp_path / "other.pth")
    (tmp_path / "torn.pth").write_bytes(b"torn")
    for name in ("other.pth", "torn.pth"):
        with pytest.raises(WeightsError, match=f"{name} is not SyncNet"):
            Expert(str(tmp_path / name))
