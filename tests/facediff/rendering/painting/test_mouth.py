from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from skimage.data import astronaut

from facediff.landmarks.alignment import MOUTH, align
from facediff.landmarks.masks import inner_mouth, mouth
from facediff.landmarks.tracker import track_still
from facediff.models.codec import FaceCodec
from facediff.motion import coefficients
from facediff.pipelines.loading import load_talk
from facediff.rendering.crops import place_in_crop
from facediff.rendering.frame import WarpedFrame
from facediff.rendering.painting.mouth import MouthPainter, MouthPasteStyle, PaintSettings
from facediff.rendering.reference import Reference

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
    return load_talk(device="cpu")[1]


@pytest.fixture(scope="module")
def shots(portrait_of) -> list[WarpedFrame]:
    """A portrait whose mouth opens while its head moves."""
    b = coefficients.basis()
    motion = np.zeros((COUNT, coefficients.DIMENSIONS), np.float32)
    opened = 0.2 * b.opening.ravel() @ np.linalg.pinv(b.lips.reshape(len(b.lips), -1))
    motion[:, coefficients.LIPS] = np.linspace(0.4, 1, COUNT)[:, None] * opened
    motion[:, coefficients.ANGLES] = np.linspace(0, 4, COUNT)[:, None]
    return list(portrait_of(astronaut(), track_still(astronaut())).follow(motion)(slice(0, COUNT)))


@pytest.fixture(scope="module")
def windows() -> np.ndarray:
    return np.random.default_rng(0).normal(-4, 2, (COUNT, 32, 80)).astype(np.float32)


@pytest.fixture(scope="module")
def painted(pipeline, shots, windows) -> list[np.ndarray]:
    return paint(pipeline, shots, windows)


def paint(pipeline, shots, windows, **settings) -> list[np.ndarray]:
    return list(MouthPainter(pipeline, PaintSettings(num_inference_steps=1, **settings)).paint_clip(shots, windows))


def seen(shot: WarpedFrame, **changed) -> WarpedFrame:
    """The frame with something else said of its face."""
    return replace(shot, face=replace(shot.face, **changed))


def apart(one, other) -> int:
    return max(int(np.abs(a.astype(int) - b).max()) for a, b in zip(one, other, strict=True))


def test_only_skin_near_the_lips_is_painted(shots, painted) -> None:
    for shot, frame in zip(shots, painted, strict=True):
        near = mouth(shot.face.points, (512, 512), float(shot.face.pose.scale[0]), reach=0.2) > 0
        changed = (frame != shot.picture).any(axis=2)
        assert not (changed & ~near).any()
        assert changed[near].mean() > 0.02  # a better denoiser may find less to change


@pytest.mark.parametrize("chunk", [1, 2])
def test_frames_do_not_depend_on_how_many_are_painted_at_once(pipeline, shots, windows, painted, chunk) -> None:
    assert apart(paint(pipeline, shots, windows, chunk=chunk), painted) <= 1


@pytest.mark.parametrize("settings", [{"seed": 1}, {"lips_known": False}])
def test_seed_and_what_is_known_of_the_lips_tell_in_the_picture(pipeline, shots, windows, painted, settings) -> None:
    assert apart(paint(pipeline, shots[-1:], windows[-1:], **settings), painted[-1:]) > 1


def test_the_progressive_reference_is_the_last_frame_until_it_returns(pipeline, shots, windows, painted) -> None:
    made = paint(pipeline, shots, windows, reanchor_every=2)
    assert apart(made[:1], painted[:1]) <= 1 and apart(made[2:], painted[2:]) <= 1
    assert apart(made[1:2], painted[1:2]) > 1
    carried = Reference(made[0], shots[0].face.points).window(shots[1].face.points, shots[1].face.pose)
    shown = seen(shots[1], reference=carried)
    assert apart(made[1:2], paint(pipeline, [shown], windows[1:2])) <= 1
    np.testing.assert_array_equal(paint(pipeline, shots, windows, reanchor_every=1)[2], made[2])


