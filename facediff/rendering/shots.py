"""From a source and a motion to shots: the coarse stage, a still or a video with its landmarks moved."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from facediff.errors import ConfigError, NoFaceFound
from facediff.landmarks import motion as layout
from facediff.landmarks.alignment import MOUTH, align
from facediff.landmarks.canonical import canonicalise, from_canonical
from facediff.landmarks.expressions import expressions
from facediff.landmarks.smoothing import smooth_track
from facediff.landmarks.warp import MeshWarp
from facediff.rendering.cavity import unseen
from facediff.rendering.correction import Correction, measured, sampled
from facediff.rendering.layers import LayeredWarp
from facediff.rendering.lids import Lids
from facediff.rendering.own_teeth import own_teeth
from facediff.rendering.reference import Reference
from facediff.rendering.shot import Shot
from facediff.types import FaceTrack, Frame, Points, RigidPose

ON_MISSING = ("keep", "hold", "error")
SPOKEN = np.zeros(layout.DIMENSIONS, bool)  # what speech changes in a video
SPOKEN[layout.LIPS] = SPOKEN[layout.OPENING] = True
# Eye distances by which a mouth must open further than it does in the frame to lack something, and all; a portrait has
# no other moment that shows it, so there it is made sooner.
LACKS, PORTRAIT_LACKS = (0.02, 0.08), (0.015, 0.05)

LOWERED = 0.1  # closure by which a lid must be lower than it is for it to be drawn


class CoarseAnimator(Protocol):
    """A picture whose face can be moved: the mesh warp, or a trained animator in its place."""

    def __call__(self, target: NDArray[np.floating], /) -> Frame:
        """The picture (H, W, 3) uint8 with its face at landmarks (478, 3), in its pixels."""
        ...


class StillShots:
    """A portrait that moves.

    Args:
        image: The portrait (H, W, 3) uint8.
        track: Its landmarks, one row.
        rotation: (3, 3) the head rotation that motion starts from; the portrait's own by default.
        closes_lips: Whether lips start from closed, for motions that move them, or from where they are.
        since: (31,) motion of the driver at the very moment that the picture shows: what moves is counted from there.
        animator: Makes the coarse animator of a picture and its landmarks.
    """

    def __init__(
        self,
        image: Frame,
        track: FaceTrack,
        *,
        rotation: NDArray[np.floating] | None = None,
        closes_lips: bool = True,
        since: NDArray[np.floating] | None = None,
        animator: Callable[[Frame, NDArray[np.floating]], CoarseAnimator] = LayeredWarp,
    ) -> None:
        canonical, self._pose = canonicalise(track.points)
        if rotation is not None:
            self._pose = replace(self._pose, rotation=np.asarray(rotation, np.float32)[None])
        self._own = canonical[0]
        self._rest = layout.neutral(canonical) if closes_lips else canonical[0]
        self._since = since
        if since is None:
            self._motion = layout.encode(track.points, self._rest)[0]
            self._beyond = np.zeros_like(self._rest)
        else:
            self._motion, self._pose = since, layout.usual_from(self._pose, since)
            self._beyond = self._own - self._express(since)  # what the basis does not hold
        self._points, self._scale = track.points[0], self._pose.scale[0]
        self._animator, self._lids = animator(image, track.points[0]), Lids(image, track.points[0])
        self._teeth = own_teeth(image, track.points[0], canonicalise(track.points)[1])

    def __call__(self, motion: NDArray[np.float32]) -> Iterator[Shot]:
        """A shot for each row of a motion (T, 31)."""
        for row in motion:
            poses = layout.move_head(self._pose, row[None])
            moved = (self._express(row) + self._beyond)[None]
            points = from_canonical(moved, poses)[0]
            lack, shut = lacking(self._own, moved[0], PORTRAIT_LACKS), self._shut(row)
            yield Shot(
                coarse=self._lids(self._animator(points), points, shut),
                lids=self._lids.share(shut),
                reference=None,
                points=points,
                pose=poses,
                lack=lack,
                unseen=unseen(lack, _opening(self._own)),
                teeth=self._teeth,
                moved=self._motion - row,
                origin=self._points * (poses.scale[0] / self._scale),
            )

    def _express(self, row: NDArray[np.float32]) -> NDArray[np.float32]:
        """The face (478, 3) that makes a row's expression; lids close from where the picture has them."""
        row = row.copy()
        row[layout.LIDS] = self._shut(row)
        return layout.express(row[None], self._rest)[0]

    def _shut(self, row: NDArray[np.float32]) -> NDArray[np.float32]:
        """Closure of the lids (2,), counted from where the picture has them."""
        if self._since is None:
            return row[layout.LIDS]
        return 1 - (1 - row[layout.LIDS]) / np.maximum(1 - self._since[layout.LIDS], 0.4)


