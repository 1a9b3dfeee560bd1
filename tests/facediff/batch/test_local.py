"""Workers die, and the run goes on; the run dies, and its workers do too."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from facediff.batch.jobs import Job
from facediff.batch.local import run
from facediff.batch.work_items import Identity, Rendered, WorkItem
from facediff.errors import ConfigError

ROOT = Path(__file__).parents[3]


def act(job: Job, identity: Identity, target: Path) -> Rendered:
    """Does what the job's task says."""
    marker = target.parent / "tried"
    is_first = not marker.exists()
    marker.touch()
    if job.task == "die" or (job.task == "die once" and is_first):
        os.kill(os.getpid(), signal.SIGKILL)
    if job.task == "leave":
        os._exit(3)
    if job.task == "fail":
        raise ValueError("bad job")
    if job.task == "sleep":
        time.sleep(60)
    target.write_text(f"{os.getpid()} {os.environ['MKL_NUM_THREADS']}")
    return Rendered(1, {})


def items(folder: Path, *kinds: str) -> list[WorkItem]:
    return [
        WorkItem(Job(k, kind, {}, {}, f"{k}.mp4"), Identity(str(k), {}, "", {}), folder / str(k))
        for k, kind in enumerate(kinds)
    ]


@pytest.mark.parametrize("workers", [1, 2])
def test_one_failure_ends_nothing(tmp_path, workers):
    wanted = items(tmp_path, "work", "die", "fail", "die once", "leave", "work")
    outcomes = {item.job.line: outcome for item, outcome in run(wanted, act, workers=workers)}
    assert [outcomes[k].reason for k in (0, 3, 5)] == [None] * 3
    assert outcomes[1].reason.startswith("its worker was killed twice, most likely for want of memory")
    assert outcomes[2].reason == "ValueError: bad job"
    assert outcomes[4].reason == "its worker ended twice, with exit code 3"


def test_a_worker_does_many_orders_and_cores_are_shared_out(tmp_path, monkeypatch):
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    monkeypatch.setattr("facediff.batch.local._cores", lambda: 6)
    done = [item.file.read_text().split() for item, _ in run(items(tmp_path, *["work"] * 8), act, workers=2)]
    assert len({pid for pid, _ in done}) <= 2 and {threads for _, threads in done} == {"3"}
    assert "MKL_NUM_THREADS" not in os.environ


def test_orders_are_taken_when_there_is_room(tmp_path):
    taken = []

    def waiting():
        for item in items(tmp_path, *["work"] * 5):
            taken.append(item)
            yield item

    outcomes = run(waiting(), act, workers=1)
    next(outcomes)
    assert len(taken) == 1
    outcomes.close()


def test_closing_stops_the_workers(tmp_path):
    before = set(psutil.Process().children())
    outcomes = run(items(tmp_path, "work", "sleep", "sleep"), act, workers=2)
    next(outcomes)
    started = time.monotonic()
    outcomes.close()
    assert time.monotonic() - started < 10
    assert all("spawn_main" not in " ".join(p.cmdline()) for p in set(psutil.Process().children()) - before)


def test_there_is_one_worker_at_least():
    with pytest.raises(ConfigError, match="one worker at least, not 0"):
        next(run([], act, workers=0))


SCRIPT = """
import os, sys, time
from pathlib import Path
from facediff.batch.jobs import Job
from facediff.batch.local import run
from facediff.batch.work_items import Identity, WorkItem

def render(job, identity, target):
    Path("pid.part").write_text(str(os.getpid()))
    os.rename("pid.part", "pid")
    time.sleep(60)

if __name__ == "__main__":
    list(run([WorkItem(Job(1, "t", {}, {}, "a.mp4"), Identity("", {}, "", {}), Path("work"))], render))
"""


def test_workers_die_with_the_run(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    process = subprocess.Popen([sys.executable, "script.py"], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)})
    deadline = time.monotonic() + 60
    while not (tmp_path / "pid").exists() and time.monotonic() < deadline:
        assert process.poll() is None  # else it would be waited for in vain
        time.sleep(0.05)
    worker = psutil.Process(int((tmp_path / "pid").read_text()))
    process.kill()
    process.wait()
    with contextlib.suppress(psutil.NoSuchProcess):
        worker.wait(timeout=10)
    assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE
