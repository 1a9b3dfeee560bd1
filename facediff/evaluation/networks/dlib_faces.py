"""dlib's face network, whose weights a package carries: who a face is, in 128 numbers."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from facediff.errors import MissingExtra, WeightsError
from facediff.evaluation.feature_cache import content_hash
from facediff.types import Frame, Points

SHA256 = "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"
FILE = "dlib_face_recognition_resnet_model_v1.dat"
# The five places by which dlib aligns: its left eye's outer and inner corner, its right eye's, and below the nose.
FIVE = np.array([263, 362, 33, 133, 2])


class DlibFaces:
    """Tells who a face is, by landmarks that are found already.

    Raises:
        MissingExtra: dlib or the package of its weights is not installed.
        WeightsError: They are not those that were published.
    """

    def __init__(self) -> None:
        try:
            import dlib
        except ImportError as error:
            raise MissingExtra("dlib", "dlib", "identity by dlib's network") from error
        # The package is only looked for: what it runs when it is imported wants an old setuptools.
        spec = importlib.util.find_spec("face_recognition_models")
        if spec is None or not spec.submodule_search_locations:
            raise MissingExtra("face-recognition-models", "dlib", "identity by dlib's network")
        file = Path(spec.submodule_search_locations[0]) / "models" / FILE
        if not file.is_file() or content_hash(file) != SHA256:
            raise WeightsError(f"{file} is not the network that dlib published; install face-recognition-models anew")
        self._dlib, self._network = dlib, dlib.face_recognition_model_v1(str(file))
        self._free = Lock()  # it holds what it computes

    def __call__(self, picture: Frame, points: Points) -> NDArray[np.float64]:
        """A vector (128,) of the face of a picture with landmarks (478, 3)."""
        places = [self._dlib.point(round(x), round(y)) for x, y in points[FIVE, :2].astype(float).tolist()]
        (left, top), (right, bottom) = (
            np.rint(corner(points[:, :2], axis=0)).astype(int) for corner in (np.min, np.max)
        )
        shape = self._dlib.full_object_detection(self._dlib.rectangle(left, top, right, bottom), places)
        with self._free:
            return np.array(self._network.compute_face_descriptor(np.ascontiguousarray(picture), shape))
