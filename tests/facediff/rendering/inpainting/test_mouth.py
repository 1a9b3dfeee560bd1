"""What is put between lips that were closed in the source."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from skimage.data import astronaut

from facediff.landmarks import masks
from facediff.landmarks.canonical import canonicalise, from_canonical
from facediff.landmarks.mesh import LIPS_INNER, LIPS_OUTER
from facediff.landmarks.tracker import track_still
from facediff.motion import coefficients
from facediff.rendering.disocclusion import unobserved
from facediff.rendering.frame import WarpedFrame
from facediff.rendering.inpainting.lip_seal import measure_lip_seal
from facediff.rendering.inpainting.mouth import EDGE_BELOW, fill_mouth, measure_lip_rest, teeth
from facediff.types import RigidPose

SKIN = (200, 120, 110)


@pytest.fixture(scope="module")
def face() -> tuple[np.ndarray, RigidPose]:
    """The portrait's face with lips together, in canonical units, and its pose, four times as large."""
    canonical, pose = canonicalise(4 * track_still(astronaut()).points)
    return coefficients.neutral(canonical), pose


def shot(
    face: tuple[np.ndarray, RigidPose], opening: float, *, unobserved: float = 1.0, turn: float = 0.0
) -> WarpedFrame:
    """A picture of plain skin whose lips are parted."""
    rest, pose = face
    row = np.zeros((1, coefficients.DIMENSIONS), np.float32)
    row[:, coefficients.ANGLES] = turn, 0, 0
    turned = coefficients.move_head(pose, row)
    points = from_canonical(rest + opening * coefficients.basis().opening, turned)[0]
    centre = points[LIPS_INNER, :2].mean(axis=0)
    shift = np.array([*(400 - centre), 0], np.float32)
    return WarpedFrame(
        coarse=np.full((800, 800, 3), SKIN, np.uint8),
        reference=None,
        points=points + shift,
        pose=replace(turned, translation=turned.translation + shift),
        unobserved=unobserved,
        origin=from_canonical(rest, turned)[0] + shift,
    )


def down_the_middle(picture: np.ndarray, at: WarpedFrame) -> np.ndarray:
    """Grey levels from the upper lip to the lower one, a little beside the gap between the incisors."""
    x = int(at.points[13, 0] + 0.03 * at.pose.scale[0])
    return picture[int(at.points[13, 1]) + 2 : int(at.points[14, 1]) - 2, x].astype(float).mean(axis=1)


def test_only_what_nobody_has_seen_is_drawn() -> None:
    assert unobserved(1.0, 0.005) == 1.0
    assert unobserved(0.25, 0.005) == 0.25
    assert unobserved(1.0, 0.1) == 0.0  # there are teeth to be seen
    assert 0 < unobserved(1.0, 0.05) < 1


def test_the_fitted_teeth_are_a_row_that_ends() -> None:
    """A quality gate for whatever teeth ship, however finely they were fitted."""
    row = teeth()
    middle, edge = row.picture.shape[1] // 2, int(row.edge_row)
    near, far = round(0.027 * row.unit_px), round(0.067 * row.unit_px)  # eye distances
    assert row.picture[edge - near, middle + near, 3] > 0.95 and row.picture[edge + near, middle + near, 3] < 0.05
    between, on = (
        row.picture[edge - far, middle, :3].mean(),
        row.picture[edge - far, middle + round(1.5 * near), :3].mean(),
    )
    assert on - between > 0.05  # two incisors, not one


def test_there_are_teeth_above_and_the_dark_below(face) -> None:
    at = shot(face, 0.12)
    made = fill_mouth(at.coarse, at)
    outside = masks.region(at.points[LIPS_OUTER], (800, 800), float(at.pose.scale[0]), reach=0.05) == 0
    np.testing.assert_array_equal(made[outside], at.coarse[outside])
    column = down_the_middle(made, at)
    assert column[: len(column) // 3].max() > 100 > 60 > column[len(column) // 2 :].min()
    assert made.max() <= 220  # teeth are no lamps


def test_teeth_keep_their_place_while_lips_part(face) -> None:
    ends = []
    for opening in (0.08, 0.12, 0.2):
        at = shot(face, opening)
        column = down_the_middle(fill_mouth(at.coarse, at), at)
        ends.append(int(at.points[13, 1]) + 2 + int(np.argmin(np.gradient(column)[2:])) + 2 - at.points[2, 1])
    assert np.ptp(ends) < 0.02 * at.pose.scale[0]
    expected = (measure_lip_rest(at) + EDGE_BELOW) * at.pose.scale[0]
    assert abs(np.mean(ends) - expected) < 0.03 * at.pose.scale[0]


def test_teeth_turn_with_the_head(face) -> None:
    spread = []
    for turn in (0.0, 25.0):
        at = shot(face, 0.12, turn=turn)
        bright = fill_mouth(at.coarse, at).astype(float).std(axis=2) < 25  # teeth are greyer than skin and dark
        light = fill_mouth(at.coarse, at).mean(axis=2) > 90
        spread.append(np.ptp(np.nonzero((bright & light).any(axis=0))[0]))
    assert spread[1] < spread[0]


def test_half_of_it_is_half_the_change_and_none_is_the_frame_itself(face) -> None:
    whole, half, none = (shot(face, 0.12, unobserved=share) for share in (1.0, 0.5, 0.0))
    assert fill_mouth(none.coarse, none) is none.coarse
    change, less = (fill_mouth(at.coarse, at).astype(float) - at.coarse for at in (whole, half))
    np.testing.assert_allclose(less, change / 2, atol=1.0)


def smiling(face: tuple[np.ndarray, RigidPose], opening: float) -> WarpedFrame:
    """Lips that were open in the source, over white teeth that a mesh has pressed between them."""
    at = shot(face, opening, unobserved=0.0)
    shown = shot(face, 0.15).points
    picture = at.coarse.copy()
    picture[masks.region(at.points[LIPS_INNER], (800, 800), float(at.pose.scale[0])) > 0] = 250
    return replace(at, coarse=picture, origin=shown)


def test_teeth_are_shut_away_behind_lips_that_meet(face) -> None:
    assert [measure_lip_seal(smiling(face, opening)) for opening in (0.0, 0.1)] == [1.0, 0.0]
    assert 0 < measure_lip_seal(smiling(face, 0.018)) <= 1
    assert measure_lip_seal(shot(face, 0.0)) == 0  # lips that were closed have nothing to shut away
    at = smiling(face, 0.0)
    x = int(at.points[13, 0])
    y = slice(int(at.points[13, 1]) - 12, int(at.points[14, 1]) + 13)
    assert at.coarse[y, x].max() == 250
    made = fill_mouth(at.coarse, at)[y, x].astype(float).mean(axis=1)
    assert made.max() < 180 and made.min() < 110  # skin's colour here, and the line where lips meet


def test_lips_that_stay_open_keep_their_teeth(face) -> None:
    at = smiling(face, 0.1)
    assert fill_mouth(at.coarse, at) is at.coarse
