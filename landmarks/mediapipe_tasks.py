"""Face landmarks by mediapipe from 1.0 on, which carries no models: a bundle is given to it.

``FACEDIFF_FACE_LANDMARKER`` names the bundle, a ``face_landmarker.task`` with 478 points, such as Google publishes.
**This library asks for a host of Google's, play.googleapis.com, at every close**, and waits for up to five seconds
where packets vanish; no setting keeps it from that. It also wants libEGL and libGLESv2. The detector ``torch`` runs
the same networks and asks for nothing.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import numpy as np

from facediff.errors import MissingExtra, WeightsError
from facediff.landmarks.mediapipe_backend import native_log_muted
from facediff.landmarks.mesh import ALL_POINTS, MESH_POINTS
from facediff.types import Frame, Points

BUNDLE = "FACEDIFF_FACE_LANDMARKER"
STEP_MS = 10**7  # between frames, as the library is told: at true steps it smooths the landmarks of one face, lips too

_LOG = logging.getLogger(__name__)


class TasksMesh:
    """478-point meshes of the faces in a frame; follows one from frame to frame unless told not to.

    Where several are allowed it detects anew in each frame.

    Args:
        follows_motion: Track from the previous frame (video) instead of detecting anew (stills).
        max_faces: Most faces to report.
        confidence: Detection threshold in [0, 1].

    Raises:
        MissingExtra: mediapipe is not installed.
        WeightsError: The bundle is missing or damaged.
    """

    def __init__(self, *, follows_motion: bool = True, max_faces: int = 1, confidence: float = 0.5) -> None:
        try:
            import mediapipe
            from mediapipe.tasks.python import BaseOptions, vision
        except ImportError as error:
            raise MissingExtra("mediapipe", "mediapipe", "the landmark detector 'mediapipe'") from error
        except OSError as error:
            raise WeightsError(
                f"mediapipe misses a library of the system ({error}); install libegl1 and libgles2, or use the "
                "detector 'torch', which needs none"
            ) from error
        _LOG.warning("mediapipe asks for play.googleapis.com at every close; the detector 'torch' asks for nothing")
        self._mediapipe = mediapipe
        mode = vision.RunningMode.VIDEO if follows_motion else vision.RunningMode.IMAGE
        bundle = _bundle()

        def make() -> Any:
            options = vision.FaceLandmarkerOptions(
                base_options=BaseOptions(model_asset_path=str(bundle)),
                running_mode=mode,
                num_faces=max_faces,
                min_face_detection_confidence=confidence,
            )
            try:
                with native_log_muted():
                    return vision.FaceLandmarker.create_from_options(options)
            except (OSError, RuntimeError, ValueError) as error:
                raise WeightsError(f"{bundle} is no bundle of face landmarks ({error}); see {BUNDLE}") from error

        self._make, self._follows = make, follows_motion
        self._task, self._time = make(), 0

    def detect(self, frame: Frame) -> list[Points]:
        """Meshes (478, 3) in pixels, of every face found in an RGB frame; an empty list if there is none.

        Raises:
            WeightsError: The bundle's network knows no irises, without which other points come out wrong, too.
        """
        image = self._mediapipe.Image(image_format=self._mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(frame))
        if self._follows:
            self._time += STEP_MS  # never 0, which it takes for no time yet
            found = self._task.detect_for_video(image, self._time).face_landmarks
        else:
            found = self._task.detect(image).face_landmarks
        size = np.array([frame.shape[1], frame.shape[0], frame.shape[1]], np.float32)
        meshes = [np.array([(p.x, p.y, p.z) for p in face], np.float32) * size for face in found]
        if any(mesh.shape != (ALL_POINTS, 3) or not mesh[MESH_POINTS:, 2].any() for mesh in meshes):
            raise WeightsError(f"the bundle that {BUNDLE} names has no irises; give one with {ALL_POINTS} points")
        return meshes

    def forget(self) -> None:
        """Let the next frame be the first: nothing seen before is followed."""
        if self._follows:
            self._task.close()
            self._task, self._time = self._make(), 0

    def close(self) -> None:
        """Free the native graph; see the module's text for what this asks for."""
        self._task.close()


def _bundle() -> Path:
    named = os.environ.get(BUNDLE)
    if not named or not Path(named).is_file():
        raise WeightsError(
            f"mediapipe from 0.10.22 on carries no models, and {BUNDLE} names {named or 'no file'}; let it name a "
            "face_landmarker.task with 478 points, or use the detector 'torch', which needs none"
        )
    return Path(named)
