"""A live avatar: sound in, frames out, idle in between; what renders is a process of its own."""

from __future__ import annotations

import asyncio
import time
import weakref
from collections import deque
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from threading import Condition, RLock
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from facediff import errors
from facediff.errors import LiveError
from facediff.live.channel import Messages, PictureRing
from facediff.live.engine import Portrait
from facediff.live.planner import LOOK_AHEAD_S, Plan, Planner
from facediff.live.process import Failed, end_process, start_process
from facediff.live.worker import Begin, Made, Order, Report
from facediff.media.images import check_frame
from facediff.options.live import LiveOptions
from facediff.options.marks import MarkOptions
from facediff.provenance import Record
from facediff.types import Frame

LEAD_S = 0.2  # before it is shown a frame is planned
_GRACE_S = 0.08  # of frames that are on their way, and are shown without their sound after an interruption
_STALLED_S = 0.5  # a reader that is later than this holds the clock
_RATE_S = 5.0  # over which the rate of pictures is measured


@dataclass(frozen=True)
class LiveFrame:
    """One frame of a live avatar.

    Attributes:
        picture: RGB (H, W, 3) uint8, marked.
        sound: What is heard while it is shown, (n,) int16, mono; None where nothing is said.
        sample_rate: Of the sound, samples a second; None before any came.
        timestamp: Seconds from the first frame.
        index: Counted from 0.
        end_of_speech: Whether a speech that was flushed ends with it.
        is_repeated: Whether its picture is an earlier one, since its own was late or left out.
    """

    picture: Frame
    sound: NDArray[np.int16] | None
    sample_rate: int | None
    timestamp: float
    index: int
    end_of_speech: bool = False
    is_repeated: bool = False


@dataclass(frozen=True)
class LiveSettings:
    """What a session gives: size (width, height), frames a second, and its delay from sound to frame in seconds."""

    size: tuple[int, int]
    fps: float
    delay_s: float
    realtime: bool


@dataclass(frozen=True)
class LiveStats:
    """How a session does.

    Attributes:
        frames: That were given out.
        late: Of these, how many had an earlier picture because their own was not there in time.
        fps: New pictures a second, over the last five seconds.
        level: What is done for each frame: ``all``, or what is left of it where the machine cannot keep up.
        frame_s: Seconds that rendering a frame takes.
        delay_s: From the first packet of the last speech to its first frame; None before any.
        starved: Frames that were silent in mid-speech, since no sound had come.
        stalled_s: Seconds by which frames were read too late.
        queued_s: Seconds of sound that wait.
        memory: Of the processes that move and render, resident bytes.
    """

    frames: int
    late: int
    fps: float
    level: str
    frame_s: float
    delay_s: float | None
    starved: int
    stalled_s: float
    queued_s: float
    memory: int


