"""Records that rooms hand to one another. Knows no model, reads no file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

Frame = NDArray[np.uint8]  # (H, W, 3) RGB
Points = NDArray[np.float32]  # (..., 478, 3) landmarks in pixels, z in pixels too
Wave = NDArray[np.float32]  # (N,) mono sound in [-1, 1] at 16 kHz


@dataclass(frozen=True)
class SoundTrack:
    """A sound that was heard in a file, and where there, so that it can be kept as it is.

    Attributes:
        path: The file.
        stream: Index of its stream there, among streams of all kinds.
        zero: When it begins to be heard, in seconds of the file's own clock; may be before or after its first sample.
        wave: What was heard, mono, from there on.
    """

    path: Path
    stream: int
    zero: float
    wave: Wave


@dataclass(frozen=True)
class Word:
    """A word that is heard.

    Attributes:
        text: As it is written.
        start: Seconds from the beginning of the sound; ``end`` likewise.
        end: See ``start``.
    """

    text: str
    start: float
    end: float


class Presence(IntEnum):
    """Where the landmarks of a frame come from."""

    ABSENT = 0
    INTERPOLATED = 1
    FOUND = 2


@dataclass(frozen=True)
class FaceTrack:
    """One face through a video.

    Attributes:
        points: Landmarks (T, 478, 3) in pixels of the source frame, in the order of mediapipe's face mesh
            (468 mesh points, 10 iris points); NaN where the face is absent.
        presence: (T,) values of ``Presence``.
        size: Width and height of the source frames in pixels.
        fps: Frames per second; 0 for a still.
    """

    points: Points
    presence: NDArray[np.uint8]
    size: tuple[int, int]
    fps: float

    def __post_init__(self) -> None:
        if self.points.ndim != 3 or self.points.shape[2] != 3 or len(self.points) != len(self.presence):
            raise ValueError(
                f"a track needs points (T, N, 3) and presence (T,), got {self.points.shape} and {self.presence.shape}"
            )

    def __len__(self) -> int:
        return len(self.points)

    @property
    def usable(self) -> NDArray[np.bool_]:
        """(T,) True where landmarks exist, found or interpolated."""
        return self.presence != Presence.ABSENT

    @property
    def seen(self) -> NDArray[np.bool_]:
        """(T,) whether a face was found in a frame; what was filled in between such frames does not count."""
        return self.presence == Presence.FOUND

    def take(self, index: slice | Sequence[int] | NDArray[np.integer]) -> FaceTrack:
        """The track of some of the frames."""
        return replace(self, points=self.points[index], presence=self.presence[index])

    def scale(self, by: int) -> FaceTrack:
        """The same face in frames so many times as large."""
        width, height = self.size
        return self if by == 1 else replace(self, points=self.points * np.float32(by), size=(by * width, by * height))


@dataclass(frozen=True)
class RigidPose:
    """Where a canonical face stands in a frame: ``points = scale * canonical @ rotation.T + translation``.

    Attributes:
        rotation: (T, 3, 3), canonical to camera; x right, y down, z away from the camera.
        scale: (T,) pixels per canonical unit (the mean face's distance of outer eye corners).
        translation: (T, 3) in pixels: where the canonical origin, midway between the outer eye corners, lies.
    """

    rotation: NDArray[np.float32]
    scale: NDArray[np.float32]
    translation: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.scale)

    def take(self, index: slice | Sequence[int] | NDArray[np.integer]) -> RigidPose:
        """The poses of some of the frames."""
        return RigidPose(self.rotation[index], self.scale[index], self.translation[index])
