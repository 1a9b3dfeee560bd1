"""A portrait whose face is carried to the landmarks that a motion, or the same person elsewhere, asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.canonical import canonicalise, from_canonical
from facediff.motion import coefficients
from facediff.rendering.disocclusion import PORTRAIT_OPENING_SPAN, lip_gap, measure_disocclusion, unobserved
from facediff.rendering.frame import WarpedFrame
from facediff.rendering.inpainting.lids import Lids
from facediff.rendering.inpainting.teeth import find_source_teeth
from facediff.rendering.warping.correction import Correction, choose_samples, measure_correction
from facediff.rendering.warping.layers import LayeredWarp
from facediff.types import FaceTrack, Frame, Points


class CoarseAnimator(Protocol):
    """A picture whose face can be moved: the mesh warp, or a trained animator in its place."""

    def __call__(self, target: NDArray[np.floating], /) -> Frame:
        """The picture (H, W, 3) uint8 with its face at landmarks (478, 3), in its pixels."""
        ...


class PortraitWarper:
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
        self._rest = coefficients.neutral(canonical) if closes_lips else canonical[0]
        self._since = since
        if since is None:
            self._motion = coefficients.encode(track.points, self._rest)[0]
            self._beyond = np.zeros_like(self._rest)
        else:
            self._motion, self._pose = since, coefficients.undo_head_motion(self._pose, since)
            self._beyond = self._own - self._express(since)  # what the basis does not hold
        self._points, self._scale = track.points[0], self._pose.scale[0]
        self._animator, self._lids = animator(image, track.points[0]), Lids(image, track.points[0])
        self._teeth = find_source_teeth(image, track.points[0], canonicalise(track.points)[1])

    def __call__(self, motion: NDArray[np.float32]) -> Iterator[WarpedFrame]:
        """A shot for each row of a motion (T, 31)."""
        for row in motion:
            poses = coefficients.move_head(self._pose, row[None])
            moved = (self._express(row) + self._beyond)[None]
            points = from_canonical(moved, poses)[0]
            disocclusion, shut = measure_disocclusion(self._own, moved[0], PORTRAIT_OPENING_SPAN), self._shut(row)
            yield WarpedFrame(
                coarse=self._lids(self._animator(points), points, shut),
                lids=self._lids.share(shut),
                reference=None,
                points=points,
                pose=poses,
                disocclusion=disocclusion,
                unobserved=unobserved(disocclusion, lip_gap(self._own)),
                teeth=self._teeth,
                moved=self._motion - row,
                origin=self._points * (poses.scale[0] / self._scale),
            )

    def _express(self, row: NDArray[np.float32]) -> NDArray[np.float32]:
        """The face (478, 3) that makes a row's expression; lids close from where the picture has them."""
        row = row.copy()
        row[coefficients.LIDS] = self._shut(row)
        return coefficients.express(row[None], self._rest)[0]

    def _shut(self, row: NDArray[np.float32]) -> NDArray[np.float32]:
        """Closure of the lids (2,), counted from where the picture has them."""
        if self._since is None:
            return row[coefficients.LIDS]
        return 1 - (1 - row[coefficients.LIDS]) / np.maximum(1 - self._since[coefficients.LIDS], 0.4)


class GuidedPortraitWarper:
    """A portrait whose face is taken to landmarks that are given: those of the same person, in its own pixels.

    Args:
        image: The portrait (H, W, 3) uint8.
        track: Its landmarks, one row.
        targets: (T, 478, 3) landmarks wanted, in pixels of the portrait.
        is_corrected: Whether the warp is asked for what is then read as the targets; see ``correction``.
        animator: See ``PortraitWarper``.
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
        self._motion = coefficients.encode(together, coefficients.neutral(self._canonical))
        self._targets, self._points, self._is_corrected = targets, track.points[0], is_corrected
        self._animator, self._lids = animator(image, track.points[0]), Lids(image, track.points[0])
        self._teeth = find_source_teeth(image, track.points[0], self._pose.take(slice(0, 1)))

    def __call__(self, part: slice) -> Iterator[WarpedFrame]:
        """A shot for each of some rows of the targets."""
        return self._shots(range(part.start, part.stop), self._correction if self._is_corrected else None)

    @cached_property
    def _correction(self) -> Correction | None:
        rows = choose_samples(len(self._targets))
        return measure_correction(self._shots(rows, None), self._motion[rows + 1])

    def _shots(self, rows: Iterable[int], correction: Correction | None) -> Iterator[WarpedFrame]:
        for row in rows:
            pose, motion = self._pose.take(slice(row + 1, row + 2)), self._motion[row + 1]
            points = self._targets[row]
            if correction is not None:
                points = points + correction(motion, pose)
            disocclusion = measure_disocclusion(self._canonical[0], self._canonical[row + 1], PORTRAIT_OPENING_SPAN)
            yield WarpedFrame(
                coarse=self._lids(self._animator(points), points, motion[coefficients.LIDS]),
                lids=self._lids.share(motion[coefficients.LIDS]),
                reference=None,
                points=points,
                pose=pose,
                disocclusion=disocclusion,
                unobserved=unobserved(disocclusion, lip_gap(self._canonical[0])),
                teeth=self._teeth,
                moved=self._motion[0] - motion,
                origin=self._points * (pose.scale[0] / self._pose.scale[0]),
            )
