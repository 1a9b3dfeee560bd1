"""Face landmarks, boxes and a person's mask by MediaPipe's networks in torch: nothing else is needed, nor a network."""

from __future__ import annotations

import math
from types import TracebackType

import cv2
import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.face_detector import FaceDetector
from facediff.landmarks.mesh_network import INPUT_SIDE
from facediff.landmarks.networks import inference, load_network
from facediff.landmarks.regions import (
    Region,
    crop_region,
    from_region,
    join_regions,
    region_around,
    region_of_mesh,
    squeeze,
    to_unit,
)
from facediff.landmarks.segmenter_network import INPUT_SIDE as SEGMENTER_SIDE
from facediff.types import Frame, Points

LEAST_BOX_SCORE = 0.6  # what mediapipe's long-range detector takes, whatever confidence it is told
LEAST_PRESENCE = 0.0  # a logit: as likely a face as not
SURE_PRESENCE = 20.0  # a logit that no upside-down face has whose mesh was drawn upright; hardly a face has less


class TorchMesh:
    """478-point meshes of the faces in a frame; follows them from frame to frame unless told not to.

    Its detector sees faces that fill at least about a fifth of the frame; ``TorchBoxes`` sees smaller ones.

    Args:
        follows_motion: Look where a face was in the previous frame (video) instead of detecting anew (stills).
        max_faces: Most faces to report.
        confidence: Detection threshold in [0, 1].

    Raises:
        WeightsError: The networks' weights are missing or damaged.
    """

    def __init__(self, *, follows_motion: bool = True, max_faces: int = 1, confidence: float = 0.5) -> None:
        self._network, self._detector = load_network("mesh"), FaceDetector("short_range", confidence)
        self._follows, self._most = follows_motion, max_faces
        self._regions: list[Region] = []  # of the faces that the last frame showed

    def detect(self, frame: Frame) -> list[Points]:
        """Meshes (478, 3) in pixels, of every face found in an RGB frame; an empty list if there is none."""
        followed = regions = self._regions
        if len(followed) < self._most:
            regions = join_regions(self._look(frame)[: self._most], followed)
        meshes = []
        for region in regions:
            mesh, presence = self._read(frame, region)
            if presence < LEAST_PRESENCE:
                continue
            if presence < SURE_PRESENCE and region not in followed:
                turned = self._turned_over(frame, region, presence)
                mesh = mesh if turned is None else turned
            meshes.append(mesh)
        self._regions = [region_of_mesh(mesh) for mesh in meshes] if self._follows else []
        return meshes

    def _look(self, frame: Frame) -> list[Region]:
        """Where faces are detected, the surest first."""
        return [region_around(face.low, face.high, face.points[:2]) for face in self._detector(frame)]

    def _read(self, frame: Frame, region: Region) -> tuple[Points, float]:
        """The mesh of the face in a region, and the logit of there being one."""
        with inference():
            points, presence = self._network(to_unit(crop_region(frame, region, INPUT_SIDE, replicate=True)))
            return from_region(points.numpy(), region, INPUT_SIDE), float(presence)

    def _turned_over(self, frame: Frame, region: Region, presence: float) -> Points | None:
        """The mesh of a face that is upside down; None if the one that was read, with this presence, is surer.

        The detector sees such faces too, but takes them for upright ones, and so does the network.
        """
        for there in self._look(np.ascontiguousarray(frame[::-1, ::-1])):
            here = Region(frame.shape[1] - there.x, frame.shape[0] - there.y, there.side, there.angle + math.pi)
            if math.dist((here.x, here.y), (region.x, region.y)) < region.side / 2:
                mesh, surer = self._read(frame, here)
                if surer > presence:
                    return mesh
        return None

    def forget(self) -> None:
        """Let the next frame be the first: nothing seen before is followed."""
        self._regions = []

    def close(self) -> None:
        """Nothing is held that would need freeing."""

    def __enter__(self) -> TorchMesh:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


class TorchBoxes:
    """Where faces are, small ones too: the long-range detector, for faces down to a twentieth of the frame."""

    def __init__(self, *, confidence: float = LEAST_BOX_SCORE) -> None:
        self._detector = FaceDetector("full_range", confidence)

    def detect(self, frame: Frame) -> NDArray[np.float32]:
        """(N, 3): centre x, y and side in pixels of a square from the brows to the chin of each face."""
        rows = [(*(face.low + face.high) / 2, max(face.high - face.low)) for face in self._detector(frame)]
        return np.array(rows, np.float32).reshape(-1, 3)

    def close(self) -> None:
        """Nothing is held that would need freeing."""


def mask_person(frame: Frame) -> NDArray[np.float32]:
    """(H, W) in [0, 1]: how much of each pixel of an RGB frame belongs to a person, by selfie segmentation."""
    with inference():
        mask = load_network("segmenter")(to_unit(squeeze(frame, SEGMENTER_SIDE))).numpy()
    return cv2.resize(mask, (frame.shape[1], frame.shape[0]), interpolation=cv2.INTER_LINEAR)
