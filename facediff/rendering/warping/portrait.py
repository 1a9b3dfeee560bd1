"""A portrait whose face is carried to the landmarks that a motion, or the same person elsewhere, asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache, cached_property
from itertools import repeat
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.canonical import canonicalise, from_canonical
from facediff.landmarks.folds import shade_folds
from facediff.motion import coefficients
from facediff.motion.emotions import NOTHING, ShapeTrack
from facediff.motion.rig import FaceRig, find_quarter_turn, fit_neutral
from facediff.rendering.disocclusion import (
    DisocclusionStyle,
    measure_disocclusion,
    measure_lip_gap,
    measure_unobserved,
)
from facediff.rendering.frame import Warp, WarpedFace, WarpedFrame, split_matte
from facediff.rendering.inpainting.protocol import Inpainter, PreparedInpainter
from facediff.rendering.source import Source
from facediff.rendering.warping.correction import Correction, choose_samples, measure_correction
from facediff.rendering.warping.eye_response import carry_irises, measure_eye_response
from facediff.rendering.warping.eyes import turn_eyes
from facediff.rendering.warping.layers import CutOutWarp, LayeredWarp
from facediff.types import Frame, Points, RigidPose

LEAST_OPEN = 0.4  # share of a usual eye from which lids close, where the picture shows them nearly shut


class CoarseAnimator(Protocol):
    """A picture whose face can be moved: the mesh warp, or a trained animator in its place."""

    def __call__(self, target: NDArray[np.floating], /) -> Frame:
        """The picture (H, W, 3) uint8 with its face at landmarks (478, 3), in its pixels; a matte may be its fourth."""
        ...


class PortraitWarper:
    """A portrait that can be moved; what does not depend on the motion is prepared once, for all clips of it.

    Args:
        source: The portrait.
        inpainter: Draws what it does not show.
        animator: Makes the coarse animator of a picture and its landmarks.
    """

    def __init__(
        self,
        source: Source,
        inpainter: Inpainter,
        *,
        animator: Callable[[Frame, NDArray[np.floating]], CoarseAnimator] = LayeredWarp,
    ) -> None:
        self.source, self._inpainter, self._make_animator = source, inpainter, animator
        self._points = source.track.points[0]

    def prepare(self) -> None:
        """Segments the picture and looks at its teeth and lids now, instead of at the first frame."""
        _ = self._animator, self.prepared

    @cached_property
    def _animator(self) -> CoarseAnimator:
        if self.source.matte is not None:
            return CutOutWarp(self.source.frame(0), self._points, self.source.matte)
        return self._make_animator(self.source.frame(0), self._points)

    @cached_property
    def prepared(self) -> PreparedInpainter:
        """What the picture shows of its teeth and lids."""
        return self._inpainter.prepare(self.source.frame(0), self._points, canonicalise(self.source.track.points)[1])

    def speak(self, motion: NDArray[np.float32], *, shapes: ShapeTrack | None = None, turns_eyes: bool = False) -> Warp:
        """Frames for each row of a motion (T, 31) that speech asks for; see ``follow`` for the rest."""
        return self.follow(motion, shapes=shapes, turns_eyes=turns_eyes)

    def follow(
        self,
        motion: NDArray[np.float32],
        *,
        rotation: NDArray[np.floating] | None = None,
        closes_lips: bool = True,
        since: NDArray[np.floating] | None = None,
        shapes: ShapeTrack | None = None,
        turns_eyes: bool = False,
        response: NDArray[np.float32] | None = None,
        neutral: NDArray[np.floating] | None = None,
    ) -> Warp:
        """Frames for each row of a motion.

        Args:
            motion: (T, 31).
            rotation: (3, 3) the head rotation that motion starts from, but for quarter turns, which are how a film
                lies; the portrait's own by default.
            closes_lips: Whether lips start from closed, for motions that move them, or from where they are.
            since: (31,) motion of the driver at the very moment that the picture shows: what moves is counted from it.
            shapes: What emotions do beyond the motion.
            turns_eyes: Whether irises are carried to where the motion has them; else that is left to who paints.
            response: How far they are carried for that, of ``measure_eye_response``; measured on all rows by default.
            neutral: Canonical face (478, 3) at rest that the result has; the portrait's own by default.
        """
        own = canonicalise(self.source.track.points)[0][0]
        gaze_shown = coefficients.read_gaze(own[None])
        shown = self.rig(closes_lips=closes_lips).encode(self.source.track.points)[0] if since is None else since
        rig = self.rig(rotation=rotation, closes_lips=closes_lips, since=since, neutral=neutral)
        beyond: NDArray[np.floating] = np.zeros_like(rig.neutral)
        if since is not None:
            beyond = own - rig.express(_with_lids(since, _close_lids(since, since))[None])[0]  # not held by the basis

        rest = np.zeros(coefficients.DIMENSIONS, np.float32) if since is None else since

        @cache
        def eye_response() -> NDArray[np.float32]:
            return self.measure_eye_response((motion - rest)[:, coefficients.GAZE]) if response is None else response

        def warp(part: slice) -> Iterator[WarpedFrame]:
            rows = motion[part]
            added = repeat(NOTHING, len(rows)) if shapes is None else shapes.additions(part)
            for row, (shape, folds) in zip(rows, added, strict=True):
                closure, head = _close_lids(row, since), rig.move_head(row[None])
                moved = rig.express(_with_lids(row, closure)[None])[0] + beyond + shape
                points = from_canonical(moved[None], head)[0]
                gaze, residual = None, shown - row
                if turns_eyes:
                    turned = (row - rest)[None, coefficients.GAZE]
                    gaze = from_canonical(coefficients.look(moved[None], -turned), head)[0]
                    moved = coefficients.look(moved[None], carry_irises(turned, eye_response(), gaze_shown) - turned)[0]
                    points = from_canonical(moved[None], head)[0]
                    residual[coefficients.GAZE] = 0.0
                zoom = head.scale[0] / rig.pose.scale[0]
                yield self._carry(points, head, closure, own, moved, residual, zoom, gaze, folds)

        return warp

    def measure_eye_response(self, turned: NDArray[np.floating]) -> NDArray[np.float32]:
        """How irises are carried (2, 2) for eyes that turn by (T, 2), as the picture says."""
        canonical, pose = canonicalise(self.source.track.points)
        return measure_eye_response(self.source.frame(0), canonical[0], pose, turned)

    def rig(
        self,
        *,
        rotation: NDArray[np.floating] | None = None,
        closes_lips: bool = True,
        since: NDArray[np.floating] | None = None,
        neutral: NDArray[np.floating] | None = None,
    ) -> FaceRig:
        """What a motion is added to; see ``follow`` for the arguments."""
        canonical, pose = canonicalise(self.source.track.points)
        if neutral is None:
            neutral = fit_neutral(canonical) if closes_lips else canonical[0]
        rig = FaceRig.from_shape(neutral, pose)
        if rotation is not None:
            wanted = np.asarray(rotation, np.float32)
            wanted = find_quarter_turn(pose.rotation[0]) @ find_quarter_turn(wanted).T @ wanted
            rig = replace(rig, pose=replace(pose, rotation=wanted[None]))
        return rig if since is None else rig.since(since)

    def reach(self, targets: Points, *, is_corrected: bool = True) -> Warp:
        """Frames whose face is at landmarks that are given: those of the same person, in the portrait's own pixels.

        Args:
            targets: (T, 478, 3) landmarks wanted.
            is_corrected: Whether the warp is asked for what is then read as the targets; see ``correction``.
        """
        return _Reaching(self, targets, is_corrected)

    def _carry(
        self,
        points: NDArray[np.float32],
        pose: RigidPose,
        closure: NDArray[np.float32],
        own: NDArray[np.floating],
        moved: NDArray[np.floating],
        residual: NDArray[np.float32],
        zoom: float,
        shown: NDArray[np.float32] | None = None,
        folds: NDArray[np.float32] | None = None,
    ) -> WarpedFrame:
        """The frame with its face at landmarks, and what it lacks there.

        Args:
            points: (478, 3) wanted, in pixels.
            pose: Head pose there, one row.
            closure: (2,) of the lids.
            own: The picture's canonical face (478, 3).
            moved: The canonical face wanted.
            residual: (31,) the picture's own motion less the one wanted.
            zoom: Size of the head over its size in the picture.
            shown: Landmarks (478, 3) with irises where the warped picture has them; None to leave them there.
            folds: (F,) how strong folds are; none by default.
        """
        picture, matte = split_matte(self._animator(points))
        if folds is not None:
            picture = shade_folds(picture, points, folds)
        if shown is not None:
            picture = turn_eyes(picture, points, shown)
        disocclusion = measure_disocclusion(own, moved, DisocclusionStyle.portrait_span)
        face = WarpedFace(
            points=points,
            pose=pose,
            disocclusion=disocclusion,
            unobserved=measure_unobserved(disocclusion, measure_lip_gap(own), measure_lip_gap(moved)),
            drawn_lids=self.prepared.drawn_lids(closure),
            motion_residual=residual,
            source_points=self._points * zoom,
            inpaint=self.prepared.inpaint_mouth,
        )
        return WarpedFrame(self.prepared.shut_lids(picture, points, closure), face, matte)


class _Reaching:
    """A portrait on its way to given landmarks; what the warp misses of them is measured once."""

    def __init__(self, warper: PortraitWarper, targets: Points, is_corrected: bool) -> None:
        together = np.concatenate([warper.source.track.points, targets])
        self._warper, self._targets, self._is_corrected = warper, targets, is_corrected
        self._canonical, self._pose = canonicalise(together)
        rig = FaceRig.from_shape(fit_neutral(self._canonical), self._pose)
        self._motion = rig.encode(together)

    def __call__(self, part: slice) -> Iterator[WarpedFrame]:
        return self._frames(range(part.start, part.stop), self._correction if self._is_corrected else None)

    @cached_property
    def _correction(self) -> Correction | None:
        rows = choose_samples(len(self._targets))
        return measure_correction(self._frames(rows, None), self._motion[rows + 1])

    def _frames(self, rows: Iterable[int], correction: Correction | None) -> Iterator[WarpedFrame]:
        for row in rows:
            pose, motion = self._pose.take(slice(row + 1, row + 2)), self._motion[row + 1]
            points = self._targets[row]
            if correction is not None:
                points = points + correction(motion, pose)
            own, moved = self._canonical[0], self._canonical[row + 1]
            zoom = pose.scale[0] / self._pose.scale[0]
            lids = motion[coefficients.LIDS]
            yield self._warper._carry(points, pose, lids, own, moved, self._motion[0] - motion, zoom)


def _with_lids(row: NDArray[np.floating], closure: NDArray[np.floating]) -> NDArray[np.floating]:
    """The same row (31,) with its lids (2,) as shut as is said."""
    out = row.copy()
    out[coefficients.LIDS] = closure
    return out


def _close_lids(row: NDArray[np.floating], since: NDArray[np.floating] | None) -> NDArray[np.float32]:
    """Closure of the lids (2,) of a row, counted from where the picture has them."""
    lids = row[coefficients.LIDS]
    if since is None:
        return lids
    return 1 - (1 - lids) / np.maximum(1 - since[coefficients.LIDS], LEAST_OPEN)
