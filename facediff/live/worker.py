"""The process of a live session that paints, so that whoever plays the sound never waits."""

from __future__ import annotations

import time
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

import psutil

from facediff.audio.windows import exact_rate
from facediff.live.channel import Messages, PictureRing
from facediff.live.engine import Portrait, open_renderer
from facediff.live.finishers import Finishers, Job
from facediff.live.governor import Governor
from facediff.live.mover import Cast, Moved, Mover
from facediff.live.planner import TOGETHER, Plan
from facediff.live.process import serve
from facediff.live.shots import MOST_AT_ONCE, Shot
from facediff.options.live import StreamOptions
from facediff.options.marks import MarkOptions
from facediff.rendering.ahead import count_painters, hire_crew
from facediff.system.device import choose_device
from facediff.tasks.model_choice import ModelChoice
from facediff.types import Frame

_TELL_S = 0.5  # between two reports
_EXCUSED = 10  # frames from an interruption on that may be late, whatever is done for each


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


class Worker:
    """Takes orders as they come: as many at once as wait, so a machine that falls behind works in larger pieces.

    Another process hears, moves and warps; threads of this one paint and mark what that makes.
    """

    def __init__(self, begin: Begin, messages: Messages, inbox: SimpleQueue[Any]) -> None:
        self._begin, self._messages, self._inbox = begin, messages, inbox
        self._mover = Mover(Cast(begin.portrait, begin.model, begin.device, begin.options), inbox.put)
        try:
            self._ring = PictureRing(begin.portrait.size, begin.memory)
            models = ModelChoice(begin.model, begin.device)
            self._renderer = open_renderer(begin.portrait, models, begin.options, begin.marks)
        except BaseException:
            self._mover.close()
            raise
        self._governor = Governor(self._renderer.levels, float(1 / exact_rate(begin.options.fps)))
        self._painters = max(1, count_painters(choose_device(begin.device)) - 1)  # beside the mover
        self._orders: list[Order] = []  # nobody moves them yet
        self._moving: list[Order] = []  # those that are being moved
        self._shown: list[int] = []  # which of them are wanted
        self._newest = -1
        self._void_from, self._generation, self._excused = 0, 0, -1
        self._made = self._late = 0
        self._told, self._moved_memory = 0.0, 0
        self._process = psutil.Process()

    def run(self) -> None:
        """Until the session has gone."""
        try:
            still = self._wait_for_mover()
            if still is None:
                return
            first = self._renderer.prepare(still)
            with hire_crew(self._painters) as crew:
                self._finishers = Finishers(
                    self._renderer, self._governor,
                    lambda picture, job: self._send(picture, job.index, job.generation), crew, self._painters,
                    self._inbox.put,
                )  # fmt: skip
                try:
                    self._finishers.wait_until_ready()
                    self._send(first, -1, 0)
                    self._serve()
                finally:
                    self._finishers.close()
        finally:
            self._mover.close()

    def _wait_for_mover(self) -> Shot | None:
        """The portrait at rest; None if the session has gone before the mover was ready."""
        while (message := self._inbox.get()) is not None:
            if isinstance(message, Moved):
                return message.shots[0]
            if isinstance(message, Exception):
                raise message
            self._mover.follow(message)  # a camera may be on before; orders come once the first frame is there
        return None

    def _serve(self) -> None:
        while (message := self._inbox.get()) is not None:
            while True:
                if isinstance(message, Order):
                    self._take(message)
                elif isinstance(message, Moved):
                    self._paint(message)
                elif isinstance(message, Exception):
                    raise message
                elif message is None:
                    return
                else:
                    self._mover.follow(message)
                try:
                    message = self._inbox.get_nowait()
                except Empty:
                    break
            self._ask()
            self._tell()

    def _take(self, order: Order) -> None:
        """Puts an order behind the others, or in the place of those that it makes void."""
        if order.plan.is_cut:
            self._void_from, self._generation = order.plan.index, order.generation
            self._excused = order.plan.index + _EXCUSED
            self._orders = [one for one in self._orders if not self._is_void(one)]
            self._finishers.void(order.plan.index, order.generation)
        self._orders.append(order)
        self._newest = order.plan.index

    def _ask(self) -> None:
        """Has what waits moved, unless something is being moved."""
        if not self._orders or self._moving:
            return
        chunk, self._orders = _next_chunk(self._orders)
        if not chunk:
            return
        oldest = self._newest - self._begin.lead if self._begin.realtime else -1
        every = self._governor.level.every
        shown = [k for k, order in enumerate(chunk) if order.plan.index > oldest and order.plan.index % every == 0]
        self._moving, self._shown = chunk, shown
        self._mover.ask([order.plan for order in chunk], shown)
        for order in chunk:
            if order.plan.index % every:
                self._messages.send(Made(order.plan.index, order.generation, None))
        if self._begin.realtime:
            late = chunk[-1].late - self._late if chunk[0].plan.index > self._excused else 0
            self._governor.pass_time(len(chunk), max(0, late))
        self._late = chunk[-1].late

    def _paint(self, moved: Moved) -> None:
        """Hands what was moved to those who paint, and is wanted still."""
        orders, self._moving = self._moving, []
        shown = [orders[k] for k in self._shown]
        self._finishers.put([
            Job(order.plan.index, order.generation, shot, moved.frame_s, order.plan.is_cut)
            for order, shot in zip(shown, moved.shots, strict=True)
            if not self._is_void(order)
        ])  # fmt: skip
        self._moved_memory = moved.memory

    def _is_void(self, order: Order) -> bool:
        return order.generation < self._generation and order.plan.index >= self._void_from

    def _send(self, picture: Frame, index: int, generation: int) -> None:
        slot = self._ring.write(self._made, picture)
        self._made += 1
        self._messages.send(Made(index, generation, slot))

    def _tell(self) -> None:
        now = time.monotonic()
        if now - self._told >= _TELL_S:
            self._told = now
            memory = self._process.memory_info().rss + self._moved_memory
            self._messages.send(Report(self._governor.level.name, self._finishers.frame_s, memory))


def _next_chunk(orders: list[Order]) -> tuple[list[Order], list[Order]]:
    """Orders that are worked on together, up to the next interruption, and those after them.

    The first frame after one is made alone: a mouth that is to close is waited for. Others are made two at once at
    least, four at most, and where one is alone it waits.
    """
    if orders[0].plan.is_cut:
        return orders[:1], orders[1:]
    stop = next((k for k, order in enumerate(orders) if k and order.plan.is_cut), len(orders) - len(orders) % TOGETHER)
    stop = min(stop, MOST_AT_ONCE)
    return orders[:stop], orders[stop:]


def main() -> None:
    """Runs in a process of its own; speaks through its standard input and output."""
    serve(lambda begin, messages, inbox: Worker(begin, messages, inbox).run())


if __name__ == "__main__":
    main()
