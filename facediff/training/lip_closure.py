"""Teaches when lips must meet: on m, b and p, from speech whose phonemes are known, such as a synthesiser's.

A folder holds pairs of files: ``NAME.wav`` and ``NAME.phones``, the latter one line of ``phoneme:end`` in seconds, as
flite prints it:

    flite -voice slt -psdur -t "Bob may buy a map." -o bob.wav > bob.phones

Synthetic voices cost nothing and know their times exactly; the speech encoder, which heard many people, carries over
to real ones what is learnt from a few of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import resample
from torch import nn

from facediff.audio.encoder import AudioEncoder, encode_frames
from facediff.audio.wave import SAMPLE_RATE, load_wave
from facediff.errors import InputError
from facediff.models.motion import MotionDenoiser
from facediff.motion.coefficients import MOTION_FPS
from facediff.types import Wave

BILABIALS = frozenset("mbp")
FULL_SHARE = 0.6  # of a frame that must be bilabial for the frame to count as one


@dataclass(frozen=True)
class Spoken:
    """A recording and the ends of its phonemes, in seconds."""

    path: Path
    phones: tuple[tuple[str, float], ...]


def read_spoken(folder: Path) -> list[Spoken]:
    """The recordings of a folder that have their phonemes beside them.

    Raises:
        InputError: There is none, or phonemes are not in order.
    """
    spoken = []
    for path in sorted(folder.glob("*.phones")):
        found = re.findall(r"(\S+?):([\d.]+)", path.read_text(encoding="utf-8"))
        phones = tuple((name, float(end)) for name, end in found)
        if not phones or any(b[1] < a[1] for a, b in zip(phones, phones[1:], strict=False)):
            raise InputError(f"{path} does not hold phonemes and their ends in order, like 'b:0.22 aa:0.43'")
        spoken.append(Spoken(path.with_suffix(".wav"), phones))
    if not spoken:
        raise InputError(f"{folder} holds no NAME.phones beside NAME.wav")
    return spoken


def bilabial_frames(phones: Sequence[tuple[str, float]], frames: int) -> NDArray[np.float64]:
    """How bilabial each motion frame is, (frames,) in [0, 1]; frame k spans half a frame around k / 25 seconds."""
    middle, share, start = np.arange(frames) / MOTION_FPS, np.zeros(frames), 0.0
    half = 0.5 / MOTION_FPS
    for name, end in phones:
        if name in BILABIALS:
            overlap = np.minimum(end, middle + half) - np.maximum(start, middle - half)
            share = np.maximum(share, np.clip(overlap * MOTION_FPS / FULL_SHARE, 0, 1))
        start = end
    return share


@torch.no_grad()
def teach_lip_closure(
    model: MotionDenoiser,
    encoder: AudioEncoder,
    spoken: Sequence[Spoken],
    *,
    voices: int = 3,
    strength: float = 0.002,
    seed: int = 0,
) -> float:
    """Solves the model's head for closed lips: logistic regression on its speech features.

    Args:
        model: Changed in place, in ``closes`` alone.
        encoder: What it hears with.
        spoken: What to learn from.
        voices: How many ways every recording is heard: as it is, and as others might say it elsewhere.
        strength: Inverse of the penalty.
        seed: Of the other voices.

    Returns:
        The share of frames on which it is right, on what it learnt from.
    """
    from sklearn.linear_model import LogisticRegression

    rng, inputs, wanted = np.random.default_rng(seed), [], []
    for one in spoken:
        wave = load_wave(one.path)
        for voice in range(voices):
            heard, speed = (wave, 1.0) if voice == 0 else change_voice(wave, rng)
            phones = [(name, end / speed) for name, end in one.phones]
            frames = -(-len(heard) * MOTION_FPS // SAMPLE_RATE)
            inputs.append(_taps(model, encoder, heard, frames))
            wanted.append(bilabial_frames(phones, frames) > 0.5)
    rows, labels = np.concatenate(inputs), np.concatenate(wanted)
    solved = LogisticRegression(C=strength, max_iter=400).fit(rows, labels)
    shape = model.closes.weight.shape
    model.closes.weight.copy_(torch.from_numpy(solved.coef_.reshape(shape)))
    model.closes.bias.copy_(torch.from_numpy(solved.intercept_))  # type: ignore[union-attr]
    return float(solved.score(rows, labels))


def _taps(model: MotionDenoiser, encoder: AudioEncoder, wave: Wave, frames: int) -> NDArray[np.float32]:
    """What the head's convolution sees at each frame, (frames, channels × taps)."""
    features = model.encode_speech(torch.from_numpy(encode_frames(encoder, wave, MOTION_FPS, frames))[None])
    taps = model.closes.kernel_size[0]
    rows = nn.functional.pad(features, (taps // 2, taps // 2)).unfold(2, taps, 1)[0]
    return rows.permute(1, 0, 2).flatten(1).numpy()


def change_voice(wave: Wave, rng: np.random.Generator) -> tuple[Wave, float]:
    """The same as a longer or shorter vocal tract might say it in another room, and how much faster that is."""
    speed = float(rng.uniform(0.87, 1.15))
    other = resample(wave, round(len(wave) / speed))
    noise = rng.normal(size=len(other)) * np.std(other) * 10 ** rng.uniform(-2, -0.7)
    return (other + noise).astype(np.float32), speed
