from fractions import Fraction

import numpy as np
import pytest

from facediff.media import VideoWriter
from facediff.study.options import StudyOptions
from facediff.study.pairs import read_pairs
from facediff.study.plan import make_study, read_study


@pytest.fixture(scope="session")
def two_folders(tmp_path_factory):
    """Two clips each of two systems."""
    root = tmp_path_factory.mktemp("made")
    for number, system in enumerate(("ours", "theirs")):
        (root / system).mkdir()
        for clip in range(2):
            with VideoWriter(root / system / f"clip{clip}.mp4", (64, 48), Fraction(25)) as writer:
                for k in range(5):
                    writer.write(np.random.default_rng([number, clip, k]).integers(0, 255, (48, 64, 3), np.uint8))
    return root / "ours", root / "theirs"


@pytest.fixture
def study(two_folders, tmp_path):
    make_study(read_pairs(two_folders), tmp_path / "study", StudyOptions(ask="both"))
    return read_study(tmp_path / "study")
