"""Frames that are worked on in chunks."""

from __future__ import annotations

import numpy as np
import pytest

from facediff.rendering.frame import in_chunks


def bare(k: int) -> np.ndarray:
    return np.full((2, 2, 3), k, np.uint8)


@pytest.mark.parametrize("size", [1, 3, 8, 50])
def test_finished_frames_come_in_order_and_bare_ones_pass_untouched(size) -> None:
    items = [k if k % 3 else bare(k) for k in range(10)]
    worked: list[list[int]] = []

    def work(chunk: list[int]):
        worked.append(chunk)
        return (bare(100 + k) for k in chunk)

    made = [int(frame[0, 0, 0]) for frame in in_chunks(items, size, work)]
    assert made == [100 + k if k % 3 else k for k in range(10)]
    assert all(0 < len(chunk) <= size for chunk in worked)
    assert [k for chunk in worked for k in chunk] == [k for k in range(10) if k % 3]


def test_a_chunk_is_begun_when_it_is_full_and_not_before_it_is_asked_for() -> None:
    taken = []

    def items():
        for k in range(9):
            taken.append(k)
            yield k

    made = in_chunks(items(), 4, lambda chunk: [bare(k) for k in chunk])
    assert not taken
    next(made)
    assert taken == [0, 1, 2, 3]
