"""Threads that finish what was moved."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from facediff.live.finishers import Finishers, Job
from facediff.live.governor import Governor
from facediff.live.renderer import levels


class Renderer:
    """Paints nothing, but can be held, and remembers what came together."""

    def __init__(self):
        self.rehearsals = 0
        self.together, self.may_go, self.is_at_work = [], threading.Event(), threading.Event()
        self.steps = []
        self.fails = False

    def rehearse(self):
        self.rehearsals += 1

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
    renderer, sent, errors = Renderer(), [], []
    done = SimpleNamespace(sent=sent, errors=errors, news=threading.Condition())

    def send(picture, job):
        with done.news:
            sent.append((picture, job.index))
            done.news.notify_all()

    def fail(error):
        with done.news:
            errors.append(error)
            done.news.notify_all()

    return renderer, Finishers(renderer, Governor(levels(1, True), 0.04), send, crew, count, fail), done


def wait(done, count):
    with done.news:
        assert done.news.wait_for(lambda: len(done.sent) + len(done.errors) >= count, 5)


def job(index, generation=0, *, is_alone=False):
    return Job(index, generation, f"shot {index}", 0.01, is_alone)


def test_what_waits_is_finished_together_but_four_at_most(crew):
    renderer, finishers, done = start(crew)
    finishers.put([job(0)])
    assert renderer.is_at_work.wait(5)
    finishers.put([job(k) for k in range(1, 7)])
    renderer.may_go.set()
    wait(done, 7)
    finishers.close()
    assert [len(shots) for shots in renderer.together] == [1, 4, 2]
    assert done.sent == [(f"shot {k}", k) for k in range(7)]
    assert finishers.frame_s >= 0.01


def test_the_first_frame_after_an_interruption_waits_for_no_other(crew):
    renderer, finishers, done = start(crew)
    finishers.put([job(0)])
    assert renderer.is_at_work.wait(5)
    finishers.put([job(1), job(2, 1, is_alone=True), job(3, 1)])
    renderer.may_go.set()
    wait(done, 4)
    finishers.close()
    assert [len(shots) for shots in renderer.together] == [1, 1, 1, 1]
    assert renderer.steps == [1, 1, 0, 1], "nor for a denoiser: a mouth that shuts is seen sooner without"


def test_what_an_interruption_made_void_is_not_sent(crew):
    renderer, finishers, done = start(crew)
    finishers.put([job(4)])
    assert renderer.is_at_work.wait(5)
    finishers.put([job(5), job(6)])
    finishers.void(4, 1)  # while the first one is being painted
    finishers.put([job(4, 1)])
    renderer.may_go.set()
    wait(done, 1)
    finishers.close()
    assert done.sent == [("shot 4", 4)]
    assert renderer.together == [["shot 4"], ["shot 4"]]


def test_what_goes_wrong_is_told(crew):
    renderer, finishers, done = start(crew)
    renderer.fails = True
    renderer.may_go.set()
    finishers.put([job(0)])
    wait(done, 1)
    finishers.close()
    assert isinstance(done.errors[0], ValueError) and not done.sent


def test_each_thread_rehearses_before_they_are_ready(crew):
    renderer, finishers, _ = start(crew, count=2)
    finishers.wait_until_ready()
    assert renderer.rehearsals == 2
    finishers.close()


def test_who_fails_to_rehearse_is_not_waited_for(crew):
    class Clumsy(Renderer):
        def rehearse(self):
            raise ValueError("no")

    errors = []
    finishers = Finishers(Clumsy(), Governor(levels(1, True), 0.04), lambda *_: None, crew, 1, errors.append)
    finishers.wait_until_ready()
    finishers.close()
    assert isinstance(errors[0], ValueError)
