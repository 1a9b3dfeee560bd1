"""Frames that are looked at are spread over a clip, and are the same moments of all videos."""

from __future__ import annotations

import numpy as np
import pytest

from facediff.evaluation.frame_choice import read_chosen, thin


@pytest.mark.parametrize(("count", "most"), [(7, 100), (1000, 100), (250, 100), (0, 5)])
def test_rows_are_spread_and_no_more_than_twice_as_many_as_asked(count, most) -> None:
    rows = np.zeros(2 * count, bool)
    rows[::2] = True
    found = sorted(thin(rows, most))
    assert min(count, most) <= len(found) < 2 * most or not count
    assert all(rows[row] for row in found) and len(set(np.diff(found))) <= 1


def test_each_row_comes_with_the_frame_of_each_video_up_to_the_shortest() -> None:
    one, other = ([np.full((1, 1, 3), k + base, np.uint8) for k in range(n)] for base, n in ((0, 9), (100, 6)))
    found = [(row, int(a[0, 0, 0]), int(b[0, 0, 0])) for row, a, b in read_chosen({1, 4, 8}, one, other)]
    assert found == [(1, 1, 101), (4, 4, 104)]
