"""Keeping to one face through a video.

A face once found is followed inside a window around it that stays put while the face stays in it: this is steadier
and faster than searching whole frames, and a face that is small in the frame is seen as well as a large one. There is
no recognition of persons: a face is the same one as long as it is where it was.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.detection import (
    MIN_EYES_PX,
    FaceFinder,
    LandmarkDetector,
    Window,
    detect_in,
    eye_distance,
    looks_human,
    make_detector,
    window_around,
)
from facediff.landmarks.mesh import MESH_POINTS
from facediff.types import Frame, Points

WINDOW_REACH, WINDOW_ROOM = 2.6, 1.7  # eye distances: half a window's side, and what a face needs around its centre
SETTLING = 2  # repetitions after which the library's own tracking has settled in a new window
CUT_LEVELS = 24.0  # mean change of grey levels (0 to 255) between frames that only a cut makes
GLANCE_S = 0.5  # how often others in the picture are looked for, and how long a lost face is waited for


class Sight:
    """A frame, searched as a whole at most once."""

    def __init__(self, finder: FaceFinder, frame: Frame) -> None:
        self.frame, self._finder = frame, finder

    @cached_property
    def faces(self) -> list[Points]:
        """What a quick search of the whole frame finds."""
        return self._finder(self.frame, depth=0)

    def search(self, depth: int) -> list[Points]:
        """What a search in tiles finds, if a quick one finds nothing."""
        return self.faces if self.faces or not depth else self._finder(self.frame, depth=depth)


class Cuts:
    """Tells where one shot ends and the next begins, by how much the picture as a whole changes."""

    def __init__(self) -> None:
        self._last: NDArray[np.float32] | None = None

    def __call__(self, frame: Frame) -> bool:
        step = max(1, min(frame.shape[:2]) // 36)
        now = frame[step // 2 :: step, step // 2 :: step].mean(axis=2, dtype=np.float32)
        last, self._last = self._last, now
        return last is not None and (last.shape != now.shape or float(np.abs(now - last).mean()) > CUT_LEVELS)


class Follower:
    """Keeps to a face.

    Attributes:
        last: Its mesh where it was last seen.
    """

    def __init__(self, finder: FaceFinder, detector: str | None, fps: float, start: Points) -> None:
        self._finder, self.last = finder, start
        self._library = make_detector(detector, follows_motion=True, max_faces=1)
        self._window: Window | None = None
        self._patience = max(1, round(GLANCE_S * fps))
        self._stride = 15.0 / max(fps, 1.0)  # how far a face may move within a frame, in eye distances, beyond a half
        self._missed = self._seen = 0
        self._others = np.zeros((0, 2), np.float32)  # where faces were seen beside this one

    def __call__(self, sight: Sight, taken: list[Points], *, cut: bool = False) -> Points | None:
        """Its mesh in the next frame, if it is there.

        Args:
            sight: The frame.
            taken: Faces that are others' own.
            cut: The frame is the first of a new shot.
        """
        if cut:
            self._lose()
            self._others = self._others[:0]
        mesh = self._follow(sight.frame, taken) if not cut else None
        if mesh is None:
            self._lose()
            found = self._seek(sight, taken, anyone=cut)
            mesh = None if found is None else self._settle(sight.frame, found)
        if mesh is None:
            self._missed += 1
            return None
        self._missed, self.last = 0, mesh
        if self._seen % self._patience == 0:
            self._others = self._beside(self._finder.boxes(sight.frame))
        self._seen += 1
        return mesh

    def _follow(self, frame: Frame, taken: list[Points]) -> Points | None:
        if self._window is None:
            return None
        for mesh in detect_in(self._library, frame, self._window):
            if self._is_same(mesh, taken):
                return mesh if _fits(mesh, self._window, frame.shape) else self._settle(frame, mesh)
        return None

    def _settle(self, frame: Frame, mesh: Points) -> Points:
        """A window around the face, and the mesh that the library settles on in it."""
        self._window, mesh = refine_landmarks(self._library, frame, mesh)
        return mesh

    def _seek(self, sight: Sight, taken: list[Points], *, anyone: bool) -> Points | None:
        """The face again after it was lost; somebody who was not there before, after waiting a while."""
        if self.is_gone and self._missed % 3:
            return None  # long gone: look now and then
        near = [mesh for mesh in self._finder.near(sight.frame, self.last) if self._is_same(mesh, taken)]
        if near:
            return min(near, key=lambda mesh: jump(mesh, self.last))
        same = [mesh for mesh in sight.faces if self._is_same(mesh, taken)]
        if same:
            return min(same, key=lambda mesh: jump(mesh, self.last))
        strangers = [
            mesh
            for mesh in sight.faces
            if eye_distance(mesh) >= MIN_EYES_PX
            and not any(jump(mesh, other) < 1.0 for other in taken)
            and not any(_apart(mesh, other) < eye_distance(mesh) for other in self._others)
        ]
        self._others = _moved(self._others, sight.faces)
        if strangers and (anyone or self._missed >= self._patience):
            return max(strangers, key=eye_distance)
        return None

    def _is_same(self, mesh: Points, taken: list[Points]) -> bool:
        unit, way = eye_distance(self.last), jump(mesh, self.last)
        allowed = min(0.5 + self._stride * (1 + 0.2 * self._missed), 4.0)
        another = any(jump(mesh, other) < min(0.7, way) for other in taken) or any(
            _apart(mesh, other) < min(0.7, way) * unit for other in self._others
        )
        return looks_human(mesh) and way < allowed and 0.55 < eye_distance(mesh) / unit < 1.8 and not another

    def _beside(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Centres of the boxes that are not this face's own."""
        return boxes[[_apart(self.last, box) > 0.7 * eye_distance(self.last) for box in boxes], :2].reshape(-1, 2)

    def _lose(self) -> None:
        if self._window is not None:
            self._window = None
            self._library.forget()

    @property
    def is_gone(self) -> bool:
        """Whether it was not seen for so long that it will not be looked for in every frame."""
        return self._missed > 4 * self._patience

    def close(self) -> None:
        """Free the library."""
        self._library.close()


