"""Threads of OpenCV that leave processors to others."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import pytest

from facediff.system.opencv_threads import hold_opencv_threads


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    usual = cv2.getNumThreads()
    cv2.setNumThreads(2)
    yield
    cv2.setNumThreads(usual)


def test_there_are_no_more_than_are_allowed_and_afterwards_as_many_as_before() -> None:
    with hold_opencv_threads(1):
        assert cv2.getNumThreads() == 1
    assert cv2.getNumThreads() == 2


def test_nobody_is_given_more_than_there_were() -> None:
    with hold_opencv_threads(9):
        assert cv2.getNumThreads() == 2


def test_whoever_ends_first_leaves_it_to_the_others() -> None:
    one, other = hold_opencv_threads(1), hold_opencv_threads(2)
    one.__enter__()
    other.__enter__()
    one.__exit__(None, None, None)
    assert cv2.getNumThreads() == 1
    other.__exit__(None, None, None)
    assert cv2.getNumThreads() == 2


def test_an_error_gives_them_back() -> None:
    with pytest.raises(ValueError), hold_opencv_threads(1):
        raise ValueError
    assert cv2.getNumThreads() == 2
