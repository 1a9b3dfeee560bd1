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
from facediff.motion.rig import fit_neutral, move_head
from facediff.rendering.disocclusion import measure_unobserved
from facediff.rendering.frame import WarpedFace, WarpedFrame
from facediff.rendering.inpainting.appearance_prior import load_appearance_prior
from facediff.rendering.inpainting.drawn import DrawnInpainter
from facediff.rendering.inpainting.lip_seal import measure_lip_seal
from facediff.rendering.inpainting.mouth import MouthStyle, measure_lip_rest
from facediff.types import RigidPose

SKIN = (200, 120, 110)


@pytest.fixture(scope="module")
def face() -> tuple[np.ndarray, RigidPose]:
    """The portrait's face with lips together, in canonical units, and its pose, four times as large."""
    canonical, pose = canonicalise(4 * track_still(astronaut()).points)
    return fit_neutral(canonical), pose


def shot(
    face: tuple[np.ndarray, RigidPose], opening: float, *, unobserved: float = 1.0, turn: float = 0.0,
    style: MouthStyle | None = None,
) -> WarpedFrame:  # fmt: skip
    """A picture of plain skin whose lips are parted."""
    rest, pose = face
    row = np.zeros((1, coefficients.DIMENSIONS), np.float32)
    row[:, coefficients.ANGLES] = turn, 0, 0
    turned = move_head(pose, row)
    points = from_canonical(rest + opening * coefficients.basis().opening, turned)[0]
    centre = points[LIPS_INNER, :2].mean(axis=0)
    shift = np.array([*(400 - centre), 0], np.float32)
    picture = np.full((800, 800, 3), SKIN, np.uint8)
    rules = DrawnInpainter(load_appearance_prior(), style or MouthStyle())
    made = WarpedFace(
        points=points + shift,
        pose=replace(turned, translation=turned.translation + shift),
        unobserved=unobserved,
        source_points=from_canonical(rest, turned)[0] + shift,
        inpaint=rules.prepare(picture, points + shift).inpaint_mouth,
    )
    return WarpedFrame(picture, made)


def fill_mouth(at: WarpedFrame) -> np.ndarray:
    return at.face.inpaint_mouth(at.picture)


def down_the_middle(picture: np.ndarray, at: WarpedFrame) -> np.ndarray:
    """Grey levels from the upper lip to the lower one, a little beside the gap between the incisors."""
    x = int(at.face.points[13, 0] + 0.03 * at.face.pose.scale[0])
    return picture[int(at.face.points[13, 1]) + 2 : int(at.face.points[14, 1]) - 2, x].astype(float).mean(axis=1)


def test_only_what_nobody_has_seen_is_drawn() -> None:
    assert measure_unobserved(1.0, 0.005) == 1.0
    assert measure_unobserved(0.25, 0.005) == 0.25
    assert measure_unobserved(1.0, 0.1) == 0.0  # there are teeth to be seen
    assert 0 < measure_unobserved(1.0, 0.05) < 1


