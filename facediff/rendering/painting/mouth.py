"""From motion and sound to finished frames: warp, paint, paste, in chunks, for a still or a video."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facediff.conditioning.bundle import Conditioning
from facediff.landmarks import masks
from facediff.landmarks.alignment import MOUTH, Alignment, align
from facediff.landmarks.mesh import LIPS_INNER, LIPS_OUTER
from facediff.landmarks.raster import draw_lips
from facediff.models import latents as space
from facediff.pipelines.difftalk import DiffTalkPipeline
from facediff.rendering.compose import add_window, detail_kept
from facediff.rendering.crops import as_levels, as_pictures, border_fade, in_crop
from facediff.rendering.frame import WarpedFrame, in_chunks
from facediff.rendering.inpainting.mouth import fill_mouth
from facediff.rendering.painting.disoccluded import mask_disoccluded, resample_disoccluded
from facediff.rendering.reference import Reference
from facediff.types import Frame

MASK_REACH = 0.18  # eye distances around the lips that are painted; training saw 0.10 to 0.26
PASTE_REACH, PASTE_FEATHER = 0.06, 0.11  # the painted skin fades out inside the mask
FRESH_FEATHER = 0.03
OWN_SHARE = 0.25  # of the change that is painted where the frame lacks nothing: between its own pixels and the model's


Item = tuple[WarpedFrame | Frame, NDArray[np.floating] | None]  # a frame, and what is heard in it


@dataclass(frozen=True)
class PaintSettings:
    """How mouths are painted; see ``DiffTalkPipeline.__call__`` for the first three.

    Attributes:
        temperature: Deviation of the initial noise; less than 1 trades variety for steadiness, as few steps need.
        chunk: Frames painted at once.
        lips_known: False lets the sound alone decide on the lips.
        reanchor_every: Progressive reference (DiffTalk, section 3.3): each frame is shown to the next one as its
            reference, with a return to the shot's own after so many frames, so that errors do not add up. None for
            the shots' own references, which lets frames be painted together.
        new_steps: Steps, at least, where a mouth shows what its source does not; ``new_temperature`` of their noise.
            See ``facediff.rendering.painting.disoccluded``.
        new_temperature: See ``new_steps``.
    """

    num_inference_steps: int = 2
    guidance_scale: float = 1.0
    seed: int = 0
    temperature: float = 0.5
    chunk: int = 8
    lips_known: bool = True
    reanchor_every: int | None = None
    new_steps: int = 4
    new_temperature: float = 0.7


class MouthPainter:
    """Paints the mouth windows of a stream of shots and pastes them back."""

    def __init__(self, pipeline: DiffTalkPipeline, settings: PaintSettings) -> None:
        self._pipeline, self._settings = pipeline, settings
        self._noise = pipeline.noise(MOUTH.size, settings.seed)

    def __call__(
        self, shots: Iterable[WarpedFrame | Frame], windows: Iterable[NDArray[np.floating]] | None = None
    ) -> Iterator[Frame]:
        """Finished frames, in order; a bare frame among the shots passes through untouched.

        Args:
            shots: Frames to be painted.
            windows: Speech features (columns, dim) of every frame, bare ones included; None where nothing is heard.
        """
        items: Iterable[Item] = (
            ((shot, None) for shot in shots) if windows is None else zip(shots, windows, strict=True)
        )
        if self._settings.reanchor_every is not None:
            yield from self._progressive(items, self._settings.reanchor_every)
            return
        # A bare frame needs no sound, so it leaves its window behind.
        heard = ((shot, window) if isinstance(shot, WarpedFrame) else shot for shot, window in items)
        yield from in_chunks(heard, self._settings.chunk, self._chunk)

    def _progressive(self, items: Iterable[Item], reanchor_every: int) -> Iterator[Frame]:
        """One frame after the other, each the reference of the next."""
        last: Reference | None = None
        for index, (shot, window) in enumerate(items):
            if not isinstance(shot, WarpedFrame):
                yield shot
                continue
            if last is not None and index % reanchor_every:
                shot = replace(shot, reference=last.window(shot.points, shot.pose))
            (frame,) = self._chunk([(shot, window)])
            last = Reference(frame, shot.points)
            yield frame

    def _chunk(self, items: list[tuple[WarpedFrame, NDArray[np.floating] | None]]) -> list[Frame]:
        shots, heard = [shot for shot, _ in items], [window for _, window in items if window is not None]
        views = [_view(shot) for shot in shots]
        coarse = as_pictures([v.window for v in views])
        reference = as_pictures(
            [v.window if s.reference is None else s.reference for v, s in zip(views, shots, strict=True)]
        )
        mask = torch.from_numpy(np.stack([v.mask for v in views]))[:, None]
        points = torch.from_numpy(MOUTH.in_units(np.stack([v.points for v in views])))
        rotation = torch.from_numpy(np.concatenate([s.pose.rotation for s in shots]).astype(np.float32))
        lips = torch.from_numpy(np.stack([v.lips for v in views])).float() / 255
        windows = torch.from_numpy(np.stack(heard)) if heard else None
        settings, pipeline = self._settings, self._pipeline
        cond, seen = pipeline.condition(
            coarse, reference, mask, lips, points, rotation, windows, lips_known=settings.lips_known
        )
        result = self._made(cond, settings.num_inference_steps, settings.temperature)
        steps = max(settings.num_inference_steps, settings.new_steps)
        result = resample_disoccluded(
            result, [view.new for view in views], lambda rows: self._made(cond[rows], steps, settings.new_temperature)
        )
        own = all(shot.reference is None for shot in shots)
        with torch.inference_mode():
            before = seen if own else space.encode(pipeline.codec, coarse.to(seen.device, seen.dtype))
            decoded = space.decode(pipeline.codec, torch.cat([result, before]))
        made, round_trip = np.split(as_levels(decoded), 2)
        return [_pasted(*parts) for parts in zip(shots, views, made, round_trip, strict=True)]

    def _made(self, cond: Conditioning, steps: int, temperature: float) -> Tensor:
        guidance = self._settings.guidance_scale
        return self._pipeline(
            cond, temperature * self._noise, num_inference_steps=steps, guidance_scale=guidance, decode=False
        ).latents


def _pasted(shot: WarpedFrame, view: _View, made: NDArray[np.float32], round_trip: NDArray[np.float32]) -> Frame:
    change = detail_kept(made, view.window.astype(np.float32), round_trip, view.paste, view.fresh)
    return fill_mouth(add_window(shot.coarse, change, view.alignment.inverses[0]), shot)


@dataclass(frozen=True)
class _View:
    """A shot through the mouth window."""

    alignment: Alignment
    window: NDArray[np.uint8]
    points: NDArray[np.float32]
    mask: NDArray[np.float32]
    paste: NDArray[np.float32]
    fresh: NDArray[np.float32]
    lips: NDArray[np.uint8]
    new: NDArray[np.float32]


def _view(shot: WarpedFrame) -> _View:
    alignment = align(shot.pose, MOUTH)
    points = in_crop(shot.points, alignment, shot.pose, MOUTH)
    size, unit = MOUTH.size, MOUTH.unit_px
    hidden = masks.mouth(points, size, unit, reach=MASK_REACH)
    paste = masks.region(points[LIPS_OUTER], size, unit, reach=PASTE_REACH, feather=PASTE_FEATHER)
    return _View(
        alignment=alignment,
        window=alignment.crop(shot.coarse, 0),
        points=points,
        mask=(hidden > 0).astype(np.float32),
        paste=(OWN_SHARE + (1 - OWN_SHARE) * shot.disocclusion) * paste * border_fade(size),
        fresh=shot.disocclusion * masks.region(points[LIPS_INNER], size, unit, feather=FRESH_FEATHER),
        lips=draw_lips(points, size),
        new=mask_disoccluded(shot, points, MOUTH),
    )
