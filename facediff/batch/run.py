"""A run over many jobs: what is done already is left, what fails is noted, what stops the run loses nothing."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import os
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from facediff.batch.files import holds, write_whole
from facediff.batch.jobs import Job
from facediff.batch.manifest import NAME, Entry, Manifest, opened
from facediff.batch.summary import SHEET, write_contact_sheet
from facediff.batch.work_items import Identify, Identity, Outcome, Part, WorkItem
from facediff.batch.worker import reason_of
from facediff.errors import FaceDiffError, OutputError
from facediff.options.marks import CAPTIONS

Engine = Callable[[Iterable[WorkItem]], Iterator[tuple[WorkItem, Outcome]]]

_WORK = ".facediff-work"


@dataclass(frozen=True)
class Report:
    """What came of a run.

    Attributes:
        entries: Of each job, in the order of the jobs.
        fresh: Names of those that this run did, whether they worked or not.
        seconds: How long it took.
    """

    entries: tuple[Entry, ...]
    fresh: frozenset[str]
    seconds: float

    @property
    def failed_count(self) -> int:
        """How many jobs have no result."""
        return sum(not entry.is_done for entry in self.entries)

    @property
    def worked_seconds(self) -> float:
        """What the workers took for this run, together."""
        return sum(entry.seconds.get("total", 0.0) for entry in self.entries if entry.output in self.fresh)


def run_batch(
    jobs: Sequence[Job],
    folder: str | Path,
    *,
    engine: Engine,
    identify: Identify,
    progress: Callable[[Entry], None] | None = None,
) -> Report:
    """Makes all clips that are not there yet, then a contact sheet of all.

    A job is done if the manifest says so under the same key and its result has the hash noted. All else is done,
    what failed before too. A clip is made in a folder of its own under ``.facediff-work`` and moved to its name when it
    is whole and noted. So whatever stops the run, kill -9 and power cuts included, the next one goes on from there.

    Args:
        jobs: As ``read_jobs`` gives them.
        folder: Where to; it is made.
        engine: Does orders, such as ``functools.partial(local.run, render=render, workers=2)``.
        identify: Says what the result of a job depends on.
        progress: Called with what became of each job, those done before too.

    Raises:
        ConfigError: Another run writes to the folder.
        OutputError: The folder cannot be written to.
    """
    folder = Path(os.path.abspath(folder))
    started = time.perf_counter()
    with opened(folder) as manifest:
        run = _Run(folder, manifest, identify, progress or (lambda entry: None))
        with contextlib.closing(engine(run.items(jobs))) as outcomes:  # type: ignore[type-var]
            for item, outcome in outcomes:
                run.settle(item, outcome)
        entries = tuple(manifest.entries[job.output] for job in jobs)
        run.finish(entries)
    return Report(entries, frozenset(run.fresh), time.perf_counter() - started)


class _Run:
    """The state of a run."""

    def __init__(self, folder: Path, manifest: Manifest, identify: Identify, progress: Callable[[Entry], None]) -> None:
        self._folder, self._manifest, self._identify, self._progress = folder, manifest, identify, progress
        self._work = folder / _WORK
        self._windows: dict[str, list[Outcome]] = {}  # of clips that are rendered in parts
        self._joins: deque[WorkItem] = deque()
        self.fresh: set[str] = set()
        if self._work.is_symlink():
            raise OutputError(f"{self._work} is a symbolic link; remove it")
        with _output_errors(folder):
            self._work.mkdir(exist_ok=True)
            for partial in self._work.rglob(".facediff-*"):  # of runs that were killed: this one alone has the folder
                partial.unlink(missing_ok=True)

    def items(self, jobs: Iterable[Job]) -> _Orders:
        """What is to be done; jobs that cannot even be begun are noted here."""
        return _Orders(self._joins, self._begun(jobs))

    def _begun(self, jobs: Iterable[Job]) -> Iterator[WorkItem]:
        for job in jobs:
            identity = None
            try:
                self._target(job)
                identity = self._identify(job)
            except (FaceDiffError, OSError) as error:
                self._note(job, identity, Outcome(reason=reason_of(error)))
                continue
            entry = self._manifest.entries.get(job.output)
            if entry and entry.is_done and entry.key == identity.key and holds(self._target(job), entry.sha256):
                self._progress(entry)
                continue
            place = hashlib.sha256(f"{identity.key} {job.output}".encode()).hexdigest()[:32]
            if identity.parts == 1:
                yield WorkItem(job, identity, self._work / place)
                continue
            self._windows[job.output] = []
            for index in range(identity.parts):
                if job.output in self._windows:  # else one of its windows failed
                    yield WorkItem(job, identity, self._work / place, Part(index, identity.parts))

    def settle(self, item: WorkItem, outcome: Outcome) -> None:
        """Notes an outcome and puts the clip in its place.

        It is noted first: a run that dies in between finds the clip by its hash where it was made.
        """
        if item.part is not None and item.part.index is not None:
            self._settle_window(item, item.part, outcome)
            return
        try:
            target = self._target(item.job)
            if outcome.reason is None:
                target.parent.mkdir(parents=True, exist_ok=True)
                if target.is_dir():
                    raise OutputError(f"{target} is a folder; give the result another name")
        except (OutputError, OSError) as error:
            outcome = Outcome(reason=reason_of(error), seconds=outcome.seconds, host=outcome.host)
        windows = self._windows.pop(item.job.output, [])
        self._note(item.job, item.identity, replace(outcome, seconds=_added(outcome, *windows)))
        if outcome.reason is None:
            with _output_errors(target):
                if (captions := item.file.with_suffix(CAPTIONS)).is_file():
                    os.replace(captions, target.with_suffix(CAPTIONS))
                os.replace(item.file, target)
        shutil.rmtree(item.folder, ignore_errors=True)

    def _settle_window(self, item: WorkItem, part: Part, outcome: Outcome) -> None:
        """Has the windows of a clip joined when all are there; the first that fails is why there is no clip."""
        windows = self._windows.get(item.job.output)
        if windows is None:  # another window failed
            return
        windows.append(outcome)
        if outcome.reason is not None:
            del self._windows[item.job.output]
            self._note(item.job, item.identity, replace(outcome, seconds=_added(*windows)))
            shutil.rmtree(item.folder, ignore_errors=True)
        elif len(windows) == part.count:
            self._joins.append(replace(item, part=Part(None, part.count)))

    def finish(self, entries: Sequence[Entry]) -> None:
        """Writes the contact sheet and the manifest anew, and tidies up."""
        with _output_errors(self._folder):
            if write_contact_sheet(self._work / SHEET, self._folder, entries):
                os.replace(self._work / SHEET, self._folder / SHEET)
            write_whole(self._work / NAME, self._manifest.lines(entry.output for entry in entries))
            os.replace(self._work / NAME, self._folder / NAME)
        shutil.rmtree(self._work, ignore_errors=True)

    def _target(self, job: Job) -> Path:
        """Where a result belongs; a symbolic link on the way must not lead it out of the folder."""
        target = self._folder / job.output
        if not target.parent.resolve().is_relative_to(self._folder.resolve()):
            raise OutputError(f"{job.output} would leave the output folder by a symbolic link")
        return target

    def _note(self, job: Job, identity: Identity | None, outcome: Outcome) -> None:
        hashes = identity.inputs if identity else {}
        seed = job.options.get("seed")
        entry = Entry(
            output=job.output,
            status="done" if outcome.reason is None else "failed",
            reason=outcome.reason,
            key=identity.key if identity else None,
            sha256=outcome.sha256,
            task=job.task,
            line=job.line,
            inputs={name: {"path": _text(path), "sha256": hashes.get(name)} for name, path in job.inputs.items()},
            options=job.options,
            seed=seed if isinstance(seed, int) else None,
            weights_sha256=identity.weights_sha256 if identity else None,
            versions=identity.versions if identity else {},
            size_bytes=outcome.size_bytes,
            frames=outcome.frames,
            seconds={name: round(seconds, 3) for name, seconds in outcome.seconds.items()},
            host=outcome.host,
            finished=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        )
        self._manifest.append(entry)
        self.fresh.add(job.output)
        self._progress(entry)


class _Orders:
    """Orders to come: clips whose windows are all there first. When they end, an outcome may bring more."""

    def __init__(self, joins: deque[WorkItem], others: Iterator[WorkItem]) -> None:
        self._joins, self._others = joins, others

    def __iter__(self) -> _Orders:
        return self

    def __next__(self) -> WorkItem:
        return self._joins.popleft() if self._joins else next(self._others)


def _added(*outcomes: Outcome) -> dict[str, float]:
    """What took how long, over several orders."""
    seconds: dict[str, float] = {}
    for outcome in outcomes:
        for name, value in outcome.seconds.items():
            seconds[name] = seconds.get(name, 0.0) + value
    return seconds


def _text(path: Path) -> str:
    """A path as text that UTF-8 can hold."""
    return os.fsencode(path).decode(errors="replace")


@contextlib.contextmanager
def _output_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}") from error