def test_there_are_teeth_above_and_the_dark_below(face) -> None:
    at = shot(face, 0.12)
    made = fill_mouth(at)
    outside = masks.region(at.face.points[LIPS_OUTER], (800, 800), float(at.face.pose.scale[0]), reach=0.05) == 0
    np.testing.assert_array_equal(made[outside], at.picture[outside])
    column = down_the_middle(made, at)
    assert column[: len(column) // 3].max() > 100 > 60 > column[len(column) // 2 :].min()
    assert made.max() <= 220  # teeth are no lamps


def test_teeth_keep_their_place_while_lips_part(face) -> None:
    ends = []
    for opening in (0.08, 0.12, 0.2):
        at = shot(face, opening)
        column = down_the_middle(fill_mouth(at), at)
        ends.append(int(at.face.points[13, 1]) + 2 + int(np.argmin(np.gradient(column)[2:])) + 2 - at.face.points[2, 1])
    assert np.ptp(ends) < 0.02 * at.face.pose.scale[0]
    expected = (measure_lip_rest(at.face) + MouthStyle.edge_below) * at.face.pose.scale[0]
    assert abs(np.mean(ends) - expected) < 0.03 * at.face.pose.scale[0]


def test_teeth_turn_with_the_head(face) -> None:
    spread = []
    for turn in (0.0, 25.0):
        at = shot(face, 0.12, turn=turn)
        bright = fill_mouth(at).astype(float).std(axis=2) < 25  # teeth are greyer than skin and dark
        light = fill_mouth(at).mean(axis=2) > 90
        spread.append(np.ptp(np.nonzero((bright & light).any(axis=0))[0]))
    assert spread[1] < spread[0]


def test_half_of_it_is_half_the_change_and_none_is_the_frame_itself(face) -> None:
    whole, half, none = (shot(face, 0.12, unobserved=share) for share in (1.0, 0.5, 0.0))
    assert fill_mouth(none) is none.picture
    change, less = (fill_mouth(at).astype(float) - at.picture for at in (whole, half))
    np.testing.assert_allclose(less, change / 2, atol=1.0)


def smiling(face: tuple[np.ndarray, RigidPose], opening: float) -> WarpedFrame:
    """Lips that were open in the source, over white teeth that a mesh has pressed between them."""
    at = shot(face, opening, unobserved=0.0)
    shown = shot(face, 0.15).face.points
    picture = at.picture.copy()
    picture[masks.region(at.face.points[LIPS_INNER], (800, 800), float(at.face.pose.scale[0])) > 0] = 250
    return WarpedFrame(picture, replace(at.face, source_points=shown))


def test_teeth_are_shut_away_behind_lips_that_meet(face) -> None:
    assert [measure_lip_seal(smiling(face, opening).face) for opening in (0.0, 0.1)] == [1.0, 0.0]
    assert 0 < measure_lip_seal(smiling(face, 0.018).face) <= 1
    assert measure_lip_seal(shot(face, 0.0).face) == 0  # lips that were closed have nothing to shut away
    at = smiling(face, 0.0)
    x = int(at.face.points[13, 0])
    y = slice(int(at.face.points[13, 1]) - 12, int(at.face.points[14, 1]) + 13)
    assert at.picture[y, x].max() == 250
    made = fill_mouth(at)[y, x].astype(float).mean(axis=1)
    assert made.max() < 180 and made.min() < 110  # skin's colour here, and the line where lips meet


def test_lips_that_stay_open_keep_their_teeth(face) -> None:
    at = smiling(face, 0.1)
    assert fill_mouth(at) is at.picture


@pytest.mark.parametrize(
    ("style", "wanted"),
    [
        ({"lit": (0.2, 0.0)}, lambda usual, changed: changed.max() < usual.max()),
        ({"shade": (0.02, 0.02, 0.02)}, lambda usual, changed: changed.min() < usual.min()),
        ({"edge_below": 0.15}, lambda usual, changed: (changed > 90).sum() > (usual > 90).sum()),
        ({"shadow": 0.9}, lambda usual, changed: changed[:6].mean() < usual[:6].mean()),
        ({"tongue_from": 0.5, "tongue_at": 0.6}, lambda usual, changed: changed[-12:].mean() < usual[-12:].mean()),
    ],
)
def test_each_end_of_a_style_is_seen(face, style, wanted) -> None:
    """Grey levels down the middle of a mouth."""
    usual, changed = (shot(face, 0.2, style=MouthStyle(**how)) for how in ({}, style))
    assert wanted(down_the_middle(fill_mouth(usual), usual), down_the_middle(fill_mouth(changed), changed))


def test_the_edge_along_a_lip_has_no_steps(face) -> None:
    at = shot(face, 0.25)
    made = fill_mouth(at)[..., 0].astype(float)
    left, right = (at.face.points[corner, 0] for corner in (82, 312))
    columns = np.arange(int(left), int(right))
    lower = int(at.face.points[14, 1])
    half = (made[lower - 12, columns] + SKIN[0]) / 2
    rows = np.arange(lower - 12, lower + 25)
    edge = np.array([np.interp(level, made[rows, x], rows) for x, level in zip(columns, half, strict=True)])
    steps = edge - np.polyval(np.polyfit(columns, edge, 6), columns)
    assert steps.std() < 0.16, "in pixels of the picture, of which a window has half as many"
