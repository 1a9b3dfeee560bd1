import os
import shutil

import numpy as np
import pytest

from facediff.audio.encoder import load_encoder
from facediff.audio.features import log_mel
from facediff.audio.wave import normalise_loudness
from facediff.audio.windows import feature_windows, frame_count
from facediff.errors import AudioError, ConfigError, WeightsError

SMALL = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 48,
    "conv_dim": (16,) * 7,
    "conv_kernel": (10, 3, 3, 3, 3, 2, 2),
    "conv_stride": (5, 2, 2, 2, 2, 2, 2),
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
    "feat_extract_norm": "layer",
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Tiny models of the real classes, saved as transformers saves them."""
    import torch
    from transformers import (
        HubertConfig,
        HubertModel,
        Wav2Vec2Config,
        Wav2Vec2Model,
        WhisperConfig,
        WhisperFeatureExtractor,
        WhisperModel,
    )

    torch.manual_seed(0)
    whisper = WhisperConfig(
        vocab_size=40, d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=48, decoder_ffn_dim=48, max_source_positions=100,
        max_target_positions=10, pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1,
    )  # fmt: skip
    models = {
        "wav2vec2": Wav2Vec2Model(Wav2Vec2Config(**SMALL)),
        "hubert": HubertModel(HubertConfig(**SMALL)),
        "whisper": WhisperModel(whisper),
    }
    root = tmp_path_factory.mktemp("encoders")
    for name, model in models.items():
        model.eval().save_pretrained(root / name)
    WhisperFeatureExtractor(feature_size=80, chunk_length=2).save_pretrained(root / "whisper")
    return root


@pytest.fixture
def without_hub(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def chirp(seconds: float) -> np.ndarray:
    t = np.arange(round(seconds * 16000)) / 16000
    return (0.3 * np.sin(2 * np.pi * (200 + 300 * t) * t) * (np.sin(9 * t) > 0)).astype(np.float32)


def test_log_mel_is_what_the_embedded_models_hear():
    wave = chirp(2.0)
    encoder = load_encoder()
    assert (encoder.name, encoder.dim, encoder.tokens) == ("log-mel", 80, 32)
    expected = feature_windows(log_mel(normalise_loudness(wave)), 25, 50)
    np.testing.assert_array_equal(encoder.encode(wave, 25, 50), expected)


def test_a_stream_of_many_parts_equals_the_whole():
    wave = chirp(25.0)
    encoder = load_encoder("log-mel", tokens=8)
    parts = list(encoder.stream(wave, 60, 1500))
    assert len(parts) > 1
    expected = feature_windows(log_mel(normalise_loudness(wave)), 60, 1500, 8)
    np.testing.assert_array_equal(np.concatenate(parts), expected)


@pytest.mark.parametrize("kind", ["wav2vec2", "hubert", "whisper"])
@pytest.mark.parametrize("fps", [25, 29.97])
def test_every_kind_of_model_gives_one_window_per_frame(folders, kind, fps):
    wave = chirp(3.3)
    frames = frame_count(len(wave), fps)
    encoder = load_encoder(folders / kind, tokens=6, device="cpu")
    windows = encoder.encode(wave, fps, frames)
    assert windows.shape == (frames, 6, 32) == (frames, encoder.tokens, encoder.dim)
    assert windows.dtype == np.float32
    assert np.isfinite(windows).all()
    assert windows.std(axis=0).max() > 0.01


@pytest.mark.parametrize("kind", ["wav2vec2", "hubert"])
def test_states_are_the_ones_of_transformers_at_their_times(folders, kind):
    import torch
    from transformers import AutoModel

    wave = chirp(1.0)
    encoder = load_encoder(folders / kind, tokens=1, device="cpu")
    model = AutoModel.from_pretrained(folders / kind).eval()
    normalised = (wave - wave.mean()) / np.sqrt(wave.var() + 1e-7)
    with torch.inference_mode():
        states = model(torch.from_numpy(normalised)[None]).last_hidden_state[0].numpy()
    # State j sees samples 320 j to 320 j + 399: its middle is at 20 j + 12.5 ms, less half a sample.
    at_50 = encoder.encode(wave, 50, 40)[:, 0]
    share = 1 - 199.5 / 320
    np.testing.assert_allclose(at_50[1:], states[:39] * (1 - share) + states[1:40] * share, atol=2e-5)
    np.testing.assert_allclose(at_50[0], states[0], atol=2e-5)


def test_whisper_states_are_at_multiples_of_20_ms(folders):
    import torch
    from transformers import AutoFeatureExtractor, WhisperModel

    wave = chirp(2.0)
    model = WhisperModel.from_pretrained(folders / "whisper").get_encoder().eval()
    extract = AutoFeatureExtractor.from_pretrained(folders / "whisper")
    with torch.inference_mode():
        mel = extract(wave, sampling_rate=16000, return_tensors="pt").input_features
        states = model(mel).last_hidden_state[0].numpy()
    windows = load_encoder(folders / "whisper", tokens=1, device="cpu").encode(wave, 25, 20)
    np.testing.assert_allclose(windows[:, 0], states[0:40:2], atol=1e-4)


@pytest.mark.parametrize("kind", ["wav2vec2", "whisper"])
def test_long_speech_in_pieces_hears_what_one_piece_hears(folders, kind):
    from facediff.audio.encoder import TransformersEncoder, _pretrained

    wave = chirp(7.0)
    model, extractor = _pretrained(str(folders / kind), kind)
    pieces = TransformersEncoder(model.eval(), extractor, kind, tokens=4, span_s=2.0)
    parts = list(pieces.stream(wave, 25, 175))
    assert len(parts) > 3
    together = np.concatenate(parts)
    assert together.shape == (175, 4, 32)
    if kind == "whisper":  # its length is fixed: there is no whole to compare with
        assert np.isfinite(together).all()
        return
    whole = TransformersEncoder(model, extractor, kind, tokens=4).encode(wave, 25, 175)
    assert np.corrcoef(together.ravel(), whole.ravel())[0, 1] > 0.98


@pytest.mark.parametrize("kind", ["wav2vec2", "whisper"])
@pytest.mark.parametrize("samples", [1, 399, 5000])
def test_speech_shorter_than_a_window_works(folders, kind, samples):
    windows = load_encoder(folders / kind, tokens=4, device="cpu").encode(chirp(1.0)[:samples], 25, 3)
    assert windows.shape == (3, 4, 32)
    assert np.isfinite(windows).all()


def test_no_sound_is_refused(folders):
    for encoder in (load_encoder(), load_encoder(folders / "hubert", device="cpu")):
        for wave in (np.zeros(0, np.float32), np.zeros((2, 50), np.float32)):
            with pytest.raises(AudioError, match="mono and not empty"):
                encoder.encode(wave, 25, 1)


@pytest.mark.parametrize("name", ["wav2vec2", "hubert", "whisper", "nobody/none-such"])
def test_a_model_that_is_not_here_is_said_in_one_sentence(name, without_hub, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(WeightsError, match="not on this machine .* log-mel") as caught:
        load_encoder(name)
    assert "\n" not in str(caught.value)


def test_damaged_weights_are_refused(folders, tmp_path):
    shutil.copytree(folders / "hubert", tmp_path / "cut")
    file = tmp_path / "cut" / "model.safetensors"
    os.truncate(file, file.stat().st_size // 2)
    with pytest.raises(WeightsError, match="damaged"):
        load_encoder(tmp_path / "cut")


def test_missing_weights_are_refused_rather_than_invented(folders, tmp_path):
    from safetensors.torch import load_file, save_file

    shutil.copytree(folders / "wav2vec2", tmp_path / "part")
    file = tmp_path / "part" / "model.safetensors"
    kept = {name: value for name, value in load_file(file).items() if "layers.1." not in name}
    save_file(kept, file, metadata={"format": "pt"})
    with pytest.raises(WeightsError, match="lacks"):
        load_encoder(tmp_path / "part")


def test_another_kind_of_model_is_refused(tmp_path):
    from transformers import BertConfig

    BertConfig().save_pretrained(tmp_path)
    with pytest.raises(WeightsError, match="is a bert model"):
        load_encoder(tmp_path)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(WeightsError, match="cannot be loaded"):
        load_encoder(tmp_path)


def test_windows_that_do_not_fit_are_refused(folders):
    with pytest.raises(ConfigError, match="at least one token"):
        load_encoder(tokens=0)
    with pytest.raises(ConfigError, match="do not fit"):
        load_encoder(folders / "whisper", tokens=90, device="cpu")
