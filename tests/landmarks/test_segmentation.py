from __future__ import annotations

import numpy as np
import pytest
from skimage.data import astronaut

from facediff.landmarks.segmentation import person_mask


@pytest.mark.parametrize("zoom", [1, 2])
def test_a_person_is_told_from_what_is_behind_at_any_size(zoom: int) -> None:
    picture = np.ascontiguousarray(astronaut()[::zoom, ::zoom])
    mask = person_mask(picture)
    assert mask.shape == picture.shape[:2] and mask.dtype == np.float32
    assert mask[120 // zoom, 225 // zoom] > 0.9 and mask[60 // zoom, 170 // zoom] > 0.8  # face and hair
    assert mask[60 // zoom, 420 // zoom] < 0.1


def test_where_nobody_is_there_is_hardly_a_mask() -> None:
    wall = np.random.default_rng(0).integers(150, 170, (300, 400, 3), dtype=np.uint8)
    assert np.mean(person_mask(wall) > 0.5) < 0.05
