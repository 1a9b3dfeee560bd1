"""Shut eyes laid over one another, lash line upon lash line."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from facediff.datasets.recordings import Recording
from facediff.errors import ConfigError
from facediff.landmarks.eye_window import grid
from facediff.landmarks.tracker import track_still
from facediff.media import VideoWriter
from facediff.motion import coefficients
from facediff.rendering.inpainting.appearance_prior import load_appearance_prior
from facediff.rendering.inpainting.drawn import DrawnInpainter
from facediff.rendering.source import Source
from facediff.rendering.warping.portrait import PortraitWarper
from facediff.training.lids import collect_shut_eyes, fit_lid


def look(shift: float, bow: float) -> np.ndarray:
    """Skin with a lash line."""
    u, v = grid()
    line = -np.exp(-(((v - 0.05 - shift - bow * u**2) / 0.03) ** 2)) * (np.abs(u) < 0.5)
    return np.repeat(line[..., None], 3, axis=2).astype(np.float32)


def test_lash_lines_come_together() -> None:
    hung = [(-0.05, 0.1), (0.05, -0.1), (0.02, 0.05), (-0.02, -0.05), (0.04, 0.0), (-0.04, 0.0)]
    people = [[look(*way)] for way in hung]
    u, _ = grid()
    narrow = np.abs(u[0]) < 0.3
    fitted = fit_lid(people)["light"].astype(float)[:, narrow, 0].min(axis=0)
    laid_as_they_came = np.mean([one[0] for one in people], axis=0)[:, narrow, 0].min(axis=0)
    assert fitted.mean() < -0.8 < -0.75 < laid_as_they_came.mean()


def test_a_person_counts_once_however_often_they_blink() -> None:
    once = fit_lid([[look(0, 0)], [3 * look(0, 0)]])["light"]
    often = fit_lid([[look(0, 0)] * 5, [3 * look(0, 0)]])["light"]
    np.testing.assert_allclose(once, often, atol=1e-2)


def test_shut_eyes_are_found_in_a_clip(tmp_path) -> None:
    picture = cv2.resize(astronaut()[:300, 80:380], None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    motion = np.zeros((24, coefficients.DIMENSIONS), np.float32)
    motion[10:13, coefficients.LIDS] = 1.0
    path = tmp_path / "blink.mp4"
    warper = PortraitWarper(Source(picture, track_still(picture), ""), DrawnInpainter(load_appearance_prior()))
    with VideoWriter(path, (600, 600), 25) as film:
        for frame in warper.follow(motion)(slice(0, len(motion))):
            film.write(frame.picture)
    found = collect_shut_eyes([Recording(path, "blink.mp4", "silent", "she", None)], tmp_path / "tracks", closure=0.6)
    assert 1 <= len(found["she"]) / 2 <= 3
    u, v = grid()
    lash, skin = ((np.abs(u) < 0.3) & (np.abs(v - at) < 0.04) for at in (0.06, -0.15))
    for window in found["she"]:
        assert window[lash].min(axis=0).mean() < window[skin].mean() - 0.3


def test_nobody_is_a_clear_error() -> None:
    with pytest.raises(ConfigError, match="nobody"):
        fit_lid([])
