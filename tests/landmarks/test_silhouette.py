from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy.ndimage import label

from facediff.errors import ConfigError
from facediff.landmarks.canonical import mean_face
from facediff.landmarks.mesh import FACE_OVAL, MESH_POINTS, NOSE_TIP
from facediff.landmarks.silhouette import SilhouetteStyle, split_layers
from facediff.landmarks.warp import MeshWarp, face_triangles

SKIN, WALL = np.array([200, 140, 110]), np.array([0, 250, 0])


def turned(degrees: float) -> np.ndarray:
    """The mean face (468, 3) in a picture of 400 by 400, turned about the axis of the neck."""
    face = mean_face()[:MESH_POINTS] * 110
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return face @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]).T + [200, 180, 0]


def drawn(face: np.ndarray, colour: np.ndarray = SKIN, behind: np.ndarray = WALL) -> np.ndarray:
    """A face of one colour before a wall of another."""
    picture = np.full((400, 400, len(colour)), behind, np.uint8)
    for triangle in face_triangles():
        cv2.fillConvexPoly(picture, np.rint(face[triangle, :2]).astype(np.int32), colour.tolist())
    return picture


def made(picture: np.ndarray, before: np.ndarray, after: np.ndarray, person: np.ndarray | None = None) -> np.ndarray:
    warp = MeshWarp(picture, before)
    out = picture.copy()
    out[warp.box] = split_layers(warp, after, person)(picture)
    return out.astype(int)


def skin_in(picture: np.ndarray) -> np.ndarray:
    """(H, W) from 0, the wall, to 1, skin, where a picture is a mixture of the two."""
    return (picture - WALL) @ (SKIN - WALL) / ((SKIN - WALL) ** 2).sum()


def test_a_face_that_does_not_move_is_itself(portrait, mesh) -> None:
    warp = MeshWarp(portrait, mesh)
    layers = split_layers(warp, mesh)
    assert not layers.is_torn and layers.hidden is None
    np.testing.assert_array_equal(layers(portrait), portrait[warp.box])


def test_a_face_that_moves_a_little_is_the_warps(portrait, mesh) -> None:
    target = mesh + np.array([5, -3, 0], np.float32)
    warp = MeshWarp(portrait, mesh)
    layers = split_layers(warp, target)
    assert not layers.is_torn and layers.hidden is None
    off = np.abs(layers.flow - warp.flow(target))
    assert off.mean() < 0.05 and np.quantile(off, 0.999) < 1


