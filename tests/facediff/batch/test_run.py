"""What is done is done once; whatever stops a run, the next one goes on, and ends where an unbroken one does."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import pytest

from facediff.batch import local
from facediff.batch.files import sha256
from facediff.batch.jobs import Job
from facediff.batch.manifest import Entry, opened
from facediff.batch.run import Report, run_batch
from facediff.batch.work_items import Identity, Outcome, Part, Rendered, WorkItem
from facediff.batch.worker import perform
from facediff.errors import ConfigError, InputError, OutputError

ROOT = Path(__file__).parents[3]


def job(name: str, **options) -> Job:
    return Job(1, "talk", {"source": Path("/in") / name}, {"seed": 3, **options}, name)


def identify(job: Job) -> Identity:
    if "missing" in job.output:
        raise InputError("there is no file at /in/missing")
    parts = 3 if "long" in job.output else 1
    return Identity(json.dumps(dict(job.options)) + job.output, {"source": "ab"}, "ef", {"facediff": "1"}, parts)


class Crew:
    """An engine in this process, which keeps what it made."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.stop_before: str | None = None

    def __call__(self, items: Iterable[WorkItem]) -> Iterator[tuple[WorkItem, Outcome]]:
        waiting = iter(items)
        while (item := next(waiting, None)) is not None:
            if item.name == self.stop_before:
                raise KeyboardInterrupt
            yield item, perform(item, self.render)

    def render(self, job: Job, identity: Identity, target: Path, part: Part | None = None) -> Rendered:
        self.made.append(job.output if part is None else f"{job.output}#{part.index}")
        if "bad" in job.output and (part is None or part.index == 1):
            raise InputError("no face")
        joined = "" if part is None else f" {part.index}"
        if part is not None and part.index is None:
            joined = "".join(file.read_text() for file in part.files(target.parent))
        target.write_text(identity.key + joined)
        return Rendered(2, {"render": 0.1})


@pytest.fixture
def crew() -> Crew:
    return Crew()


def run(folder: Path, crew: Crew, *jobs: Job, **options) -> Report:
    return run_batch(jobs, folder / "out", engine=crew, identify=identify, **options)


def names(folder: Path) -> list[str]:
    found = (folder / "out").rglob("*")
    return sorted(p.relative_to(folder / "out").as_posix() for p in found if p.is_file() and p.name != ".manifest.lock")


def test_clips_failures_and_a_manifest(tmp_path, crew):
    seen: list[Entry] = []
    report = run(tmp_path, crew, job("x/a.mp4"), job("bad.mp4"), job("missing.mp4"), progress=seen.append)
    assert names(tmp_path) == ["contact-sheet.png", "manifest.jsonl", "x/a.mp4"]
    assert [e.reason for e in report.entries] == [None, "no face", "there is no file at /in/missing"]
    assert report.failed_count == 2 and sorted(e.output for e in seen) == sorted(report.fresh)
    first, second, third = map(json.loads, (tmp_path / "out" / "manifest.jsonl").read_text().splitlines())
    assert first["sha256"] == sha256(tmp_path / "out" / "x" / "a.mp4") and first["seed"] == 3
    assert first["inputs"] == {"source": {"path": "/in/x/a.mp4", "sha256": "ab"}}
    assert (second["status"], second["key"] is None, third["key"]) == ("failed", False, None)


def test_nothing_finished_is_done_twice(tmp_path, crew):
    jobs = [job("a.mp4"), job("bad.mp4"), job("b.mp4")]
    run(tmp_path, crew, *jobs)
    report = run(tmp_path, crew, *jobs)
    assert crew.made == ["a.mp4", "bad.mp4", "b.mp4", "bad.mp4"] and report.fresh == {"bad.mp4"}


def test_what_changed_or_went_missing_is_done_again(tmp_path, crew):
    run(tmp_path, crew, job("a.mp4"), job("b.mp4"), job("c.mp4"), job("d.mp4"))
    (tmp_path / "out" / "b.mp4").write_text("changed")
    (tmp_path / "out" / "c.mp4").unlink()
    (tmp_path / "out" / "d.mp4").rename(tmp_path / "d.mp4")
    (tmp_path / "out" / "d.mp4").symlink_to(tmp_path / "d.mp4")
    crew.made.clear()
    run(tmp_path, crew, job("a.mp4", lips=2.0), job("b.mp4"), job("c.mp4"), job("d.mp4"))
    assert crew.made == ["a.mp4", "b.mp4", "c.mp4", "d.mp4"]
    assert not (tmp_path / "out" / "d.mp4").is_symlink() and (tmp_path / "d.mp4").is_file()


