"""Face landmarks by mediapipe's face mesh, whose models travel in its wheel."""

from __future__ import annotations

from types import TracebackType

import numpy as np

from facediff.landmarks.mesh import ALL_POINTS
from facediff.types import Frame, Points


class MediapipeMesh:
    """478-point meshes of the faces in a frame; follows them from frame to frame unless told not to.

    Args:
        follows_motion: Track from the previous frame (video) instead of detecting anew (stills).
        max_faces: Most faces to report.
        confidence: Detection threshold in [0, 1].
    """

    def __init__(self, *, follows_motion: bool = True, max_faces: int = 1, confidence: float = 0.5) -> None:
        import mediapipe

        self._mesh = mediapipe.solutions.face_mesh.FaceMesh(
            static_image_mode=not follows_motion,
            refine_landmarks=True,
            max_num_faces=max_faces,
            min_detection_confidence=confidence,
        )

    def detect(self, frame: Frame) -> list[Points]:
        """Meshes (478, 3) in pixels, of every face found in an RGB frame; an empty list if there is none."""
        height, width = frame.shape[:2]
        found = self._mesh.process(np.ascontiguousarray(frame)).multi_face_landmarks or []
        meshes = []
        for face in found:
            unit = np.array([(p.x, p.y, p.z) for p in face.landmark], np.float32).reshape(ALL_POINTS, 3)
            meshes.append(unit * np.array([width, height, width], np.float32))
        return meshes

    def close(self) -> None:
        """Free the native graph."""
        self._mesh.close()

    def __enter__(self) -> MediapipeMesh:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self.close()
