"""Threads of a live session's process that paint and mark what was warped, while others come in."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from threading import Condition

from facediff.live.governor import Governor
from facediff.live.renderer import LiveRenderer
from facediff.live.shots import MOST_AT_ONCE, Shot
from facediff.types import Frame

_SMOOTH = 0.1  # weight of the newest frame in what frames take


@dataclass(frozen=True)
class Job:
    """A frame that is to be finished.

    Attributes:
        index: Of the frame.
        generation: How many interruptions came before it was planned.
        shot: What it is made of.
        moved_s: Seconds that it took so far.
        is_alone: Whether it is not to wait for others: the first after an interruption, in which a mouth is to close.
    """

    index: int
    generation: int
    shot: Shot
    moved_s: float
    is_alone: bool = False


class Finishers:
    """Each takes what waits, four frames at most, so a machine that falls behind works in larger pieces.

    Args:
        renderer: Paints.
        governor: Says how much is done for each frame.
        send: Is told pictures with their jobs, by one thread at a time, not always in order.
        crew: Whose threads they are.
        count: How many.
        failed: Is told what a thread ended of.
    """

    def __init__(
        self,
        renderer: LiveRenderer,
        governor: Governor,
        send: Callable[[Frame, Job], None],
        crew: Executor,
        count: int,
        failed: Callable[[Exception], None],
    ) -> None:
        self._renderer, self._governor = renderer, governor
        self._send, self._count, self._failed = send, count, failed
        self._jobs: deque[Job] = deque()
        self._news = Condition()
        self._is_over = False
        self._void_from, self._generation = 0, 0
        self.frame_s = 0.0  # that a frame takes from its order to its picture
        self._unready = count
        for _ in range(count):
            crew.submit(self._work)

    def wait_until_ready(self) -> None:
        """Until each thread has rehearsed, or one has failed."""
        with self._news:
            self._news.wait_for(lambda: self._unready <= 0 or self._is_over)

    def put(self, jobs: list[Job]) -> None:
        """Takes jobs, in order."""
        with self._news:
            self._jobs.extend(jobs)
            self._news.notify(len(jobs))

    def void(self, index: int, generation: int) -> None:
        """Forgets frames from one on that were planned before an interruption."""
        with self._news:
            self._void_from, self._generation = index, generation
            self._jobs = deque(job for job in self._jobs if not self._is_void(job))

    def close(self) -> None:
        """Lets the threads end."""
        with self._news:
            self._is_over = True
            self._news.notify_all()

    def _is_void(self, job: Job) -> bool:
        return job.generation < self._generation and job.index >= self._void_from

    def _work(self) -> None:
        governor = self._governor
        try:
            self._renderer.rehearse()
            with self._news:
                self._unready -= 1
                self._news.notify_all()
            while jobs := self._take():
                started = time.perf_counter()
                level = governor.hasty if jobs[0].is_alone else governor.level
                pictures = self._renderer.finish([job.shot for job in jobs], level)
                spent = (time.perf_counter() - started) / len(jobs)
                with self._news:
                    for job, picture in zip(jobs, pictures, strict=True):
                        if not self._is_void(job):
                            self._send(picture, job)
                    governor.measure(level, max(jobs[-1].moved_s, spent / self._count))
                    taken = jobs[-1].moved_s + spent
                    self.frame_s = taken if not self.frame_s else self.frame_s + _SMOOTH * (taken - self.frame_s)
        except Exception as error:  # it is the process's own to tell
            with self._news:
                self._unready = 0
                self._news.notify_all()
            self._failed(error)

    def _take(self) -> list[Job]:
        """What is finished next, together; nothing at the end."""
        with self._news:
            self._news.wait_for(lambda: self._jobs or self._is_over)
            if self._is_over:
                return []
            taken = [self._jobs.popleft()]
            while self._jobs and len(taken) < MOST_AT_ONCE and not (taken[0].is_alone or self._jobs[0].is_alone):
                taken.append(self._jobs.popleft())
            return taken
