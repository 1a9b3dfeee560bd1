"""A face as an autoencoder sees it."""

from __future__ import annotations

import numpy as np

from facediff.landmarks.alignment import FACE
from facediff.landmarks.canonical import canonicalise
from facediff.rendering.editing.face_view import face_layout, face_view


def test_wherever_a_face_is_in_its_frame_the_view_of_it_is_the_same(portrait, mesh) -> None:
    moved, shift = np.roll(portrait, (40, 30), axis=(0, 1)), np.array([30, 40, 0], np.float32)
    one, other = (face_view(p, m, canonicalise(m[None])[1]) for p, m in ((portrait, mesh), (moved, mesh + shift)))
    assert one.crop.shape == (FACE.size[1], FACE.size[0], 3)
    np.testing.assert_allclose(one.points, other.points, atol=0.02)
    inside = np.s_[20:-20, 20:-20]
    assert np.abs(one.crop[inside].astype(int) - other.crop[inside]).mean() < 0.5


def test_landmarks_of_a_view_lie_on_what_they_name(portrait, mesh) -> None:
    """The brightness of a crop at its landmarks is that of the frame at its own."""
    view = face_view(portrait, mesh, canonicalise(mesh[None])[1])
    (x, y), (u, v) = mesh[:468, :2].T.round().astype(int), view.points[:468, :2].T.round().astype(int)
    inside = (u >= 0) & (v >= 0) & (u < FACE.size[0]) & (v < FACE.size[1])
    here, there = (a.mean(axis=1) for a in (portrait[y, x][inside], view.crop[v[inside], u[inside]]))
    assert inside.mean() > 0.9 and np.corrcoef(here, there)[0, 1] > 0.9


def test_a_layout_has_a_row_for_each_view_and_no_nan(portrait, mesh) -> None:
    view = face_view(portrait, mesh, canonicalise(mesh[None])[1])
    layout = face_layout([view, view])
    for part in (layout.points, layout.parts, layout.coordinates):
        assert len(part) == 2 and part.isfinite().all() and (part[0] == part[1]).all()
    assert layout.parts.min() >= 0 and layout.parts.max() <= 1
