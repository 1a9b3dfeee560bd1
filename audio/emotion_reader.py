"""Emotions that are heard: a network of a hub that names what a voice sounds like, asked every half second."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facediff.audio.mixing import SILENT
from facediff.audio.wave import SAMPLE_RATE
from facediff.errors import AudioError, ConfigError, WeightsError, take_first_line
from facediff.types import Wave

WINDOW_S, HOP_S = 3.0, 0.5  # what is heard at once, as long as the sentences that such networks learnt from
AT_ONCE = 8  # windows in a batch
# What networks call emotions, shortened and not; what is none of these is no emotion that a face here has.
NAMES = {
    "neutral": ("neutral", "neu", "calm"),
    "happy": ("happy", "hap", "happiness", "joy", "excited", "exc"),
    "sad": ("sad", "sadness"),
    "angry": ("angry", "ang", "anger"),
    "surprised": ("surprised", "sur", "surprise"),
    "disgusted": ("disgusted", "dis", "disgust"),
    "fearful": ("fearful", "fea", "fear"),
}
_MEANING = {said: emotion for emotion, words in NAMES.items() for said in words}


@dataclass(frozen=True)
class HeardEmotions:
    """What a voice sounds like, over time.

    Attributes:
        times: (K,) seconds.
        names: (E) emotions, without ``neutral``.
        strengths: (K, E) how sure the network is of each, from 0 to 1; 0 where nothing is heard.
    """

    times: NDArray[np.float64]
    names: tuple[str, ...]
    strengths: NDArray[np.float32]


class EmotionReader:
    """A network of transformers that classifies sound, and its feature extractor.

    Args:
        model: In eval mode.
        extractor: That makes of a wave what it takes.
        name: What was asked for.

    Raises:
        ConfigError: Its classes are not emotions.
    """

    def __init__(self, model: Any, extractor: Any, name: str) -> None:
        labels = {int(index): str(label).strip().lower() for index, label in model.config.id2label.items()}
        self._meant = [_MEANING.get(labels[index]) for index in sorted(labels)]
        self.names = tuple(one for one in NAMES if one != "neutral" and one in self._meant)
        if model.config.problem_type == "regression" or not self.names:
            raise ConfigError(
                f"{name} tells {', '.join(labels.values())[:80]} of a voice, and no emotion by name; give another "
                "reader"
            )
        self._model, self._extractor = model, extractor

    def __call__(self, wave: Wave) -> HeardEmotions:
        """What a wave, (N,) at 16 kHz, sounds like.

        Raises:
            AudioError: It is empty.
        """
        if wave.ndim != 1 or not len(wave):
            raise AudioError(f"a wave is mono and not empty, (N,) at 16 kHz, not of shape {wave.shape}")
        window = min(len(wave), round(WINDOW_S * SAMPLE_RATE))
        starts = np.unique([*range(0, len(wave) - window, round(HOP_S * SAMPLE_RATE)), len(wave) - window])
        heard = np.zeros((len(starts), len(self.names)), np.float32)
        loud = [place for place, start in enumerate(starts) if np.mean(wave[start : start + window] ** 2) >= SILENT]
        for begin in range(0, len(loud), AT_ONCE):
            part = loud[begin : begin + AT_ONCE]
            heard[part] = self._classify([wave[starts[place] : starts[place] + window] for place in part])
        return HeardEmotions((starts + window / 2) / SAMPLE_RATE, self.names, heard)

    def _classify(self, waves: list[Wave]) -> NDArray[np.float32]:
        """How sure (N, E) the network is of each emotion."""
        import torch

        given = self._extractor(waves, sampling_rate=SAMPLE_RATE, return_tensors="pt")
        given = {name: value.to(self._model.device) for name, value in given.items()}
        with torch.inference_mode():
            logits = self._model(**given).logits.float()
        is_many = self._model.config.problem_type == "multi_label_classification"
        sure = (logits.sigmoid() if is_many else logits.softmax(dim=-1)).cpu().numpy()
        columns = [[place for place, meant in enumerate(self._meant) if meant == name] for name in self.names]
        return np.stack([np.clip(sure[:, of].sum(axis=1), 0, 1) for of in columns], axis=1)


def load_emotion_reader(name_or_path: str | Path, *, device: str | None = None) -> EmotionReader:
    """A network that names emotions of a voice: transformers' audio classification, from a folder or a hub.

    Raises:
        WeightsError: It is not on this machine and cannot be fetched, is damaged, or lacks weights.
        ConfigError: Its classes are not emotions.
    """
    from safetensors import SafetensorError
    from transformers import AutoFeatureExtractor, AutoModelForAudioClassification

    from facediff.system.device import choose_device

    source = str(name_or_path)
    try:
        model, info = AutoModelForAudioClassification.from_pretrained(source, output_loading_info=True)
        extractor = AutoFeatureExtractor.from_pretrained(source)
    except (SafetensorError, RuntimeError, KeyError, EOFError) as error:
        raise WeightsError(
            f"the weights of the emotion reader {source} are damaged: {take_first_line(error)}"
        ) from error
    except (OSError, ValueError, ImportError) as error:
        if Path(source).is_dir():
            raise WeightsError(f"the emotion reader in {source} cannot be loaded: {take_first_line(error)}") from error
        raise WeightsError(
            f"the emotion reader {source} is not on this machine and cannot be fetched; run 'hf download {source}' "
            "where there is a network, or give a folder that holds it"
        ) from error
    missing = [key for key in info["missing_keys"] if not key.endswith("masked_spec_embed")]
    if missing:  # transformers fills them with random numbers and goes on: what it says would be by chance
        raise WeightsError(f"{source} lacks {len(missing)} weights of an emotion reader, such as {min(missing)}")
    return EmotionReader(model.to(choose_device(device)).eval(), extractor, source)
