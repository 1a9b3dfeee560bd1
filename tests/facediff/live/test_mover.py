"""The process that hears, moves and warps."""

from __future__ import annotations

import os
import signal
from queue import SimpleQueue

import numpy as np
import pytest

from facediff.errors import LiveError, WeightsError
from facediff.live.engine import Portrait, open_performer, open_shots
from facediff.live.mover import Cast, Moved, Mover
from facediff.live.planner import Planner
from facediff.options.live import StreamOptions
from facediff.tasks.model_choice import ModelChoice

HELLO = (np.random.default_rng(0).normal(0, 0.1, 16000) * np.abs(np.sin(np.arange(16000) / 1500))).astype(np.float32)


@pytest.fixture
def portrait(small_avatar):
    return Portrait.of(small_avatar._source, None)


def plan(count):
    planner = Planner(25.0)
    planner.push(HELLO, 16000, last_chunk=True)
    return [planner.plan() for _ in range(count)]


def test_it_makes_what_this_process_would_and_only_what_is_wanted(portrait):
    told: SimpleQueue = SimpleQueue()
    mover = Mover(Cast(portrait, "base", "cpu", StreamOptions()), told.put)
    try:
        still = told.get(timeout=60)
        assert isinstance(still, Moved) and len(still.shots) == 1 and still.memory > 100 << 20
        plans = plan(6)
        mover.ask(plans[:4], [0, 2])
        mover.ask(plans[4:], [])
        mover.follow(np.zeros((64, 64, 3), np.uint8))  # where nobody is seen, nothing comes of it
        first, second = told.get(timeout=60), told.get(timeout=60)
        assert len(first.shots) == 2 and second.shots == [] and first.frame_s > 0
        models = ModelChoice("base", "cpu")
        own, shots = open_performer(portrait, models, StreamOptions()), open_shots(portrait, models)
        wanted = shots.make(own.perform(plans[:4]).take([0, 2]))
        for one, other in zip(first.shots, wanted, strict=True):
            assert np.abs(one.frame.picture.astype(int) - other.frame.picture).mean() < 0.5
            np.testing.assert_array_equal(one.window, other.window)
    finally:
        mover.close()
    assert mover._process.returncode is not None and told.empty(), "who is closed says nothing more"


def test_what_cannot_be_loaded_and_what_is_killed_is_told(portrait, tmp_path):
    told: SimpleQueue = SimpleQueue()
    mover = Mover(Cast(portrait, str(tmp_path), "cpu", StreamOptions()), told.put)
    assert isinstance(told.get(timeout=60), WeightsError)
    mover.close()
    told = SimpleQueue()
    mover = Mover(Cast(portrait, "base", "cpu", StreamOptions()), told.put)
    os.kill(mover._process.pid, signal.SIGKILL)
    error = told.get(timeout=60)
    mover.close()
    assert isinstance(error, LiveError) and "-9" in str(error)
