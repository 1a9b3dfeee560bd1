"""FADM's second stage on warped frames: what the warp tore, smeared or could not show is repaired and pasted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facediff.conditioning.fadm import MASK_REACH, GatedConditioning, attribute_scale
from facediff.landmarks import masks
from facediff.landmarks.alignment import FACE, align
from facediff.landmarks.mesh import BROW_LINE, FACE_OVAL, LEFT_EYE, LIPS_INNER, LIPS_OUTER, RIGHT_EYE
from facediff.landmarks.raster import draw_face
from facediff.landmarks.triangles import cover_triangles
from facediff.landmarks.warp import find_stretched
from facediff.motion import coefficients
from facediff.pipelines.fadm import FADMSampler
from facediff.rendering.crops import as_pictures, fade_border, place_in_crop
from facediff.rendering.frame import WarpedFace, WarpedFrame
from facediff.rendering.painting.painter import SamplingSettings, View, WindowPainter

# What each part of a motion changes: channels, outlines, and how far around them, fading out. A head that turns shows
# other cheeks, so all of the face is the head's.
PARTS: tuple[tuple[tuple[slice, ...], tuple[NDArray[np.integer], ...], float, float], ...] = (
    ((coefficients.ANGLES,), (FACE_OVAL,), 0.02, 0.12),
    ((coefficients.LIPS, coefficients.OPENING), (masks.LOWER_FACE,), 0.0, 0.12),
    ((coefficients.LIDS, coefficients.GAZE), (RIGHT_EYE, LEFT_EYE), 0.1, 0.1),
    ((coefficients.BROWS,), (BROW_LINE,), 0.08, 0.12),
)


@dataclass(frozen=True)
class FacePasteStyle:
    """Where refined faces go. Distances in eye distances.

    ``mask_reach`` is that of training; the others were set by eye on training clips driven by other people, and
    ``lips_own`` after pale lips had been seen on test clips too; no range was swept.

    Attributes:
        mask_reach: Around the face oval that is painted.
        fresh_feather: Over which painted pixels replace those of the frame, at the inner lips.
        lips_own: Share of the change that lips are spared: the denoiser, unsure of their colour, makes them pale.
        slow: Detail finer than this is taken from the warped frame, where that has it right.
        full_from: Attributes, in usual deviations, from which the whole of the change is pasted.
    """

    mask_reach: float = MASK_REACH
    fresh_feather: float = 0.03
    lips_own: float = 0.75
    slow: float = 0.05
    full_from: float = 0.25


@dataclass(frozen=True, kw_only=True)
class RefineSettings(SamplingSettings):
    """How faces are refined; see ``SamplingSettings`` and ``FADMSampler.__call__``.

    Attributes:
        strength: Of the noise that the warped face starts from; 1 is all.
        style: Where refined faces go.
    """

    temperature: float = 0.2
    strength: float = 1.0
    style: FacePasteStyle = FacePasteStyle()


@dataclass(frozen=True)
class FaceView(View):
    """A face through the face crop.

    Attributes:
        repainted: (H, W) in [0, 1], where the denoiser's detail is wanted too.
    """

    repainted: NDArray[np.float32]


class FaceRefiner(WindowPainter[WarpedFrame, FaceView, GatedConditioning]):
    """Refines the faces of a stream of warped frames and pastes them back."""

    def __init__(self, pipeline: FADMSampler, settings: RefineSettings) -> None:
        super().__init__(settings)
        self._pipeline, self._settings = pipeline, settings
        self._noise = pipeline.noise(FACE.size, settings.seed)

    def refine(self, frames: Iterable[WarpedFrame]) -> Iterator[WarpedFrame]:
        """The warped frames themselves with refined faces, for who paints after this."""
        return (replace(frame, picture=picture) for frame, picture in self.pair(frames))

    def _device(self) -> torch.device:
        return self._pipeline.unet.device

    def _view(self, frame: WarpedFrame, face: WarpedFace) -> FaceView:
        style, size, unit = self._settings.style, FACE.size, FACE.unit_px
        alignment = align(face.pose, FACE)
        points = place_in_crop(face.points, alignment, face.pose, FACE)
        # What a frame shows of its teeth it shows best: the denoiser's mean of them is grey.
        between = masks.region(points[LIPS_INNER], size, unit, feather=style.fresh_feather)
        return FaceView(
            alignment=alignment,
            crop=alignment.crop(frame.picture, 0),
            points=points,
            mask=masks.face_hull(points, size, unit, reach=style.mask_reach),
            maps=draw_face(points, size),
            paste=mask_moved_parts(face.motion_residual, points, size, unit, full_from=style.full_from)
            * fade_border(size)
            * (1 - style.lips_own * _mask_lips(points, style))
            * (1 - (1 - face.disocclusion) * between)
            * (1 - _mask_drawn_lids(face, points)),
            fresh=face.disocclusion * between,
            repainted=_mask_repainted(face, points, style),
        )

    def _condition(
        self, frames: list[WarpedFrame], faces: list[WarpedFace], views: list[FaceView]
    ) -> tuple[GatedConditioning, Tensor]:
        cond = self._pipeline.condition(
            as_pictures([view.crop for view in views]),
            torch.from_numpy(np.stack([view.mask for view in views]))[:, None],
            torch.from_numpy(np.stack([view.maps for view in views])).float() / 255,
            torch.from_numpy(FACE.in_units(np.stack([view.points for view in views]))),
            torch.from_numpy(np.concatenate([face.pose.rotation for face in faces]).astype(np.float32)),
            torch.from_numpy(np.stack([face.motion_residual for face in faces])),
        )
        with torch.inference_mode():
            return cond, cond.latents(cond.concat.new_zeros(len(frames), *self._noise.shape[1:]))

    def _sample(self, cond: GatedConditioning) -> Tensor:
        settings = self._settings
        return self._pipeline(
            cond,
            settings.temperature * self._noise,
            num_inference_steps=settings.num_inference_steps,
            strength=settings.strength,
            seed=settings.seed,
            decode=False,
        ).latents

    def _decode(self, latents: Tensor) -> Tensor:
        return self._pipeline.decode(latents)

    def _blend(self, view: FaceView, change: NDArray[np.float32]) -> NDArray[np.float32]:
        # Where the warp carried skin well, what is still wrong is light and colour. The denoiser knows no better where
        # each pore lies, so its mean would only blur them.
        slow = _blur_wide(change, self._settings.style.slow * FACE.unit_px)
        fast = change - slow
        fast *= view.repainted[..., None]
        return np.add(slow, fast, out=slow)


def _blur_wide(picture: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """A picture (H, W, C) blurred by a Gaussian of several pixels: at half its size, in a fifth of the time."""
    half = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    blurred = cv2.resize(
        cv2.GaussianBlur(half, (0, 0), sigma / 2), picture.shape[1::-1], interpolation=cv2.INTER_LINEAR
    )
    return np.asarray(blurred, np.float32)


def _mask_lips(points: NDArray[np.float32], style: FacePasteStyle) -> NDArray[np.float32]:
    """(H, W) in [0, 1]: the lips without what is between them."""
    size, unit = FACE.size, FACE.unit_px
    outer = masks.region(points[LIPS_OUTER], size, unit, reach=0.06, feather=0.08)
    return np.clip(outer - masks.region(points[LIPS_INNER], size, unit, feather=style.fresh_feather), 0, 1)


def _mask_drawn_lids(face: WarpedFace, points: NDArray[np.float32]) -> NDArray[np.float32]:
    """(H, W) in [0, 1]: shut eyes that are drawn, whose line of lashes the denoiser would pale."""
    area = np.zeros(FACE.size[::-1], np.float32)
    for drawn, eye in zip(face.drawn_lids, (RIGHT_EYE, LEFT_EYE), strict=True):
        if drawn:
            lid = masks.region(points[eye], FACE.size, FACE.unit_px, reach=0.1, feather=0.1)
            np.maximum(area, drawn * lid, out=area)
    return area


def _mask_repainted(face: WarpedFace, points: NDArray[np.float32], style: FacePasteStyle) -> NDArray[np.float32]:
    """(H, W) in [0, 1]: lips, eyes, and what the warp had to stretch, where the denoiser's detail is wanted too."""
    size, unit = FACE.size, FACE.unit_px
    area = masks.region(points[LIPS_OUTER], size, unit, reach=0.03, feather=0.06)
    for eye in (RIGHT_EYE, LEFT_EYE):
        np.maximum(area, masks.region(points[eye], size, unit, reach=0.04, feather=0.06), out=area)
    if face.source_points is None:
        return area
    stretched = points[find_stretched(face.source_points, face.points), :2]
    # At half the size, as all that fades so softly: it is the same to a hundredth, in a quarter of the time.
    smeared = cover_triangles(_halve(stretched), _half(size)).astype(np.float32)
    np.maximum(area, _enlarge(cv2.GaussianBlur(smeared, (0, 0), style.slow * unit / 4), size), out=area)
    return area


