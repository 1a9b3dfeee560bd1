from __future__ import annotations

import cv2
import numpy as np
import pytest

from facediff.landmarks.canonical import canonicalise, mean_face
from facediff.landmarks.masks import face_hull
from facediff.landmarks.mesh import CHIN, FACE_OVAL, FOREHEAD, LIPS_OUTER, MESH_POINTS, NOSE_TIP
from facediff.landmarks.warp import (
    STYLE,
    MeshWarp,
    WarpStyle,
    face_triangles,
    find_hidden,
    find_stretched,
    sample_picture,
    trace_silhouette,
)
from facediff.motion.coefficients import ANGLES, BROWS, DIMENSIONS, GAZE, LIDS, LIPS, SHIFT
from facediff.motion.rig import FaceRig, fit_neutral


@pytest.fixture(scope="module")
def warp(portrait, mesh):
    return MeshWarp(portrait, mesh)


@pytest.fixture(scope="module")
def talk(mesh):
    """Meshes of the portrait's person in random motion; the head is well turned in the last half."""
    rng = np.random.default_rng(0)
    motion = np.zeros((32, DIMENSIONS), np.float32)
    for part, spread in ((LIPS, 1.5), (BROWS, 1.5), (GAZE, 0.05), (ANGLES, 6.0), (SHIFT, 0.05)):
        motion[:, part] = rng.normal(0, spread, motion[:, part].shape)
    motion[:, LIDS] = rng.uniform(0, 1, (32, 2))
    motion[16:, ANGLES.start] = np.linspace(-40, 40, 16)
    canonical, pose = canonicalise(mesh[None])
    return FaceRig.from_shape(fit_neutral(canonical), pose).points(motion)


def places(warp):
    """Where the pixels of the box are: the flow of a picture that does not bend."""
    rows, columns = warp.box
    return np.stack(np.meshgrid(np.arange(columns.start, columns.stop), np.arange(rows.start, rows.stop)), axis=-1)


def filled(shape, polygons):
    """1 inside any of the polygons."""
    mask = np.zeros(shape[:2], np.uint8)
    for polygon in polygons:
        cv2.fillPoly(mask, [np.rint(polygon[:, :2] * 16).astype(np.int32)], 1, shift=4)
    return mask


def square(size):
    return np.ones((size, size), np.uint8)


def test_a_face_that_does_not_move_is_itself(warp, portrait, mesh):
    off = np.abs(warp.flow(mesh) - places(warp))
    assert off.mean() < 0.05 and off.max() < 0.75
    assert np.abs(warp(mesh).astype(int) - portrait).mean() < 0.05


