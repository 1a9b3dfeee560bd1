"""Pairs for the mouth refiner: what warp, denoiser and drawn rules make of one moment of a face, and the other, filmed.

Training sees what rendering will have: portraits, whose mouths are seen once, and videos, whose widest mouth is the
reference of the others; some that were painted and some that were not, and lips as a motion has them as well as real
ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facediff.datasets.array_cache import fill_cache
from facediff.landmarks import masks
from facediff.landmarks.alignment import MOUTH, align, warp_affine
from facediff.landmarks.canonical import canonicalise, from_canonical
from facediff.landmarks.mesh import LIPS_OUTER
from facediff.landmarks.raster import draw_lips
from facediff.landmarks.warp import MeshWarp
from facediff.motion.coefficients import lip_opening
from facediff.motion.rig import FaceRig, encode_motion, fit_neutral
from facediff.rendering.disocclusion import (
    DisocclusionStyle,
    measure_disocclusion,
    measure_lip_gap,
    measure_unobserved,
)
from facediff.rendering.frame import WarpedFace, WarpedFrame
from facediff.rendering.inpainting.protocol import Inpainter
from facediff.rendering.inpainting.refined import LIPS, RefineStyle
from facediff.rendering.painting.mouth import HeardFrame, MouthPainter
from facediff.rendering.reference import Reference
from facediff.training.faces import FaceCrops
from facediff.training.moments import MomentDraw
from facediff.types import Frame, RigidPose

OPENING_SHARE = 0.45  # of the pairs in which lips that were shut have opened
PORTRAITS = 0.6  # share of the moments of videos that are taken for portraits
PAINTED = 0.8  # share that the denoiser has painted; live, under load, it is left out
TRANSFERRED = 0.2  # share of the pairs whose landmarks come through the motion coefficients
ZOOM, SHIFT_PX = (0.94, 1.06), 3.0
_WIDTH, _HEIGHT = LIPS.size
LAYOUT: dict[str, tuple[tuple[int, ...], type]] = {
    "made": ((_HEIGHT, _WIDTH, 3), np.uint8),
    "target": ((_HEIGHT, _WIDTH, 3), np.uint8),
    "lips": ((2, _HEIGHT // 2, _WIDTH // 2), np.uint8),
    "mask": ((_HEIGHT, _WIDTH), np.uint8),
    "lack": ((2,), np.float32),
}


@dataclass(frozen=True)
class RenderedMouth:
    """One training example.

    Attributes:
        made: Window of ``LIPS`` (96, 128, 3) uint8 as rendering leaves it.
        target: The same, filmed.
        lips: (2, 48, 64) uint8 maps.
        mask: (96, 128) uint8, where it may be changed.
        lack: (2,) how much of the mouth the frame lacked, and how little of that was known.
    """

    made: NDArray[np.uint8]
    target: NDArray[np.uint8]
    lips: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    lack: NDArray[np.float32]


class RenderedMouths:
    """Makes pairs of cached crops.

    Args:
        crops: What ``build_face_cache`` made.
        painter: Paints mouths.
        rules: Make what no moment shows.
    """

    def __init__(self, crops: FaceCrops, painter: MouthPainter, rules: Inpainter) -> None:
        self._crops, self._painter, self._rules = crops, painter, rules
        self._moments = MomentDraw(crops, opening_share=OPENING_SHARE)

    @cached_property
    def _widest(self) -> dict[object, int]:
        gaps = lip_opening(self._crops.points)
        return {key: max(rows, key=lambda row: float(gaps[row])) for key, rows in self._crops.group().items()}

    def __call__(self, rng: np.random.Generator) -> RenderedMouth:
        row, other = self._moments(rng)
        is_still = self._crops.kinds[self._crops.clip[row]] == "still" or rng.random() < PORTRAITS
        frame = self._warp(row, other, is_still=is_still, is_transferred=rng.random() < TRANSFERRED)
        assert frame.face is not None
        is_painted = rng.random() < PAINTED
        made = self._painter.paint([HeardFrame(frame)])[0] if is_painted else frame.face.inpaint_mouth(frame.picture)
        return _cut(made, np.asarray(self._crops.frames[row]), frame.face, rng)

    def _warp(self, row: int, other: int, *, is_still: bool, is_transferred: bool) -> WarpedFrame:
        """The moment ``other`` carried to the landmarks of ``row``, as a portrait or as a frame of a video."""
        crops = self._crops
        source, source_points = np.array(crops.frames[other]), crops.points[other].astype(np.float32)
        own, own_pose = canonicalise(source_points[None])
        moved, pose = canonicalise(crops.points[row][None])
        points = _transfer(crops.points[row], moved, pose) if is_transferred else crops.points[row].astype(np.float32)
        picture, reference, shown = MeshWarp(source, source_points)(points), None, measure_lip_gap(own[0])
        wanted = measure_lip_gap(moved[0]) if is_still else None
        if is_still:
            disocclusion = measure_disocclusion(own[0], moved[0], DisocclusionStyle.portrait_span)
            prepared = self._rules.prepare(source, source_points, own_pose)
        else:
            disocclusion = measure_disocclusion(own[0], moved[0])
            prepared = self._rules.prepare(source, source_points)
            widest = self._widest[crops.key(row)]
            widest = other if widest == row else widest
            moment = Reference(np.array(crops.frames[widest]), crops.points[widest].astype(np.float32))
            shown = max(shown, moment.opening)
            if disocclusion:
                reference = _blend(align(pose, MOUTH).crop(picture, 0), moment.window(points, pose), disocclusion)
        face = WarpedFace(
            points=points,
            pose=pose,
            reference=reference,
            disocclusion=disocclusion,
            unobserved=measure_unobserved(disocclusion, shown, wanted),
            source_points=source_points,
            inpaint=prepared.inpaint_mouth,
        )
        return WarpedFrame(picture, face)


def build_rendered_mouths(
    crops: FaceCrops, painter: MouthPainter, rules: Inpainter, folder: Path, *, count: int, seed: int = 0
) -> dict[str, NDArray]:
    """``count`` pairs in memory-mapped arrays named like the fields of ``RenderedMouth``."""
    return fill_cache(RenderedMouths(crops, painter, rules), LAYOUT, folder, count=count, seed=seed)


def _transfer(points: NDArray[np.floating], canonical: NDArray[np.floating], pose: RigidPose) -> NDArray[np.float32]:
    """Landmarks (478, 3) of a face as its own motion gives them back, which holds less than a face does."""
    rig = FaceRig.from_shape(fit_neutral(canonical), pose)
    return from_canonical(rig.express(encode_motion(points[None])), pose)[0].astype(np.float32)


def _cut(made: Frame, filmed: Frame, face: WarpedFace, rng: np.random.Generator) -> RenderedMouth:
    """The windows of what was made and what was filmed, a little off each time."""
    alignment, anchor = align(face.pose, LIPS), np.array(LIPS.anchor_px)
    zoom, window = rng.uniform(*ZOOM), alignment.matrices[0].astype(np.float64)
    window[:, :2] *= zoom
    window[:, 2] = anchor + zoom * (window[:, 2] - anchor) + rng.uniform(-SHIFT_PX, SHIFT_PX, 2)
    points = (face.points[:, :2] @ window[:, :2].T + window[:, 2]).astype(np.float32)
    style = RefineStyle()
    mask = masks.region(points[LIPS_OUTER], LIPS.size, LIPS.unit_px, reach=style.reach, feather=style.feather)
    return RenderedMouth(
        made=warp_affine(made, window, LIPS.size),
        target=warp_affine(filmed, window, LIPS.size),
        lips=draw_lips(points, LIPS.size),
        mask=np.rint(255 * mask).astype(np.uint8),
        lack=np.array([face.disocclusion, face.unobserved], np.float32),
    )


def _blend(one: Frame, other: Frame, share: float) -> NDArray[np.uint8]:
    return np.rint((1 - share) * one.astype(np.float32) + share * other).astype(np.uint8)
