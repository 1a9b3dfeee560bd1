"""What a face of a video is asked to do, before a pixel moves."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.data import astronaut

from facediff.landmarks.canonical import canonicalise
from facediff.landmarks.mesh import CHIN, LEFT_BROW
from facediff.landmarks.tracker import track_still
from facediff.motion import coefficients
from facediff.motion.rig import FaceRig, fit_neutral
from facediff.rendering.warping.changes import SPOKEN, Directed, Driven, Expressed, Spoken, SteadyFace


@pytest.fixture(scope="module")
def face() -> SteadyFace:
    track = track_still(astronaut())
    canonical, pose = canonicalise(track.points)
    rig = FaceRig.from_shape(fit_neutral(canonical), pose)
    return SteadyFace(track, canonical, pose, rig, rig.encode(track.points))


@pytest.fixture
def row() -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.3, coefficients.DIMENSIONS).astype(np.float32)


def test_speech_rules_the_lower_face_whatever_it_did_and_nothing_else(face, row):
    change = Spoken(face)
    wanted = change.motion(0, row)
    np.testing.assert_array_equal(wanted[SPOKEN], row[SPOKEN])
    np.testing.assert_array_equal(wanted[~SPOKEN], face.motion[0][~SPOKEN])
    moved = change.shape(0, row)
    np.testing.assert_allclose(moved[LEFT_BROW], face.canonical[0][LEFT_BROW], atol=1e-6)
    np.testing.assert_allclose(moved[[13, 14]], face.rig.express(row[None])[0][[13, 14]], atol=2e-3)


def test_what_is_chosen_is_added_to_what_is_spoken(face, row):
    chosen = np.zeros(coefficients.DIMENSIONS, bool)
    chosen[coefficients.BROWS] = True
    row[coefficients.BROWS] = face.motion[0][coefficients.BROWS] + 2.0
    plain, change = Spoken(face), Directed(face, chosen)
    np.testing.assert_array_equal(change.motion(0, row)[SPOKEN | chosen], row[SPOKEN | chosen])
    there, here = change.shape(0, row), plain.shape(0, row)
    assert np.abs(there[LEFT_BROW] - here[LEFT_BROW]).max() > 0.005
    np.testing.assert_allclose(there[[13, 14, CHIN]], here[[13, 14, CHIN]], atol=1e-4)


def test_a_driver_that_does_the_same_changes_nothing(face, row):
    everything = np.ones(coefficients.DIMENSIONS, bool)
    change = Driven(face, everything)
    np.testing.assert_allclose(change.shape(0, face.motion[0]), face.canonical[0], atol=1e-5)
    assert np.abs(change.shape(0, row) - face.canonical[0]).max() > 0.01
    np.testing.assert_array_equal(Driven(face, ~everything).motion(0, row), face.motion[0])


def test_an_expression_is_added_and_turns_the_head_where_it_may(face, row):
    for turns in (False, True):
        change = Expressed(face, turns)
        assert change.follows == turns
        own, there = face.pose.rotation[0], change.pose(0, row).rotation[0]
        assert (np.abs(own - there).max() > 1e-4) == turns
    shut = np.zeros(coefficients.DIMENSIONS, np.float32)
    shut[coefficients.OPENING] = -5.0
    shut[coefficients.LIDS] = 9.0
    assert change.motion(0, face.motion[0] * 0 + shut)[coefficients.LIDS].max() <= 1.0
