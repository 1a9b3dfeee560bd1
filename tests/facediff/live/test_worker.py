"""Which orders are worked on together; the rest of the process is tested where it ends, by sessions."""

from __future__ import annotations

import numpy as np

from facediff.live.planner import Plan
from facediff.live.worker import Order, _next_chunk

NONE = np.zeros(0, np.float32)


def orders(*indices, cut=()):
    return [Order(Plan(index, NONE, NONE, is_cut=index in cut), 0, 0) for index in indices]


def chunks(waiting):
    found = []
    while waiting:
        chunk, waiting = _next_chunk(waiting)
        if not chunk:
            return found, [order.plan.index for order in waiting]
        found.append([order.plan.index for order in chunk])
    return found, []


def test_frames_are_made_two_at_once_or_four_and_one_that_is_alone_waits():
    assert chunks(orders(0)) == ([], [0])
    assert chunks(orders(0, 1)) == ([[0, 1]], [])
    assert chunks(orders(0, 1, 2)) == ([[0, 1]], [2])
    assert chunks(orders(*range(9))) == ([[0, 1, 2, 3], [4, 5, 6, 7]], [8])


def test_the_first_frame_after_an_interruption_waits_for_no_other_nor_do_those_before_it():
    assert chunks(orders(5, 6, cut=[5])) == ([[5]], [6])
    assert chunks(orders(3, 4, 8, 9, 10, cut=[8])) == ([[3, 4], [8], [9, 10]], [])
    assert chunks(orders(3, 8, 9, 10, cut=[8])) == ([[3], [8], [9, 10]], [])
    assert chunks(orders(*range(6), 9, cut=[9])) == ([[0, 1, 2, 3], [4, 5], [9]], []), "none is left out"
