"""What became of each job, in a file that outlives the run: JSON Lines, of which the last of a name counts.

Entries are put on disk one by one, so that whatever stops the run leaves at most one torn line, which is left out when
the file is read. A finished run writes the file anew, one line for each result.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from facediff.errors import ConfigError, OutputError

NAME = "manifest.jsonl"
_LOCK = ".manifest.lock"


@dataclass(frozen=True)
class Entry:
    """What became of a job.

    Attributes:
        output: Name of the result in the folder.
        status: ``done`` or ``failed``.
        reason: Why it failed, in one sentence.
        key: Hash of all that the result depends on; None where an input could not be read.
        sha256: Of the result, hexadecimal.
        task: The kind of job.
        line: Where the file of jobs asked for it.
        inputs: Path and SHA-256 of each input by field.
        options: All options, defaults included.
        seed: Of the random numbers.
        weights_sha256: Of the model.
        versions: Of the libraries that shape the frames.
        size_bytes: Of the result.
        frames: Of the result.
        seconds: What took how long, by name.
        host: The machine that did it.
        finished: When, in UTC, ISO 8601.
    """

    output: str
    status: str
    reason: str | None
    key: str | None
    sha256: str | None
    task: str
    line: int
    inputs: Mapping[str, Mapping[str, str | None]]
    options: Mapping[str, Any]
    seed: int | None
    weights_sha256: str | None
    versions: Mapping[str, str]
    size_bytes: int
    frames: int
    seconds: Mapping[str, float]
    host: str
    finished: str

    @property
    def is_done(self) -> bool:
        """Whether there is a result."""
        return self.status == "done"

    @classmethod
    def from_json(cls, line: str | bytes) -> Entry:
        """An entry from its line.

        Raises:
            ValueError: It is none.
        """
        content = json.loads(line)
        if not isinstance(content, dict) or set(content) != {f.name for f in fields(cls)}:
            raise ValueError("not an entry")
        entry = cls(**content)
        counts = (entry.line, entry.size_bytes, entry.frames)
        texts = (entry.output, entry.task, entry.host, entry.finished)
        maps = (entry.inputs, entry.options, entry.versions, entry.seconds)
        if (
            entry.status not in ("done", "failed")
            or not all(type(n) is int for n in counts)
            or not all(isinstance(t, str) for t in texts)
            or not all(isinstance(m, dict) for m in maps)
            or not all(t is None or isinstance(t, str) for t in (entry.reason, entry.key, entry.sha256))
        ):
            raise ValueError("not an entry")
        return entry


class Manifest:
    """The entries of an output folder; ``opened`` gives one that can be written to.

    Attributes:
        entries: The last entry of each name.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self.entries: dict[str, Entry] = {}
        if self._path.is_symlink():
            raise OutputError(f"{self._path} is a symbolic link; a manifest is a file of its own")
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            content = b""
        except OSError as error:
            raise OutputError(f"{self._path} cannot be read: {error.strerror or error}") from error
        self._is_torn = not content.endswith(b"\n") and bool(content)
        for line in content.splitlines():
            with contextlib.suppress(ValueError, TypeError, RecursionError):  # a torn line, or none of ours
                entry = Entry.from_json(line)
                self.entries[entry.output] = entry

    def append(self, entry: Entry) -> None:
        """Adds an entry; it is on disk when this returns.

        Raises:
            OutputError: It cannot be written.
        """
        try:
            with self._path.open("a", encoding="utf-8", newline="\n") as file:
                file.write(("\n" if self._is_torn else "") + _line(entry))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise OutputError(f"{self._path} cannot be written: {error.strerror or error}") from error
        self._is_torn = False
        self.entries[entry.output] = entry

    def lines(self, first: Iterable[str]) -> str:
        """The manifest anew, one line a result: of those named, in that order, then the others."""
        item = dict.fromkeys([*first, *self.entries])
        return "".join(_line(self.entries[name]) for name in item if name in self.entries)


def _line(entry: Entry) -> str:
    return json.dumps(asdict(entry), allow_nan=False) + "\n"


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Manifest]:
    """The manifest of a folder, for this process alone; a process that dies gives it free.

    Raises:
        ConfigError: Another run writes to the folder.
        OutputError: The folder cannot be made, or the manifest cannot be read.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / _LOCK, blocking=False)
        lock.acquire()
    except Timeout as error:
        raise ConfigError(f"another run writes to {folder}; wait for it, or give another folder") from error
    except OSError as error:
        raise OutputError(f"{folder} cannot be written to: {error.strerror or error}") from error
    try:
        yield Manifest(folder)
    finally:
        lock.release()
