"""One order, done in whatever process: on this machine or on another."""

from __future__ import annotations

import json
import logging
import os
import platform
import time
from dataclasses import asdict

from facediff.batch.files import flush, holds, sha256, write_whole
from facediff.batch.work_items import Outcome, Render, WorkItem
from facediff.errors import FaceDiffError

log = logging.getLogger(__name__)

_MAX_REASON = 500
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")


def perform(item: WorkItem, render: Render) -> Outcome:
    """Renders an order, unless a worker that died afterwards did it already; what goes wrong is an outcome too.

    The clip lies at ``item.file`` then, with a note that it is whole beside it.
    """
    kept = _kept(item)
    if kept is not None:
        return kept
    started = time.perf_counter()
    try:
        item.folder.mkdir(parents=True, exist_ok=True)
        part = () if item.part is None else (item.part,)
        rendered = render(item.job, item.identity, item.file, *part)
        flush(item.file)
        outcome = Outcome(
            sha256=sha256(item.file), size_bytes=item.file.stat().st_size, frames=rendered.frames,
            seconds={**rendered.seconds, "total": time.perf_counter() - started}, host=platform.node(),
        )  # fmt: skip
        write_whole(item.note, json.dumps(asdict(outcome)))
    except Exception as error:  # whatever it is, the other jobs go on
        log.debug("%s failed", item.name, exc_info=True)
        return Outcome(reason=reason_of(error), seconds={"total": time.perf_counter() - started}, host=platform.node())
    return outcome


def _kept(item: WorkItem) -> Outcome | None:
    try:
        outcome = Outcome(**json.loads(item.note.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return outcome if outcome.reason is None and holds(item.file, outcome.sha256) else None


def reason_of(error: BaseException) -> str:
    """An error in one sentence."""
    if isinstance(error, MemoryError):
        said = "there is not enough memory; take fewer workers, or a smaller picture or video"
    elif isinstance(error, FaceDiffError):
        said = str(error)
    elif isinstance(error, OSError) and error.strerror:
        said = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    else:
        said = f"{type(error).__name__}: {error}"
    return " ".join(said.split())[:_MAX_REASON]


def thread_variables(count: int) -> dict[str, str]:
    """Environment variables that keep the libraries of a process to so many threads; the user's own settings win."""
    return {name: os.environ.get(name, str(count)) for name in _THREAD_VARIABLES}
