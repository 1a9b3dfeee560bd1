"""How a session and its process speak."""

from __future__ import annotations

import os
import subprocess
import sys
from queue import SimpleQueue

import numpy as np
import pytest

from facediff.live.channel import SLOTS, Messages, PictureRing


def test_messages_arrive_in_order_and_the_end_is_told():
    read, write = os.pipe()
    back_read, back_write = os.pipe()
    got: SimpleQueue = SimpleQueue()
    one = Messages(os.fdopen(back_read, "rb"), os.fdopen(write, "wb"), got.put, lambda: None)
    other = Messages(os.fdopen(read, "rb"), os.fdopen(back_write, "wb"), got.put, lambda: got.put("gone"))
    big = np.arange(100_000)
    for message in ("a", 2, big):
        one.send(message)
    one.close()
    assert got.get(timeout=5) == "a" and got.get(timeout=5) == 2
    np.testing.assert_array_equal(got.get(timeout=5), big)
    assert got.get(timeout=5) == "gone"
    other.close()
    one.join(), other.join()


def test_sending_to_nobody_neither_waits_nor_raises():
    (read, write), (idle, other) = os.pipe(), os.pipe()
    messages = Messages(os.fdopen(idle, "rb"), os.fdopen(write, "wb"), lambda message: None, lambda: None)
    for _ in range(50):
        messages.send(np.zeros(100_000))
    messages.close(0.01)
    os.close(read)
    os.close(other)
    messages.join()


def test_pictures_are_seen_by_both_sides_and_each_has_its_place():
    ring = PictureRing((8, 6))
    try:
        other = PictureRing((8, 6), ring.name)
        for number in range(SLOTS + 3):
            slot = other.write(number, np.full((6, 8, 3), number, np.uint8))
            assert ring.read(slot).tolist() == np.full((6, 8, 3), number).tolist()
        copied = ring.read(0)
        other.write(0, np.zeros((6, 8, 3), np.uint8))
        assert copied.all()
        other.close()
    finally:
        ring.close(unlink=True)


def test_a_process_that_attaches_and_ends_leaves_the_memory_to_its_owner():
    ring = PictureRing((8, 6))
    code = (
        f"from facediff.live.channel import PictureRing; r = PictureRing((8, 6), {ring.name!r}); r.read(0); r.close()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not done.stderr
    again = PictureRing((8, 6), ring.name)
    again.close()
    ring.close(unlink=True)
    with pytest.raises(FileNotFoundError):
        PictureRing((8, 6), ring.name)
