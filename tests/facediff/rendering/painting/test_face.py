from __future__ import annotations

import weakref
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from skimage.data import astronaut

from facediff.landmarks.alignment import FACE, align
from facediff.landmarks.masks import face_hull
from facediff.landmarks.mesh import BROW_LINE, CHIN, LIPS_OUTER, RIGHT_EYE
from facediff.landmarks.tracker import track_still
from facediff.motion import coefficients
from facediff.pipelines.loading import load_animate
from facediff.rendering.crops import place_in_crop
from facediff.rendering.frame import WarpedFrame
from facediff.rendering.painting.face import FacePasteStyle, FaceRefiner, RefineSettings, mask_moved_parts

COUNT = 3


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Threads that wait for one another make small networks slow where other programs run."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def pipeline():
    return load_animate(device="cpu")


@pytest.fixture(scope="module")
def shots(portrait_of) -> list[WarpedFrame]:
    """A portrait whose mouth opens while its head turns."""
    b = coefficients.basis()
    motion = np.zeros((COUNT, coefficients.DIMENSIONS), np.float32)
    opened = 0.1 * b.opening.ravel() @ np.linalg.pinv(b.lips.reshape(len(b.lips), -1))
    motion[:, coefficients.LIPS] = np.linspace(0.4, 1, COUNT)[:, None] * opened
    motion[:, coefficients.ANGLES.start] = np.linspace(4, 12, COUNT)
    return list(portrait_of(astronaut(), track_still(astronaut())).follow(motion)(slice(0, COUNT)))


def refine(pipeline, shots, **settings) -> list[np.ndarray]:
    return list(FaceRefiner(pipeline, RefineSettings(num_inference_steps=1, **settings))(shots))


@pytest.fixture(scope="module")
def refined(pipeline, shots) -> list[np.ndarray]:
    return refine(pipeline, shots)


def apart(one, other) -> int:
    return max(int(np.abs(a.astype(int) - b).max()) for a, b in zip(one, other, strict=True))


def test_only_the_face_is_refined(shots, refined) -> None:
    for shot, frame in zip(shots, refined, strict=True):
        near = face_hull(shot.face.points, (512, 512), float(shot.face.pose.scale[0]), reach=0.2) > 0
        changed = (frame != shot.picture).any(axis=2)
        assert not (changed & ~near).any()
        assert changed[near].mean() > 0.02  # a better denoiser may find less to change


@pytest.mark.parametrize("chunk", [1, 2])
def test_frames_do_not_depend_on_how_many_are_refined_at_once(pipeline, shots, refined, chunk) -> None:
    assert apart(refine(pipeline, shots, chunk=chunk), refined) <= 1


def test_equal_shots_give_equal_frames_and_the_seed_tells(pipeline, shots, refined) -> None:
    frames = refine(pipeline, [shots[2], shots[2]])
    np.testing.assert_array_equal(*frames)
    assert apart(refine(pipeline, shots, seed=1), refined) > 1


def test_frames_without_a_face_pass_through_in_their_place(pipeline, shots, refined) -> None:
    bare = WarpedFrame(np.full((512, 512, 3), 7, np.uint8))
    frames = refine(pipeline, [shots[0], bare, shots[1]], chunk=2)
    assert frames[1] is bare.picture
    assert apart([frames[0], frames[2]], refined[:2]) <= 1


@pytest.mark.parametrize("steps", [1, 2])
def test_a_stream_takes_a_call_a_frame_and_step_and_frames_that_are_done_are_let_go_of(pipeline, shots, steps) -> None:
    """What VIDM's streaming costs: frames times steps, and no more memory for more frames."""
    count, chunk, given, most, calls = 16, 2, [], 0, 0

    def come() -> Iterator[WarpedFrame]:
        for number in range(count):
            shot = replace(shots[number % COUNT])
            given.append(weakref.ref(shot))
            yield shot

    def add(_, args) -> None:
        nonlocal calls
        calls += len(args[0])

    hook = pipeline.unet.register_forward_pre_hook(add)
    try:
        for _ in FaceRefiner(pipeline, RefineSettings(num_inference_steps=steps, chunk=chunk))(come()):
            most = max(most, sum(shot() is not None for shot in given))
    finally:
        hook.remove()
    assert calls == count * steps
    assert most <= 4 * chunk  # painted, on the way, and shown


def test_the_pipeline_is_shown_the_coarse_face_and_what_moves(shots) -> None:
    seen = {}

    def condition(*given):
        names = ("coarse", "mask", "maps", "points", "rotation", "attributes")
        seen.update(zip(names, given, strict=True))
        raise StopIteration

    unet = SimpleNamespace(device=torch.device("cpu"))
    stand_in = SimpleNamespace(noise=lambda size, seed: torch.zeros(1, 12, 28, 28), condition=condition, unet=unet)
    with pytest.raises(StopIteration):
        FaceRefiner(stand_in, RefineSettings()).paint(list(shots))
    assert {k: tuple(v.shape[1:]) for k, v in seen.items()} == {
        "coarse": (3, 224, 224), "mask": (1, 224, 224), "maps": (4, 56, 56), "points": (478, 3), "rotation": (3, 3),
        "attributes": (31,),
    }  # fmt: skip
    assert -1 <= seen["coarse"].min() < seen["coarse"].max() <= 1 and seen["maps"].max() == 1
    yaw = seen["attributes"][:, coefficients.ANGLES.start]
    np.testing.assert_allclose(yaw, [-4, -8, -12], atol=1e-4)  # the source less what is wanted
    inside = FACE.in_units(
        place_in_crop(shots[0].face.points, align(shots[0].face.pose, FACE), shots[0].face.pose, FACE)
    )
    np.testing.assert_allclose(seen["points"][0], inside, atol=1e-5)