def refine_landmarks(library: LandmarkDetector, frame: Frame, mesh: Points) -> tuple[Window, Points]:
    """A window around a face that was found, and the mesh that a library settles on in it.

    Where a face is looked for, its mesh is off by a hundredth of an eye distance or two; where it is followed, by a
    fifth of that.

    Args:
        library: One that follows motion.
        frame: RGB.
        mesh: (478, 3) in pixels, as found.
    """
    x, y = mesh[:MESH_POINTS, :2].mean(0)
    window = window_around(x, y, WINDOW_REACH * eye_distance(mesh), frame.shape)
    library.forget()
    for _ in range(1 + SETTLING):
        for settled in detect_in(library, frame, window):
            if looks_human(settled) and jump(settled, mesh) < 0.5:
                mesh = settled
    return window, mesh


def jump(mesh: Points, last: Points) -> float:
    """How far a face moved, in eye distances."""
    return float(np.linalg.norm((mesh - last).mean(0)[:2]) / max(eye_distance(last), 1e-3))


def _apart(mesh: Points, place: NDArray[np.floating]) -> float:
    """Pixels from the middle of a face to a place (x, y, ...)."""
    return float(np.linalg.norm(mesh[:, :2].mean(0) - place[:2]))


def _moved(places: NDArray[np.float32], faces: list[Points]) -> NDArray[np.float32]:
    """Where the faces are now that were at these places, as far as they are seen."""
    out = places.copy()
    for place in out if faces else []:
        nearest = min(faces, key=lambda mesh: _apart(mesh, place))
        if _apart(nearest, place) < eye_distance(nearest):
            place[:] = nearest[:, :2].mean(0)
    return out


def _fits(mesh: Points, window: Window, shape: tuple[int, ...]) -> bool:
    """Whether a window still has room around the face wherever the frame has, and is not far too large for it."""
    x, y = mesh[:MESH_POINTS, :2].mean(0)
    need = window_around(x, y, WINDOW_ROOM * eye_distance(mesh), shape)
    inside = (
        need.left >= window.left
        and need.top >= window.top
        and need.right <= window.right
        and need.bottom <= window.bottom
    )
    return inside and window.right - window.left < 2.0 * max(need.right - need.left, 1) + 32
