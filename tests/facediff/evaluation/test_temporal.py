from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from facediff.evaluation.temporal import flicker, warping_errors

from .told_faces import SIZE, at_rest, face

STILL = np.random.default_rng(0).integers(60, 190, (SIZE[1], SIZE[0], 3), dtype=np.uint8)


def test_a_still_does_not_flicker_and_even_motion_hardly() -> None:
    track = face(at_rest(6))
    assert flicker([STILL] * 6, track) == 0
    brighter = [np.clip(STILL.astype(int) + 3 * k, 0, 255).astype(np.uint8) for k in range(6)]
    assert flicker(brighter, track) < 0.5


def test_frames_that_tremble_flicker_by_twice_what_they_jump() -> None:
    jumping = [np.clip(STILL.astype(int) + 10 * (k % 2), 0, 255).astype(np.uint8) for k in range(6)]
    assert flicker(jumping, face(at_rest(6))) == pytest.approx(20, rel=0.02)


def test_what_happens_in_the_face_is_not_counted() -> None:
    changed = STILL.copy()
    changed[130:180, 160:240] = 0  # between eyes and chin
    track = face(at_rest(6))
    assert flicker([STILL, changed] * 3, track) == 0
    assert flicker([STILL, changed] * 3, face(at_rest(6), centre=(60, 60), scale=40)) > 1


def test_two_frames_or_a_face_that_covers_all_leave_nothing_to_measure() -> None:
    assert flicker([STILL] * 2, face(at_rest(2))) is None
    near = face(at_rest(6))
    near = replace(near, points=(near.points - [200, 150, 0]) * 40 + [200, 150, 0])
    assert flicker([STILL] * 6, near) is None


def test_shuffled_frames_flicker_and_are_far_from_the_ones_before(figure) -> None:
    for name, factor in (("flicker", 1.5), ("warping_error", 3)):
        assert figure(name, "shuffled") > factor * figure(name, "plain")


def test_a_picture_that_moves_evenly_is_explained_by_its_motion_and_one_that_tears_is_not(portrait) -> None:
    moving = [np.ascontiguousarray(portrait[100:356, 100 + 2 * k : 356 + 2 * k]) for k in range(4)]
    torn = [np.roll(frame, 40 * (k % 2), axis=0) if k % 2 else frame for k, frame in enumerate(moving)]
    even = np.mean(warping_errors(moving))
    assert even < 0.01 and np.mean(warping_errors(torn, moving)) > 20 * even
    assert warping_errors(moving[:1]) == []
