"""Face landmarks by the face-alignment library; its weights come from its own hub at the first use."""

from __future__ import annotations

import numpy as np

from facediff.errors import MissingExtra, WeightsError
from facediff.landmarks.sixty_eight import lift
from facediff.types import Frame, Points


class FaceAlignmentMesh:
    """Meshes lifted from 68 landmarks; see ``lift`` for what they cannot say.

    Args:
        max_faces: Most faces to report, the largest first.

    Raises:
        MissingExtra: face-alignment is not installed.
        WeightsError: Its weights are neither here nor to be had.
    """

    def __init__(self, *, max_faces: int = 1) -> None:
        try:
            import face_alignment
        except ImportError as error:
            raise MissingExtra("face-alignment", "face-alignment", "the landmark detector 'face-alignment'") from error
        try:
            self._library = face_alignment.FaceAlignment(face_alignment.LandmarksType.THREE_D, flip_input=False)
        except OSError as error:
            raise WeightsError(f"the weights of face-alignment could not be fetched: {error}") from error
        self._most = max_faces

    def detect(self, frame: Frame) -> list[Points]:
        """Meshes (478, 3) in pixels of the faces in an RGB frame."""
        found = [np.asarray(face, np.float64) for face in self._library.get_landmarks(frame) or []]
        found.sort(key=lambda face: -float(np.ptp(face[:, 0])))
        return [lift(face) for face in found[: self._most]]

    def close(self) -> None:
        """Nothing is held that would need freeing."""
