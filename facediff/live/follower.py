"""A webcam's frames to the motion of who sits there, counted from how they looked at first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.canonical import canonicalise
from facediff.landmarks.detection import FaceFinder, choose_face
from facediff.landmarks.follower import Cuts, Follower, Sight
from facediff.motion import coefficients
from facediff.motion.driver import limit_softly
from facediff.motion.rig import FaceRig, fit_neutral
from facediff.types import Frame, Points

_LEARN = 12  # frames that tell a face at rest
_SEARCH_EVERY = 10  # frames, where no face has been found yet
_SAME_SHAPE = 0.02  # pictures whose sides are as one to the other within this are one camera's, larger or smaller


class DriverReader:
    """Follows the largest face of the frames that are given.

    Where pictures become larger or smaller, as a call's do when its line is slow, the face has not moved. Where they
    take another shape, or it was gone for a while, it is learnt anew: the camera or the person may be another.
    """

    def __init__(self, fps: float = 25.0, detector: str | None = None) -> None:
        self._fps, self._detector = fps, detector
        self._finder = FaceFinder(detector)
        self._cuts = Cuts()
        self._follower: Follower | None = None
        self._learnt: list[Points] = []
        self._rig: FaceRig | None = None
        self._rest = np.zeros(coefficients.DIMENSIONS, np.float32)
        self._count = 0
        self._first = self._size = (0, 0)  # height and width of the picture that positions count in, and of the last

    def read(self, frame: Frame) -> NDArray[np.float32] | None:
        """The motion (31,) that a frame shows; None where it shows no face."""
        if frame.shape[:2] != self._size:
            self._resize(*frame.shape[:2])
        mesh = self._find(frame)
        if mesh is None:
            return None
        mesh = mesh * np.float32(self._first[1] / self._size[1])
        if len(self._learnt) < _LEARN:
            self._learnt.append(mesh)
            canonical, pose = canonicalise(np.stack(self._learnt))
            self._rig = FaceRig.from_shape(fit_neutral(canonical), pose)
            self._rest = np.median(_encode(self._rig, np.stack(self._learnt)), axis=0)
        assert self._rig is not None
        row = _encode(self._rig, mesh[None])[0]
        for part in (coefficients.LIDS, coefficients.GAZE, coefficients.BROWS, coefficients.SHIFT, coefficients.ANGLES):
            row[part] -= self._rest[part]
        return limit_softly(row[None])[0].astype(np.float32)

    def close(self) -> None:
        """Frees the libraries."""
        self._lose()
        self._finder.close()

    def _resize(self, height: int, width: int) -> None:
        """The frames to come are of another size."""
        self._lose()
        self._cuts = Cuts()
        if not self._size[0] or abs(height / width * self._size[1] / self._size[0] - 1) > _SAME_SHAPE:
            self._learnt, self._first = [], (height, width)
        self._size = (height, width)

    def _lose(self) -> None:
        if self._follower is not None:
            self._follower.close()
        self._follower, self._count = None, 0

    def _find(self, frame: Frame) -> Points | None:
        sight, cut = Sight(self._finder, frame), self._cuts(frame)
        self._count += 1
        if self._follower is None:
            if self._count % _SEARCH_EVERY != 1:
                return None
            faces = sight.search(depth=0)
            if not faces:
                return None
            self._follower = Follower(self._finder, self._detector, self._fps, choose_face(faces, "largest"))
        mesh = self._follower(sight, [], cut=cut)
        if self._follower.is_gone:
            self._lose()
            self._learnt = []
        return mesh


def _encode(rig: FaceRig, points: Points) -> NDArray[np.float32]:
    """The motion (T, 31) of landmarks (T, 478, 3), brows as those of other drivers are read."""
    motion = rig.encode(points)
    motion[:, coefficients.BROWS] = rig.read_brows(points)
    return motion
