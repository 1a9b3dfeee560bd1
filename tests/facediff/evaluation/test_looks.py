from __future__ import annotations

import numpy as np
import pytest

from facediff.evaluation.looks import BLOCK, BLOCKS, glanced, neighbour_cosines
from facediff.types import Presence

from .told_faces import at_rest, face


def test_of_a_long_film_runs_are_looked_at_and_of_a_short_one_all() -> None:
    short, long = face(at_rest(BLOCKS * BLOCK)), face(at_rest(1000))
    assert glanced(short).usable.all()
    seen = np.flatnonzero(glanced(long).usable)
    assert len(seen) == BLOCKS * BLOCK and seen[-1] > 975
    starts = seen[np.diff(seen, prepend=-2) > 1]
    assert len(starts) == BLOCKS and not (starts % 4).any()
    assert (glanced(long).presence[seen] == Presence.FOUND).all()


def test_cosines_are_of_neighbours_alone() -> None:
    found = neighbour_cosines(np.array([[1, 0], [2, 2], [np.nan, 0], [0, 3], [0, -1]]))
    assert np.isnan(found[[0, 2, 3]]).all()
    assert found[1] == pytest.approx(np.sqrt(0.5)) and found[4] == pytest.approx(-1)


def test_shuffled_frames_are_less_like_their_neighbours(figure) -> None:
    assert figure("consistency_facediff", "shuffled") < figure("consistency_facediff", "plain")
