from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from facediff.errors import MissingExtra
from facediff.evaluation.networks.dlib_faces import DlibFaces

IS_THERE = all(importlib.util.find_spec(name) for name in ("dlib", "face_recognition_models"))


@pytest.mark.skipif(not IS_THERE, reason="needs the extra dlib")
def test_a_person_is_nearer_to_herself_mirrored_than_to_another(portrait, mesh, as_stranger) -> None:
    faces, mirrored = DlibFaces(), np.ascontiguousarray(portrait[:, ::-1])
    turned = mesh.copy()
    turned[:, 0] = portrait.shape[1] - 1 - mesh[:, 0]
    swapped = turned[np.arange(len(turned))]
    swapped[[33, 133, 362, 263]] = turned[[263, 362, 133, 33]]
    own, same, other = faces(portrait, mesh), faces(mirrored, swapped), faces(as_stranger(portrait), mesh)
    assert own.shape == (128,)
    assert np.linalg.norm(own - same) < 0.6 < np.linalg.norm(own - other) + 0.2
    assert np.linalg.norm(own - same) < np.linalg.norm(own - other)


@pytest.mark.skipif(IS_THERE, reason="the extra dlib is installed")
def test_without_the_extra_it_is_named() -> None:
    with pytest.raises(MissingExtra, match=r"pip install 'facediff\[dlib\]'"):
        DlibFaces()
