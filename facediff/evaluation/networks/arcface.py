"""ArcFace of insightface, an ONNX file, through OpenCV."""

from __future__ import annotations

from threading import Lock

import cv2
import numpy as np
from numpy.typing import NDArray

from facediff.errors import WeightsError
from facediff.evaluation.faces import similarity
from facediff.landmarks.mesh import LEFT_EYE, RIGHT_EYE
from facediff.types import Frame, Points

SIDE = 112
# Where the crop shows the middles of the eyes, the tip of the nose and the corners of the mouth, as insightface has it.
PLACES = np.array([[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]])
NOSE, MOUTH = 1, (61, 291)


class ArcFace:
    """Tells who a face is, in 512 numbers.

    Args:
        path: Of the ONNX file.

    Raises:
        WeightsError: It is none.
    """

    def __init__(self, path: str) -> None:
        self._free = Lock()  # the network holds what it computes
        try:
            self._network = cv2.dnn.readNetFromONNX(path)
        except cv2.error as error:
            raise WeightsError(f"{path} is not ArcFace as ONNX: {str(error).splitlines()[0]}") from error

    def __call__(self, picture: Frame, points: Points) -> NDArray[np.float64]:
        """A vector of the face of a picture with landmarks (478, 3)."""
        flat = points[:, :2].astype(np.float64)
        five = np.stack([flat[RIGHT_EYE].mean(axis=0), flat[LEFT_EYE].mean(axis=0), flat[NOSE], *flat[list(MOUTH)]])
        crop = cv2.warpAffine(picture, similarity(five, PLACES), (SIDE, SIDE), flags=cv2.INTER_LINEAR)
        with self._free:
            self._network.setInput(cv2.dnn.blobFromImage(crop, 1 / 127.5, (SIDE, SIDE), (127.5,) * 3))
            return np.array(self._network.forward(), np.float64).reshape(-1)
