"""Which moments of a video lend their mouths, to which frames, and what comes of it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from skimage.data import astronaut

from facediff.landmarks import masks
from facediff.landmarks.canonical import canonicalise, from_canonical
from facediff.landmarks.mesh import LIPS_INNER, LIPS_OUTER
from facediff.landmarks.tracker import track_still
from facediff.motion import coefficients
from facediff.rendering.mouth_moments import LIPS, MomentStyle, MouthMoments, _find_path
from facediff.types import FaceTrack, RigidPose

GAPS = np.concatenate([np.linspace(0.0, 0.12, 61), np.full(200, 0.02)])  # long it hardly speaks
OPEN = (40, 200, 60)  # colour between lips that are open


@pytest.fixture(scope="module")
def still() -> FaceTrack:
    return track_still(astronaut())


@pytest.fixture(scope="module")
def speaking(still) -> tuple[np.ndarray, RigidPose]:
    """A face in canonical units whose lips open by ``GAPS``."""
    canonical, pose = canonicalise(still.points)
    shut = canonical[0] - coefficients.lip_opening(canonical)[0] * coefficients.basis().opening
    faces = shut + GAPS[:, None, None].astype(np.float32) * coefficients.basis().opening
    return faces.astype(np.float32), pose.take(np.zeros(len(GAPS), int))


@pytest.fixture(scope="module")
def moments(speaking) -> MouthMoments:
    canonical, pose = speaking
    return MouthMoments(canonical, pose, np.ones(len(GAPS), bool), 25.0, MomentStyle(count=8))


def filmed(still: FaceTrack, canonical: np.ndarray, light: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """A picture of the portrait with a green mouth, and where its landmarks are."""
    points = from_canonical(canonical[None], canonicalise(still.points)[1])[0]
    between = masks.region(points[LIPS_INNER], (512, 512), 60.0)[..., None]
    return np.rint(light * (astronaut() + between * (np.array(OPEN) - astronaut()))).astype(np.uint8), points


def test_moments_show_all_that_a_mouth_does_however_seldom(moments, speaking):
    openings = coefficients.lip_opening(speaking[0])
    kept = openings[moments.indices]
    assert len(moments.indices) <= 11 and (np.diff(moments.indices) > 0).all()
    assert np.abs(openings[:, None] - kept).min(axis=1).max() < 0.02
    assert moments.opening == pytest.approx(openings.max(), abs=0.006)


def test_frames_without_a_face_and_late_ones_are_none(speaking):
    canonical, pose = speaking
    usable = np.ones(len(GAPS), bool)
    usable[50:] = False
    chosen = MouthMoments(canonical, pose, usable, 25.0, MomentStyle(count=8, seconds=1.0)).indices
    assert chosen.max() < 25


def test_a_frame_that_does_what_is_wanted_keeps_its_mouth(moments, speaking):
    shown = np.arange(len(GAPS))
    assert (moments.plan(speaking[0][:, LIPS], shown).shares == 0).all()


def test_a_frame_is_lent_the_nearest_mouth_and_time_goes_by_without_a_flicker(moments, speaking):
    canonical = speaking[0]
    shut, wide = np.zeros(30, int), canonical[np.full(30, 60)]
    wide = wide + np.random.default_rng(0).normal(0, 0.003, wide.shape).astype(np.float32)
    loan = moments.plan(wide[:, LIPS], shut)
    assert (loan.shares > 0.99).all() and len(set(loan.moments.tolist())) == 1
    assert GAPS[moments.indices[loan.moments[0]]] == pytest.approx(0.12, abs=0.015)
    back = moments.plan(np.concatenate([wide, canonical[shut]])[:, LIPS], np.zeros(60, int))
    assert back.shares[:28].min() > 0.9 and back.shares[32:].max() == 0
    assert (np.diff(back.shares[27:33]) <= 0).all() and np.abs(np.diff(back.shares)).max() < 0.75


def test_the_way_through_all_frames_is_the_cheapest():
    random = np.random.default_rng(3)
    costs = random.random((5, 3))
    for switch in (0.0, 0.3, 9.0):

        def total(path, switch=switch):
            return sum(costs[k, way] for k, way in enumerate(path)) + switch * np.count_nonzero(np.diff(path))

        assert total(_find_path(costs, switch)) == pytest.approx(
            min(total(path) for path in itertools.product(range(3), repeat=5))
        )


@pytest.mark.parametrize("lips", [True, False])
def test_a_mouth_is_lent_in_the_light_of_the_frame_and_nothing_else_changes(still, moments, speaking, lips):
    canonical = speaking[0]
    lender = MouthMoments(canonical, speaking[1], np.ones(len(GAPS), bool), 25.0, MomentStyle(count=8))
    points = from_canonical(canonical, speaking[1])
    lender.keep((filmed(still, canonical[index], light=0.6)[0] for index in lender.indices), points)
    picture, wanted = astronaut(), points[60]
    unit = float(speaking[1].scale[0])
    loan = lender.plan(canonical[[60]][:, LIPS], np.zeros(1, int))
    made = lender.lend(int(loan.moments[0]), picture, wanted, unit, 1.0, lips=lips)
    inside = masks.region(wanted[LIPS_INNER], (512, 512), unit) == 1
    assert np.abs(np.median(made[inside], axis=0) - OPEN).max() < 25  # 0.6 of it, unless it heeds the light
    beyond = masks.region(wanted[LIPS_OUTER], (512, 512), unit, reach=0.1) == 0
    np.testing.assert_array_equal(made[beyond], picture[beyond])
    half = lender.lend(int(loan.moments[0]), picture, wanted, unit, 0.5, lips=lips).astype(float)
    np.testing.assert_allclose(half, (made.astype(float) + picture) / 2, atol=1.0)


def test_a_blurred_moment_is_passed_over(still, speaking):
    import cv2

    canonical, pose = speaking
    twice = np.concatenate([canonical[:1], canonical[60:61], canonical[60:61]])
    poses = pose.take(np.arange(3))
    points = from_canonical(twice, poses)
    for blurred in (1, 2):
        pictures = [filmed(still, face)[0] for face in twice]
        pictures[blurred] = cv2.GaussianBlur(pictures[blurred], (0, 0), 6)
        lender = MouthMoments(twice, poses, np.ones(3, bool), 25.0)
        lender.keep(pictures, points)
        assert lender.plan(twice[1:2, LIPS], np.zeros(1, int)).moments[0] == 3 - blurred


def test_nobody_is_lent_the_mouth_of_somebody_else(speaking):
    """A film cuts to another person, and back."""
    canonical, pose = speaking
    broad = (canonical * np.float32([1.1, 1, 1]))[:60]
    faces = np.concatenate([canonical[:60], broad, canonical[:60]])
    poses, shots = pose.take(np.zeros(180, int)), (slice(0, 60), slice(60, 120), slice(120, 180))
    lender = MouthMoments(faces, poses, np.ones(180, bool), 25.0, MomentStyle(count=12), shots=shots)
    shown = np.arange(180)
    wide = lender.plan(np.repeat(faces[[59]], 180, axis=0)[:, LIPS], shown)
    lent = lender.indices[wide.moments]
    assert (wide.shares[:40] > 0.99).all() and (wide.shares[130:160] > 0.99).all()
    is_broad, of_broad = ((one >= 60) & (one < 120) for one in (shown, lent))
    assert (is_broad == of_broad)[wide.shares > 0].all()
    assert wide.shares[60:80].min() > 0.99  # at once: nothing fades over a cut
    alone = MouthMoments(canonical, pose, np.ones(len(GAPS), bool), 25.0, MomentStyle(count=8))
    cut = MouthMoments(
        canonical, pose, np.ones(len(GAPS), bool), 25.0, MomentStyle(count=8), shots=(slice(0, 30), slice(30, 261))
    )
    asked = np.repeat(canonical[[59]], 20, axis=0)[:, LIPS]
    for one, other in zip(alone.plan(asked, np.zeros(20, int)), cut.plan(asked, np.zeros(20, int)), strict=True):
        np.testing.assert_array_equal(one, other)  # of the same person, another shot's are as good
