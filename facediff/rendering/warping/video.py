"""From a source and a motion to shots: the coarse stage, a still or a video with its landmarks moved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from facediff.errors import ConfigError, NoFaceFound
from facediff.landmarks.alignment import MOUTH, align
from facediff.landmarks.canonical import from_canonical
from facediff.landmarks.smoothing import smooth_track
from facediff.landmarks.warp import MeshWarp
from facediff.motion import coefficients
from facediff.motion.expressions import expressions
from facediff.rendering.disocclusion import lip_gap, measure_disocclusion, unobserved
from facediff.rendering.frame import WarpedFrame
from facediff.rendering.inpainting.lids import Lids
from facediff.rendering.reference import Reference
from facediff.types import FaceTrack, Frame, RigidPose

ON_MISSING = ("keep", "hold", "error")
SPOKEN = np.zeros(coefficients.DIMENSIONS, bool)  # what speech changes in a video
SPOKEN[coefficients.LIPS] = SPOKEN[coefficients.OPENING] = True

LOWERED = 0.1  # closure by which a lid must be lower than it is for it to be drawn


class VideoWarper:
    """A video whose lower face is moved, frame by frame; the rest of it stays.

    Args:
        track: The face through the video.
        on_missing_face: What frames without a face become: ``keep`` them, ``hold`` the last one with a face, or
            ``error``.
    """

    _follows = 0.0  # head and surroundings stay

    def __init__(self, track: FaceTrack, *, on_missing_face: str = "keep") -> None:
        if on_missing_face not in ON_MISSING:
            raise ConfigError(f"on_missing_face is one of {', '.join(ON_MISSING)}, not {on_missing_face!r}")
        absent = np.flatnonzero(~track.usable)
        if len(absent) and on_missing_face == "error":
            raise NoFaceFound(
                f"{len(absent)} frames show no face, the first at {absent[0] / track.fps:.2f} s; "
                "cut them out, or use --on-missing-face keep or hold"
            )
        self.track, self._canonical, self._pose = smooth_track(track)
        self._rest = coefficients.neutral(self._canonical[track.usable])
        self._own = coefficients.encode(self.track.points, self._rest)
        self._hold = on_missing_face == "hold"

    def best_reference(self) -> int:
        """Index of a frame in which the mouth is well open and the head faces the camera."""
        usable = self.track.usable
        opening = np.where(usable, coefficients.lip_opening(self._canonical), np.nan)
        frontal = np.nan_to_num(self._pose.rotation[:, 2, 2], nan=0.0)
        wanted = np.nanquantile(opening, 0.85)
        cost = np.where(usable, np.abs(opening - wanted) / (wanted + 1e-3) + 4 * (np.nanmax(frontal) - frontal), np.inf)
        return int(np.argmin(cost))

    def __call__(
        self, frames: Iterable[tuple[int, Frame]], motion: NDArray[np.float32], reference: Reference
    ) -> Iterator[WarpedFrame | Frame]:
        """A shot for each frame and row of motion; frames without a face stay frames.

        Args:
            frames: Pairs of an index into the track and the frame it belongs to.
            motion: (T, 31).
            reference: Where the look of the mouth comes from in frames that do not show enough of it.
        """
        held: WarpedFrame | None = None
        for row, (index, frame) in zip(motion, frames, strict=False):
            if not self.track.usable[index]:
                yield held if self._hold and held is not None else frame
                continue
            pose = self._posed(index, row)
            moved = self._moved(index, row)
            points = from_canonical(moved[None], pose)[0]
            coarse = MeshWarp(frame, self.track.points[index], follows=self._follows)(points)
            wanted, own, drawn = self._wanted(index, row), self._own[index], np.zeros(2, np.float32)
            if (wanted[coefficients.LIDS] > own[coefficients.LIDS] + LOWERED).any():
                lids = Lids(frame, self.track.points[index])
                coarse, drawn = lids(coarse, points, wanted[coefficients.LIDS]), lids.share(wanted[coefficients.LIDS])
            disocclusion = measure_disocclusion(self._canonical[index], moved)
            shown = (
                None
                if disocclusion == 0
                else _blend(align(pose, MOUTH).crop(coarse, 0), reference.window(points, pose), disocclusion)
            )
            held = WarpedFrame(
                coarse=coarse,
                lids=drawn,
                reference=shown,
                points=points,
                pose=pose,
                disocclusion=disocclusion,
                unobserved=unobserved(disocclusion, max(lip_gap(self._canonical[index]), reference.opening)),
                moved=own - wanted,
                origin=self.track.points[index],
            )
            yield held

    def _posed(self, index: int, row: NDArray[np.float32]) -> RigidPose:
        """The head pose of a frame, one row: its own."""
        return self._pose.take(slice(index, index + 1))

    def _wanted(self, index: int, row: NDArray[np.float32]) -> NDArray[np.float32]:
        """The motion (31,) of a frame: its own, but for what is taken from ``row``."""
        return np.where(SPOKEN, row, self._own[index]).astype(np.float32)

    def _changed(self, index: int, wanted: NDArray[np.float32]) -> NDArray[np.float32]:
        """The face of a frame (478, 3) with the motion (31,) that is wanted.

        The basis does not hold all that a face does; so the change that it makes is added to what there is.
        """
        before, after = coefficients.express(np.stack([self._own[index], wanted]), self._rest)
        return self._canonical[index] + after - before

    def _moved(self, index: int, row: NDArray[np.float32]) -> NDArray[np.float32]:
        """The face of a frame (478, 3) with its lower half making a motion's expression instead of its own."""
        own = self._canonical[index]
        return own + coefficients.basis().lower[:, None] * (coefficients.express(row[None], self._rest)[0] - own)


