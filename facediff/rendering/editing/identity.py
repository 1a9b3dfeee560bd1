"""Edits through a whole video: each frame decoded under another identity, and the change pasted back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from facediff.landmarks import masks
from facediff.landmarks.alignment import FACE
from facediff.landmarks.mesh import FACE_OVAL, LEFT_BROW, LEFT_EYE, RIGHT_BROW, RIGHT_EYE
from facediff.landmarks.segmentation import person_mask
from facediff.pipelines.diffusion_video_autoencoder import DiffusionVideoAutoencoderPipeline
from facediff.rendering.compose import add_window, heed_colours
from facediff.rendering.crops import as_levels, fade_border
from facediff.rendering.editing.attributes import WHOLE
from facediff.rendering.editing.encoding import CHUNK, EncodedVideo, FaceViews
from facediff.rendering.editing.face_view import FaceView, face_layout
from facediff.rendering.frame import paint_in_chunks
from facediff.types import Frame


@dataclass(frozen=True)
class EditSettings:
    """How edited frames are decoded.

    Attributes:
        regions: Parts of the picture that may change; see ``mask_region``.
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
        return paint_in_chunks(self._look_at(frames), self._settings.chunk, self._chunk)

    def _look_at(self, frames: Iterable[tuple[int, Frame]]) -> Iterator[_Look]:
        for index, frame in frames:
            yield _Look(index, frame, self._views(index, frame))

    def _chunk(self, looks: list[_Look]) -> list[Frame]:
        views = [look.face for look in looks if look.face is not None]
        codes = self._video.codes([look.index for look in looks], views)
        after = self._video.make_method.edit(codes, self._identity, face_layout(views))
        both = torch.cat([after, codes[1].to(after)])
        with torch.inference_mode():
            made, remade = np.split(as_levels(self._pipeline.decode(both)), 2)
        return [self._paste(look, after - earlier) for look, after, earlier in zip(looks, made, remade, strict=True)]

    def _paste(self, look: _Look, change: NDArray[np.float32]) -> Frame:
        view = look.face
        assert view is not None
        region = mask_region(view.points, self._settings.regions, view.crop)
        change = region[..., None] * remove_light(change, view.points, region)
        return add_window(look.picture, heed_colours(change, view.crop), view.alignment.inverses[0])


@dataclass(frozen=True)
class _Look:
    """A frame that is to be edited where it shows a face."""

    index: int
    picture: Frame
    face: FaceView | None


def remove_light(
    change: NDArray[np.float32], points: NDArray[np.floating], region: NDArray[np.float32]
) -> NDArray[np.float32]:
    """A change (H, W, 3) less what it does to the face as a whole: people differ in their pictures' light as well.

    Args:
        change: In levels of a face crop.
        points: Landmarks (478, 3) in pixels of the crop.
        region: (H, W) in [0, 1], where the change is wanted. What happens to the rest of the face is not; where there
            is hardly a rest, the mean over the face is taken for light.
    """
    face = masks.face_hull(points, FACE.size, FACE.unit_px, feather=0.05)
    rest = face * (1 - region)
    if rest.sum() < 0.15 * face.sum():
        rest = face
    mean = (rest[..., None] * change).sum((0, 1)) / rest.sum()
    # Light has a colour, skin too: between the two.
    return change - 0.5 * (mean + mean @ np.array([0.299, 0.587, 0.114], np.float32))


def mask_region(points: NDArray[np.floating], regions: Iterable[str], crop: Frame | None = None) -> NDArray[np.float32]:
    """(H, W) in [0, 1] of a face crop: where a change is wanted.

    Args:
        points: Landmarks (478, 3) in pixels of a crop that is aligned to ``FACE``.
        regions: Of ``eyes`` (with room for glasses), ``lids``, ``lips``, ``beard``, ``lower face``, ``face`` and
            ``head``, which takes in hair, ears and neck.
        crop: The face crop (H, W, 3) uint8, in which the person's outline is found; without it some of what is behind
            the person is taken in as well.
    """
    size, unit = FACE.size, FACE.unit_px
    wanted = np.zeros(size[::-1], np.float32)
    for region in regions:
        part = _part(region, points, size, unit)
        if region not in ("eyes", "lids", "lips") and crop is not None:
            part *= np.maximum(person_mask(crop), masks.face_hull(points, size, unit, feather=0.05))
        np.maximum(wanted, part, out=wanted)
    return wanted * fade_border(size, 10.0)


def _part(name: str, points: NDArray[np.floating], size: tuple[int, int], unit: float) -> NDArray[np.float32]:
    if name == "eyes":  # with room for a frame of glasses, down to the cheek and out to the temple
        around = np.concatenate([points[line, :2] for line in (LEFT_BROW, LEFT_EYE, RIGHT_BROW, RIGHT_EYE)])
        low, high = around.min(0), around.max(0)
        box = np.array([low, [high[0], low[1]], high, [low[0], high[1]]])
        return masks.region(box, size, unit, reach=0.17, feather=0.13)
    if name == "beard":  # grows around the lips
        around = masks.lower_face(points, size, unit, reach=0.02, feather=0.12)
        return around * (1 - masks.mouth(points, size, unit, feather=0.04))
    if name == "lower face":
        return masks.lower_face(points, size, unit, reach=0.04, feather=0.14)
    if name == "lids":
        eyes = (masks.region(points[line], size, unit, reach=0.05, feather=0.12) for line in (LEFT_EYE, RIGHT_EYE))
        return np.maximum(*eyes)
    if name == "lips":
        return masks.mouth(points, size, unit, reach=0.03, feather=0.08)
    if name == "face":  # short of the hair line
        oval = points[FACE_OVAL, :2]
        return masks.region(oval.mean(0) + 0.9 * (oval - oval.mean(0)), size, unit, feather=0.16)
    return masks.face_hull(points, size, unit, reach=0.3, feather=0.16)
