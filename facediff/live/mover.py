"""The process of a live session that hears, moves and warps; another one paints what it makes.

One process for both would have their threads wait for one another: thousands of small calls a frame take Python's lock
in turn, and a frame costs half as much again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import psutil
import torch

from facediff.errors import LiveError
from facediff.live.channel import Messages
from facediff.live.engine import Portrait, open_performer, open_shots
from facediff.live.planner import Plan
from facediff.live.process import Failed, end_process, serve, start_process
from facediff.live.shots import Shot
from facediff.options.live import StreamOptions
from facediff.tasks.model_choice import ModelChoice
from facediff.types import Frame

if TYPE_CHECKING:
    from facediff.live.follower import DriverReader

_WEIGHED_S = 1.0  # between two looks at the memory


@dataclass(frozen=True)
class Cast:
    """What a mover is told first: whom it moves, with which model, on what, and how."""

    portrait: Portrait
    model: str
    device: str | None
    options: StreamOptions


@dataclass(frozen=True)
class Ask:
    """What a mover is asked for.

    Attributes:
        plans: The next frames, in order.
        shown: Which of them are wanted, four at most.
    """

    plans: list[Plan]
    shown: list[int]


@dataclass(frozen=True)
class Moved:
    """What a mover made.

    Attributes:
        shots: Of the frames that were wanted; at first the portrait at rest.
        frame_s: Seconds a frame took.
        memory: Of the process, resident bytes.
    """

    shots: list[Shot]
    frame_s: float
    memory: int


class Mover:
    """Another process that hears, moves and warps, as it is seen by the one that paints.

    Args:
        cast: See ``Cast``.
        tell: Is told each ``Moved``, and a ``FaceDiffError`` at the end; by a thread of its own.
    """

    def __init__(self, cast: Cast, tell: Callable[[Any], None]) -> None:
        self._process = start_process("facediff.live.mover")
        assert self._process.stdin is not None and self._process.stdout is not None
        self._tell, self._is_over = tell, False
        self._messages = Messages(self._process.stdout, self._process.stdin, self._hear, self._closed)
        self._messages.send(cast)

    def ask(self, plans: list[Plan], shown: list[int]) -> None:
        """Asks for frames; see ``Ask``."""
        self._messages.send(Ask(plans, shown))

    def follow(self, picture: Frame) -> None:
        """Hands on a picture of somebody, whose motion is taken over."""
        self._messages.send(picture)

    def close(self) -> None:
        """Ends the process."""
        self._is_over = True
        end_process(self._process, self._messages)

    def _hear(self, message: Any) -> None:
        self._tell(message.error if isinstance(message, Failed) else message)

    def _closed(self) -> None:
        if not self._is_over:
            code = self._process.wait()
            self._tell(LiveError(f"the process that moves the live avatar ended unasked (exit code {code})"))


class _Performing:
    """The process's own side."""

    def __init__(self, cast: Cast, messages: Messages, inbox: SimpleQueue[Any]) -> None:
        self._messages, self._inbox = messages, inbox
        models = ModelChoice(cast.model, cast.device)
        self._performer, self._shots = (
            open_performer(cast.portrait, models, cast.options),
            open_shots(cast.portrait, models),
        )
        self._driver: DriverReader | None = None
        self._process, self._weighed, self._memory = psutil.Process(), 0.0, 0

    def run(self) -> None:
        """Until nobody asks any more."""
        torch.set_num_threads(1)  # networks of this size gain nothing from a second one
        self._performer.prepare()
        self._send(self._shots.make(self._shots.rest()), 0.0)
        while True:
            messages = [self._inbox.get()]
            while not self._inbox.empty():
                messages.append(self._inbox.get())
            if any(message is None for message in messages):
                return
            pictures = [message for message in messages if not isinstance(message, Ask)]
            if pictures:  # of those that wait the newest counts
                self._follow(pictures[-1])
            for message in messages:
                if isinstance(message, Ask):
                    self._move(message)

    def _move(self, ask: Ask) -> None:
        started = time.perf_counter()
        done = self._performer.perform(ask.plans)
        shots = self._shots.make(done.take(ask.shown)) if ask.shown else []
        self._send(shots, (time.perf_counter() - started) / len(ask.plans))

    def _follow(self, picture: Frame) -> None:
        if self._driver is None:
            from facediff.live.follower import DriverReader

            self._driver = DriverReader()
        row = self._driver.read(picture)
        if row is not None:
            self._performer.follow(row)

    def _send(self, shots: list[Shot], frame_s: float) -> None:
        now = time.monotonic()
        if now - self._weighed >= _WEIGHED_S:
            self._weighed, self._memory = now, self._process.memory_info().rss
        self._messages.send(Moved(shots, frame_s, self._memory))


def main() -> None:
    """Runs in a process of its own; speaks through its standard input and output."""
    serve(lambda cast, messages, inbox: _Performing(cast, messages, inbox).run())


if __name__ == "__main__":
    main()