class GuidedStillShots:
    """A portrait whose face is taken to landmarks that are given: those of the same person, in its own pixels.

    Args:
        image: The portrait (H, W, 3) uint8.
        track: Its landmarks, one row.
        targets: (T, 478, 3) landmarks wanted, in pixels of the portrait.
        is_corrected: Whether the warp is asked for what is then read as the targets; see ``correction``.
        animator: See ``StillShots``.
    """

    def __init__(
        self,
        image: Frame,
        track: FaceTrack,
        targets: Points,
        *,
        is_corrected: bool = True,
        animator: Callable[[Frame, NDArray[np.floating]], CoarseAnimator] = LayeredWarp,
    ) -> None:
        together = np.concatenate([track.points, targets])
        self._canonical, self._pose = canonicalise(together)
        self._motion = layout.encode(together, layout.neutral(self._canonical))
        self._targets, self._points, self._is_corrected = targets, track.points[0], is_corrected
        self._animator, self._lids = animator(image, track.points[0]), Lids(image, track.points[0])
        self._teeth = own_teeth(image, track.points[0], self._pose.take(slice(0, 1)))

    def __call__(self, part: slice) -> Iterator[Shot]:
        """A shot for each of some rows of the targets."""
        return self._shots(range(part.start, part.stop), self._correction if self._is_corrected else None)

    @cached_property
    def _correction(self) -> Correction | None:
        rows = sampled(len(self._targets))
        return measured(self._shots(rows, None), self._motion[rows + 1])

    def _shots(self, rows: Iterable[int], correction: Correction | None) -> Iterator[Shot]:
        for row in rows:
            pose, motion = self._pose.take(slice(row + 1, row + 2)), self._motion[row + 1]
            points = self._targets[row]
            if correction is not None:
                points = points + correction(motion, pose)
            lack = lacking(self._canonical[0], self._canonical[row + 1], PORTRAIT_LACKS)
            yield Shot(
                coarse=self._lids(self._animator(points), points, motion[layout.LIDS]),
                lids=self._lids.share(motion[layout.LIDS]),
                reference=None,
                points=points,
                pose=pose,
                lack=lack,
                unseen=unseen(lack, _opening(self._canonical[0])),
                teeth=self._teeth,
                moved=self._motion[0] - motion,
                origin=self._points * (pose.scale[0] / self._pose.scale[0]),
            )


