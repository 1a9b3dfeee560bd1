"""Workers on this machine: processes that load the models once and do one order after the other."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from multiprocessing.connection import Connection, wait

from facediff.batch.work_items import Outcome, Render, WorkItem
from facediff.batch.worker import perform, thread_variables
from facediff.errors import ConfigError

ATTEMPTS = 2  # of an order whose worker dies
_GRACE_S = 5.0


def run(items: Iterable[WorkItem], render: Render, *, workers: int = 1) -> Iterator[tuple[WorkItem, Outcome]]:
    """Does orders in so many processes, and gives outcomes as they come.

    Orders are taken when a worker is free; there may be more of them after an outcome, even if there were none before
    it. One whose worker dies is done again, once. Closing the generator stops the
    workers at once; they stop by themselves when this process dies.

    Raises:
        ConfigError: There are no workers.
    """
    if workers < 1:
        raise ConfigError(f"there must be one worker at least, not {workers}")
    threads = max(1, _cores() // workers)
    waiting, again, lost = iter(items), deque[WorkItem](), dict[str, int]()
    idle: list[_Worker] = []
    busy: dict[Connection, _Worker] = {}
    try:
        while True:
            while len(busy) < workers:
                item = again.popleft() if again else next(waiting, None)
                if item is None:
                    break
                worker = _take(idle) or _Worker(render, threads)
                worker.give(item)
                busy[worker.pipe] = worker
            if not busy:
                return
            for pipe in wait(list(busy)):
                worker = busy.pop(pipe)  # type: ignore[call-overload]
                item = worker.item
                try:
                    outcome = worker.pipe.recv()
                except (EOFError, OSError):
                    died = worker.stop()
                    lost[item.name] = lost.get(item.name, 0) + 1
                    if lost[item.name] < ATTEMPTS:
                        again.append(item)
                        continue
                    outcome = Outcome(reason=died)
                else:
                    idle.append(worker)
                yield item, outcome
    finally:
        crew = [*idle, *busy.values()]
        for worker in crew:
            worker.end()
        for worker in crew:
            worker.stop()


def _cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Worker:
    """A process, and the order that it has in hand."""

    item: WorkItem

    def __init__(self, render: Render, threads: int) -> None:
        context = multiprocessing.get_context("spawn")  # a fork of a process with threads may hang
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, render), daemon=True)
        with _environment(thread_variables(threads)):  # libraries read them when they are loaded
            self._process.start()
        theirs.close()  # so that its death is the end of the pipe

    @property
    def is_alive(self) -> bool:
        return self._process.is_alive()

    def give(self, item: WorkItem) -> None:
        self.item = item
        with contextlib.suppress(OSError):  # it has just died, which is seen when its answer is waited for
            self.pipe.send(item)

    def end(self) -> None:
        self._process.terminate()

    def stop(self) -> str:
        """Ends the process, and says how it had ended."""
        self._process.join(_GRACE_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        code = self._process.exitcode or 0
        self.pipe.close()
        self._process.close()
        if code == -signal.SIGKILL:
            return "its worker was killed twice, most likely for want of memory; take fewer workers or a smaller source"
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        return f"its worker ended twice, {how}"


def _take(idle: list[_Worker]) -> _Worker | None:
    """A worker that waits, dead ones left out."""
    while idle:
        worker = idle.pop()
        if worker.is_alive:
            return worker
        worker.stop()
    return None


@contextlib.contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """The environment with variables added, for processes to inherit."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _serve(pipe: Connection, render: Render) -> None:
    """The life of a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the first one decides
    threading.Thread(target=_die_with_parent, daemon=True).start()
    with contextlib.suppress(EOFError):
        while True:
            pipe.send(perform(pipe.recv(), render))


def _die_with_parent() -> None:
    """Ends this process when the one that started it ends, even in the midst of an order."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
