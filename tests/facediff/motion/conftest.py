"""One real face for all: the portrait that comes with scikit-image, and its mesh."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from facediff.landmarks.mediapipe_backend import MediapipeMesh


@pytest.fixture(scope="session")
def portrait() -> NDArray[np.uint8]:
    return skimage.data.astronaut()


@pytest.fixture(scope="session")
def mesh(portrait: NDArray[np.uint8]) -> NDArray[np.float32]:
    with MediapipeMesh(follows_motion=False) as library:
        return library.detect(portrait)[0]
