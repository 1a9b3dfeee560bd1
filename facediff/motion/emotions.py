"""Emotions by name: what people's faces did who were asked to speak with one, less what they did when asked for none.

A name is an emotion's or an expression's (``facediff.motion.expressions``); all can be mixed and come and go.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from facediff.errors import ConfigError
from facediff.motion import coefficients
from facediff.motion.expressions import expressions
from facediff.options import check_strength

NEUTRAL = "neutral"
EMOTIONS = ("happy", "sad", "angry", "surprised", "disgusted", "fearful")


@dataclass(frozen=True)
class Emotion:
    """What a face does at strength 1.

    Attributes:
        row: Its motion (31,).
        shape: (478, 3) what it does beyond that, in canonical space: noses and cheeks are in no coefficient.
    """

    row: NDArray[np.float32]
    shape: NDArray[np.float32]


@cache
def emotions() -> dict[str, Emotion]:
    """The emotions that were learnt, and ``neutral``, which is nothing."""
    with as_file(files("facediff.motion") / "emotions.safetensors") as path:
        fitted = load_file(path)
    known = {NEUTRAL: Emotion(np.zeros(coefficients.DIMENSIONS, np.float32), np.zeros((478, 3), np.float32))}
    for name in EMOTIONS:
        row, shape = (fitted[f"{name}.{part}"].astype(np.float32) for part in ("row", "shape"))
        known[name] = Emotion(row, shape)
    return known


def find_emotion(name: str) -> Emotion:
    """The emotion, or the expression, of a name; case and underscores do not matter.

    Raises:
        ConfigError: There is none.
    """
    name = name.replace("_", "-").lower()
    if name in expressions():
        return Emotion(expressions()[name], np.zeros((478, 3), np.float32))
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


@dataclass(frozen=True)
class ShapeTrack:
    """What emotions do beyond the coefficients of a motion, frame by frame.

    Attributes:
        weights: (T, E) how strong each is.
        shapes: (E, 478, 3) what each does at strength 1, in canonical space.
    """

    weights: NDArray[np.float32]
    shapes: NDArray[np.float32]

    def frames(self, part: slice) -> Iterator[NDArray[np.float32]]:
        """What is added (478, 3) in each frame of a part."""
        for weights in self.weights[part]:
            yield np.tensordot(weights, self.shapes, 1).astype(np.float32)