def test_entries_of_other_jobs_stay(tmp_path, crew):
    run(tmp_path, crew, job("a.mp4"))
    run(tmp_path, crew, job("b.mp4"))
    lines = (tmp_path / "out" / "manifest.jsonl").read_text().splitlines()
    assert [json.loads(line)["output"] for line in lines] == ["b.mp4", "a.mp4"]


def test_a_stopped_run_goes_on(tmp_path, crew):
    jobs = [job(f"{k}.mp4") for k in range(4)]
    crew.stop_before = "2.mp4"
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, crew, *jobs)
    crew.stop_before = None
    run(tmp_path, crew, *jobs)
    assert crew.made == [f"{k}.mp4" for k in range(4)]


def test_a_run_that_died_between_note_and_move_loses_nothing(tmp_path, crew, monkeypatch):
    replace = os.replace

    def dies(source, target):
        if Path(target).name == "a.mp4":
            raise KeyboardInterrupt
        replace(source, target)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(os, "replace", dies)
        run(tmp_path, crew, job("a.mp4"))
    assert not (tmp_path / "out" / "a.mp4").exists()
    run(tmp_path, crew, job("a.mp4"))
    assert crew.made == ["a.mp4"] and (tmp_path / "out" / "a.mp4").is_file()


def test_leftovers_of_dead_runs_go(tmp_path, crew):
    work = tmp_path / "out" / ".facediff-work" / "some"
    work.mkdir(parents=True)
    (work / ".facediff-1234.mp4").touch()
    (tmp_path / "out" / ".facediff-5678.mp4").touch()  # perhaps of a command that runs beside this one
    run(tmp_path, crew, job("bad.mp4"))
    assert names(tmp_path) == [".facediff-5678.mp4", "manifest.jsonl"]


def test_symbolic_links_lead_nowhere(tmp_path, crew):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "x").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "out" / "dir.mp4").mkdir()
    report = run(tmp_path, crew, job("x/a.mp4"), job("x/y/a.mp4"), job("dir.mp4"))
    assert [e.reason.partition(" ")[2] for e in report.entries[:2]] == [
        "would leave the output folder by a symbolic link"
    ] * 2
    assert "is a folder" in report.entries[2].reason and not list((tmp_path / "elsewhere").iterdir())
    (tmp_path / "out" / ".facediff-work").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputError, match="is a symbolic link"):
        run(tmp_path, crew, job("a.mp4"))


def test_two_runs_do_not_share_a_folder(tmp_path, crew):
    with opened(tmp_path / "out"), pytest.raises(ConfigError, match="another run"):
        run(tmp_path, crew, job("a.mp4"))


SCRIPT = """
import os, random, sys, time
from functools import partial
from pathlib import Path
from facediff.batch import local
from facediff.batch.jobs import Job
from facediff.batch.work_items import Identity, Rendered
from facediff.batch.run import run_batch

def identify(job):
    return Identity(job.output, {}, "", {})

def render(job, identity, target):
    # A name of its own, as written_whole gives: a worker that outlives its run shares no file with the next.
    partial = target.with_name(f".facediff-{job.line}-{os.getpid()}.mp4")
    partial.write_text("half")
    time.sleep(random.uniform(0, 0.1))
    if job.line % 10 == 3:
        raise ValueError("bad job")
    partial.write_text(f"clip {job.line}")
    partial.rename(target)
    with open("made", "a") as log:
        log.write(job.output + "\\n")
    return Rendered(1, {})

if __name__ == "__main__":
    jobs = [Job(k, "t", {}, {}, f"{k % 3}/{k}.mp4") for k in range(50)]
    run_batch(jobs, "out", engine=partial(local.run, render=render, workers=2), identify=identify)
"""


