"""A video whose face is carried, frame by frame, to what speech, a driver or an expression asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import replace
from functools import cached_property
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.canonical import from_canonical
from facediff.landmarks.folds import shade_folds
from facediff.landmarks.smoothing import smooth_track, split_at_cuts
from facediff.landmarks.warp import MeshWarp
from facediff.media.notices import warn_once
from facediff.motion import coefficients
from facediff.motion.emotions import NOTHING, Addition, ShapeTrack
from facediff.motion.rig import FaceRig, fit_neutral, move_head
from facediff.rendering.disocclusion import measure_disocclusion, measure_lip_gap, measure_unobserved
from facediff.rendering.frame import Warp, WarpedFace, WarpedFrame, add_matte, split_matte
from facediff.rendering.inpainting.protocol import Inpainter
from facediff.rendering.mouth_moments import LIPS, Loan, MouthMoments
from facediff.rendering.overlays import Overlay, Overlays
from facediff.rendering.source import Source
from facediff.rendering.warping.changes import Change, Directed, Driven, Expressed, Spoken, SteadyFace
from facediff.rendering.warping.eye_response import carry_irises, measure_eye_response
from facediff.rendering.warping.eyes import turn_eyes
from facediff.types import Frame, RigidPose

LOWERED = 0.1  # closure by which a lid must be lower than it is for it to be drawn
# Of a reference: the share of frames whose lips are less open, and how much a head that is turned away counts.
REFERENCE_OPENING, FRONTAL_COUNTS = 0.85, 4.0


class VideoWarper:
    """A video whose face can be moved; what does not depend on the motion is prepared once, for all clips of it.

    Args:
        source: The video.
        inpainter: Draws what no moment of it shows.
    """

    def __init__(self, source: Source, inpainter: Inpainter) -> None:
        self.source, self._inpainter = source, inpainter

    def prepare(self) -> None:
        """Steadies the track and looks for views of the mouth now, instead of at the first frame."""
        _ = self.face, self._moments

    def with_end(self, after: str) -> VideoWarper:
        """The same with another end, see ``Source``; what was prepared serves both."""
        if after == self.source.after:
            return self
        warper = copy(self)
        warper.source = replace(self.source, after=after)
        return warper

    @cached_property
    def face(self) -> SteadyFace:
        """The face without jitter."""
        track, canonical, pose = smooth_track(self.source.track)
        rig = FaceRig.from_shape(fit_neutral(canonical[track.usable]), pose)
        return SteadyFace(track, canonical, pose, rig, rig.encode(track.points))

    @cached_property
    def _moments(self) -> MouthMoments:
        track = self.face.track
        moments = MouthMoments(
            self.face.canonical, self.face.pose, track.usable, track.fps, shots=split_at_cuts(self.source.track)
        )
        frames = zip(moments.indices.tolist(), self.source.pick(moments.indices), strict=True)
        moments.keep((self._uncover(index, frame) for index, frame in frames), track.points)
        return moments

    def _uncover(self, index: int, frame: Frame) -> Frame:
        """A frame without what lies before its face."""
        overlay = self._overlay(index)
        return frame if overlay is None else overlay.remove(frame, self.face.track.points[index])

    @cached_property
    def _overlays(self) -> Overlays:
        return Overlays(self.source.frames, self.face.track)

    def _overlay(self, index: int) -> Overlay | None:
        """What lies before the face in a frame, and stays there."""
        found = self._overlays.find(index)
        if found is not None:
            warn_once(
                f"{self.source.name}: something lies {found.place} the face and does not move with it, perhaps a "
                "caption or a logo; it is left as it is"
            )
        return found

    def keep_overlay(self, index: int, edited: Frame, frame: Frame) -> Frame:
        """An edit of a frame with what lies before the face as the frame shows it."""
        overlay = self._overlay(index) if self.face.track.usable[index] else None
        return edited if overlay is None else overlay.restore(edited, frame, self.face.track.points[index])

    def find_reference(self) -> int:
        """Index of a frame in which the mouth is well open and the head faces the camera."""
        face = self.face
        usable = face.track.usable
        opening = np.where(usable, coefficients.lip_opening(face.canonical), np.nan)
        frontal = np.nan_to_num(face.pose.rotation[:, 2, 2], nan=0.0)
        wanted = np.nanquantile(opening, REFERENCE_OPENING)
        turned = FRONTAL_COUNTS * (np.nanmax(frontal) - frontal)
        cost = np.where(usable, np.abs(opening - wanted) / (wanted + 1e-3) + turned, np.inf)
        return int(np.argmin(cost))

    def speak(
        self,
        motion: NDArray[np.float32],
        *,
        chosen: NDArray[np.bool_] | None = None,
        shapes: ShapeTrack | None = None,
    ) -> Warp:
        """Frames whose lower face does what each row of a motion (T, 31) says; the rest of them stays.

        Args:
            motion: (T, 31).
            chosen: (31,) channels of the upper face that the motion has as well; none by default.
            shapes: What emotions do beyond the motion.
        """
        change = Spoken(self.face) if chosen is None else Directed(self.face, chosen)
        if chosen is not None and chosen[coefficients.GAZE].any():
            self._turn_eyes(change, motion)
        return self._play(change, motion, shapes)

    def follow(
        self,
        motion: NDArray[np.float32],
        chosen: NDArray[np.bool_],
        *,
        shapes: ShapeTrack | None = None,
        turns_eyes: bool = False,
    ) -> Warp:
        """Frames whose face makes another one's expression, in the channels that are chosen; its head stays its own.

        Args:
            motion: (T, 31).
            chosen: (31,) channels that are the driver's.
            shapes: See ``speak``.
            turns_eyes: Whether irises are carried to where the motion has them; else that is left to who paints.
        """
        change = Driven(self.face, chosen)
        if turns_eyes:
            self._turn_eyes(change, motion)
        return self._play(change, motion, shapes)

    def express(
        self,
        frames: Iterator[tuple[int, Frame]],
        motion: NDArray[np.float32],
        *,
        turns: bool,
        shapes: Iterator[Addition] | None = None,
        eye_response: NDArray[np.float32] | None = None,
    ) -> Iterator[WarpedFrame]:
        """Frames whose face goes on doing what it does, with an expression or a turn of the head added.

        Args:
            frames: Some of the video, edited perhaps, with their indices.
            motion: A row (31,) for each of them, added to what it does.
            turns: Whether the head turns in any of them, and takes its surroundings along.
            shapes: What emotions do beyond the motion, for each of them.
            eye_response: How irises are carried; None where they are left to who paints.
        """
        change = Expressed(self.face, turns)
        change.eye_response = eye_response
        return self._warp(change, frames, motion, shapes)

    def place(self, index: int, motion: NDArray[np.float32]) -> tuple[NDArray[np.float32], RigidPose]:
        """Where ``express`` puts the face of a frame, for each of some rows: canonical (B, 478, 3), and head poses."""
        change, rig, own = Expressed(self.face, turns=True), self.face.rig, self.face.motion[index]
        wanted = np.stack([change.motion(index, row) for row in motion])
        moved = self.face.canonical[index] + rig.express(wanted) - rig.express(own[None])
        return moved, move_head(self.face.pose.take(slice(index, index + 1)), motion)

    def _play(self, change: Change, motion: NDArray[np.float32], shapes: ShapeTrack | None) -> Warp:
        shown = np.array([self.source.index_at(place) for place in range(len(motion))], int)
        added = np.zeros((1, 1, 1)) if shapes is None else np.stack([*shapes.frames(slice(0, len(motion)))])[:, LIPS]
        lips = [change.shape(index, row)[LIPS] for index, row in zip(shown, motion, strict=True)]
        loan = self._moments.plan(np.stack(lips) + added, shown)

        def warp(part: slice) -> Iterator[WarpedFrame]:
            first = self._first_needed(part.start)
            needed = slice(first, part.stop)
            added = None if shapes is None else shapes.additions(needed)
            frames = self._warp(change, self.source.played(needed), motion[needed], added, loan.take(needed))
            for position, frame in enumerate(frames, first):
                if position >= part.start:
                    yield frame

        return warp

    def measure_eye_response(self, turned: NDArray[np.floating]) -> NDArray[np.float32]:
        """How irises are carried (2, 2) for eyes that turn by (T, 2), as one frame of the video says."""
        best = self.find_reference()
        canonical, pose = self.face.canonical[best], self.face.pose.take(slice(best, best + 1))
        return measure_eye_response(self.source.frame(best), canonical, pose, turned)

    def _turn_eyes(self, change: Change, motion: NDArray[np.float32]) -> None:
        """Lets a change carry irises."""
        shown = np.array([self.source.index_at(place) for place in range(len(motion))])
        wanted = np.stack([change.motion(index, row) for index, row in zip(shown, motion, strict=True)])
        change.eye_response = self.measure_eye_response((wanted - self.face.motion[shown])[:, coefficients.GAZE])

    def _first_needed(self, start: int) -> int:
        """Where to begin, so that the frame at ``start`` knows the last one with a face where that one is held."""
        if self.source.on_missing_face != "hold":
            return start
        usable, needed = self.face.track.usable, start
        while needed > 0 and not usable[self.source.index_at(needed)]:
            needed -= 1
        return needed

    def _warp(
        self,
        change: Change,
        frames: Iterator[tuple[int, Frame]],
        motion: NDArray[np.float32],
        shapes: Iterator[Addition] | None,
        loan: Loan | None = None,
    ) -> Iterator[WarpedFrame]:
        """A warped frame for each frame and row; those without a face pass as they are, or hold the last one."""
        held: WarpedFrame | None = None
        added = repeat(NOTHING) if shapes is None else shapes
        lent: Iterator[tuple[int, float] | None] = repeat(None) if loan is None else loan.rows()
        for row, (index, frame), addition, one in zip(motion, frames, added, lent, strict=False):
            if self.face.track.usable[index]:
                held = self._carry(change, index, frame, row, addition, one)
                yield held
            elif self.source.on_missing_face == "hold" and held is not None:
                yield held
            else:
                yield WarpedFrame(frame, matte=self.source.matte)

    def _carry(
        self,
        change: Change,
        index: int,
        frame: Frame,
        row: NDArray[np.float32],
        addition: Addition,
        lent: tuple[int, float] | None,
    ) -> WarpedFrame:
        """A frame with its face where a change of it wants it, and what emotions add; and what it lacks there.

        ``lent`` is which moment lends its mouth, and how much of it; where that is not planned, the frame's own lips
        stay, as somebody may have edited them, and what is between them is lent by the nearest moment.
        """
        source_points, canonical = self.face.track.points[index], self.face.canonical[index]
        pose, moved = change.pose(index, row), change.shape(index, row) + addition.shape
        points = from_canonical(moved[None], pose)[0]
        overlay = self._overlay(index)
        shown = frame if overlay is None else overlay.remove(frame, source_points)
        layers = add_matte(shown, self.source.matte)
        picture, matte = split_matte(MeshWarp(layers, source_points, follows=change.follows)(points))
        picture = shade_folds(picture, points, addition.folds)
        wanted, own = change.motion(index, row), self.face.motion[index]
        residual = own - wanted
        if change.eye_response is not None:
            away = residual[None, coefficients.GAZE]
            there = from_canonical(coefficients.look(moved[None], away), pose)[0]
            carried = carry_irises(-away, change.eye_response, coefficients.read_gaze(canonical[None]))
            further = coefficients.look(moved[None], away + carried)
            picture = turn_eyes(picture, from_canonical(further, pose)[0], there)
            residual[coefficients.GAZE] = 0.0
        lids, drawn = wanted[coefficients.LIDS], np.zeros(2, np.float32)
        prepared = self._inpainter.prepare(shown, source_points)
        if (lids > own[coefficients.LIDS] + LOWERED).any():
            picture, drawn = prepared.shut_lids(picture, points, lids), prepared.drawn_lids(lids)
        moment, share = next(self._moments.plan(moved[None, LIPS], np.array([index])).rows()) if lent is None else lent
        if share:
            picture = self._moments.lend(moment, picture, points, float(pose.scale[0]), share, lips=lent is not None)
            canonical = canonical + np.float32(share) * (self._moments.shape(moment) - canonical)
            source_points = from_canonical(canonical[None], pose)[0]
        inpaint: Callable[[Frame, WarpedFace], Frame] = prepared.inpaint_mouth
        if overlay is not None:
            picture, inpaint = overlay.restore(picture, frame, points), _restore_after(inpaint, overlay, frame)
        disocclusion = measure_disocclusion(canonical, moved)
        face = WarpedFace(
            points=points,
            pose=pose,
            disocclusion=disocclusion,
            unobserved=measure_unobserved(disocclusion, max(measure_lip_gap(canonical), self._moments.opening)),
            drawn_lids=drawn,
            motion_residual=residual,
            source_points=source_points,
            inpaint=inpaint,
        )
        return WarpedFrame(picture, face, matte)


def _restore_after(
    inpaint: Callable[[Frame, WarpedFace], Frame], overlay: Overlay, frame: Frame
) -> Callable[[Frame, WarpedFace], Frame]:
    """An inpainter's last step, and then what lies before the face."""
    return lambda picture, face: overlay.restore(inpaint(picture, face), frame, face.points)