def test_pixels_that_are_carried_by_half_a_pixel_stay_sharp_and_weights_within_what_they_are_between(portrait):
    rows, columns = np.mgrid[100:300, 100:300].astype(np.float32)
    places = np.stack([columns, rows], axis=-1)
    np.testing.assert_array_equal(sample_picture(portrait, places), portrait[100:300, 100:300])

    def detail(picture):
        return cv2.Laplacian(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var()

    half = sample_picture(portrait, places + np.float32(0.5))
    bilinear = cv2.remap(portrait, places + np.float32(0.5), None, cv2.INTER_LINEAR)
    assert detail(bilinear) < 0.7 * detail(portrait[100:300, 100:300])
    assert detail(half) > 1.5 * detail(bilinear)
    weights = np.zeros((400, 400), np.float32)
    weights[:, 200:] = 1
    carried = sample_picture(weights, places + np.float32(0.5))
    assert carried.min() == 0 and carried.max() == 1 and 0.5 in carried


def test_outside_the_box_every_pixel_is_the_sources_and_there_is_no_seam(warp, portrait, talk):
    outside = np.ones(portrait.shape[:2], bool)
    outside[warp.box] = False
    assert 0 < outside.mean() < 1
    for target in talk:
        out = warp(target)
        np.testing.assert_array_equal(out[outside], portrait[outside])
        assert (out != portrait).any()
        off = np.abs(warp.flow(target) - places(warp))
        assert max(off[0].max(), off[-1].max(), off[:, 0].max(), off[:, -1].max()) < 1.0


@pytest.mark.parametrize(
    "linear",
    [np.eye(2), [[0.96, -0.28], [0.28, 0.96]], [[0.6, 0], [0, 1]], [[1.15, 0], [0, 0.85]]],
    ids=["moved", "tilted", "squeezed", "stretched"],
)
@pytest.mark.parametrize("grid", [224, 90])
def test_an_affine_motion_is_undone_over_the_whole_face(portrait, mesh, linear, grid):
    """Nor is there a hole or a speck in it, where the flow would be another."""
    warp, centre, shift = MeshWarp(portrait, mesh, grid=grid), mesh[NOSE_TIP, :2], np.array([7.0, -4.5])
    target = mesh.copy()
    target[:, :2] = (mesh[:, :2] - centre) @ np.transpose(linear) + centre + shift
    expected = (places(warp) - centre - shift) @ np.linalg.inv(linear).T + centre
    inside = cv2.erode(filled(portrait.shape, [target[FACE_OVAL]]), square(9))[warp.box] > 0
    off = np.abs(warp.flow(target) - expected)[inside]
    assert inside.sum() > 2000 and off.mean() < 0.1 and off.max() < 1.5


def test_the_pixels_of_a_face_that_moves_move_with_it(warp, portrait, mesh):
    moved = warp(mesh + np.array([6, -3, 0], np.float32)).astype(int)
    face = portrait[110:150, 195:245].astype(int)
    assert np.abs(moved[107:147, 201:251] - face).mean() < 1.0 < 5.0 < np.abs(moved[110:150, 195:245] - face).mean()


@pytest.mark.parametrize("grid", [224, 90])
def test_every_pixel_comes_from_the_box_and_from_near_its_neighbours(portrait, mesh, talk, grid):
    """The map of a sliver runs far away just outside it: a speck."""
    warp = MeshWarp(portrait, mesh, grid=grid)
    rows, columns = warp.box
    for target in talk:
        flow = warp.flow(target)
        assert flow.shape == (rows.stop - rows.start, columns.stop - columns.start, 2)
        reach = 1 + max(flow.shape) / grid  # a cell
        assert (flow > (columns.start - reach, rows.start - reach)).all()
        assert (flow < (columns.stop - 1 + reach, rows.stop - 1 + reach)).all()
        assert np.abs(flow - cv2.medianBlur(flow, 5)).max() < 0.3 * np.linalg.norm(mesh[33] - mesh[263])


def test_a_face_shows_no_speck_of_what_is_around_it(portrait, mesh, talk):
    white = cv2.dilate(filled(portrait.shape, mesh[face_triangles()]), square(5)) * np.uint8(255)
    warp = MeshWarp(cv2.cvtColor(white, cv2.COLOR_GRAY2RGB), mesh)
    for target in talk:
        inside = cv2.erode(filled(portrait.shape, target[face_triangles()]), square(5)) > 0
        assert inside.sum() > 3000 and (warp(target)[inside] == 255).all()


def test_lips_are_painted_with_lips_and_skin_with_skin(portrait, mesh, talk):
    white = filled(portrait.shape, [mesh[LIPS_OUTER]]) * np.uint8(255)
    warp = MeshWarp(cv2.cvtColor(white, cv2.COLOR_GRAY2RGB), mesh)
    for target in talk[:16]:
        lips, out = filled(portrait.shape, [target[LIPS_OUTER]]), warp(target)
        assert (out[cv2.dilate(lips, square(7)) == 0] < 8).all()
        assert (out[cv2.erode(lips, square(7)) > 0] > 247).all()


@pytest.mark.parametrize(("yaw", "near"), [(-40, (50, 98)), (-25, (50, 98)), (25, (280, 327)), (40, (280, 327))])
def test_a_turned_head_shows_its_near_side_and_hides_the_far_one(warp, mesh, yaw, near):
    motion = np.zeros((1, DIMENSIONS), np.float32)
    motion[0, ANGLES.start] = yaw
    canonical, pose = canonicalise(mesh[None])
    target = FaceRig.from_shape(canonical[0], pose).points(motion)[0]
    seen = [NOSE_TIP, FOREHEAD, CHIN, 4, 5, 195, *LIPS_OUTER[4:7], *near]
    x, y = np.rint(target[seen, :2]).astype(int).T
    flow = warp.flow(target)[y - warp.box[0].start, x - warp.box[1].start]
    np.testing.assert_allclose(flow, mesh[seen, :2], atol=3)


def test_the_shell_follows_the_face_or_goes_where_it_is_told(warp, mesh):
    oval, aside = mesh[FACE_OVAL], np.array([8, 0, 0])
    shell = oval.mean(0) + (oval - oval.mean(0)) * STYLE.shell
    x, y = np.rint(shell[:, :2] + (8, 0)).astype(int).T
    for flow in (warp.flow(mesh + aside), warp.flow(mesh, shell + aside)):
        np.testing.assert_allclose(flow[y - warp.box[0].start, x - warp.box[1].start], shell[:, :2], atol=1.5)


def test_a_face_at_the_edge_of_the_picture_is_bent_as_in_the_middle(portrait, warp, mesh, talk):
    cut, shift = portrait[40:220, 150:290], np.array([150, 40, 0], np.float32)
    out = MeshWarp(cut, mesh - shift)(talk[0] - shift).astype(int)
    assert np.abs(out - warp(talk[0])[40:220, 150:290])[8:-8, 8:-8].mean() < 1.5


def test_all_of_the_mesh_is_in_triangles():
    assert set(face_triangles().ravel()) == set(range(MESH_POINTS))


def test_what_is_around_follows_as_far_as_is_wanted(portrait, mesh):
    """An expression alone leaves untouched what is half an eye distance from the face."""
    unit = float(np.linalg.norm(mesh[33] - mesh[263]))
    away = face_hull(mesh, (portrait.shape[1], portrait.shape[0]), unit, reach=0.5) == 0
    opened = mesh.copy()
    opened[:, 1] += 6 * (mesh[:, 1] > mesh[1, 1])  # the lower face, a good way down
    following, staying = (MeshWarp(portrait, mesh, follows=f)(opened) for f in (1.0, 0.0))
    np.testing.assert_array_equal(staying[away], portrait[away])
    assert (following[away] != portrait[away]).any()
    inside = face_hull(mesh, (portrait.shape[1], portrait.shape[0]), unit) == 1
    assert np.abs(following.astype(int) - staying)[inside].mean() < 0.5


def test_what_a_turn_brings_into_sight_counts_as_stretched(mesh):
    assert not len(find_stretched(mesh, mesh))
    assert not len(find_stretched(mesh, mesh * np.float32(1.3)))  # larger as a whole, if less than the factor
    canonical, pose = canonicalise(mesh[None])
    motion = np.zeros((2, DIMENSIONS), np.float32)
    motion[:, ANGLES.start] = -30, 30
    middle = mesh[NOSE_TIP, 0]
    sides = [
        mesh[find_stretched(mesh, points)].mean(axis=(0, 1))[0] - middle
        for points in FaceRig.from_shape(canonical[0], pose).points(motion)
    ]
    assert sides[0] * sides[1] < 0  # the cheek that comes into sight, one side or the other
    for points in FaceRig.from_shape(canonical[0], pose).points(motion):
        assert 0 < len(find_stretched(mesh, points)) < len(face_triangles()) / 3


def turned(degrees: float) -> np.ndarray:
    """The mean face (468, 3) in a picture of 400 by 400, turned about the axis of the neck."""
    face = mean_face()[:MESH_POINTS] * 110
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return face @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]).T + [200, 180, 0]


