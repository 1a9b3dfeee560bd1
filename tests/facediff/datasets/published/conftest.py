from fractions import Fraction

import numpy as np
import pytest

from facediff.datasets.published.catalog import open_dataset
from facediff.media import VideoWriter

from .miniatures import MINIATURES, SIZE, Layer


@pytest.fixture(scope="session")
def tiny_clip(tmp_path_factory):
    """Twenty frames, 25 a second, that grow brighter by ten each, their left half black; with sound."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    with VideoWriter(path, SIZE, Fraction(25), audio=np.full(12800, 0.1, np.float32)) as writer:
        for number in range(20):
            frame = np.full((SIZE[1], SIZE[0], 3), 10 * number + 20, np.uint8)
            frame[:, : SIZE[0] // 2] = 0
            writer.write(frame)
    return path


@pytest.fixture(scope="session")
def miniatures(tmp_path_factory, tiny_clip):
    """The folder of each set by its name; read only."""
    root = tmp_path_factory.mktemp("sets")
    for lay in MINIATURES:
        folder = root / lay.__name__
        folder.mkdir()
        lay(Layer(folder, tiny_clip))
    return {lay.__name__: root / lay.__name__ for lay in MINIATURES}


@pytest.fixture
def read(miniatures):
    """The segments of a set by their names."""

    def read_set(name):
        return {segment.name: segment for segment in open_dataset(name, miniatures[name])}

    return read_set
