"""What a motion model learns from."""

from __future__ import annotations

import numpy as np

from facediff.training.motion_recording import MotionRecording, weigh_people


def test_people_weigh_as_their_footage_to_a_power() -> None:
    clips = [
        MotionRecording(np.zeros((n, 31), np.float32), None, who) for n, who in ((100, "a"), (300, "a"), (100, "b"))
    ]
    assert np.allclose(weigh_people(clips, 0.5), [0.05, 0.05, 0.1])
    assert np.allclose(weigh_people(clips, 1.0), 1.0)
