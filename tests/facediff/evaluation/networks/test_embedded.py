from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from facediff.evaluation.networks.embedded import PERIOD, load_codec, load_identity, look, picture_identity
from facediff.types import FaceTrack, Presence


@pytest.fixture(scope="module")
def track(mesh) -> FaceTrack:
    return FaceTrack(np.repeat(mesh[None], 6, axis=0), np.full(6, Presence.FOUND, np.uint8), (512, 512), 25.0)


def test_a_still_looks_the_same_in_every_frame_and_does_not_change(portrait, track) -> None:
    looks = look([portrait] * 6, track, load_codec("base"), load_identity("base"))
    assert len(looks) == 6 and looks.mean.shape[2] == 16
    np.testing.assert_allclose(looks.mean, np.broadcast_to(looks.mean[:1], looks.mean.shape), atol=1e-4)
    assert np.isnan(looks.change[0]).all() and np.abs(looks.change[1:]).max() < 1e-6
    asked = np.arange(6) % PERIOD < 2
    assert np.linalg.norm(looks.identity[asked], axis=1) == pytest.approx(1, abs=1e-3)
    assert np.isnan(looks.identity[~asked]).all()


def test_where_no_face_is_there_is_no_look_and_no_change_to_the_next(portrait, track) -> None:
    presence = track.presence.copy()
    presence[2] = Presence.ABSENT
    looks = look([portrait] * 6, replace(track, presence=presence), load_codec("base"))
    assert np.isnan(looks.mean[2]).all() and np.isnan(looks.change[[2, 3]]).all()
    assert np.isfinite(looks.mean[[0, 1, 3, 4, 5]]).all() and np.isfinite(looks.change[[1, 4, 5]]).all()
    assert looks.identity.shape == (6, 0)


def test_a_picture_is_who_a_film_of_it_is(portrait, mesh, track) -> None:
    codec, identity = load_codec("base"), load_identity("base")
    film = look([portrait] * 6, track, codec, identity).identity[0]
    assert picture_identity(portrait, mesh, codec, identity) @ film == pytest.approx(1, abs=1e-3)
