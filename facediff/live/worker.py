"""The process of a live session: it hears, moves and paints, so that whoever plays the sound never waits."""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

import cv2
import psutil
import torch

from facediff.errors import FaceDiffError
from facediff.live.channel import Messages, PictureRing
from facediff.live.engine import LiveEngine, Portrait
from facediff.live.finishers import Finishers, Job
from facediff.live.planner import Plan
from facediff.live.renderer import MOST_AT_ONCE
from facediff.options.live import StreamOptions
from facediff.options.marks import MarkOptions
from facediff.rendering.ahead import count_painters, hire_crew
from facediff.system.device import choose_device
from facediff.tasks.model_choice import ModelChoice
from facediff.types import Frame

_TELL_S = 0.5  # between two reports


@dataclass(frozen=True)
class Begin:
    """What a worker is told first.

    Attributes:
        portrait: Whom.
        model: With which model.
        device: On what.
        options: How.
        marks: How frames are marked.
        memory: Name of the pictures' memory.
        realtime: Whether frames that come too late are left out.
        lead: How many frames before it is shown one is planned.
    """

    portrait: Portrait
    model: str
    device: str | None
    options: StreamOptions
    marks: MarkOptions
    memory: str
    realtime: bool
    lead: int


@dataclass(frozen=True)
class Order:
    """A frame to be made.

    Attributes:
        plan: What it says.
        generation: How many interruptions came before it.
        late: How many frames have been late so far.
    """

    plan: Plan
    generation: int
    late: int


@dataclass(frozen=True)
class Made:
    """A picture that lies in shared memory; without a slot, a frame that is left out on purpose."""

    index: int
    generation: int
    slot: int | None


@dataclass(frozen=True)
class Report:
    """How the worker does: its level, seconds a frame, and resident memory in bytes."""

    level: str
    frame_s: float
    memory: int


@dataclass(frozen=True)
class Failed:
    """Why a worker ends: the error's class and words."""

    kind: str
    message: str


class Worker:
    """Takes orders as they come: as many at once as wait, so a machine that falls behind works in larger pieces.

    It hears and moves in this thread; others finish what was moved.
    """

    def __init__(self, begin: Begin, messages: Messages, inbox: SimpleQueue[Any]) -> None:
        self._begin, self._messages, self._inbox = begin, messages, inbox
        self._ring = PictureRing(begin.portrait.size, begin.memory)
        models = ModelChoice(begin.model, begin.device)
        self._engine = LiveEngine(begin.portrait, models, begin.options, begin.marks)
        self._painters = max(1, count_painters(choose_device(begin.device)) - 1)  # one thread hears and moves
        self._made = self._late = 0
        self._told = 0.0
        self._process = psutil.Process()

    def run(self) -> None:
        """Until the session has gone."""
        self._send(self._engine.prepare(), -1, 0)
        with hire_crew(self._painters) as crew:
            torch.set_num_threads(1)  # whoever hears and moves gains nothing from a second one
            self._finishers = Finishers(
                self._engine, lambda picture, job: self._send(picture, job.index, job.generation), crew,
                self._painters, self._inbox.put,
            )  # fmt: skip
            try:
                self._serve()
            finally:
                self._finishers.close()

    def _serve(self) -> None:
        orders: list[Order] = []
        while (message := self._inbox.get()) is not None:
            seen: Frame | None = None
            while True:
                if isinstance(message, Order):
                    if message.plan.is_cut:
                        orders = [order for order in orders if order.plan.index < message.plan.index]
                        self._finishers.void(message.plan.index, message.generation)
                    orders.append(message)
                elif message is None:
                    return
                elif isinstance(message, Exception):
                    raise message
                else:
                    seen = message
                try:
                    message = self._inbox.get_nowait()
                except Empty:
                    break
            if seen is not None:
                self._engine.follow(seen)
            while orders and not (self._begin.realtime and not self._inbox.empty()):
                chunk, orders = _next_chunk(orders, self._begin.realtime)
                self._move(chunk)
            self._tell()

    def _move(self, chunk: list[Order]) -> None:
        started = time.perf_counter()
        newest = chunk[-1].plan.index
        wanted = [not self._begin.realtime or order.plan.index > newest - self._begin.lead for order in chunk]
        every = self._engine.governor.level.every
        shots = self._engine.move([order.plan for order in chunk], wanted)
        spent = (time.perf_counter() - started) / max(1, sum(shot is not None for shot in shots))
        jobs = []
        for order, shot in zip(chunk, shots, strict=True):
            if shot is not None:
                jobs.append(Job(order.plan.index, order.generation, shot, spent, order.plan.is_cut))
            elif order.plan.index % every:
                self._messages.send(Made(order.plan.index, order.generation, None))
        self._finishers.put(jobs)
        if self._begin.realtime:
            self._engine.governor.pass_time(len(chunk), max(0, chunk[-1].late - self._late))
        self._late = chunk[-1].late

    def _send(self, picture: Frame, index: int, generation: int) -> None:
        slot = self._ring.write(self._made, picture)
        self._made += 1
        self._messages.send(Made(index, generation, slot))

    def _tell(self) -> None:
        now = time.monotonic()
        if now - self._told >= _TELL_S:
            self._told = now
            level = self._engine.governor.level.name
            self._messages.send(Report(level, self._finishers.frame_s, self._process.memory_info().rss))


def _next_chunk(orders: list[Order], realtime: bool) -> tuple[list[Order], list[Order]]:
    """Orders that are worked on together, up to the next interruption, and those after them.

    The first frame after one is made alone: a mouth that is to close is waited for.
    """
    if orders[0].plan.is_cut:
        return orders[:1], orders[1:]
    stop = next((k for k, order in enumerate(orders) if k and order.plan.is_cut), len(orders))
    if not realtime:
        stop = min(stop, MOST_AT_ONCE)
    return orders[:stop], orders[stop:]


def main() -> None:
    """Runs in a process of its own; speaks through its standard input and output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal tells all processes; the session says when to end
    target = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print is no message
    cv2.setNumThreads(1)  # its threads wait for one another, and for torch's: a watermark takes 1.4 ms instead of 7
    inbox: SimpleQueue[Any] = SimpleQueue()
    messages = Messages(sys.stdin.buffer, target, inbox.put, lambda: inbox.put(None))
    begin = inbox.get()
    if begin is None:
        return
    try:
        Worker(begin, messages, inbox).run()
    except FaceDiffError as error:
        messages.send(Failed(type(error).__name__, str(error)))
    except Exception as error:  # the session tells it; a traceback goes to the log
        import traceback

        traceback.print_exc()
        messages.send(Failed("LiveError", f"rendering failed: {type(error).__name__}: {error}"))
    messages.close()
    os._exit(0)  # a thread that waits for input would hold the interpreter


if __name__ == "__main__":
    main()
