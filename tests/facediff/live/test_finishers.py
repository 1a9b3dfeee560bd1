"""Threads that finish what was moved."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from facediff.live.finishers import Finishers, Job
from facediff.live.governor import Governor
from facediff.live.renderer import levels


class Engine:
    """Paints nothing, but can be held, and remembers what came together."""

    def __init__(self):
        self.governor = Governor(levels(1, True), 0.04)
        self.together, self.may_go, self.is_at_work = [], threading.Event(), threading.Event()
        self.steps = []
        self.fails = False

    def finish(self, shots, level):
        self.is_at_work.set()
        assert self.may_go.wait(5)
        if self.fails:
            raise ValueError("no")
        self.together.append(shots)
        self.steps.append(level.steps)
        return shots


@pytest.fixture
def crew():
    with ThreadPoolExecutor(2) as threads:
        yield threads


def start(crew, count=1):
    engine, sent, errors = Engine(), [], []
    done = SimpleNamespace(sent=sent, errors=errors, news=threading.Condition())

    def send(picture, job):
        with done.news:
            sent.append((picture, job.index))
            done.news.notify_all()

    def fail(error):
        with done.news:
            errors.append(error)
            done.news.notify_all()

    return engine, Finishers(engine, send, crew, count, fail), done


def wait(done, count):
    with done.news:
        assert done.news.wait_for(lambda: len(done.sent) + len(done.errors) >= count, 5)


def job(index, generation=0, *, is_alone=False):
    return Job(index, generation, f"shot {index}", 0.01, is_alone)


def test_what_waits_is_finished_together_but_four_at_most(crew):
    engine, finishers, done = start(crew)
    finishers.put([job(0)])
    assert engine.is_at_work.wait(5)
    finishers.put([job(k) for k in range(1, 7)])
    engine.may_go.set()
    wait(done, 7)
    finishers.close()
    assert [len(shots) for shots in engine.together] == [1, 4, 2]
    assert done.sent == [(f"shot {k}", k) for k in range(7)]
    assert finishers.frame_s >= 0.01


def test_the_first_frame_after_an_interruption_waits_for_no_other(crew):
    engine, finishers, done = start(crew)
    finishers.put([job(0)])
    assert engine.is_at_work.wait(5)
    finishers.put([job(1), job(2, 1, is_alone=True), job(3, 1)])
    engine.may_go.set()
    wait(done, 4)
    finishers.close()
    assert [len(shots) for shots in engine.together] == [1, 1, 1, 1]
    assert engine.steps == [1, 1, 0, 1], "nor for a denoiser: a mouth that shuts is seen sooner without"


def test_what_an_interruption_made_void_is_not_sent(crew):
    engine, finishers, done = start(crew)
    finishers.put([job(4)])
    assert engine.is_at_work.wait(5)
    finishers.put([job(5), job(6)])
    finishers.void(4, 1)  # while the first one is being painted
    finishers.put([job(4, 1)])
    engine.may_go.set()
    wait(done, 1)
    finishers.close()
    assert done.sent == [("shot 4", 4)]
    assert engine.together == [["shot 4"], ["shot 4"]]


def test_what_goes_wrong_is_told(crew):
    engine, finishers, done = start(crew)
    engine.fails = True
    engine.may_go.set()
    finishers.put([job(0)])
    wait(done, 1)
    finishers.close()
    assert isinstance(done.errors[0], ValueError) and not done.sent
