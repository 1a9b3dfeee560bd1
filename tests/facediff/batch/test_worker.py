"""An order ends in an outcome, whatever happens, and is done once."""

from __future__ import annotations

import errno
import os

import pytest

from facediff.batch.files import sha256
from facediff.batch.jobs import Job
from facediff.batch.work_items import Identity, Rendered, WorkItem
from facediff.batch.worker import perform, thread_variables
from facediff.errors import NoFaceFound


def order_in(folder) -> WorkItem:
    return WorkItem(Job(1, "talk", {}, {}, "x/a.mp4"), Identity("k", {}, "w", {}), folder / "work")


def writes(job, identity, target) -> Rendered:
    target.write_bytes(b"clip")
    return Rendered(4, {"render": 0.5})


def never(job, identity, target) -> Rendered:
    raise AssertionError("it was done already")


def test_an_outcome_tells_what_was_made(tmp_path):
    item = order_in(tmp_path)
    outcome = perform(item, writes)
    assert (outcome.reason, outcome.frames, outcome.size_bytes) == (None, 4, 4)
    assert outcome.sha256 == sha256(tmp_path / "work" / "a.mp4") and set(outcome.seconds) == {"render", "total"}


def test_what_a_lost_worker_had_finished_is_taken(tmp_path):
    item = order_in(tmp_path)
    assert perform(item, writes) == perform(item, never)
    item.file.write_bytes(b"changed")
    assert "it was done already" in perform(item, never).reason


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NoFaceFound("no face\n in a.png"), "no face in a.png"),
        (MemoryError(), "there is not enough memory; take fewer workers, or a smaller picture or video"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "No space left on device"),
        (OSError(errno.EACCES, "Denied", "a.png"), "a.png: Denied"),
        (ZeroDivisionError("oh\nno"), "ZeroDivisionError: oh no"),
        (RuntimeError("x" * 9999), f"RuntimeError: {'x' * 486}"),
    ],
)
def test_failures_are_one_sentence(tmp_path, error, said):
    def fails(job, identity, target):
        raise error

    assert perform(order_in(tmp_path), fails).reason == said


def test_threads_are_divided_unless_the_user_said_how_many(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    variables = thread_variables(2)
    assert (variables["OMP_NUM_THREADS"], variables["MKL_NUM_THREADS"]) == ("7", "2")
