"""The look of a mouth, carried from one moment to another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.alignment import MOUTH, align
from facediff.landmarks.canonical import canonicalise
from facediff.landmarks.warp import MeshWarp
from facediff.motion.coefficients import lip_opening
from facediff.types import Frame, RigidPose


class Reference:
    """A moment that shows how a person's mouth looks.

    Args:
        frame: (H, W, 3) uint8.
        points: Its landmarks (478, 3) in pixels.

    Attributes:
        opening: How far its lips are apart, in eye distances.
    """

    def __init__(self, frame: Frame, points: NDArray[np.float32]) -> None:
        self._points, self._warp = points, MeshWarp(frame, points)
        canonical, self._pose = canonicalise(points[None])
        self.opening = float(lip_opening(canonical)[0])
        self._alignment = align(self._pose, MOUTH)

    def window(self, points: NDArray[np.float32], pose: RigidPose) -> NDArray[np.uint8]:
        """The mouth window (128, 160, 3) of another frame as this moment shows it.

        The warp works in this moment's own frame: the wanted landmarks are brought there by the similarity that joins
        the two mouth windows.

        Args:
            points: Landmarks (478, 3) wanted, in pixels of the other frame.
            pose: Head pose there, one row.
        """
        there = align(pose, MOUTH).to_crop(points, 0)
        m = self._alignment.inverses[0]
        wanted = self._points.copy()
        wanted[:, :2] = there @ m[:, :2].T + m[:, 2]
        wanted[:, 2] = points[:, 2] * float(self._pose.scale[0] / pose.scale[0])
        return self._alignment.crop(self._warp(wanted), 0)
