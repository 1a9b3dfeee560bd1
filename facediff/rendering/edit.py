"""Edits through a whole video: each frame decoded under another identity, and the change pasted back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from facediff.landmarks import masks
from facediff.landmarks.alignment import FACE
from facediff.landmarks.mesh import LEFT_BROW, LEFT_EYE, RIGHT_BROW, RIGHT_EYE
from facediff.landmarks.segmentation import person_mask
from facediff.pipelines.diffusion_video_autoencoder import DiffusionVideoAutoencoderPipeline
from facediff.rendering.compose import add_window
from facediff.rendering.encoding import CHUNK, EncodedVideo, FaceViews
from facediff.rendering.face_view import FaceView, places
from facediff.rendering.shot import as_levels, border_fade, in_chunks
from facediff.types import Frame

# Which part of the picture an attribute may change: the paper pastes the face alone, without hair, ears and neck,
# where an edit of hair would be lost. Attributes that are not named here may change all of the head.
REGIONS: dict[str, tuple[str, ...]] = {
    "eyeglasses": ("eyes",),
    "beard": ("lower face",),
    "smile": ("lower face", "eyes"),
    "makeup": ("face",),
}
WHOLE = ("head",)


@dataclass(frozen=True)
class EditSettings:
    """How edited frames are decoded.

    Attributes:
        regions: Parts of the picture that may change; see ``edited_region``.
        chunk: Frames decoded at once.
    """

    regions: tuple[str, ...] = WHOLE
    chunk: int = CHUNK


class IdentityEditor:
    """Gives the faces of a video another identity vector.

    Args:
        pipeline: The autoencoder that the video was encoded with.
        video: What it was encoded into.
        views: Of the video.
        identity: (D,) the vector wanted.
        settings: How.
    """

    def __init__(
        self,
        pipeline: DiffusionVideoAutoencoderPipeline,
        video: EncodedVideo,
        views: FaceViews,
        identity: NDArray[np.float32],
        settings: EditSettings,
    ) -> None:
        self._pipeline, self._video, self._views, self._settings = pipeline, video, views, settings
        self._identity = torch.from_numpy(np.asarray(identity, np.float32))
        self._is_unchanged = np.array_equal(identity, video.identity)

    def __call__(self, frames: Iterable[tuple[int, Frame]]) -> Iterator[Frame]:
        """Edited frames, in order; those without a face pass untouched, and all of them where nothing is edited.

        Args:
            frames: Pairs of an index into the video's track and the frame.
        """
        if self._is_unchanged:
            return (frame for _, frame in frames)
        return in_chunks(self._looks(frames), self._settings.chunk, self._chunk)

    def _looks(self, frames: Iterable[tuple[int, Frame]]) -> Iterator[_Look | Frame]:
        for index, frame in frames:
            view = self._views(index, frame)
            yield frame if view is None else _Look(index, frame, view)

    def _chunk(self, looks: list[_Look]) -> list[Frame]:
        settings, views = self._settings, [look.view for look in looks]
        codes = self._video.codes([look.index for look in looks], views)
        after = self._video.coding.edited(codes, self._identity, places(views))
        both = torch.cat([after, codes[1].to(after)])
        with torch.inference_mode():
            made, remade = np.split(as_levels(self._pipeline.decode(both)), 2)
        return [
            add_window(
                look.frame,
                edited_region(look.view.points, settings.regions, look.view.crop)[..., None] * (after - earlier),
                look.view.alignment.inverses[0],
            )
            for look, after, earlier in zip(looks, made, remade, strict=True)
        ]


@dataclass(frozen=True)
class _Look:
    """A frame that is to be edited."""

    index: int
    frame: Frame
    view: FaceView


def edited_region(
    points: NDArray[np.floating], regions: Iterable[str], crop: Frame | None = None
) -> NDArray[np.float32]:
    """(H, W) in [0, 1] of a face crop: where a change is wanted.

    Args:
        points: Landmarks (478, 3) in pixels of a crop that is aligned to ``FACE``.
        regions: Of ``eyes``, ``lower face``, ``face`` and ``head``, which takes in hair, ears and neck.
        crop: The face crop (H, W, 3) uint8, in which the head's outline is found; without it what is behind the head
            is taken in as well.
    """
    size, unit = FACE.size, FACE.unit_px
    wanted = np.zeros(size[::-1], np.float32)
    for region in regions:
        part = _part(region, points, size, unit)
        if region == "head" and crop is not None:
            part *= np.maximum(person_mask(crop), _part("face", points, size, unit))
        np.maximum(wanted, part, out=wanted)
    return wanted * border_fade(size, 10.0)


def _part(name: str, points: NDArray[np.floating], size: tuple[int, int], unit: float) -> NDArray[np.float32]:
    if name == "eyes":  # with room for a frame of glasses, down to the cheek and out to the temple
        around = np.concatenate([points[line, :2] for line in (LEFT_BROW, LEFT_EYE, RIGHT_BROW, RIGHT_EYE)])
        low, high = around.min(0), around.max(0)
        box = np.array([low, [high[0], low[1]], high, [low[0], high[1]]])
        return masks.region(box, size, unit, reach=0.17, feather=0.13)
    if name == "lower face":
        return masks.lower_face(points, size, unit, reach=0.04, feather=0.14)
    reach = 0.02 if name == "face" else 0.3
    return masks.face_hull(points, size, unit, reach=reach, feather=0.16)