class Idle:
    """A pipeline that leaves every window as it is, but for its codec, which is a poor one."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.heard: list[torch.Tensor] = []
        self.codec = FaceCodec(latent_channels=4, fine_channels=8, coarse_channels=16).eval()

    unet = SimpleNamespace(device=torch.device("cpu"))

    def noise(self, size, seed) -> torch.Tensor:
        return torch.zeros(1)

    def condition(self, frames, reference, mask, lips, points, rotation, windows, **options):
        self.heard += [] if windows is None else windows
        with torch.inference_mode():
            return self.codec.encode(frames), self.codec.encode(reference)

    def __call__(self, cond, latents, **options):
        return SimpleNamespace(latents=cond)


@pytest.mark.parametrize("settings", [{"chunk": 2}, {"chunk": 8}, {"reanchor_every": 1}, {"reanchor_every": 9}])
def test_bare_frames_pass_through_and_use_up_their_sound(shots, windows, settings) -> None:
    bare, idle = WarpedFrame(astronaut()), Idle()
    made = paint(idle, [bare, shots[1], bare], windows, **settings)
    assert made[0] is bare.picture and made[2] is bare.picture
    np.testing.assert_array_equal(bare.picture, astronaut())
    np.testing.assert_array_equal(made[1], paint(Idle(), shots[1:2], windows[1:2])[0])
    assert len(idle.heard) == 1
    np.testing.assert_array_equal(idle.heard[0], windows[1])
    np.testing.assert_array_equal(paint(idle, [bare, shots[1]], None, **settings)[1], made[1])
    assert len(idle.heard) == 1  # where nothing is to be heard
    with pytest.raises(ValueError, match="shorter"):
        paint(Idle(), shots, windows[:2], **settings)


@pytest.mark.parametrize("own", [True, False])
def test_what_the_denoiser_leaves_alone_keeps_its_pores(shots, windows, own) -> None:
    """The codec's loss does not reach the skin, whatever the reference; between the lips pixels are the codec's."""
    shot = seen(shots[-1], disocclusion=1.0)
    if not own:
        shot = seen(shot, reference=np.zeros((*MOUTH.size[::-1], 3), np.uint8))
    (frame,) = paint(Idle(), [shot], windows[:1])
    unit = float(shot.face.pose.scale[0])
    inside = inner_mouth(shot.face.points, (512, 512), unit, feather=0.08) > 0
    changed = (frame != shot.picture).any(axis=2)
    assert not (changed & ~inside).any()
    core = cv2.erode(inner_mouth(shot.face.points, (512, 512), unit), np.ones((3, 3))) > 0.9
    assert core.sum() > 10 and changed[core].mean() > 0.9
    (kept,) = paint(Idle(), [seen(shot, disocclusion=0.0)], windows[:1])
    np.testing.assert_array_equal(kept, shot.picture)  # it keeps its own teeth


def test_points_in_the_window_are_those_of_the_frame_turned_and_enlarged(shots) -> None:
    shot = shots[-1]
    zoom = MOUTH.unit_px / shot.face.pose.scale[0]
    inside = place_in_crop(shot.face.points, align(shot.face.pose, MOUTH), shot.face.pose, MOUTH)
    wanted, got = (np.linalg.norm(p - p[13], axis=1) for p in (shot.face.points * zoom, inside))
    np.testing.assert_allclose(got, wanted, atol=0.05)
    assert (np.abs(inside[[13, 14], :2] - MOUTH.anchor_px) < 25).all()


def test_frames_of_a_part_begin_where_the_reference_returned(pipeline) -> None:
    plain, progressive = (MouthPainter(pipeline, PaintSettings(reanchor_every=every)) for every in (None, 25))
    assert [plain.first_needed(k) for k in (0, 8, 30)] == [0, 8, 30]
    assert [progressive.first_needed(k) for k in (0, 8, 25, 60)] == [0, 0, 25, 50]


@pytest.mark.parametrize(
    ("style", "wanted"),
    [
        ({"own_share": 0.0}, lambda usual, changed: changed == 0),
        ({"paste_reach": 0.0, "paste_feather": 0.02}, lambda usual, changed: 0 < changed < usual),
    ],
)
def test_each_end_of_a_style_is_seen(pipeline, shots, windows, style, wanted) -> None:
    """How many pixels change where the mouth lacks nothing."""
    shot = seen(shots[0], disocclusion=0.0, unobserved=0.0)
    frames = [paint(pipeline, [shot], windows[:1], style=MouthPasteStyle(**how))[0] for how in ({}, style)]
    usual, changed = ((frame != shot.picture).any(axis=2).sum() for frame in frames)
    assert usual > 0 and wanted(usual, changed)
