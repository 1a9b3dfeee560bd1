"""Renderings one at a time, with progress, and an end when nobody waits for them. Knows no page."""

from __future__ import annotations

import asyncio
import contextvars
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, TypeVar

from facediff.demo.words import duration

T = TypeVar("T")
Show = Callable[[float, str], object]  # fraction done, what to say

KEPT_S = 120.0  # Gradio copies a result at once; what is older than this was copied
REPORT_EVERY_S = 0.25


class Stopped(Exception):
    """Unwinds a rendering that was cancelled."""


class Report(Protocol):
    """Takes how many are done, how many there are in all, what they are, and what is being done before the first."""

    def __call__(self, done: int, total: int, /, things: str = "frames", doing: str = "Rendering") -> None: ...


class Jobs:
    """Runs one job at a time in a thread of its own; others wait.

    Args:
        folder: Where results are written; each job empties it of old ones.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="render")
        self._running: dict[str, set[threading.Event]] = {}

    async def run(
        self, work: Callable[[Report], T], show: Show, session: str | None = None, doing: str = "Reading the face"
    ) -> T:
        """What ``work`` returns.

        Cancelling this coroutine, or ``stop``, makes the ``report`` that ``work`` calls after each frame raise
        ``Stopped`` there, so that a half-written file is removed on the way out.

        Args:
            work: What to do; it must call what it is given after each frame.
            show: Told how far it is.
            session: Whom to stop it for.
            doing: What is said until ``work`` tells more.
        """
        stopped = threading.Event()
        events = self._running.setdefault(session or "", set())
        events.add(stopped)

        def guarded() -> T:
            if stopped.is_set():
                raise Stopped
            show(0.0, doing)
            return work(_Reporter(stopped, show))

        try:
            # Gradio finds the page to show progress on in the context.
            context = contextvars.copy_context()
            return await asyncio.get_running_loop().run_in_executor(self._executor, context.run, guarded)
        finally:
            stopped.set()
            events.discard(stopped)
            if not events:
                self._running.pop(session or "", None)

    def stop(self, session: str | None) -> int:
        """Stops the jobs of a session; gives how many there were."""
        events = list(self._running.get(session or "", ()))
        for event in events:
            event.set()
        return len(events)

    def close(self) -> None:
        """Stops all jobs and waits for the one that is running."""
        for session in list(self._running):
            self.stop(session)
        self._executor.shutdown(cancel_futures=True)

    def new_path(self, name: str) -> Path:
        """Where a job may write a file of this name; results that were fetched long ago are removed."""
        for old in self.folder.iterdir() if self.folder.is_dir() else ():
            if time.time() - old.stat().st_mtime > KEPT_S and old.is_dir():
                shutil.rmtree(old, ignore_errors=True)
        place = self.folder / secrets.token_hex(8)
        place.mkdir(parents=True)
        return place / name


class _Reporter:
    """Stops a job, or says how far it is and how long it will take."""

    def __init__(self, stopped: threading.Event, show: Show) -> None:
        self._stopped, self._show = stopped, show
        self._things = ""
        self._first, self._started, self._shown = 0, 0.0, 0.0

    def __call__(self, done: int, total: int, /, things: str = "frames", doing: str = "Rendering") -> None:
        if self._stopped.is_set():
            raise Stopped
        now = time.monotonic()
        if things != self._things:
            self._things, self._first, self._started, self._shown = things, done, now, float("-inf")
        if now - self._shown >= REPORT_EVERY_S or done == total:
            self._shown = now
            self._show(done / total, f"{done} of {total} {things}{self._left(now, done, total)}" if done else doing)

    def _left(self, now: float, done: int, total: int) -> str:
        if done == self._first:
            return ""
        return f", {duration((now - self._started) / (done - self._first) * (total - done))} left"
