"""What paints the frames of a video in another look, led by what is in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facediff.errors import ConfigError
from facediff.landmarks.depth import draw_depth, soften_structure
from facediff.landmarks.flow import trace_origins
from facediff.landmarks.tracker import track_face
from facediff.media import VideoReader, read_image
from facediff.media.notices import warn_of_rivals
from facediff.options.style import StyleOptions
from facediff.pipelines.structured_video import StructuredVideoPipeline, StructureStyle
from facediff.pipelines.zero_shot_video import ZeroShotStyle, ZeroShotVideoPipeline, flow_cells
from facediff.rendering.crops import as_levels, as_pictures
from facediff.rendering.source import Source
from facediff.types import Frame


class Styling:
    """What paints the frames of a video.

    Args:
        video: Whose frames.
        painter: Opened.
        options: How.

    Raises:
        ConfigError: Detail of structure is to be lost that nothing is shown.
        NoFaceFound: The video shows no face.
    """

    def __init__(self, video: Path, painter: StructuredVideoPipeline, options: StyleOptions) -> None:
        if options.detail_lost and not painter.sees_structure:
            raise ConfigError("detail_lost is of structure, which this painter is not shown; give a controlnet")
        reader = VideoReader(video)
        track = track_face(reader, float(reader.info.fps), face=options.face, on_rivals=partial(warn_of_rivals, video))
        self.source = Source(video, track, "")
        self._video, self._painter, self._options = video, painter, options
        self.size = painter.fit_size(track.size, options.size)
        self._like = None if options.like is None else painter.encode_picture(read_image(options.like))
        self._points = track.points * np.array([*np.divide(self.size, track.size), self.size[0] / track.size[0]])

    def render(self, part: slice) -> Iterator[Frame]:
        """The frames of a part, in runs that begin at the same frames whatever is asked for."""
        run = self._options.frames_at_once
        first = self._read([0])
        for start in range(part.start // run * run, part.stop, run):
            rows = [row for row in range(start, min(start + run, len(self.source.track))) if row]
            made = self._paint(first, rows)
            shown = dict(zip([0, *rows], made, strict=True))
            yield from (shown[row] for row in range(max(start, part.start), min(start + run, part.stop)))

    def _read(self, rows: Sequence[int]) -> Tensor:
        """Frames (F, 3, H, W) in [-1, 1], as large as they are painted."""
        frames = [frame for _, frame in VideoReader(self._video).take(rows)]
        return as_pictures([cv2.resize(frame, self.size, interpolation=cv2.INTER_AREA) for frame in frames])

    def _paint(self, first: Tensor, rows: list[int]) -> list[Frame]:
        """Frame 0 and those of a run."""
        images = (self._carry if self._options.way == "carried" else self._restructure)(first, rows)
        return list(np.rint(as_levels(images)).astype(np.uint8))

    def _restructure(self, first: Tensor, rows: list[int]) -> Tensor:
        """Each is led by its own structure, Gen-1's way, or comes of its own noise, Tune-A-Video's."""
        options, painter = self._options, self._painter
        style = StructureStyle(
            num_inference_steps=options.steps, guidance_scale=options.guidance_scale,
            temporal_guidance=options.temporal_guidance,
        )  # fmt: skip
        structure = self._draw_structure([0, *rows]) if painter.sees_structure else None
        noise = None
        if options.invert or structure is None:
            frames = torch.cat([first, self._read(rows)]) if rows else first
            noise = painter.invert(frames, "", structure=structure, style=style)
        return painter(
            options.text or "", noise, structure=structure, like=self._like, negative=options.negative, style=style,
            generator=torch.Generator().manual_seed(options.seed),
        ).images  # fmt: skip

    def _draw_structure(self, rows: list[int]) -> Tensor:
        """Depth of the face in each frame; nothing where there is none."""
        usable, (width, height) = self.source.track.usable, self.size
        drawn = [
            face_structure([self._points[row]], self.size, self._options.detail_lost)
            if usable[row]
            else torch.zeros(1, 3, height, width)
            for row in rows
        ]
        return torch.cat(drawn)

    def _carry(self, first: Tensor, rows: list[int]) -> Tensor:
        """The first is painted from its own noise, and the others come of it as landmarks move: Text2Video-Zero's way.

        All runs take the same random numbers, so that the first frame is the same in each.
        """
        options, zero = self._options, ZeroShotVideoPipeline(**self._painter.components)
        faces = np.flatnonzero(self.source.track.usable)
        near = [faces[np.abs(faces - row).argmin()] for row in (0, *rows)]  # a lost face is where it is found next
        anchor, targets = self._points[near[0]], self._points[near[1:]]
        origins = torch.from_numpy(trace_origins(anchor, targets, self.size, flow_cells(zero, self.size)))
        noise = self._painter.invert(first, "", style=StructureStyle(num_inference_steps=options.steps))
        style = ZeroShotStyle(num_inference_steps=options.steps, guidance_scale=options.guidance_scale)
        return zero(
            options.text or "", origins, noise=noise, like=self._like, negative=options.negative, style=style,
            generator=torch.Generator().manual_seed(options.seed),
        ).images  # fmt: skip


def face_structure(points: Sequence[NDArray[np.floating]], size: tuple[int, int], detail_lost: int = 0) -> Tensor:
    """The depth of a face in each frame, (F, 3, H, W) in [0, 1], as networks of structure are shown it.

    Args:
        points: Landmarks (478, 3) of each frame, in pixels.
        size: Width and height.
        detail_lost: Gen-1's t_s; see ``facediff.landmarks.depth.soften_structure``.

    Raises:
        InputError, ConfigError: As there.
    """
    maps = [soften_structure(draw_depth(one, size), detail_lost) for one in points]
    return torch.from_numpy(np.stack(maps))[:, None].repeat(1, 3, 1, 1)