class VideoShots:
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
        self._rest = layout.neutral(self._canonical[track.usable])
        self._own = layout.encode(self.track.points, self._rest)
        self._hold = on_missing_face == "hold"

    def best_reference(self) -> int:
        """Index of a frame in which the mouth is well open and the head faces the camera."""
        usable = self.track.usable
        opening = np.where(usable, layout.lip_opening(self._canonical), np.nan)
        frontal = np.nan_to_num(self._pose.rotation[:, 2, 2], nan=0.0)
        wanted = np.nanquantile(opening, 0.85)
        cost = np.where(usable, np.abs(opening - wanted) / (wanted + 1e-3) + 4 * (np.nanmax(frontal) - frontal), np.inf)
        return int(np.argmin(cost))

    def __call__(
        self, frames: Iterable[tuple[int, Frame]], motion: NDArray[np.float32], reference: Reference
    ) -> Iterator[Shot | Frame]:
        """A shot for each frame and row of motion; frames without a face stay frames.

        Args:
            frames: Pairs of an index into the track and the frame it belongs to.
            motion: (T, 31).
            reference: Where the look of the mouth comes from in frames that do not show enough of it.
        """
        held: Shot | None = None
        for row, (index, frame) in zip(motion, frames, strict=False):
            if not self.track.usable[index]:
                yield held if self._hold and held is not None else frame
                continue
            pose = self._posed(index, row)
            moved = self._moved(index, row)
            points = from_canonical(moved[None], pose)[0]
            coarse = MeshWarp(frame, self.track.points[index], follows=self._follows)(points)
            wanted, own, drawn = self._wanted(index, row), self._own[index], np.zeros(2, np.float32)
            if (wanted[layout.LIDS] > own[layout.LIDS] + LOWERED).any():
                lids = Lids(frame, self.track.points[index])
                coarse, drawn = lids(coarse, points, wanted[layout.LIDS]), lids.share(wanted[layout.LIDS])
            lack = lacking(self._canonical[index], moved)
            shown = (
                None if lack == 0 else _blend(align(pose, MOUTH).crop(coarse, 0), reference.window(points, pose), lack)
            )
            held = Shot(
                coarse=coarse,
                lids=drawn,
                reference=shown,
                points=points,
                pose=pose,
                lack=lack,
                unseen=unseen(lack, max(_opening(self._canonical[index]), reference.opening)),
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
        before, after = layout.express(np.stack([self._own[index], wanted]), self._rest)
        return self._canonical[index] + after - before

    def _moved(self, index: int, row: NDArray[np.float32]) -> NDArray[np.float32]:
        """The face of a frame (478, 3) with its lower half making a motion's expression instead of its own."""
        own = self._canonical[index]
        return own + layout.basis().lower[:, None] * (layout.express(row[None], self._rest)[0] - own)


def lacking(own: NDArray[np.floating], moved: NDArray[np.floating], between: tuple[float, float] = LACKS) -> float:
    """How much of what a mouth as open as ``moved`` shows is missing in ``own``, from 0 to 1; both (478, 3).

    A face's own mouth, carried to the new landmarks, is the best reference there is: of this light and this moment. But
    a closed one shows no teeth.

    Args:
        own: The face in the frame, in canonical units.
        moved: The face wanted.
        between: By how much more, in eye distances, it must open to lack nothing yet, and all.
    """
    before, wanted = layout.lip_opening(np.stack([own, moved]))
    nothing, everything = between
    return float(np.clip((wanted - before - nothing) / (everything - nothing), 0, 1))


def _opening(canonical: NDArray[np.floating]) -> float:
    """How far the lips of a face (478, 3) are apart, in eye distances."""
    return float(layout.lip_opening(canonical[None])[0])


def _blend(one: Frame, other: Frame, share: float) -> Frame:
    return np.rint((1 - share) * one.astype(np.float32) + share * other).astype(np.uint8)


class DrivenVideoShots(VideoShots):
    """A video whose face makes another one's expression, in the channels that are chosen; its head stays its own.

    Args:
        track: See ``VideoShots``.
        chosen: (31,) channels of a motion that are the driver's.
        on_missing_face: See ``VideoShots``.
    """

    def __init__(self, track: FaceTrack, chosen: NDArray[np.bool_], *, on_missing_face: str = "keep") -> None:
        super().__init__(track, on_missing_face=on_missing_face)
        self._chosen = chosen

    def _moved(self, index: int, row: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._changed(index, self._wanted(index, row))

    def _wanted(self, index: int, row: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.where(self._chosen, row, self._own[index]).astype(np.float32)


class ExpressedVideoShots(VideoShots):
    """A video whose face goes on doing what it does, with an expression or a turn of the head added throughout.

    Args:
        track: See ``VideoShots``.
        added: (31,) motion that is added to that of each frame.
        on_missing_face: See ``VideoShots``.
    """

    def __init__(self, track: FaceTrack, added: NDArray[np.float32], *, on_missing_face: str = "keep") -> None:
        super().__init__(track, on_missing_face=on_missing_face)
        self._turns = bool(added[layout.ANGLES].any())
        self._follows = float(self._turns)

    def _posed(self, index: int, row: NDArray[np.float32]) -> RigidPose:
        own = super()._posed(index, row)
        return layout.move_head(own, row[None]) if self._turns else own

    def _moved(self, index: int, row: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._changed(index, self._wanted(index, row))

    def _wanted(self, index: int, row: NDArray[np.float32]) -> NDArray[np.float32]:
        wanted = self._own[index] + row
        wanted[layout.LIDS] = np.clip(wanted[layout.LIDS], -0.5, 1.0)
        # Lips that shut stay shut: below that a mesh would turn inside out.
        missing = np.maximum(0.0, -wanted[layout.OPENING]) / expressions()["mouth-open"][layout.OPENING]
        return (wanted + missing * expressions()["mouth-open"]).astype(np.float32)