class LiveSession:
    """An avatar that is live; made by ``Avatar.live``, and a context manager.

    Frames are read with ``for frame in session`` or ``async for frame in session.run()``, one reader at a time, without
    end until ``shutdown``; with ``realtime`` they come when they are due. All other methods return at once and may be
    called from any thread.

    Args:
        portrait: Whom.
        record: How it is made.
        model: With which model, on which device.
        device: See ``model``.
        options: How.
    """

    def __init__(
        self, portrait: Portrait, record: Record, model: str, device: str | None, options: LiveOptions
    ) -> None:
        self.record = record
        self.settings = LiveSettings(portrait.size, options.fps, LOOK_AHEAD_S + LEAD_S, options.realtime)
        self._planner = Planner(options.fps, options.sample_rate)
        self._lead = max(1, round(LEAD_S * options.fps))
        self._realtime = options.realtime
        self._lock, self._news = RLock(), Condition()
        self._plans: deque[Plan] = deque()
        self._generations: dict[int, int] = {}  # of each frame that is planned: how many interruptions came before it
        self._pictures: dict[int, Frame] = {}
        self._left_out: set[int] = set()  # frames that will have no picture, since fewer are rendered
        self._first: Frame | None = None
        self._last: Frame | None = None
        self._index = self._generation = self._late = 0
        self._began: float | None = None
        self._stalled = 0.0
        self._delay: float | None = None
        self._arrivals: deque[float] = deque()
        self._report = Report("starting", 0.0, 0)
        self._failure: errors.FaceDiffError | None = None
        self._is_over = False
        marks = MarkOptions(label=options.label, label_corner=options.label_corner, label_size=options.label_size)
        self._ring = PictureRing(portrait.size)
        self._process = start_process("facediff.live.worker")
        assert self._process.stdin is not None and self._process.stdout is not None
        own = weakref.ref(self)  # a session that nobody holds any more ends, though its threads run
        self._messages = Messages(
            self._process.stdout, self._process.stdin, lambda message: _tell(own, message), lambda: _tell(own, None)
        )
        self._end = weakref.finalize(self, end_process, self._process, self._messages, self._ring)
        self._messages.send(
            Begin(portrait, model, device, options, marks, self._ring.name, options.realtime, self._lead)
        )

    def push_audio(
        self, data: bytes | bytearray | memoryview | ArrayLike, sample_rate: int, last_chunk: bool = False
    ) -> None:
        """Takes a packet of what is to be said.

        Args:
            data: Mono; 16-bit integers as bytes, or an array (N,) of int16 or of floats in [-1, 1]; of any length.
            sample_rate: Samples a second. Where it changes, sound is brought to the rate that is given out.
            last_chunk: As ``flush`` after it.

        Raises:
            AudioError: It cannot be used, or five minutes wait already; nothing of it is taken.
            LiveError: The session is over.
        """
        with self._lock:
            self._check()
            self._planner.push(data, sample_rate, last_chunk=last_chunk)

    def flush(self) -> None:
        """Says that what was pushed is a whole speech: its last frame is marked, and a look-ahead is not waited for."""
        with self._lock:
            self._check()
            self._planner.flush()

    def interrupt(self) -> int:
        """Forgets all that is still to be said: silence at once, and soon a mouth that closes.

        Returns:
            The index of the frame in which it begins to; those before it are on their way.
        """
        with self._lock:
            self._check()
            kept = round(_GRACE_S * self.settings.fps) if self._realtime else 0
            start = self._index + min(kept, len(self._plans))
            self._planner.interrupt(start)
            if self._plans:
                on_their_way = list(self._plans)[: start - self._index]
                self._plans = deque(replace(plan, sound=None, end_of_speech=False) for plan in on_their_way)
                self._generation += 1
                with self._news:
                    self._pictures = {k: p for k, p in self._pictures.items() if k < start}
                self._plan_ahead()
            return start

    def push_frame(self, picture: Frame) -> None:
        """Takes a webcam's frame, RGB (H, W, 3) uint8: who is seen there moves the portrait.

        Raises:
            InputError: It is no such picture.
            LiveError: The session is over.
        """
        picture = np.asarray(picture)
        check_frame(picture, least=32)
        with self._lock:
            self._check()
            self._messages.send(np.ascontiguousarray(picture))

    def first_frame(self) -> Frame:
        """The picture (H, W, 3) of the avatar at rest, marked; waits until the models are loaded.

        Raises:
            LiveError, WeightsError, ConfigError: They cannot be.
        """
        while not self._is_ready():
            with self._news:
                self._news.wait(0.05)
        assert self._first is not None
        return self._first.copy()

    def __iter__(self) -> Iterator[LiveFrame]:
        """Frames as they are due, until the session is shut down.

        Raises:
            LiveError: What renders has ended.
        """
        while not self._is_over:
            pause = self._pause()
            if pause is None:
                yield self._give()
            else:
                with self._news:
                    self._news.wait(pause)

    async def run(self) -> AsyncIterator[LiveFrame]:
        """As iterating, in an event loop, which is never held for longer than a picture takes to copy."""
        while not self._is_over:
            pause = self._pause()
            if pause is None:
                yield self._give()
                await asyncio.sleep(0)
            else:
                await asyncio.sleep(pause)

    @property
    def stats(self) -> LiveStats:
        """How the session does."""
        now = time.monotonic()
        with self._news:
            recent = sum(now - moment <= _RATE_S for moment in self._arrivals)
        span = min(_RATE_S, now - self._began) if self._began is not None else 0.0
        return LiveStats(
            frames=self._index, late=self._late, fps=recent / span if span > 0.2 else 0.0, level=self._report.level,
            frame_s=self._report.frame_s, delay_s=self._delay, starved=self._planner.starved,
            stalled_s=self._stalled, queued_s=self._planner.queued_s, memory=self._report.memory,
        )  # fmt: skip

    @property
    def queued_s(self) -> float:
        """Seconds of sound that wait to be spoken."""
        return self._planner.queued_s

    @property
    def is_over(self) -> bool:
        """Whether it was shut down, or what renders has ended."""
        return self._is_over or self._failure is not None

    @property
    def is_speaking(self) -> bool:
        """Whether sound is being said, or waits to be."""
        with self._lock:
            planned = any(plan.sound is not None for plan in self._plans)
        return planned or self._planner.queued_s > 0 or self._planner.is_speaking

    def shutdown(self) -> None:
        """Ends the session and its process; loops over its frames end. May be called twice."""
        self._is_over = True
        self._end()
        with self._news:
            self._news.notify_all()

    def __enter__(self) -> LiveSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()

    def _pause(self) -> float | None:
        """Seconds until there is something to look at; None if the next frame is to be given now."""
        if not self._is_ready():
            return 0.02
        if self._is_over:
            return 0.0
        with self._lock:
            if self._began is None:
                self._began = time.monotonic() + LEAD_S  # in which the first frame is made
            self._plan_ahead()
            if not self._realtime:
                return None if self._index in self._pictures else 0.05
            wait = self._began + self._index / self.settings.fps - time.monotonic()
            if wait < -_STALLED_S:
                self._began -= wait
                self._stalled -= wait
            return wait if wait > 0.0005 else None

    def _give(self) -> LiveFrame:
        """The next frame."""
        with self._lock:
            self._plan_ahead()
            plan, index = self._plans.popleft(), self._index
            self._index += 1
            with self._news:
                there = [k for k in self._pictures if k <= index]
                newest = max(there, default=None)
                if newest is not None:
                    self._last = self._pictures[newest]
                for k in there:
                    del self._pictures[k]
                self._generations.pop(index, None)
            is_repeated = newest != index
            self._late += is_repeated and index not in self._left_out
            if plan.waiting_since is not None:
                self._delay = time.monotonic() - plan.waiting_since
            assert self._last is not None
            return LiveFrame(
                self._last, plan.sound, self._planner.sample_rate, index / self.settings.fps, index,
                plan.end_of_speech, is_repeated,
            )  # fmt: skip

    def _plan_ahead(self) -> None:
        """Plans frames up to the lead, and orders them."""
        while len(self._plans) <= self._lead:
            plan = self._planner.plan()
            self._plans.append(plan)
            with self._news:
                self._generations[plan.index] = self._generation
            self._messages.send(Order(plan, self._generation, self._late))

    def _is_ready(self) -> bool:
        """Whether the models are loaded.

        Raises:
            FaceDiffError: They cannot be, or what renders has ended.
        """
        if self._failure is not None and not self._is_over:
            failure = self._failure
            self.shutdown()
            raise failure
        if self._is_over and self._first is None:
            raise LiveError("the live session was shut down; make another with avatar.live()")
        return self._first is not None

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._is_over:
            raise LiveError("the live session was shut down; make another with avatar.live()")

    def _receive(self, message: Any) -> None:
        """Takes what the process says, None when it has gone; in a thread of its own."""
        if message is None:
            self._closed()
            return
        with self._news:
            if isinstance(message, Made):
                picture = None if message.slot is None else self._ring.read(message.slot)
                if picture is None:
                    self._left_out = {k for k in self._left_out if k >= self._index} | {message.index}
                elif message.index < 0:
                    self._first = self._last = picture
                elif message.generation == self._generations.get(message.index, message.generation):
                    self._pictures[message.index] = picture
                    self._arrivals.append(time.monotonic())
                    while self._arrivals[0] < self._arrivals[-1] - _RATE_S:
                        self._arrivals.popleft()
            elif isinstance(message, Report):
                self._report = message
            elif isinstance(message, Failed):
                self._failure = message.error
            self._news.notify_all()

    def _closed(self) -> None:
        """The process has gone."""
        with self._news:
            if self._failure is None and not self._is_over:
                code = self._process.wait()
                self._failure = LiveError(
                    f"the process that renders the live avatar ended unasked (exit code {code}); make another session"
                )
            self._news.notify_all()


def _tell(session: weakref.ref[LiveSession], message: Any) -> None:
    """Hands a message to a session that is still there."""
    there = session()
    if there is not None:
        there._receive(message)
