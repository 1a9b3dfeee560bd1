"""How much a head may move that a portrait shows from the side."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from facediff.landmarks.canonical import from_canonical, mean_face
from facediff.motion.side_view import share_head_motion
from facediff.types import RigidPose


def _turned(yaw: float, pitch: float = 0.0) -> np.ndarray:
    rotation = Rotation.from_euler("YXZ", [[-yaw, -pitch, 0.0]], degrees=True).as_matrix().astype(np.float32)
    pose = RigidPose(rotation, np.array([80.0], np.float32), np.array([[200.0, 200.0, 0.0]], np.float32))
    return from_canonical(mean_face()[None], pose)[0]


@pytest.mark.parametrize(
    ("yaw", "share"), [(0, 1.0), (-30, 1.0), (44, 0.7), (-44, 0.7), (50, 0.4), (-57.5, 0.325), (80, 0.25)]
)
def test_the_further_a_face_looks_aside_the_less_its_head_is_moved(yaw, share) -> None:
    assert share_head_motion(_turned(yaw)) == pytest.approx(share, abs=0.03)


def test_a_face_that_looks_up_moves_as_ever() -> None:
    assert share_head_motion(_turned(0.0, 45.0)) == 1.0
