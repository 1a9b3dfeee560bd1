"""What goes to a worker, and what comes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from facediff.rendering.batch.jobs import Job


@dataclass(frozen=True)
class Identity:
    """What a result depends on.

    Attributes:
        key: Hash of all of it; equal keys give equal results.
        inputs: SHA-256 of each input by field, hexadecimal.
        weights_sha256: Of the model.
        versions: Of the libraries that shape the frames.
    """

    key: str
    inputs: Mapping[str, str]
    weights_sha256: str
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Order:
    """A job that a worker is to do.

    Attributes:
        job: What is to be made.
        identity: What it depends on.
        folder: Where to, for this order alone; on a cluster, on a file system that all nodes share.
    """

    job: Job
    identity: Identity
    folder: Path

    @property
    def file(self) -> Path:
        """The clip, once it is whole."""
        return self.folder / self.job.output.rpartition("/")[2]


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
Render = Callable[[Job, Identity, Path], Rendered]  # writes a clip, whole or not at all; a function of a module
