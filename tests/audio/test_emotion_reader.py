"""A network that names emotions of a voice is asked along a sound, and believed only where it was trained to."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import (
    HubertConfig,
    HubertForSequenceClassification,
    Wav2Vec2Config,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForSequenceClassification,
    Wav2Vec2Model,
)

from facediff.audio.emotion_reader import HOP_S, WINDOW_S, load_emotion_reader
from facediff.errors import AudioError, ConfigError, WeightsError

RATE = 16000
SMALL = {
    "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 48,
    "conv_dim": (16,) * 7, "conv_kernel": (10, 3, 3, 3, 3, 2, 2), "conv_stride": (5, 2, 2, 2, 2, 2, 2),
    "num_conv_pos_embeddings": 8, "num_conv_pos_embedding_groups": 2, "feat_extract_norm": "layer",
    "classifier_proj_size": 16, "apply_spec_augment": False, "layerdrop": 0.0,
}  # fmt: skip
LABELS = {0: "neu", 1: "hap", 2: "ang", 3: "sad"}


def tone(hertz: float, seconds: float, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=round(seconds * RATE))
    wave = np.sin(2 * np.pi * hertz * np.arange(len(noise)) / RATE)
    return (0.3 * wave + 0.02 * noise).astype(np.float32)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A tiny network of the real class that was taught: high tones are happy, low ones sad."""
    torch.manual_seed(0)
    model = Wav2Vec2ForSequenceClassification(Wav2Vec2Config(**SMALL, id2label=LABELS, num_labels=4)).train()
    extractor = Wav2Vec2FeatureExtractor()
    optimiser = torch.optim.AdamW(model.parameters(), 3e-3)
    draw = np.random.default_rng(0)
    for step in range(60):
        labels = draw.choice([1, 3], size=8)
        waves = [
            tone(draw.uniform(1500, 3000) if label == 1 else draw.uniform(150, 400), 0.6, 100 * step + place)
            for place, label in enumerate(labels)
        ]
        given = extractor(waves, sampling_rate=RATE, return_tensors="pt").input_values
        loss = model(given, labels=torch.from_numpy(labels)).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss < 0.2
    folder = tmp_path_factory.mktemp("reader")
    model.eval().save_pretrained(folder)
    extractor.save_pretrained(folder)
    return folder


def test_what_is_heard_changes_when_the_voice_does(trained) -> None:
    reader = load_emotion_reader(trained, device="cpu")
    heard = reader(np.concatenate([tone(2000, 6.0), tone(250, 6.0)]))
    assert reader.names == heard.names == ("happy", "sad", "angry")
    np.testing.assert_allclose(np.diff(heard.times)[:-1], HOP_S)
    happy, sad, angry = heard.strengths.T
    before, after = heard.times < 6 - WINDOW_S / 2, heard.times > 6 + WINDOW_S / 2
    assert happy[before].min() > 0.8 and sad[after].min() > 0.8
    assert max(happy[after].max(), sad[before].max(), angry.max()) < 0.2
    assert (heard.strengths >= 0).all() and (heard.strengths.sum(axis=1) <= 1 + 1e-5).all()


def test_silence_has_no_emotion_and_a_short_sound_is_heard_at_once(trained) -> None:
    reader = load_emotion_reader(trained, device="cpu")
    heard = reader(np.concatenate([np.zeros(5 * RATE, np.float32), tone(2000, 4.0)]))
    assert not heard.strengths[heard.times < 3].any() and heard.strengths[-1, 0] > 0.8
    short = reader(tone(250, 0.7))
    assert short.strengths.shape == (1, 3) and short.times[0] == pytest.approx(0.35) and short.strengths[0, 1] > 0.8
    with pytest.raises(AudioError, match="not empty"):
        reader(np.zeros(0, np.float32))


def test_windows_heard_together_are_as_each_alone(trained) -> None:
    reader = load_emotion_reader(trained, device="cpu")
    wave = np.concatenate([tone(2000, 3.5), tone(250, 4.0)])
    heard = reader(wave)
    for place in (0, 3, len(heard.times) - 1):
        start = round((heard.times[place] - WINDOW_S / 2) * RATE)
        alone = reader(wave[start : start + round(WINDOW_S * RATE)])
        np.testing.assert_allclose(alone.strengths[0], heard.strengths[place], atol=1e-5)


def test_a_head_that_is_missing_is_not_filled_by_chance(tmp_path) -> None:
    Wav2Vec2Model(Wav2Vec2Config(**SMALL, id2label=LABELS)).save_pretrained(tmp_path)
    Wav2Vec2FeatureExtractor().save_pretrained(tmp_path)
    with pytest.raises(WeightsError, match="lacks .* weights of an emotion reader, such as classifier"):
        load_emotion_reader(tmp_path)


@pytest.mark.parametrize(
    ("labels", "problem"), [({0: "male", 1: "female"}, None), ({0: "arousal", 1: "happy"}, "regression")]
)
def test_what_names_no_emotions_is_refused(tmp_path, labels, problem) -> None:
    HubertForSequenceClassification(
        HubertConfig(**SMALL, id2label=labels, num_labels=2, problem_type=problem)
    ).save_pretrained(tmp_path)
    Wav2Vec2FeatureExtractor().save_pretrained(tmp_path)
    with pytest.raises(ConfigError, match="no emotion by name"):
        load_emotion_reader(tmp_path)


def test_one_that_is_not_there_says_how_to_get_it(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsError, match="hf download nobody/nothing"):
        load_emotion_reader("nobody/nothing")
    with pytest.raises(WeightsError, match="cannot be loaded"):
        load_emotion_reader(tmp_path)
