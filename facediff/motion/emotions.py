"""Emotions by name: sums of single actions of a face, made by ``facediff.training.emotions``.

A name is an emotion's or an expression's (``facediff.motion.expressions``); all can be mixed and come and go.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from facediff.errors import ConfigError
from facediff.landmarks.folds import FOLDS
from facediff.motion import coefficients
from facediff.motion.expressions import expressions
from facediff.options import check_strength

NEUTRAL = "neutral"
EMOTIONS = ("happy", "sad", "angry", "surprised", "disgusted", "fearful")
MOST_FOLDED = 1.5  # strength of a fold beyond which it is a line that somebody drew
PARTS = ("row", "shape", "folds", "parting")  # tensors of an emotion in the file


@dataclass(frozen=True)
class Emotion:
    """What a face does at strength 1.

    Attributes:
        row: Its motion (31,).
        shape: (478, 3) what it does beyond that, in canonical space: noses and cheeks are in no coefficient.
        folds: (F,) how strong each of ``facediff.landmarks.folds.FOLDS`` is.
        parting: Eye distances by which lips are apart that rest.
    """

    row: NDArray[np.float32]
    shape: NDArray[np.float32]
    folds: NDArray[np.float32]
    parting: float = 0.0

    @classmethod
    def of_row(cls, row: NDArray[np.float32]) -> Emotion:
        """What is a motion (31,) and nothing else."""
        return cls(row, np.zeros((478, 3), np.float32), np.zeros(len(FOLDS), np.float32))


@cache
def emotions() -> dict[str, Emotion]:
    """The emotions of the package, and ``neutral``, which is nothing."""
    with as_file(files("facediff.motion") / "emotions.safetensors") as path:
        fitted = load_file(path)
    known = {NEUTRAL: Emotion.of_row(np.zeros(coefficients.DIMENSIONS, np.float32))}
    for name in EMOTIONS:
        row, shape, folds, parting = (fitted[f"{name}.{part}"].astype(np.float32) for part in PARTS)
        known[name] = Emotion(row, shape, folds, float(parting[0]))
    return known


def find_emotion(name: str) -> Emotion:
    """The emotion, or the expression, of a name; case and underscores do not matter.

    Raises:
        ConfigError: There is none.
    """
    name = name.replace("_", "-").lower()
    if name in expressions():
        return Emotion.of_row(expressions()[name])
    if name not in emotions():
        raise ConfigError(f"there is no emotion {name!r}; there are {', '.join((*emotions(), *expressions()))}")
    return emotions()[name]


def check_emotion(name: str, strength: float) -> None:
    """Refuses an emotion that is not there, or that cannot be so strong: one has no opposite, an expression has.

    Raises:
        ConfigError: So it is.
    """
    find_emotion(name)
    is_expression = name.replace("_", "-").lower() in expressions()
    check_strength(name, strength, **({} if is_expression else {"low": 0.0}))


class Addition(NamedTuple):
    """What emotions do in a frame beyond the coefficients of its motion.

    Attributes:
        shape: (478, 3) what is added to the canonical face.
        folds: (F,) how strong each of ``facediff.landmarks.folds.FOLDS`` is.
    """

    shape: NDArray[np.float32]
    folds: NDArray[np.float32]


NOTHING = Addition(np.zeros((478, 3), np.float32), np.zeros(len(FOLDS), np.float32))


@dataclass(frozen=True)
class ShapeTrack:
    """What emotions do beyond the coefficients of a motion, frame by frame.

    Attributes:
        weights: (T, E) how strong each is.
        shapes: (E, 478, 3) what each does at strength 1, in canonical space.
        folds: (E, F) folds that each lays at strength 1; None for none.
    """

    weights: NDArray[np.float32]
    shapes: NDArray[np.float32]
    folds: NDArray[np.float32] | None = None

    def frames(self, part: slice) -> Iterator[NDArray[np.float32]]:
        """What is added (478, 3) in each frame of a part."""
        for weights in self.weights[part]:
            yield np.tensordot(weights, self.shapes, 1).astype(np.float32)

    def additions(self, part: slice) -> Iterator[Addition]:
        """What is added in each frame of a part; folds of emotions that oppose each other do not show."""
        folds = np.zeros((len(self.shapes), len(FOLDS)), np.float32) if self.folds is None else self.folds
        shown = np.clip(self.weights[part] @ folds, 0, MOST_FOLDED)
        return (Addition(*both) for both in zip(self.frames(part), shown, strict=True))