def mask_moved_parts(
    attributes: NDArray[np.floating],
    points: NDArray[np.floating],
    size: tuple[int, int],
    unit_px: float,
    *,
    full_from: float = FacePasteStyle.full_from,
) -> NDArray[np.float32]:
    """How much of a change is wanted where: (H, W) in [0, 1], 0 where nothing moves, as the source is best there.

    Args:
        attributes: (31,) the source's own motion less the one wanted.
        points: Landmarks (478, 3) in pixels of the crop.
        size: Width and height of the crop.
        unit_px: Its pixels per eye distance.
        full_from: See ``FacePasteStyle``.
    """
    relative = np.abs(attributes) / attribute_scale()
    small, points = _half(size), _halve(points[:, :2])
    wanted = np.zeros(small[::-1], np.float32)
    for channels, lines, reach, feather in PARTS:
        share = float(np.clip(max(relative[part].max() for part in channels) / full_from, 0, 1))
        if share:
            for line in lines:
                area = masks.region(points[line], small, unit_px / 2, reach=reach, feather=feather)
                np.maximum(wanted, share * area, out=wanted)
    return _enlarge(wanted, size)


def _half(size: tuple[int, int]) -> tuple[int, int]:
    return (size[0] + 1) // 2, (size[1] + 1) // 2


def _halve(points: NDArray[np.floating]) -> NDArray[np.floating]:
    """Places (..., 2) in a crop of half the size; whole numbers are middles of pixels in both."""
    return (points + 0.5) / 2 - 0.5


def _enlarge(mask: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    return np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_LINEAR), np.float32)
