"""DiffTalk on warped frames: mouths are painted that fit the sound."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facediff.conditioning.bundle import Conditioning
from facediff.conditioning.difftalk import MASK_REACH
from facediff.landmarks import masks
from facediff.landmarks.alignment import MOUTH, align
from facediff.landmarks.mesh import LIPS_INNER, LIPS_OUTER
from facediff.landmarks.raster import draw_lips
from facediff.models import latents as space
from facediff.models.codec import FaceCodecNetwork
from facediff.pipelines.difftalk import DiffTalkSampler
from facediff.rendering.crops import as_pictures, fade_border, place_in_crop
from facediff.rendering.frame import WarpedFace, WarpedFrame
from facediff.rendering.painting.painter import SamplingSettings, View, WindowPainter
from facediff.rendering.reference import Reference
from facediff.types import Frame


@dataclass(frozen=True)
class MouthPasteStyle:
    """Where painted mouths go. Distances in eye distances.

    ``mask_reach`` is the middle of what training saw; the others were set by eye on training clips, and
    ``own_share`` by the sharpness of dubs against their flicker; no range was swept.

    Attributes:
        mask_reach: Around the lips that is painted; training saw 0.10 to 0.26.
        paste_reach: Around the lips that is pasted whole.
        paste_feather: Over which the painted skin fades out, inside the mask.
        fresh_feather: Over which painted pixels replace those of the frame, at the inner lips.
        own_share: Of the change that is painted where the frame lacks nothing: between its own pixels and the model's.
    """

    mask_reach: float = MASK_REACH
    paste_reach: float = 0.06
    paste_feather: float = 0.11
    fresh_feather: float = 0.03
    own_share: float = 0.25


@dataclass(frozen=True, kw_only=True)
class PaintSettings(SamplingSettings):
    """How mouths are painted; see ``SamplingSettings`` and ``DiffTalkSampler.__call__``.

    Attributes:
        guidance_scale: How much more the sound counts than without it; 1 is no guidance.
        lips_guidance: How much more the lips that are wanted count than without them; 1 is no guidance.
        lips_known: False lets the sound alone decide on the lips.
        reanchor_every: Progressive reference (DiffTalk, section 3.3): each frame is shown to the next one as its
            reference, with a return to the frame's own after so many frames of the clip, so that errors do not add up.
            None for the frames' own references, which lets them be painted together.
        style: Where painted mouths go.
    """

    num_inference_steps: int = 1
    temperature: float = 0.5
    guidance_scale: float = 1.0
    lips_guidance: float = 1.0
    lips_known: bool = True
    reanchor_every: int | None = None
    style: MouthPasteStyle = MouthPasteStyle()


@dataclass(frozen=True)
class HeardFrame:
    """A warped frame and what is heard in it.

    Attributes:
        frame: See ``WarpedFrame``.
        window: Speech features (columns, dim); None where nothing is heard.
    """

    frame: WarpedFrame
    window: NDArray[np.floating] | None = None

    @property
    def picture(self) -> Frame:
        """(H, W, 3) uint8."""
        return self.frame.picture

    @property
    def face(self) -> WarpedFace | None:
        """What is painted; None where the frame passes as it is."""
        return self.frame.face


class MouthPainter(WindowPainter[HeardFrame, View, Conditioning]):
    """Paints the mouth windows of a stream of warped frames and pastes them back."""

    def __init__(self, pipeline: DiffTalkSampler, settings: PaintSettings) -> None:
        super().__init__(settings)
        self._pipeline, self._settings = pipeline, settings
        self._noise = pipeline.noise(MOUTH.size, settings.seed)

    def first_needed(self, start: int) -> int:
        """The frame of a clip from which to paint, so that the one at ``start`` is as in the whole clip."""
        every = self._settings.reanchor_every
        return start if every is None else start - start % every

    def paint_clip(
        self, frames: Iterable[WarpedFrame], windows: Iterable[NDArray[np.floating]] | None = None
    ) -> Iterator[Frame]:
        """Finished frames, in order.

        Args:
            frames: From the clip's start on, or from a frame that ``first_needed`` gave.
            windows: Speech features (columns, dim) of every frame, faceless ones included; None where nothing is heard.
        """
        heard: Iterable[HeardFrame]
        if windows is None:
            heard = map(HeardFrame, frames)
        else:
            heard = (HeardFrame(frame, window) for frame, window in zip(frames, windows, strict=True))
        every = self._settings.reanchor_every
        return self(heard) if every is None else self._paint_progressively(heard, every)

    def _paint_progressively(self, frames: Iterable[HeardFrame], reanchor_every: int) -> Iterator[Frame]:
        """One frame after the other, each the reference of the next."""
        last: Reference | None = None
        for index, heard in enumerate(frames):
            if index % reanchor_every == 0:
                last = None
            face = heard.face
            if face is None:
                yield heard.picture
                continue
            if last is not None:
                seen = replace(face, reference=last.window(face.points, face.pose))
                heard = replace(heard, frame=replace(heard.frame, face=seen))
            (painted,) = self.paint([heard])
            last = Reference(painted, face.points)
            yield painted

    def _device(self) -> torch.device:
        return self._pipeline.unet.device

    def _view(self, frame: HeardFrame, face: WarpedFace) -> View:
        style, size, unit = self._settings.style, MOUTH.size, MOUTH.unit_px
        alignment = align(face.pose, MOUTH)
        points = place_in_crop(face.points, alignment, face.pose, MOUTH)
        hidden = masks.mouth(points, size, unit, reach=style.mask_reach)
        paste = masks.region(points[LIPS_OUTER], size, unit, reach=style.paste_reach, feather=style.paste_feather)
        wanted = style.own_share + (1 - style.own_share) * face.disocclusion
        return View(
            alignment=alignment,
            crop=alignment.crop(frame.picture, 0),
            points=points,
            mask=(hidden > 0).astype(np.float32),
            maps=draw_lips(points, size),
            paste=wanted * paste * fade_border(size),
            fresh=face.disocclusion * masks.region(points[LIPS_INNER], size, unit, feather=style.fresh_feather),
        )

    def _condition(
        self, frames: list[HeardFrame], faces: list[WarpedFace], views: list[View]
    ) -> tuple[Conditioning, Tensor]:
        coarse = as_pictures([view.crop for view in views])
        reference = as_pictures(
            [view.crop if face.reference is None else face.reference for view, face in zip(views, faces, strict=True)]
        )
        windows = [frame.window for frame in frames if frame.window is not None]
        cond, seen = self._pipeline.condition(
            coarse,
            reference,
            torch.from_numpy(np.stack([view.mask for view in views]))[:, None],
            torch.from_numpy(np.stack([view.maps for view in views])).float() / 255,
            torch.from_numpy(MOUTH.in_units(np.stack([view.points for view in views]))),
            torch.from_numpy(np.concatenate([face.pose.rotation for face in faces]).astype(np.float32)),
            torch.from_numpy(np.stack(windows)) if windows else None,
            lips_known=self._settings.lips_known,
        )
        if all(face.reference is None for face in faces):
            return cond, seen
        with torch.inference_mode():
            return cond, space.encode(self._pipeline.codec, coarse.to(seen.device, seen.dtype))

    def _sample(self, cond: Conditioning) -> Tensor:
        settings = self._settings
        return self._pipeline(
            cond,
            settings.temperature * self._noise,
            num_inference_steps=settings.num_inference_steps,
            guidance_scale=settings.guidance_scale,
            lips_guidance=settings.lips_guidance,
            decode=False,
        ).latents

    def _decode(self, latents: Tensor) -> Tensor:
        codec = self._pipeline.codec
        if isinstance(codec, FaceCodecNetwork) and codec.knows_clips:
            # what is painted is one clip, and the crops as they are another
            return codec.decode(latents.to(codec.device, codec.dtype), clips=2)  # type: ignore[call-arg]
        return space.decode(codec, latents)
