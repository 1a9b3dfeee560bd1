"""A video in which several people are: that one is taken is said once, by all that opens it."""

from __future__ import annotations

import logging
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from facediff.avatar import Avatar
from facediff.cli import app
from facediff.media import VideoWriter
from facediff.motion.driver import read_driver

TAKEN = "pair.mp4 shows 2 faces and the largest is taken; face=left takes the other"


@pytest.fixture
def pair(tmp_path, portrait) -> Path:
    """Three frames of two heads, the right one larger."""
    head = portrait[20:212, 130:322]
    small = np.pad(head[::4, ::4].repeat(3, 0).repeat(3, 1), ((48, 0), (0, 0), (0, 0)), constant_values=128)
    path = tmp_path / "pair.mp4"
    with VideoWriter(path, (336, 192), Fraction(25)) as writer:
        for _ in range(3):
            writer.write(np.ascontiguousarray(np.hstack([small, head])))
    return path


def test_a_video_of_two_tells_whom_it_takes_and_how_to_take_the_other(pair, caplog) -> None:
    for _ in range(2):
        assert Avatar.from_file(pair).track.points[0, :, 0].mean() > 144
    assert caplog.text.count(TAKEN) == 1
    caplog.clear()
    for other in (0, "left"):
        assert Avatar.from_file(pair, face=other).track.points[0, :, 0].mean() < 144
    assert not caplog.records


def test_a_driver_of_two_tells_whose_motion_it_is_and_where_to_have_the_other(pair, caplog) -> None:
    read_driver(pair)
    assert "pair.mp4 shows 2 faces and the largest drives;" in caplog.text
    assert "'facediff motion extract pair.mp4 face=left'" in caplog.text
    caplog.clear()
    read_driver(pair, face=0)
    assert not caplog.records


def test_who_types_reads_what_to_type(pair, tmp_path, capfd, monkeypatch) -> None:
    monkeypatch.setattr(logging.root, "handlers", [])  # those of the tests would be taken for the program's
    with pytest.raises(SystemExit):
        app(["motion", "extract", str(pair), "-o", str(tmp_path / "one.npz")])
    assert "the largest is taken; --face left takes the other" in " ".join(capfd.readouterr().err.split())
