"""Face landmarks, boxes and a person's mask by mediapipe 0.10, whose models travel in its wheel up to 0.10.21."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facediff.errors import MissingExtra
from facediff.landmarks.mesh import ALL_POINTS
from facediff.system.locale import c_locale
from facediff.types import Frame, Points

_NOTHING = np.zeros((64, 64, 3), np.uint8)  # shown first, so that a graph has started for good
_MUTING = threading.RLock()  # descriptor 2 is the whole process's: overlapping threads would put back what is muted


class MediapipeMesh:
    """478-point meshes of the faces in a frame; follows them from frame to frame unless told not to.

    Its detector sees faces that fill at least about a fifth of the frame; ``MediapipeBoxes`` sees smaller ones.

    Args:
        follows_motion: Track from the previous frame (video) instead of detecting anew (stills).
        max_faces: Most faces to report.
        confidence: Detection threshold in [0, 1].
    """

    def __init__(self, *, follows_motion: bool = True, max_faces: int = 1, confidence: float = 0.5) -> None:
        with native_log_muted(), c_locale():
            mediapipe = _import_mediapipe()

            self._mesh = mediapipe.solutions.face_mesh.FaceMesh(
                static_image_mode=not follows_motion,
                refine_landmarks=True,
                max_num_faces=max_faces,
                min_detection_confidence=confidence,
            )
            self._mesh.process(_NOTHING)
        self._met_a_face = False  # the first one makes it talk, too

    def detect(self, frame: Frame) -> list[Points]:
        """Meshes (478, 3) in pixels, of every face found in an RGB frame; an empty list if there is none."""
        height, width = frame.shape[:2]
        with nullcontext() if self._met_a_face else native_log_muted():
            found = self._mesh.process(np.ascontiguousarray(frame)).multi_face_landmarks or []
        self._met_a_face = self._met_a_face or bool(found)
        meshes = []
        for face in found:
            unit = np.array([(p.x, p.y, p.z) for p in face.landmark], np.float32).reshape(ALL_POINTS, 3)
            meshes.append(unit * np.array([width, height, width], np.float32))
        return meshes

    def forget(self) -> None:
        """Let the next frame be the first: nothing seen before is followed."""
        with native_log_muted(), c_locale():
            self._mesh.reset()
            self._mesh.process(_NOTHING)

    def close(self) -> None:
        """Free the native graph."""
        self._mesh.close()

    def __enter__(self) -> MediapipeMesh:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


class MediapipeBoxes:
    """Where faces are, small ones too: the long-range detector, for faces down to a twentieth of the frame."""

    def __init__(self, *, confidence: float = 0.5) -> None:
        with native_log_muted(), c_locale():
            mediapipe = _import_mediapipe()
            self._detection = mediapipe.solutions.face_detection.FaceDetection(
                model_selection=1, min_detection_confidence=confidence
            )
            self._detection.process(_NOTHING)

    def detect(self, frame: Frame) -> NDArray[np.float32]:
        """(N, 3): centre x, y and side in pixels of a square from the brows to the chin of each face."""
        height, width = frame.shape[:2]
        found = self._detection.process(np.ascontiguousarray(frame)).detections or []
        boxes = [item.location_data.relative_bounding_box for item in found]
        rows = [
            ((b.xmin + b.width / 2) * width, (b.ymin + b.height / 2) * height, max(b.width * width, b.height * height))
            for b in boxes
        ]
        return np.array(rows, np.float32).reshape(-1, 3)

    def close(self) -> None:
        """Free the native graph."""
        self._detection.close()


def mask_person(frame: Frame) -> NDArray[np.float32]:
    """(H, W) in [0, 1]: how much of each pixel of an RGB frame belongs to a person, by selfie segmentation."""
    with native_log_muted():
        with c_locale():
            network = _import_mediapipe().solutions.selfie_segmentation.SelfieSegmentation(model_selection=0)
        with network:
            return network.process(np.ascontiguousarray(frame)).segmentation_mask.astype(np.float32)


def _import_mediapipe() -> Any:
    try:
        import mediapipe
    except ImportError as error:
        raise MissingExtra("mediapipe", "mediapipe", "the landmark detector 'mediapipe'") from error
    return mediapipe


@contextmanager
def native_log_muted() -> Iterator[None]:
    """Keeps mediapipe's start-up lines, which no setting turns off, out of the terminal.

    They go past Python to file descriptor 2; its failures come as Python exceptions all the same. One thread at a time.
    """
    with _MUTING:
        try:
            saved = os.dup(2)
        except OSError:  # there is no standard error
            yield
            return
        try:
            with open(os.devnull, "wb") as nowhere:
                os.dup2(nowhere.fileno(), 2)
                yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
