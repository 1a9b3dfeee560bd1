"""A frame's face through the crop that an autoencoder sees, and what it is told of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from facediff.landmarks.alignment import FACE, Alignment, align
from facediff.landmarks.correspondence import face_coordinates
from facediff.landmarks.raster import draw_face
from facediff.pipelines.diffusion_video_autoencoder import FaceLayout
from facediff.rendering.crops import place_in_crop
from facediff.types import Frame, RigidPose


@dataclass(frozen=True)
class FaceView:
    """One frame's face.

    Attributes:
        alignment: From the frame to the crop, one row.
        crop: (H, W, 3) uint8.
        points: Landmarks (478, 3) in pixels of the crop.
    """

    alignment: Alignment
    crop: NDArray[np.uint8]
    points: NDArray[np.float32]


def face_view(frame: Frame, points: NDArray[np.floating], pose: RigidPose) -> FaceView:
    """The face of a frame with landmarks (478, 3) in its pixels and a head pose of one row."""
    alignment = align(pose, FACE)
    return FaceView(alignment, alignment.crop(frame, 0), place_in_crop(points, alignment, pose, FACE))


def face_layout(views: list[FaceView]) -> FaceLayout:
    """What the autoencoder is told of several views."""
    return FaceLayout(
        points=torch.from_numpy(FACE.in_units(np.stack([view.points for view in views]))),
        parts=torch.from_numpy(np.stack([draw_face(view.points, FACE.size) for view in views])).float() / 255,
        coordinates=torch.from_numpy(np.stack([face_coordinates(view.points) for view in views])),
    )
