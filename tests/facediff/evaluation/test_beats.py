from __future__ import annotations

import numpy as np
import pytest

from facediff.evaluation.beats import beat_alignment, motion_beats, speech_beats
from facediff.motion import coefficients

from .told_faces import FPS, at_rest, face, without


def test_the_head_rests_where_it_turns_round() -> None:
    motion = at_rest(150)
    motion[:, coefficients.ANGLES.start] = 8 * np.sin(np.arange(150) / FPS * 2 * np.pi)  # turns round twice a second
    beats = motion_beats(face(motion))
    assert np.diff(beats) == pytest.approx(0.5, abs=0.05) and beats[0] == pytest.approx(0.25, abs=0.05)
    assert motion_beats(without(face(motion), slice(10, None))) is None


def test_onsets_of_the_sound_are_its_beats() -> None:
    wave = np.zeros(48000, np.float32)
    for start in (8000, 20000, 33000):
        wave[start : start + 3000] = np.random.default_rng(0).normal(size=3000) * 0.3
    found = speech_beats(wave)
    for start in (8000, 20000, 33000):
        assert np.abs(found - start / 16000).min() < 0.06


def test_beats_that_meet_are_aligned_and_others_fall_off_as_a_bell() -> None:
    beats = np.array([1.0, 2.0, 3.0])
    assert beat_alignment(beats, beats) == 1
    assert beat_alignment(beats + 3 / 25, beats) == pytest.approx(np.exp(-0.5))
    assert beat_alignment(beats, np.array([])) is None