def test_of_a_face_that_looks_ahead_the_outline_is_its_oval() -> None:
    face = turned(0)
    np.testing.assert_allclose(trace_silhouette(face), face[FACE_OVAL, :2], atol=2)


def test_of_a_turned_head_the_cheek_hides_the_far_side_of_the_oval() -> None:
    face = turned(40)
    centre, outline = face[FACE_OVAL, :2].mean(axis=0), trace_silhouette(face)
    beyond = np.linalg.norm(outline - centre, axis=1) - np.linalg.norm(face[FACE_OVAL, :2] - centre, axis=1)
    assert beyond.min() >= -1e-6 and beyond.max() > 10
    hull = cv2.convexHull(face[:, :2].astype(np.float32))
    assert max(cv2.pointPolygonTest(hull, (float(x), float(y)), True) for x, y in outline) < 12
    assert min(cv2.pointPolygonTest(hull, (float(x), float(y)), True) for x, y in outline) > -12


@pytest.mark.parametrize("degrees", [-25, 25])
def test_a_head_that_turns_back_shows_neither_wall_nor_a_second_cheek(degrees) -> None:
    """All skin is one colour and the wall another: so it stays within the face, and around it."""
    skin, wall = np.array([200, 140, 110]), np.array([0, 250, 0])
    before, after = turned(degrees), turned(0)
    picture = np.full((400, 400, 3), wall, np.uint8)
    for triangle in face_triangles():
        cv2.fillConvexPoly(picture, np.rint(before[triangle, :2]).astype(np.int32), skin.tolist())
    made = MeshWarp(picture, before)(after).astype(int)
    inside = np.zeros((400, 400), np.uint8)
    oval = np.rint(after[FACE_OVAL, :2]).astype(np.int32)
    cv2.fillPoly(inside, [oval], 1)
    around = cv2.dilate(inside, np.ones((41, 41), np.uint8)) - cv2.dilate(inside, np.ones((17, 17), np.uint8))
    inside = cv2.erode(inside, np.ones((5, 5), np.uint8))
    assert (np.abs(made - skin).max(axis=2)[inside > 0] > 60).mean() < 2e-4
    assert (np.abs(made - wall).max(axis=2)[around > 0] < 60).mean() > 0.99


