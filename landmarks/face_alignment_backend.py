"""Face landmarks by the face-alignment library; its weights come from its own hub at the first use."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from facediff.errors import MissingExtra, WeightsError
from facediff.landmarks.sixty_eight import lift
from facediff.types import Frame, Points


class FaceAlignmentMesh:
    """Meshes lifted from 68 landmarks in three dimensions; see ``lift`` for what they cannot say.

    Args:
        max_faces: Most faces to report, the largest first.
        device: ``cpu``, ``cuda``, ...; the best there is by default.

    Raises:
        MissingExtra: face-alignment is not installed.
        WeightsError: Its weights are neither here nor to be had.
    """

    def __init__(self, *, max_faces: int = 1, device: str | None = None) -> None:
        try:
            import face_alignment
        except ImportError as error:
            raise MissingExtra("face-alignment", "face-alignment", "the landmark detector 'face-alignment'") from error
        if device is None:
            import torch

            device = "cuda" if torch.cuda.is_available() else "cpu"
        kind = face_alignment.LandmarksType.THREE_D
        try:
            # Not compiled: that takes a compiler and a minute, for a gain that one clip does not pay back.
            self._library = face_alignment.FaceAlignment(kind, device=device, flip_input=False, compile=False)
        except (OSError, RuntimeError) as error:
            raise WeightsError(
                f"the weights of face-alignment could not be fetched or read ({error}); connect to the internet "
                "once, or use the detector 'torch', which needs none"
            ) from error
        self._most = max_faces

    def detect(self, frame: Frame) -> list[Points]:
        """Meshes (478, 3) in pixels of the faces in an RGB frame."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of every frame without a face
            found = [_outwards(face) for face in self._library.get_landmarks_from_image(frame) or []]
        found.sort(key=lambda face: -float(np.ptp(face[:, 0])))
        return [lift(face) for face in found[: self._most]]

    def forget(self) -> None:
        """Every frame is a first one here."""

    def close(self) -> None:
        """Nothing is held that would need freeing."""


def _outwards(face: NDArray[np.floating]) -> NDArray[np.float64]:
    """Its depth grows towards the camera, ours away from it."""
    return np.asarray(face, np.float64) * np.array([1.0, 1.0, -1.0])