def _blend(one: Frame, other: Frame, share: float) -> Frame:
    return np.rint((1 - share) * one.astype(np.float32) + share * other).astype(np.uint8)


class DrivenVideoWarper(VideoWarper):
    """A video whose face makes another one's expression, in the channels that are chosen; its head stays its own.

    Args:
        track: See ``VideoWarper``.
        chosen: (31,) channels of a motion that are the driver's.
        on_missing_face: See ``VideoWarper``.
    """

    def __init__(self, track: FaceTrack, chosen: NDArray[np.bool_], *, on_missing_face: str = "keep") -> None:
        super().__init__(track, on_missing_face=on_missing_face)
        self._chosen = chosen

    def _moved(self, index: int, row: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._changed(index, self._wanted(index, row))

    def _wanted(self, index: int, row: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.where(self._chosen, row, self._own[index]).astype(np.float32)


class ExpressedVideoWarper(VideoWarper):
    """A video whose face goes on doing what it does, with an expression or a turn of the head added throughout.

    Args:
        track: See ``VideoWarper``.
        added: (31,) motion that is added to that of each frame.
        on_missing_face: See ``VideoWarper``.
    """

    def __init__(self, track: FaceTrack, added: NDArray[np.float32], *, on_missing_face: str = "keep") -> None:
        super().__init__(track, on_missing_face=on_missing_face)
        self._turns = bool(added[coefficients.ANGLES].any())
        self._follows = float(self._turns)

    def _posed(self, index: int, row: NDArray[np.float32]) -> RigidPose:
        own = super()._posed(index, row)
        return coefficients.move_head(own, row[None]) if self._turns else own

    def _moved(self, index: int, row: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._changed(index, self._wanted(index, row))

    def _wanted(self, index: int, row: NDArray[np.float32]) -> NDArray[np.float32]:
        wanted = self._own[index] + row
        wanted[coefficients.LIDS] = np.clip(wanted[coefficients.LIDS], -0.5, 1.0)
        # Lips that shut stay shut: below that a mesh would turn inside out.
        missing = np.maximum(0.0, -wanted[coefficients.OPENING]) / expressions()["mouth-open"][coefficients.OPENING]
        return (wanted + missing * expressions()["mouth-open"]).astype(np.float32)
