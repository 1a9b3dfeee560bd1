"""What a motion model learns from: how somebody moved, and what was heard."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class MotionRecording:
    """One clip to learn from.

    Attributes:
        motion: (T, 31) at 25 frames a second.
        heard: (T, speech_dim) what the audio encoder gives of its sound; None where that does not belong to the lips.
        identity: Who it is.
        weight: What it counts for beside others of as many frames; see ``facediff.training.reliability``.
    """

    motion: NDArray[np.float32]
    heard: NDArray[np.floating] | None
    identity: str
    weight: float = 1.0


def weigh_people(clips: Sequence[MotionRecording], power: float) -> NDArray[np.float64]:
    """(N,) what a frame of each clip weighs for people to weigh as their footage to that power."""
    footage: dict[str, int] = defaultdict(int)
    for clip in clips:
        footage[clip.identity] += len(clip.motion)
    return np.array([footage[clip.identity] ** (power - 1.0) for clip in clips])
