import numpy as np
import pytest
import soundfile
import torch

from facediff.audio.encoder import LogMelEncoder, encode_frames
from facediff.errors import InputError
from facediff.models.motion import MotionDenoiser
from facediff.training.lip_closure import bilabial_frames, change_voice, read_spoken, teach_lip_closure


def test_frames_are_bilabial_where_the_phonemes_are() -> None:
    phones = [("pau", 0.1), ("b", 0.18), ("aa", 0.4), ("m", 0.5)]
    share = bilabial_frames(phones, 15)
    np.testing.assert_array_equal(share[[0, 1]], 0)
    np.testing.assert_allclose(share[3:5], 1)  # frames 3 and 4 lie within b
    np.testing.assert_array_equal(share[6:10], 0)
    np.testing.assert_allclose(share[11:12], 1)
    np.testing.assert_array_equal(share[13:], 0)


def test_folders_of_recordings_are_read_and_checked(tmp_path) -> None:
    with pytest.raises(InputError, match="holds no NAME.phones"):
        read_spoken(tmp_path)
    (tmp_path / "a.phones").write_text("pau:0.193 b:0.217 \naa:0.4")
    (one,) = read_spoken(tmp_path)
    assert one.phones == (("pau", 0.193), ("b", 0.217), ("aa", 0.4)) and one.path == tmp_path / "a.wav"
    (tmp_path / "a.phones").write_text("b:0.4 aa:0.2")
    with pytest.raises(InputError, match="in order"):
        read_spoken(tmp_path)


def test_what_sounds_like_it_closes_the_lips(tmp_path) -> None:
    """Low hums stand for m, hisses for s: a head taught on some knows others."""
    rng = np.random.default_rng(0)
    hum = np.sin(np.arange(3200) / 16000 * 2 * np.pi * 180) * 0.2
    for name in ("a", "b", "c"):
        hiss = rng.normal(0, 0.1, 3200)
        soundfile.write(tmp_path / f"{name}.wav", np.concatenate([hiss, hum, hiss, hum]).astype(np.float32), 16000)
        (tmp_path / f"{name}.phones").write_text("s:0.2 m:0.4 s:0.6 m:0.8")
    torch.manual_seed(0)
    encoder = LogMelEncoder(tokens=4)
    model = MotionDenoiser(speech_dim=320, audio_tokens=4, audio_encoder="log-mel", channels=8, dilations=(1,)).eval()
    other = {k: v.clone() for k, v in model.state_dict().items() if not k.startswith("closes")}
    assert teach_lip_closure(model, encoder, read_spoken(tmp_path), voices=2) > 0.9
    assert all(torch.equal(v, model.state_dict()[k]) for k, v in other.items())
    wave = np.concatenate([rng.normal(0, 0.1, 3200), hum]).astype(np.float32)
    heard = torch.from_numpy(encode_frames(encoder, wave, 25, 10))[None]
    closing = model.predict_lip_closure(model.encode_speech(heard))[0]
    assert closing.shape == (10,)
    assert closing[6:9].min() > 0.5 > closing[1:4].max()


def test_another_voice_is_faster_by_as_much_as_it_says() -> None:
    tone = np.sin(np.arange(16000) / 16000 * 2 * np.pi * 200).astype(np.float32)
    for seed in range(5):
        other, speed = change_voice(tone, np.random.default_rng(seed))
        assert 0.87 <= speed <= 1.15 and abs(len(other) * speed - 16000) < 20
        pitch = np.abs(np.fft.rfft(other)).argmax() * 16000 / len(other)
        assert pitch == pytest.approx(200 * speed, abs=2)
