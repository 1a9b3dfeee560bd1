"""FADM's second stage on a stream of shots: what the warp tore, smeared or could not show is repaired and pasted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import tee

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facediff.conditioning.fadm import GatedConditioning, attribute_scale
from facediff.landmarks import masks
from facediff.landmarks.alignment import FACE, Alignment, align
from facediff.landmarks.mesh import BROW_LINE, FACE_OVAL, LEFT_EYE, LIPS_INNER, LIPS_OUTER, RIGHT_EYE
from facediff.landmarks.raster import draw_face
from facediff.landmarks.warp import find_stretched
from facediff.motion import coefficients
from facediff.pipelines.fadm import FADMPipeline
from facediff.rendering.compose import add_window, detail_kept
from facediff.rendering.crops import as_levels, as_pictures, border_fade, in_crop
from facediff.rendering.frame import WarpedFrame, in_chunks
from facediff.rendering.inpainting.mouth import fill_mouth
from facediff.rendering.painting.disoccluded import mask_disoccluded, resample_disoccluded
from facediff.types import Frame

MASK_REACH = 0.14  # eye distances around the face oval, as in training
# What each part of a motion changes: channels, outlines, and how far around them, fading out. A head that turns shows
# other cheeks, so all of the face is the head's.
PARTS: tuple[tuple[tuple[slice, ...], tuple[NDArray[np.integer], ...], float, float], ...] = (
    ((coefficients.ANGLES,), (FACE_OVAL,), 0.02, 0.12),
    ((coefficients.LIPS, coefficients.OPENING), (masks.LOWER_FACE,), 0.0, 0.12),
    ((coefficients.LIDS, coefficients.GAZE), (RIGHT_EYE, LEFT_EYE), 0.1, 0.1),
    ((coefficients.BROWS,), (BROW_LINE,), 0.08, 0.12),
)
FRESH_FEATHER = 0.03
LIPS_OWN = 0.75  # share of the change that lips are spared: the denoiser, unsure of their colour, makes them pale
SLOW_PX = 0.05 * FACE.unit_px  # detail finer than this is taken from the coarse frame, where that has it right
FULL_FROM = 0.25  # attributes, in usual deviations, from which the whole of the change is pasted


@dataclass(frozen=True)
class RefineSettings:
    """How faces are refined; see ``FADMPipeline.__call__`` for the first three.

    Attributes:
        temperature: Deviation of the initial noise; less than 1 trades variety for steadiness, as few steps need.
        chunk: Frames refined at once.
        new_steps: Steps, at least, where a mouth shows what its source does not; ``new_temperature`` of their noise.
            See ``facediff.rendering.painting.disoccluded``.
        new_temperature: See ``new_steps``.
    """

    num_inference_steps: int = 1
    strength: float = 1.0
    seed: int = 0
    temperature: float = 0.2
    chunk: int = 8
    new_steps: int = 4
    new_temperature: float = 0.7


class FaceRefiner:
    """Refines the faces of a stream of shots and pastes them back."""

    def __init__(self, pipeline: FADMPipeline, settings: RefineSettings) -> None:
        self._pipeline, self._settings = pipeline, settings
        self._noise = pipeline.noise(FACE.size, settings.seed)

    def __call__(self, shots: Iterable[WarpedFrame | Frame]) -> Iterator[Frame]:
        """Finished frames, in order; a bare frame among the shots passes through untouched."""
        return in_chunks(shots, self._settings.chunk, self._chunk)

    def shots(self, shots: Iterable[WarpedFrame | Frame]) -> Iterator[WarpedFrame | Frame]:
        """The shots themselves with refined faces, for who paints after this."""
        waiting, refined = tee(shots)
        for shot, frame in zip(waiting, self(refined), strict=True):
            yield replace(shot, coarse=frame) if isinstance(shot, WarpedFrame) else frame

    def _chunk(self, shots: list[WarpedFrame]) -> list[Frame]:
        views = [_view(shot) for shot in shots]
        settings, pipeline = self._settings, self._pipeline
        cond = pipeline.condition(
            as_pictures([view.crop for view in views]),
            torch.from_numpy(np.stack([view.mask for view in views]))[:, None],
            torch.from_numpy(np.stack([view.maps for view in views])).float() / 255,
            torch.from_numpy(FACE.in_units(np.stack([view.points for view in views]))),
            torch.from_numpy(np.concatenate([shot.pose.rotation for shot in shots]).astype(np.float32)),
            torch.from_numpy(np.stack([shot.moved for shot in shots])),
        )
        result = self._made(cond, settings.num_inference_steps, settings.temperature)
        steps = max(settings.num_inference_steps, settings.new_steps)
        result = resample_disoccluded(
            result, [view.new for view in views], lambda rows: self._made(cond[rows], steps, settings.new_temperature)
        )
        with torch.inference_mode():
            before = cond.latents(torch.zeros_like(result))
            made, round_trip = np.split(as_levels(pipeline.decode(torch.cat([result, before]))), 2)
        return [self._pasted(*parts) for parts in zip(shots, views, made, round_trip, strict=True)]

    def _made(self, cond: GatedConditioning, steps: int, temperature: float) -> Tensor:
        settings = self._settings
        return self._pipeline(
            cond,
            temperature * self._noise,
            num_inference_steps=steps,
            strength=settings.strength,
            seed=settings.seed,
            decode=False,
        ).latents

    @staticmethod
    def _pasted(shot: WarpedFrame, view: _View, made: NDArray[np.float32], round_trip: NDArray[np.float32]) -> Frame:
        change = detail_kept(made, view.crop.astype(np.float32), round_trip, view.paste, view.fresh)
        # Where the warp carried skin well, what is still wrong is light and colour. The denoiser knows no better where
        # each pore lies, so its mean would only blur them.
        slow = cv2.GaussianBlur(change, (0, 0), SLOW_PX)
        change = slow + view.anew[..., None] * (change - slow)
        return fill_mouth(add_window(shot.coarse, change, view.alignment.inverses[0]), shot)


@dataclass(frozen=True)
class _View:
    """A shot through the face crop."""

    alignment: Alignment
    crop: NDArray[np.uint8]
    points: NDArray[np.float32]
    mask: NDArray[np.float32]
    maps: NDArray[np.uint8]
    paste: NDArray[np.float32]
    fresh: NDArray[np.float32]
    anew: NDArray[np.float32]
    new: NDArray[np.float32]


def _view(shot: WarpedFrame) -> _View:
    alignment = align(shot.pose, FACE)
    points = in_crop(shot.points, alignment, shot.pose, FACE)
    size, unit = FACE.size, FACE.unit_px
    return _View(
        alignment=alignment,
        crop=alignment.crop(shot.coarse, 0),
        points=points,
        mask=masks.face_hull(points, size, unit, reach=MASK_REACH),
        maps=draw_face(points, size),
        paste=moved_parts(shot.moved, points, size, unit)
        * border_fade(size)
        * (1 - LIPS_OWN * _lips(points))
        * (1 - _drawn_lids(shot, points)),
        fresh=shot.disocclusion * masks.region(points[LIPS_INNER], size, unit, feather=FRESH_FEATHER),
        anew=_painted_anew(shot, points),
        new=mask_disoccluded(shot, points, FACE),
    )


def _lips(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """(H, W) in [0, 1]: the lips without what is between them."""
    size, unit = FACE.size, FACE.unit_px
    outer = masks.region(points[LIPS_OUTER], size, unit, reach=0.06, feather=0.08)
    return np.clip(outer - masks.region(points[LIPS_INNER], size, unit, feather=FRESH_FEATHER), 0, 1)


def _drawn_lids(shot: WarpedFrame, points: NDArray[np.float32]) -> NDArray[np.float32]:
    """(H, W) in [0, 1]: shut eyes that are drawn, whose line of lashes the denoiser would pale."""
    area = np.zeros(FACE.size[::-1], np.float32)
    for drawn, eye in zip(shot.lids, (RIGHT_EYE, LEFT_EYE), strict=True):
        if drawn:
            np.maximum(area, drawn * masks.region(points[eye], FACE.size, FACE.unit_px, reach=0.1, feather=0.1), area)
    return area


def _painted_anew(shot: WarpedFrame, points: NDArray[np.float32]) -> NDArray[np.float32]:
    """(H, W) in [0, 1]: lips, eyes, and what the warp had to stretch, where the denoiser's detail is wanted too."""
    size, unit = FACE.size, FACE.unit_px
    area = masks.region(points[LIPS_OUTER], size, unit, reach=0.03, feather=0.06)
    for eye in (RIGHT_EYE, LEFT_EYE):
        np.maximum(area, masks.region(points[eye], size, unit, reach=0.04, feather=0.06), out=area)
    if shot.origin is None:
        return area
    smeared = np.zeros(size[::-1], np.float32)
    corners = points[find_stretched(shot.origin, shot.points), :2]
    for triangle in np.rint(corners * 16).astype(np.int32):
        cv2.fillConvexPoly(smeared, triangle, 1.0, shift=4)
    return np.maximum(area, cv2.GaussianBlur(smeared, (0, 0), SLOW_PX / 2))


def moved_parts(
    attributes: NDArray[np.floating], points: NDArray[np.floating], size: tuple[int, int], unit_px: float
) -> NDArray[np.float32]:
    """How much of a change is wanted where: (H, W) in [0, 1], 0 where nothing moves, as the source is best there.

    Args:
        attributes: (31,) the source's own motion less the one wanted.
        points: Landmarks (478, 3) in pixels of the crop.
        size: Width and height of the crop.
        unit_px: Its pixels per eye distance.
    """
    relative = np.abs(attributes) / attribute_scale().numpy()
    wanted = np.zeros(size[::-1], np.float32)
    for channels, lines, reach, feather in PARTS:
        share = float(np.clip(max(relative[part].max() for part in channels) / FULL_FROM, 0, 1))
        if share:
            for line in lines:
                area = masks.region(points[line], size, unit_px, reach=reach, feather=feather)
                np.maximum(wanted, share * area, out=wanted)
    return wanted