def attributes(part: slice, value: float) -> np.ndarray:
    row = np.zeros(coefficients.DIMENSIONS, np.float32)
    row[part] = value
    return row


@pytest.mark.parametrize(
    ("part", "value", "where", "where_not"),
    [
        (coefficients.LIPS, 2.0, LIPS_OUTER, BROW_LINE),
        (coefficients.OPENING, 0.1, LIPS_OUTER, BROW_LINE),
        (coefficients.LIDS, 1.0, [33, 133, 263, 362], LIPS_OUTER),
        (coefficients.BROWS, 2.0, BROW_LINE, LIPS_OUTER),
        (coefficients.ANGLES, 10.0, [1, CHIN, 33, 13], []),
    ],
)
def test_what_moves_is_refined_and_the_rest_is_left(portrait_of, part, value, where, where_not) -> None:
    track = track_still(astronaut())
    shot = next(portrait_of(astronaut(), track).follow(np.zeros((1, coefficients.DIMENSIONS), np.float32))(slice(0, 1)))
    points = place_in_crop(shot.face.points, align(shot.face.pose, FACE), shot.face.pose, FACE)
    area = mask_moved_parts(attributes(part, value), points, FACE.size, FACE.unit_px)
    columns, rows = np.rint(points[:, :2]).astype(int).T
    assert (area[rows[where], columns[where]] > 0.9).all()
    assert not area[rows[where_not], columns[where_not]].any() if len(where_not) else True
    assert not mask_moved_parts(attributes(part, 0.0), points, FACE.size, FACE.unit_px).any()
    slight = mask_moved_parts(attributes(part, 0.05 * value), points, FACE.size, FACE.unit_px).max()
    assert 0 < slight < 1


def test_the_heads_place_alone_changes_no_pixel_of_the_face(pipeline, portrait_of) -> None:
    motion = np.zeros((1, coefficients.DIMENSIONS), np.float32)
    motion[0, coefficients.SHIFT.start] = 0.1
    warper = portrait_of(astronaut(), track_still(astronaut()))
    shots = list(warper.follow(motion, closes_lips=False)(slice(0, 1)))
    np.testing.assert_array_equal(refine(pipeline, shots)[0], shots[0].picture)


def test_who_paints_afterwards_gets_the_shots_with_refined_faces(pipeline, shots, refined) -> None:
    bare = WarpedFrame(astronaut())
    stream = [shots[0], bare, *shots[1:]]
    before = [shot.picture.copy() for shot in shots]
    made = list(FaceRefiner(pipeline, RefineSettings(num_inference_steps=1, chunk=2)).refine(iter(stream)))
    assert len(made) == 4 and made[1].face is None and made[1].picture is bare.picture
    for shot, got, coarse, frame in zip(shots, [made[0], *made[2:]], before, refined, strict=True):
        assert apart([got.picture], [frame]) <= 1 and got.face is shot.face
        np.testing.assert_array_equal(shot.picture, coarse)  # the warped frame itself stays


def test_lids_that_are_drawn_are_left_as_they_are(pipeline, portrait_of) -> None:
    motion = np.zeros((1, coefficients.DIMENSIONS), np.float32)
    motion[0, coefficients.LIDS] = 1.0
    (shot,) = portrait_of(astronaut(), track_still(astronaut())).follow(motion)(slice(0, 1))
    assert (shot.face.drawn_lids == 1).all()
    bare = replace(shot, face=replace(shot.face, drawn_lids=np.zeros(2, np.float32)))
    (spared,), (changed,) = (refine(pipeline, [s]) for s in (shot, bare))
    eye = np.rint(shot.face.points[RIGHT_EYE, :2]).astype(int)
    within = np.s_[eye[:, 1].min() : eye[:, 1].max() + 1, eye[:, 0].min() : eye[:, 0].max() + 1]
    assert np.abs(spared[within].astype(int) - shot.picture[within]).max() <= 2
    assert np.abs(changed[within].astype(int) - shot.picture[within]).max() > 8


@pytest.mark.parametrize(
    ("style", "wanted"),
    [
        ({"lips_own": 1.0}, lambda usual, changed: changed < usual),
        ({"full_from": 50.0}, lambda usual, changed: changed < usual),
        ({"slow": 0.5}, lambda usual, changed: changed != usual),
    ],
)
def test_each_end_of_a_style_is_seen(pipeline, shots, style, wanted) -> None:
    """How much is changed in all."""
    frames = [refine(pipeline, shots[:1], style=FacePasteStyle(**how))[0] for how in ({}, style)]
    usual, changed = (np.abs(frame.astype(int) - shots[0].picture).sum() for frame in frames)
    assert usual > 0 and wanted(usual, changed)


def test_teeth_that_a_frame_shows_stay_and_those_that_it_lacks_are_painted(pipeline, shots) -> None:
    shot = shots[2]
    own, lacks = (replace(shot, face=replace(shot.face, disocclusion=share)) for share in (0.0, 1.0))
    (spared,), (painted,) = (refine(pipeline, [one]) for one in (own, lacks))
    between = np.rint(shot.face.points[[13, 14], :2].mean(axis=0)).astype(int)
    near = np.s_[between[1] - 1 : between[1] + 2, between[0] - 4 : between[0] + 5]
    change = [np.abs(made[near].astype(int) - shot.picture[near]).max() for made in (spared, painted)]
    assert change[0] <= 2 < 8 < change[1]