@pytest.mark.slow
def test_killed_at_any_moment_it_loses_nothing(tmp_path):
    """50 jobs, 5 of them bad, killed at random moments: 45 results, 5 reasons, no partial file."""
    (tmp_path / "script.py").write_text(SCRIPT)
    manifest = tmp_path / "out" / "manifest.jsonl"
    chance, done, kills = random.Random(5), set[str](), 0
    while True:
        process = subprocess.Popen(
            [sys.executable, "script.py"], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}
        )
        before = manifest.stat().st_size if manifest.exists() else 0
        while process.poll() is None and (manifest.stat().st_size if manifest.exists() else 0) == before:
            time.sleep(0.01)
        if kills < 4:
            time.sleep(chance.uniform(0, 0.2))  # so that it never gets to the end
            process.send_signal(signal.SIGKILL)
        if process.wait() == 0:
            break
        kills += 1
        whole = [line for line in manifest.read_text().splitlines(keepends=True) if line.endswith("\n")]
        now = {entry.output for entry in map(Entry.from_json, whole) if entry.is_done}
        assert done <= now
        done = now
    entries = [Entry.from_json(line) for line in manifest.read_text().splitlines()]
    assert 2 <= kills <= 4  # a busy machine may let it end before the last one
    assert len(entries) == 50
    assert [e.reason for e in entries if not e.is_done] == ["ValueError: bad job"] * 5
    assert done <= {e.output for e in entries if e.is_done}
    found = {p.relative_to(tmp_path / "out").as_posix(): p for p in (tmp_path / "out").rglob("*.mp4")}
    assert set(found) == {e.output for e in entries if e.is_done} and len(found) == 45
    assert all(p.read_text() == f"clip {p.stem}" for p in found.values())
    assert not (tmp_path / "out" / ".facediff-work").exists()
    made = (tmp_path / "made").read_text().split()
    assert len(made) - len(set(made)) <= kills * 2  # one that had just been renamed, but not noted, per worker


def test_a_long_clip_is_made_in_windows_and_joined(tmp_path, crew):
    report = run(tmp_path, crew, job("long.mp4"), job("a.mp4"))
    assert crew.made == [*(f"long.mp4#{k}" for k in range(3)), "long.mp4#None", "a.mp4"]
    assert (tmp_path / "out" / "long.mp4").read_text().count("long.mp4") == 4
    assert names(tmp_path) == ["a.mp4", "contact-sheet.png", "long.mp4", "manifest.jsonl"]
    entry = report.entries[0]
    assert entry.is_done and entry.frames == 2 and entry.seconds["render"] == pytest.approx(0.4)


def test_windows_that_were_finished_are_not_made_again(tmp_path, crew):
    crew.stop_before = "long.mp4#2"
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, crew, job("long.mp4"))
    crew.made.clear()
    crew.stop_before = None
    run(tmp_path, crew, job("long.mp4"))
    assert crew.made == ["long.mp4#2", "long.mp4#None"]


def test_a_window_that_fails_is_why_there_is_no_clip(tmp_path, crew):
    report = run(tmp_path, crew, job("long-bad.mp4"), job("a.mp4"))
    assert [entry.reason for entry in report.entries] == ["no face", None]
    assert "long-bad.mp4#2" not in crew.made and "long-bad.mp4#None" not in crew.made
    assert names(tmp_path) == ["a.mp4", "contact-sheet.png", "manifest.jsonl"]


def test_windows_by_several_workers_make_the_clip_that_one_makes(tmp_path):
    """Outcomes come in any order, a join is due when nothing else is."""
    made = []
    for workers in (1, 2):
        engine = partial(local.run, render=parted, workers=workers)
        run_batch([job("long.mp4")], tmp_path / str(workers), engine=engine, identify=identify)
        made.append((tmp_path / str(workers) / "long.mp4").read_text())
    assert made[0] == made[1] == "012"


def parted(job: Job, identity: Identity, target: Path, part: Part | None = None) -> Rendered:
    """A function of a module, as workers want it."""
    assert part is not None
    if part.index is None:
        target.write_text("".join(file.read_text() for file in part.files(target.parent)))
    else:
        time.sleep(0.2 / (1 + part.index))
        target.write_text(str(part.index))
    return Rendered(1, {})
