"""Clips whose sound tells of their lips, late or not at all."""

from __future__ import annotations

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d

from facediff.motion import coefficients
from facediff.training.motion_recording import MotionRecording
from facediff.training.reliability import ReliabilityStyle, weigh_recordings

STYLE = ReliabilityStyle(penalty=0.05)


def _recordings(late: dict[int, int], strangers: set[int], count: int = 8, frames: int = 300):
    """Clips whose opening is the first feature; in some the picture is late, some have another's sound."""
    rng, clips, sounds = np.random.default_rng(0), [], []
    for k in range(count):
        sound = gaussian_filter1d(rng.normal(size=(4, frames)), 1.5, axis=1)
        motion = rng.normal(size=(frames, coefficients.DIMENSIONS)).astype(np.float32) * 0.05
        said = rng.normal(size=frames) if k in strangers else sound[0]
        motion[:, coefficients.OPENING] = np.roll(said, late.get(k, 0))[:, None]
        clips.append(MotionRecording(motion, None, f"person {k}"))
        sounds.append(torch.from_numpy(sound).float())
    return clips, sounds


def test_a_clip_whose_picture_is_late_is_moved_and_others_stay() -> None:
    clips, sounds = _recordings({2: 1, 5: -1}, set())
    moved = weigh_recordings(clips, sounds, 0.5, STYLE)
    for k, (before, after) in enumerate(zip(clips, moved, strict=True)):
        by = {2: 1, 5: -1}.get(k, 0)
        np.testing.assert_array_equal(after.motion[4:-4], np.roll(before.motion, -by, axis=0)[4:-4])
        assert after.motion.shape == before.motion.shape and after.identity == before.identity
        assert after.weight > 0.8


def test_a_clip_with_the_sound_of_another_hardly_counts() -> None:
    clips, sounds = _recordings({}, {3})
    weights = [one.weight for one in weigh_recordings(clips, sounds, 0.5, STYLE)]
    assert weights[3] < 0.3 and min(weights[:3] + weights[4:]) > 0.8


def test_a_clip_without_sound_stays_as_it_is_and_one_person_alone_too() -> None:
    clips, sounds = _recordings({}, set(), count=3)
    silent = weigh_recordings(clips, [None, *sounds[1:]], 0.5, STYLE)
    assert silent[0] is clips[0] and silent[1].weight != 1.0
    alone = [MotionRecording(one.motion, None, "ann") for one in clips]
    assert weigh_recordings(alone, sounds, 0.5, STYLE) == alone
