import shutil
from fractions import Fraction
from importlib.resources import files

import numpy as np
import pytest

from facediff.audio import whisper
from facediff.audio.encoder import encode_frames, load_encoder
from facediff.audio.wave import SAMPLE_RATE, load_wave
from facediff.errors import WeightsError
from facediff.system import weights


@pytest.fixture(scope="module")
def encoder():
    return load_encoder("whisper-base-4", device="cpu")


@pytest.fixture(scope="module")
def sentence():
    return load_wave(str(files("facediff") / "samples" / "hello.flac"))


@pytest.mark.parametrize("fps", [25, Fraction(30000, 1001)])
@pytest.mark.parametrize("seconds", [0.5, 1.4])
def test_a_click_is_heard_when_it_is(encoder, fps, seconds: float) -> None:
    quiet = np.random.default_rng(0).normal(0, 0.003, 2 * SAMPLE_RATE).astype(np.float32)
    clicked = quiet.copy()
    clicked[round(seconds * SAMPLE_RATE)] = 0.02  # too short and low to change the level of the whole
    frames = int(2 * fps)
    change = np.abs(encoder.encode(clicked, fps, frames) - encoder.encode(quiet, fps, frames))[:, 1].sum(axis=1)
    heard = (change * np.arange(frames))[change > change.max() / 2].sum() / change[change > change.max() / 2].sum()
    assert abs(heard / float(fps) - seconds) < 0.02


def test_tokens_are_20_ms_apart_and_the_last_is_of_the_frame(encoder, sentence) -> None:
    windows = encoder.encode(sentence, 50, 40)
    assert windows.shape == (40, 2, 2 * 511)
    np.testing.assert_allclose(windows[1:, 0], windows[:-1, 1], atol=1e-6)
    np.testing.assert_allclose(encode_frames(encoder, sentence, 25, 20), windows[::2].reshape(20, -1), atol=1e-6)


def test_parts_are_heard_as_the_whole_is(encoder, sentence, monkeypatch) -> None:
    monkeypatch.setattr(whisper, "_INNER", 60)
    monkeypatch.setattr(whisper, "_CONTEXT", 20)
    monkeypatch.setattr(whisper, "_FRAMES_AT_ONCE", 37)
    whole = encoder.encode(sentence, 25, 100)
    for first in (0, 29, 30, 31, 77):
        part = np.concatenate(list(encoder.stream(sentence, 25, 100, first=first)))
        np.testing.assert_array_equal(part, whole[first:])


def test_beyond_the_end_the_last_state_stays(encoder, sentence) -> None:
    short = sentence[: SAMPLE_RATE // 2]
    windows = encoder.encode(short, 25, 30)
    np.testing.assert_array_equal(windows[-1], windows[15])
    assert encoder.encode(short[:3], 25, 2).shape == (2, 2, 1022)
    assert np.isfinite(encoder.encode(np.zeros(1600, np.float32), 25, 3)).all()


@pytest.mark.parametrize("damage", ["missing", "truncated"])
def test_a_damaged_ear_is_one_sentence(tmp_path, monkeypatch, damage: str) -> None:
    shutil.copytree(weights.CHECKPOINTS / "whisper", tmp_path / "whisper")
    file = tmp_path / "whisper" / "diffusion_pytorch_model.safetensors"
    data = file.read_bytes()
    file.unlink()
    if damage == "truncated":
        file.write_bytes(data[:1_000_000])
    monkeypatch.setattr(weights, "CHECKPOINTS", tmp_path)
    with pytest.raises(WeightsError, match="whisper") as raised:
        load_encoder("whisper-base-4", device="cpu")
    assert "\n" not in str(raised.value)
