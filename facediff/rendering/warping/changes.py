"""What becomes of a video's face, frame by frame: it speaks, follows a driver, or has an expression added."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from facediff.motion import coefficients
from facediff.motion.expressions import expressions
from facediff.motion.rig import FaceRig, move_head
from facediff.types import FaceTrack, RigidPose

SPOKEN = np.zeros(coefficients.DIMENSIONS, bool)  # what speech changes in a video
SPOKEN[coefficients.LIPS] = SPOKEN[coefficients.OPENING] = True


class SteadyFace(NamedTuple):
    """The face of a video without jitter.

    Attributes:
        track: Its landmarks.
        canonical: (T, 478, 3) without the head pose.
        pose: (T) head poses.
        rig: What its motion counts from.
        motion: (T, 31) what it does of itself.
    """

    track: FaceTrack
    canonical: NDArray[np.float32]
    pose: RigidPose
    rig: FaceRig
    motion: NDArray[np.float32]


class Change(ABC):
    """What becomes of a video's face."""

    follows = 0.0  # head and surroundings stay
    eye_response: NDArray[np.float32] | None = None  # how irises are carried; None where they are left to who paints

    def __init__(self, face: SteadyFace) -> None:
        self._face = face

    @abstractmethod
    def motion(self, index: int, row: NDArray[np.float32]) -> NDArray[np.float32]:
        """The motion (31,) wanted in a frame, of its own and a row of what is asked for."""

    def pose(self, index: int, row: NDArray[np.float32]) -> RigidPose:
        """The head pose of a frame, one row: its own."""
        return self._face.pose.take(slice(index, index + 1))

    def shape(self, index: int, row: NDArray[np.float32]) -> NDArray[np.float32]:
        """The canonical face (478, 3) of a frame with the motion that is wanted.

        The basis does not hold all that a face does; so the change that it makes is added to what there is.
        """
        before, after = self._face.rig.express(np.stack([self._face.motion[index], self.motion(index, row)]))
        return self._face.canonical[index] + after - before


class Spoken(Change):
    """The lower face does what is spoken, whatever it did of itself."""

    def motion(self, index: int, row: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.where(SPOKEN, row, self._face.motion[index]).astype(np.float32)

    def shape(self, index: int, row: NDArray[np.float32]) -> NDArray[np.float32]:
        own = self._face.canonical[index]
        return own + coefficients.basis().lower[:, None] * (self._face.rig.express(row[None])[0] - own)


class Directed(Spoken):
    """Beside what is spoken, channels of the upper face that are chosen."""

    def __init__(self, face: SteadyFace, chosen: NDArray[np.bool_]) -> None:
        super().__init__(face)
        self._chosen = chosen | SPOKEN

    def motion(self, index: int, row: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.where(self._chosen, row, self._face.motion[index]).astype(np.float32)

    def shape(self, index: int, row: NDArray[np.float32]) -> NDArray[np.float32]:
        spoken = np.where(SPOKEN, row, self._face.motion[index])
        before, after = self._face.rig.express(np.stack([spoken, self.motion(index, row)]))
        return super().shape(index, row) + after - before


class Driven(Change):
    """The channels that are chosen are a driver's."""

    def __init__(self, face: SteadyFace, chosen: NDArray[np.bool_]) -> None:
        super().__init__(face)
        self._chosen = chosen

    def motion(self, index: int, row: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.where(self._chosen, row, self._face.motion[index]).astype(np.float32)


class Expressed(Change):
    """Something is added to what the face does."""

    def __init__(self, face: SteadyFace, turns: bool) -> None:
        super().__init__(face)
        self._turns, self.follows = turns, float(turns)

    def pose(self, index: int, row: NDArray[np.float32]) -> RigidPose:
        own = super().pose(index, row)
        return move_head(own, row[None]) if self._turns else own

    def motion(self, index: int, row: NDArray[np.float32]) -> NDArray[np.float32]:
        wanted = self._face.motion[index] + row
        wanted[coefficients.LIDS] = np.clip(wanted[coefficients.LIDS], -0.5, 1.0)
        # Lips that shut stay shut: below that a mesh would turn inside out.
        opened = expressions()["mouth-open"]
        missing = np.maximum(0.0, -wanted[coefficients.OPENING]) / opened[coefficients.OPENING]
        return (wanted + missing * opened).astype(np.float32)