@pytest.mark.parametrize(("before", "after"), [(-25, 0), (25, 0), (0, -25), (10, 30), (-10, 25)])
def test_a_head_that_turns_is_whole_and_has_a_clean_edge(before, after) -> None:
    here, there = turned(before), turned(after)
    skin = skin_in(made(drawn(here), here, there))
    wanted = skin_in(drawn(there).astype(int)) > 0.5
    inside = cv2.erode(wanted.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    around = cv2.dilate(wanted.astype(np.uint8), np.ones((9, 9), np.uint8)) == 0
    assert (skin[inside] > 0.95).mean() > 0.999
    assert (skin[around] < 0.05).mean() > 0.999
    for one in (skin > 0.5, skin < 0.5):  # no shard of either in the other
        sizes = np.bincount(label(one)[0].ravel())[1:]
        assert (sizes > 4).sum() == 1


def test_at_its_edge_a_torn_face_is_smoother_than_a_single_flow_makes_it() -> None:
    here, there = turned(0), turned(30)
    picture = drawn(here)
    one = skin_in(MeshWarp(picture, here)(there).astype(int))
    two = skin_in(made(picture, here, there))
    assert split_layers(MeshWarp(picture, here), there).is_torn
    rough = [float(np.abs(np.diff((skin > 0.5).argmax(axis=1)[130:230], n=2)).sum()) for skin in (one, two)]
    assert rough[1] < rough[0]


def test_of_a_mesh_that_reaches_beyond_the_person_no_wall_gets_into_the_face() -> None:
    here, there = turned(25), turned(0)
    slimmer = here + (here.mean(axis=0) - here) * 0.04
    picture = drawn(slimmer)
    person = skin_in(picture.astype(int)) > 0.5
    person = cv2.erode(person.astype(np.float32), np.ones((5, 5)))
    inside = np.zeros((400, 400), np.uint8)
    cv2.fillPoly(inside, [np.rint(there[FACE_OVAL, :2]).astype(np.int32)], 1)
    x = int(there[NOSE_TIP, 0])
    far = cv2.erode(inside, np.ones((9, 9), np.uint8)) > 0
    far[:, x:] = False  # the side that comes into sight
    far[: int(there[NOSE_TIP, 1]) - 30] = False
    green = [(skin_in(made(picture, here, there, mask))[far] < 0.8).mean() for mask in (None, person)]
    assert green[0] > 0.05 and green[1] < 0.005


def test_a_picture_without_colours_is_carried_as_well() -> None:
    here, there = turned(-25), turned(0)
    grey = drawn(here, np.array([255]), np.array([0]))[..., 0]
    warp = MeshWarp(grey, here)
    out = split_layers(warp, there)(grey.astype(np.float32) / 255)
    assert out.shape == tuple(part.stop - part.start for part in warp.box)
    assert out.min() >= -1e-5 and out.max() <= 1 + 1e-5 and out.max() > 0.99


@pytest.fixture(scope="module")
def turning() -> tuple[MeshWarp, np.ndarray]:
    """A drawn head that turns a cheek towards the camera, of which its picture shows a sliver."""
    here, there = turned(-28), turned(8)
    return MeshWarp(drawn(here), here), there


def test_trust_ends_where_a_style_says(turning) -> None:
    warp, there = turning
    trust = [
        split_layers(warp, there, style=SilhouetteStyle(trusted=low, doubted=low + 5)).hidden
        for low in (1.0, 3.0, 20.0)
    ]
    amount = [1.0 if hidden is None else float(hidden.trust.mean()) for hidden in trust]
    assert amount[0] < amount[1] <= amount[2]
    lax = SilhouetteStyle(trusted=1e12, doubted=2e12)
    assert split_layers(warp, there, style=lax).hidden is None
    assert split_layers(warp, there, style=SilhouetteStyle(trusted=1.0, doubted=2.0, firm=1e6)).hidden is not None
    firm = [split_layers(warp, there, style=SilhouetteStyle(firm=f, trusted=1.0)).hidden.trust.mean() for f in (0.5, 2)]
    assert firm[0] < firm[1]


def test_a_face_lacks_something_from_where_a_style_says(turning) -> None:
    warp, there = turning
    assert split_layers(warp, there).hidden is not None
    assert split_layers(warp, there, style=SilhouetteStyle(notable=1.0)).hidden is None
    assert split_layers(warp, there, style=SilhouetteStyle(kept=-1.0)).hidden is None


def test_little_trust_spreads_and_fades_as_far_as_a_style_says(turning) -> None:
    warp, there = turning
    spread = [split_layers(warp, there, style=SilhouetteStyle(beside=n)).hidden.trust.mean() for n in (1, 5, 15)]
    assert spread[0] > spread[1] > spread[2]
    steps = [
        np.abs(np.diff(split_layers(warp, there, style=SilhouetteStyle(fade=f)).hidden.trust, axis=1)).max()
        for f in (0.5, 1.5, 6.0)
    ]
    assert steps[0] > steps[1] > steps[2]
    known = [split_layers(warp, there, style=SilhouetteStyle(inset=n)).hidden.known.sum() for n in (0, 3, 9)]
    assert known[0] > known[1] > known[2]


def test_what_is_drawn_out_at_the_rim_is_doubted_sooner_the_less_it_may_grow(turning) -> None:
    warp, there = turning
    nobody = np.zeros((400, 400), np.float32)
    trust = [split_layers(warp, there, nobody, SilhouetteStyle(grown=g)).hidden.trust.mean() for g in (1.1, 1.5, 8.0)]
    assert trust[0] < trust[1] < trust[2]


def test_the_edge_is_as_soft_and_the_layers_are_as_torn_as_a_style_says(turning) -> None:
    warp, there = turning
    soft = [
        ((cover > 0.05) & (cover < 0.95)).mean()
        for cover in (split_layers(warp, there, style=SilhouetteStyle(edge_px=px)).cover for px in (0.8, 2.0, 6.0))
    ]
    assert soft[0] <= soft[1] < soft[2]
    assert split_layers(warp, there, style=SilhouetteStyle(torn=0.0)).is_torn
    assert not split_layers(warp, there, style=SilhouetteStyle(torn=1e6)).is_torn


@pytest.mark.parametrize(
    "numbers", [{"trusted": 8.0}, {"grown": 1.0}, {"inset": -1}, {"beside": 0}, {"fade": 0.0}, {"smooth": 0.0}]
)
def test_a_style_that_cannot_be_drawn_is_refused(numbers) -> None:
    with pytest.raises(ConfigError, match=next(iter(numbers)) if "trusted" not in numbers else "trusts"):
        SilhouetteStyle(**numbers)


def test_pictures_that_are_carried_together_are_what_each_is_alone() -> None:
    picture, here, there = drawn(turned(-25)), turned(-25), turned(25)
    layers, mask = split_layers(MeshWarp(picture, here), there), picture[..., 0].astype(np.float32) / 255
    assert layers.hidden is not None
    for together, alone in zip(layers.carry(picture, mask), (layers(picture), layers(mask)), strict=True):
        np.testing.assert_allclose(together, alone, atol=1e-6)  # a mask may be rounded otherwise; levels may not


def test_a_part_of_what_is_enlarged_is_what_the_whole_has_there() -> None:
    warp = MeshWarp(drawn(turned(0)), turned(0), grid=61)
    cells = np.random.default_rng(0).normal(size=(*warp.grid[::-1], 2)).astype(np.float32)
    part = (slice(11, 97), slice(23, 130))
    np.testing.assert_array_equal(warp.enlarge_flow(cells, part), warp.enlarge_flow(cells)[part])
    np.testing.assert_array_equal(warp.enlarge(cells, part), warp.enlarge(cells)[part])
