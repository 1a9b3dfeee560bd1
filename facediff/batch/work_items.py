"""What goes to a worker, and what comes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from facediff.batch.jobs import Job


@dataclass(frozen=True)
class Identity:
    """What a result depends on.

    Attributes:
        key: Hash of all of it; equal keys give equal results.
        inputs: SHA-256 of each input by field, hexadecimal.
        weights_sha256: Of the model.
        versions: Of the libraries that shape the frames.
        parts: In how many windows it is to be rendered; a long one in several, whoever renders it.
    """

    key: str
    inputs: Mapping[str, str]
    weights_sha256: str
    versions: Mapping[str, str]
    parts: int = 1


@dataclass(frozen=True)
class Part:
    """What a worker is to do of a clip that is rendered in windows.

    Attributes:
        index: Of a window, from 0; None to join them all, once they are there.
        count: How many windows there are.
    """

    index: int | None
    count: int

    def files(self, folder: Path) -> list[Path]:
        """Where the windows are."""
        return [folder / f"part-{index:05d}.mp4" for index in range(self.count)]


@dataclass(frozen=True)
class WorkItem:
    """A job, or a part of one, that a worker is to do.

    Attributes:
        job: What is to be made.
        identity: What it depends on.
        folder: Where to, for this job alone; on a cluster, on a file system that all nodes share.
        part: What of it; None for all of it at once.
    """

    job: Job
    identity: Identity
    folder: Path
    part: Part | None = None

    @property
    def name(self) -> str:
        """Tells orders apart."""
        return self.job.output if self.part is None else f"{self.job.output}#{self.part.index}"

    @property
    def file(self) -> Path:
        """The clip, or the part of it, once it is whole."""
        if self.part is not None and self.part.index is not None:
            return self.part.files(self.folder)[self.part.index]
        return self.folder / self.job.output.rpartition("/")[2]

    @property
    def note(self) -> Path:
        """What says that ``file`` is whole."""
        is_window = self.part is not None and self.part.index is not None
        return self.file.with_suffix(".json") if is_window else self.folder / "outcome.json"


@dataclass(frozen=True)
class Rendered:
    """What a renderer says of the clip that it wrote.

    Attributes:
        frames: How many there are.
        seconds: What took how long, by name.
    """

    frames: int
    seconds: Mapping[str, float]


@dataclass(frozen=True)
class Outcome:
    """What became of an order.

    Attributes:
        reason: Why there is no clip, in one sentence; None if there is one.
        sha256: Of the clip's file, hexadecimal.
        size_bytes: Of the clip's file.
        frames: How many there are.
        seconds: What took how long, by name.
        host: The machine that did it.
    """

    reason: str | None = None
    sha256: str | None = None
    size_bytes: int = 0
    frames: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)
    host: str = ""


Identify = Callable[[Job], Identity]  # raises FaceDiffError where an input cannot be read
# Writes a clip, whole or not at all; or a part of one, if that comes as a fourth argument. A function of a module.
Render = Callable[..., Rendered]
