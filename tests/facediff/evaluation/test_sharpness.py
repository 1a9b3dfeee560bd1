from __future__ import annotations

import cv2
import numpy as np
import pytest

from facediff.evaluation.sharpness import cpbd


@pytest.fixture(scope="module")
def grey(portrait) -> np.ndarray:
    return cv2.cvtColor(portrait, cv2.COLOR_RGB2GRAY)[:256, 96:352]


# What the package cpbd 1.0.7 gives for these pictures.
@pytest.mark.parametrize(("sigma", "theirs"), [(0, 0.494898), (0.7, 0.252676), (1.5, 0.047651), (3.0, 0.0)])
def test_it_is_what_the_package_cpbd_gives(grey, sigma, theirs) -> None:
    blurred = grey if not sigma else cv2.GaussianBlur(grey, (0, 0), sigma)
    assert cpbd(blurred) == pytest.approx(theirs, abs=2e-3)  # OpenCV's builds round a blur in their own ways


def test_a_flat_picture_has_no_edge() -> None:
    assert cpbd(np.full((128, 128), 90, np.uint8)) == 0


def test_three_qualities_keep_their_order(figure) -> None:
    found = [figure("cpbd", film) for film in ("plain", "soft", "softer")]
    assert found[0] > found[1] > found[2]