def test_a_head_that_rises_from_the_edge_of_a_picture_leaves_no_streaks(portrait, mesh) -> None:
    """What lies below the picture is made up of what lies above its edge."""
    cut = int(mesh[152, 1]) + 10  # below the chin
    frame = np.ascontiguousarray(portrait[:cut])
    risen = mesh.copy()
    risen[:, 1] -= 30
    middle = int(mesh[152, 0])
    beyond = MeshWarp(frame, mesh)(risen)[-15:, middle - 10 : middle + 10].astype(int)
    assert np.abs(np.diff(beyond, axis=0)).mean() > 0.5


def turned_face(degrees: float) -> np.ndarray:
    """The mean face (478, 3) in a picture of 400 by 400, turned about the axis of the neck."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return (mean_face() * 110) @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]).T + [200, 180, 0]


def test_what_each_end_of_a_style_bends() -> None:
    picture, face = np.zeros((400, 400, 3), np.uint8), turned_face(0)
    widths = [MeshWarp(picture, face, style=WarpStyle(ring=ring)).box[1] for ring in (1.6, 2.1, 2.6)]
    assert np.all(np.diff([box.stop - box.start for box in widths]) > 0)
    target = face + np.array([12.0, 0, 0])
    moved = []
    for shell in (1.1, 1.45, 1.9):
        warp = MeshWarp(picture, face, style=WarpStyle(shell=shell))
        flow = warp.flow(target)
        still = np.stack(np.meshgrid(*(np.arange(b.start, b.stop) for b in warp.box[::-1])), axis=-1)
        moved.append(np.abs(flow - still)[..., 0].mean())
    assert moved[0] < moved[1] < moved[2]


def test_what_each_end_of_a_style_sees_of_a_head_that_turns() -> None:
    here, there = turned_face(-35), turned_face(10)
    reach = [
        np.linalg.norm(trace_silhouette(here, sight) - here[FACE_OVAL, :2].mean(0), axis=1).sum()
        for sight in (0.0, 0.12, 0.5)
    ]
    assert reach[0] < reach[1] < reach[2]
    count = [find_hidden(here, there, WarpStyle(hidden_from=growth)).sum() for growth in (1.0, 12.0, 1e9)]
    assert count[0] > count[1] >= count[2]
    count = [find_hidden(here, there, WarpStyle(hidden_from=1, hidden_below=y)).sum() for y in (-9.0, -0.12, 9.0)]
    assert count[0] > count[1] > count[2] == 0


def test_colours_beside_what_is_hidden_are_taken_from_further_in_the_more_cells_a_style_says() -> None:
    here, there = turned_face(-35), turned_face(10)
    x = np.tile(np.arange(400, dtype=np.float32), (400, 1))[..., None]
    flows = [MeshWarp(x, here, style=WarpStyle(hidden_from=2.0, edge_cells=cells)).flow(there) for cells in (0, 3, 12)]
    changed = [np.abs(flow - flows[0]).max(axis=-1) > 0.5 for flow in flows]
    assert 0 == changed[0].sum() < changed[1].sum() < changed[2].sum()
