"""One rendering at a time, which ends when nobody waits for it."""

from __future__ import annotations

import asyncio
import os
import threading
import time

import pytest

from facediff.demo import jobs as module
from facediff.demo.jobs import Jobs, Stopped
from facediff.errors import ConfigError


@pytest.fixture
def jobs(tmp_path):
    made = Jobs(tmp_path)
    yield made
    made.close()


class Endless:
    """A rendering of a million frames that tells when it began and how it ended."""

    def __init__(self) -> None:
        self.began, self.ended, self.frames = threading.Event(), threading.Event(), 0

    def __call__(self, report) -> None:
        self.began.set()
        try:
            for self.frames in range(1, 1_000_000):
                time.sleep(0.005)
                report(self.frames, 1_000_000)
        finally:
            self.ended.set()


def silent(fraction: float, said: str) -> None: ...


async def begun(work: Endless) -> None:
    assert await asyncio.to_thread(work.began.wait, 5)


def test_a_result_and_its_progress(jobs, monkeypatch):
    monkeypatch.setattr(module, "REPORT_EVERY_S", 0)
    shown = []

    def work(report):
        for done in range(5):
            report(done, 4)
        return "result"

    assert asyncio.run(jobs.run(work, lambda *told: shown.append(told))) == "result"
    assert [fraction for fraction, _ in shown] == [0.0, 0.0, 0.25, 0.5, 0.75, 1.0]
    assert shown[2][1] == "1 of 4 frames, 0 s left"


def test_a_job_of_several_stages_tells_of_each(jobs, monkeypatch):
    monkeypatch.setattr(module, "REPORT_EVERY_S", 99)
    shown = []

    def work(report):
        for done in range(1, 3):
            report(done, 2, "videos read")
        for done in range(4):
            report(done, 3, "steps", "Learning")

    asyncio.run(jobs.run(work, lambda *told: shown.append(told), doing="Checking"))
    assert [said for _, said in shown] == [
        "Checking", "1 of 2 videos read", "2 of 2 videos read, 0 s left", "Learning", "3 of 3 steps, 0 s left"
    ]  # fmt: skip


def test_errors_arrive(jobs):
    def work(report):
        raise ConfigError("no")

    with pytest.raises(ConfigError, match="no"):
        asyncio.run(jobs.run(work, silent))


def test_cancelling_ends_the_rendering(jobs):
    work = Endless()

    async def main() -> None:
        task = asyncio.create_task(jobs.run(work, silent, "me"))
        await begun(work)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(work.ended.wait, 5)

    asyncio.run(main())
    assert work.frames < 1000


def test_stopping_ends_the_renderings_of_one_session(jobs):
    mine, yours = Endless(), Endless()

    async def main() -> None:
        first = asyncio.create_task(jobs.run(mine, silent, "me"))
        second = asyncio.create_task(jobs.run(yours, silent, "you"))
        await begun(mine)
        assert not yours.began.is_set()
        assert jobs.stop("nobody") == 0
        assert jobs.stop("me") == 1
        with pytest.raises(Stopped):
            await first
        await begun(yours)
        assert jobs.stop("you") == 1
        with pytest.raises(Stopped):
            await second

    asyncio.run(main())
    assert jobs.stop("me") == 0


def test_what_is_cancelled_while_it_waits_never_begins(jobs):
    mine, yours = Endless(), Endless()

    async def main() -> None:
        first = asyncio.create_task(jobs.run(mine, silent, "me"))
        await begun(mine)
        second = asyncio.create_task(jobs.run(yours, silent, "you"))
        await asyncio.sleep(0.02)
        second.cancel()
        await asyncio.wait([second])
        jobs.stop("me")
        await asyncio.gather(first, return_exceptions=True)

    asyncio.run(main())
    jobs.close()
    assert not yours.began.is_set()


def test_results_that_were_fetched_are_removed(jobs, tmp_path):
    old, new = jobs.new_path("a.mp4"), jobs.new_path("b.mp4")
    long_ago = time.time() - module.KEPT_S - 1
    old.write_bytes(b"")
    os.utime(old.parent, (long_ago, long_ago))
    third = jobs.new_path("c.mp4")
    assert {p.name for p in tmp_path.iterdir()} == {new.parent.name, third.parent.name}
