"""Speech to features per video frame, by name: embedded ones, or a speech model through transformers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from facediff.audio import whisper
from facediff.audio.features import BANDS, log_mel
from facediff.audio.wave import SAMPLE_RATE, LevelledWave
from facediff.audio.windows import exact_rate, feature_windows, interpolate_states
from facediff.errors import AudioError, ConfigError, WeightsError, take_first_line
from facediff.types import Wave

if TYPE_CHECKING:
    import torch

HUB_NAMES = {
    "wav2vec2": "facebook/wav2vec2-base-960h",
    "hubert": "facebook/hubert-base-ls960",
    "whisper": "openai/whisper-base",
}
_FRAMES_AT_ONCE = 512


class EncodedSpeech(Protocol):
    """One speech, heard once, of which windows can be cut again and again."""

    def stream(self, fps: float | Fraction, frames: int, *, first: int = 0) -> Iterator[NDArray[np.float32]]:
        """Windows (n, tokens, dim) of the frames from ``first`` up to ``frames``, some at a time."""
        ...


class AudioEncoder(Protocol):
    """Turns speech into one window of feature vectors per video frame.

    Attributes:
        name: What ``load_encoder`` was asked for.
        dim: Length of a feature vector.
        tokens: Feature vectors in a window; number ``tokens // 2`` is at the time of the frame.
    """

    name: str
    dim: int
    tokens: int

    def prepare(self, wave: Wave) -> EncodedSpeech:
        """The speech, with whatever depends on all of it done at its first use, and kept."""
        ...

    def encode(self, wave: Wave, fps: float | Fraction, frames: int) -> NDArray[np.float32]:
        """Windows (frames, tokens, dim); window k is centred on the time k / fps."""
        ...

    def stream(
        self, wave: Wave, fps: float | Fraction, frames: int, *, first: int = 0
    ) -> Iterator[NDArray[np.float32]]:
        """What ``encode`` gives from frame ``first`` onwards, some frames at a time."""
        ...


class LogMelEncoder:
    """The embedded encoder, without weights: log-mel columns of the loudness-normalised wave, 10 ms apart."""

    name, dim = "log-mel", BANDS

    def __init__(self, tokens: int = 32) -> None:
        """Windows of so many columns."""
        self.tokens = tokens

    def prepare(self, wave: Wave) -> LogMelSpeech:
        """The log-mel of the whole wave; see ``AudioEncoder``."""
        return LogMelSpeech(_checked(wave), self.tokens)

    def encode(self, wave: Wave, fps: float | Fraction, frames: int) -> NDArray[np.float32]:
        """Windows (frames, tokens, 80); see ``AudioEncoder``."""
        return _joined(self, wave, fps, frames)

    def stream(
        self, wave: Wave, fps: float | Fraction, frames: int, *, first: int = 0
    ) -> Iterator[NDArray[np.float32]]:
        """Windows of up to 512 frames at a time."""
        return self.prepare(wave).stream(fps, frames, first=first)


class LogMelSpeech:
    """A wave whose log-mel is computed at its first use, and kept; an ``EncodedSpeech``."""

    def __init__(self, wave: Wave, tokens: int) -> None:
        """Use ``LogMelEncoder.prepare``."""
        self._wave, self._tokens = wave, tokens

    @cached_property
    def _mel(self) -> NDArray[np.float32]:
        return log_mel(LevelledWave(self._wave))

    def stream(self, fps: float | Fraction, frames: int, *, first: int = 0) -> Iterator[NDArray[np.float32]]:
        """Windows of up to 512 frames at a time; see ``EncodedSpeech``."""
        for start in range(first, frames, _FRAMES_AT_ONCE):
            count = min(_FRAMES_AT_ONCE, frames - start)
            yield feature_windows(self._mel, fps, count, self._tokens, first=start)


class TransformersEncoder:
    """The last hidden states of wav2vec 2.0, HuBERT or Whisper's encoder, 20 ms apart, brought to video frames.

    Long speech goes through the model in pieces of at most ``span_s`` seconds that overlap by an eighth of it on both
    sides; only the inner part is used. Between two states the features are interpolated linearly; before the first
    and after the last they stay.

    Source: Baevski et al., "wav2vec 2.0" (NeurIPS 2020), section 2; Hsu et al., "HuBERT" (2021), section II;
    Radford et al., "Whisper" (ICML 2023), section 2.2.
    """

    def __init__(self, model: Any, extractor: Any, name: str, *, tokens: int = 16, span_s: float = 30.0) -> None:
        """Take over a model in eval mode (``Wav2Vec2Model``, ``HubertModel``, ``WhisperModel``) and its extractor."""
        config = model.config
        self._hears_mel = config.model_type == "whisper"
        self._model = model.get_encoder() if self._hears_mel else model
        self._extractor = extractor
        self.name, self.tokens, self.dim = name, tokens, int(config.hidden_size)
        if self._hears_mel:  # mel columns 10 ms apart, then a convolution of stride 2; its length is fixed
            self._stride, self._field = 2 * extractor.hop_length, 1
            self._span = config.max_source_positions * self._stride
        else:
            self._stride, self._field = _reach(config.conv_kernel, config.conv_stride)
            self._span = round(span_s * SAMPLE_RATE) // self._stride * self._stride
        self._context = self._span // 8
        if self._span - 2 * self._context <= self._stride * (tokens + 1):
            raise ConfigError(
                f"{tokens} tokens do not fit into the {self._span / SAMPLE_RATE:g} s that {name} hears at once"
            )

    def prepare(self, wave: Wave) -> PiecewiseSpeech:
        """The wave itself: pieces of it are heard when they are asked for; see ``AudioEncoder``."""
        return PiecewiseSpeech(self, _checked(wave))

    def encode(self, wave: Wave, fps: float | Fraction, frames: int) -> NDArray[np.float32]:
        """Windows (frames, tokens, dim); see ``AudioEncoder``."""
        return _joined(self, wave, fps, frames)

    def stream(
        self, wave: Wave, fps: float | Fraction, frames: int, *, first: int = 0
    ) -> Iterator[NDArray[np.float32]]:
        """Windows of as many frames at a time as the model hears at once."""
        _checked(wave)
        rate = exact_rate(fps)
        place = (np.arange(self.tokens) - self.tokens // 2) * self._stride
        inner = self._span - 2 * self._context - self._stride * (self.tokens + 1)
        at_once = max(1, int(Fraction(inner, SAMPLE_RATE) * rate))
        mean, deviation = self._level(wave)
        for beginning in range(first, frames, at_once):
            index = range(beginning, min(beginning + at_once, frames))
            times = np.array([float(Fraction(k * SAMPLE_RATE) / rate) for k in index])[:, None] + place
            start = max(0, int(times[0, 0]) - self._context)
            start = min(start, max(len(wave) - self._context, 0)) // self._stride * self._stride
            piece = (wave[start : start + self._span] - mean) / deviation
            states = self._states(piece.astype(np.float32))
            yield interpolate_states(states, (times - start - (self._field - 1) / 2) / self._stride)

    def _level(self, wave: Wave) -> tuple[float, float]:
        """Mean and deviation to take out: of the whole wave, so that pieces do not jump in level."""
        if self._hears_mel or not self._extractor.do_normalize or not len(wave):
            return 0.0, 1.0
        return float(wave.mean(dtype=np.float64)), float(np.sqrt(wave.var(dtype=np.float64) + 1e-7))

    def _states(self, piece: Wave) -> NDArray[np.float32]:
        """Hidden states (n, dim) of one piece, at least one."""
        import torch

        known = max(1, -(-len(piece) // self._stride))
        if self._hears_mel:
            heard = self._extractor(
                piece, sampling_rate=SAMPLE_RATE, padding="max_length", max_length=self._span, return_tensors="pt"
            ).input_features
        else:
            heard = torch.from_numpy(np.pad(piece, (0, max(0, self._field - len(piece)))))[None]
        with torch.inference_mode():
            states = self._model(heard.to(self._model.device, self._model.dtype)).last_hidden_state[0]
        return states[:known].float().cpu().numpy()


@dataclass(frozen=True)
class PiecewiseSpeech:
    """A wave that a speech model hears in pieces; an ``EncodedSpeech``.

    Attributes:
        encoder: That hears it.
        wave: Mono, 16 kHz.
    """

    encoder: TransformersEncoder
    wave: Wave

    def stream(self, fps: float | Fraction, frames: int, *, first: int = 0) -> Iterator[NDArray[np.float32]]:
        """Windows of as many frames at a time as the model hears at once; see ``EncodedSpeech``."""
        return self.encoder.stream(self.wave, fps, frames, first=first)


def load_encoder(
    name_or_path: str | Path = "log-mel", *, tokens: int | None = None, device: str | torch.device | None = None
) -> AudioEncoder:
    """An audio encoder by name.

    Args:
        name_or_path: ``log-mel`` or ``whisper-base-4`` (embedded); ``wav2vec2``, ``hubert`` or ``whisper`` (from the
            hub or its cache); or a folder or hub name of any model of these three kinds.
        tokens: Feature vectors in a window; 32 for log-mel, 16 for the others (0.32 s each) but whisper-base-4, which
            has 2.
        device: Where to run a model; chosen when None.

    Raises:
        WeightsError: The model is not on this machine and cannot be fetched, is damaged, or is of another kind.
        ConfigError: ``tokens`` is not positive or does not fit into the model's span.
    """
    if tokens is not None and tokens < 1:
        raise ConfigError(f"a window holds at least one token, not {tokens}")
    if str(name_or_path) == LogMelEncoder.name:
        return LogMelEncoder(tokens or 32)
    if str(name_or_path) == whisper.NAME:
        return whisper.load_embedded_whisper(tokens or 2, device)
    from facediff.system.device import choose_device

    source = HUB_NAMES.get(str(name_or_path), str(name_or_path))
    model, extractor = _pretrained(source, str(name_or_path))
    place = choose_device(str(device) if device is not None else None)
    return TransformersEncoder(model.to(place).eval(), extractor, str(name_or_path), tokens=tokens or 16)


def encode_frames(encoder: AudioEncoder, wave: Wave, fps: float | Fraction, frames: int) -> NDArray[np.float32]:
    """What is heard at each frame, (frames, tokens × dim): its window, one token after the other."""
    return encoder.encode(wave, fps, frames).reshape(frames, encoder.tokens * encoder.dim)


def _pretrained(source: str, name: str) -> tuple[Any, Any]:
    """A model and its feature extractor, from a folder, the hub's cache or the hub."""
    import torch
    from safetensors import SafetensorError
    from transformers import AutoConfig, AutoModel

    try:
        config = AutoConfig.from_pretrained(source)
        if config.model_type not in HUB_NAMES:
            raise WeightsError(
                f"{source} is a {config.model_type} model; an audio encoder is one of {', '.join(HUB_NAMES)}"
            )
        model, info = AutoModel.from_pretrained(
            source, config=config, dtype=torch.float32, output_loading_info=True, ignore_mismatched_sizes=False
        )
        extractor = _extractor(source, config)
    except (SafetensorError, RuntimeError, KeyError, EOFError) as error:
        raise WeightsError(
            f"the weights of the audio encoder {source} are damaged: {take_first_line(error)}"
        ) from error
    except (OSError, ValueError) as error:
        if isinstance(error, WeightsError):
            raise
        if Path(source).is_dir():
            raise WeightsError(f"the audio encoder in {source} cannot be loaded: {take_first_line(error)}") from error
        raise WeightsError(
            f"the audio encoder {name!r} ({source}) is not on this machine and cannot be fetched; run "
            f"'hf download {source}' where there is a network, give a folder that holds it, or use log-mel"
        ) from error
    heard = "encoder." if config.model_type == "whisper" else ""
    missing = [k for k in info["missing_keys"] if k.startswith(heard) and not k.endswith("masked_spec_embed")]
    if missing:  # transformers fills them with random numbers and goes on
        raise WeightsError(f"{source} lacks {len(missing)} weights of the audio encoder, such as {missing[0]}")
    return model, extractor


def _extractor(source: str, config: Any) -> Any:
    """The feature extractor stored with a model, or the usual one of its kind."""
    from transformers import AutoFeatureExtractor, Wav2Vec2FeatureExtractor, WhisperFeatureExtractor

    if not Path(source).is_dir() or (Path(source) / "preprocessor_config.json").is_file():
        return AutoFeatureExtractor.from_pretrained(source)
    if config.model_type == "whisper":
        return WhisperFeatureExtractor(feature_size=config.num_mel_bins)
    return Wav2Vec2FeatureExtractor()


def _joined(encoder: AudioEncoder, wave: Wave, fps: float | Fraction, frames: int) -> NDArray[np.float32]:
    """All windows of a stream, in one array that is filled as they come."""
    out = np.empty((frames, encoder.tokens, encoder.dim), np.float32)
    done = 0
    for part in encoder.stream(wave, fps, frames):
        out[done : done + len(part)] = part
        done += len(part)
    return out


def _checked(wave: Wave) -> Wave:
    """The wave, if it is one."""
    if wave.ndim != 1 or not len(wave):
        raise AudioError(f"a wave is mono and not empty, (N,) at 16 kHz, not of shape {wave.shape}")
    return wave


def _reach(kernels: tuple[int, ...], strides: tuple[int, ...]) -> tuple[int, int]:
    """Stride and receptive field in samples of a stack of convolutions."""
    stride, field = 1, 1
    for kernel, step in zip(kernels, strides, strict=True):
        field += (kernel - 1) * stride
        stride *= step
    return stride, field
