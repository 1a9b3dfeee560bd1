"""What is known of a published data set, and the one record that all of them yield."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

TRAIN, VAL, TEST = SPLITS = ("train", "val", "test")
_TEST_SHARE, _VAL_SHARE = 10, 5  # per cent of identities, where a set has no split of its own


@dataclass(frozen=True, kw_only=True)
class Crop:
    """A window of a frame, in shares of its width and height from 0 to 1.

    Attributes:
        left: ``top``, ``right`` and ``bottom`` are the other edges.
        top: See ``left``.
        right: See ``left``.
        bottom: See ``left``.
    """

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A stretch of footage, or a still: what a data set counts as one.

    Attributes:
        dataset: Of which set, by its short name.
        name: What it is called there; no other of the set is.
        path: A video, a picture, a folder of frames, or a file that holds several.
        member: Which of those several; none where the file is one.
        frames: The files of a folder that are meant; all of them if there are none.
        kind: ``video`` or ``still``.
        start: Where it begins, in seconds; ``end`` where it ends, the file's own end if none.
        end: See ``start``.
        first: The frame where it begins, in sets that count frames; ``last`` is the first one after it.
        last: See ``first``.
        crop: What of the frame is meant; all of it if none.
        fps: Frames per second, where the set says so.
        identity: Who or what is seen: none of it is in two splits. None where the set does not say.
        text: What is said in it, or about it; several where there are several.
        sound: The file with the sound: the video itself, one beside it, or none.
        labels: What else is known, in the set's own words.
        split: ``train``, ``val`` or ``test``; empty until it is drawn.
        licence: On which terms.
        commercial: Whether these let it be used for more than research.
    """

    dataset: str
    name: str
    path: Path
    member: str | None = None
    frames: tuple[str, ...] = ()
    kind: str = "video"
    start: float = 0.0
    end: float | None = None
    first: int | None = None
    last: int | None = None
    crop: Crop | None = None
    fps: float | None = None
    identity: str | None = None
    text: tuple[str, ...] = ()
    sound: Path | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    split: str = ""
    licence: str = ""
    commercial: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether the file is the segment, so that nothing need be cut."""
        return not (self.member or self.frames or self.start or self.crop or self.first) and (
            self.end is None and self.last is None
        )


@dataclass(frozen=True, kw_only=True)
class Card:
    """What is to be known before a set is used.

    Attributes:
        name: The short one, as in ``hdtf=/path``.
        title: The usual one.
        about: What is in it.
        size: How much.
        access: Where it is had from, and how.
        licence: On which terms.
        commercial: Whether these let it be used for more than research.
        split: Whose split is read, or by what it is drawn.
        traps: What goes wrong in silence.
        layout: The folder that is given, as it is downloaded, a line for each kind of file.
        sources: Where the layout and the terms were read.
        people: Whether faces or bodies of people are in it.
    """

    name: str
    title: str
    about: str
    size: str
    access: str
    licence: str
    commercial: bool = False
    split: str
    traps: tuple[str, ...]
    layout: tuple[str, ...]
    sources: tuple[str, ...]
    people: bool = True


class Tally:
    """What was met while a set was read: files that are not there, rows that say nothing."""

    def __init__(self) -> None:
        self.listed = 0
        self.absent: Counter[str] = Counter()
        self.examples: dict[str, str] = {}

    def miss(self, what: str, example: object) -> None:
        """Counts something that is listed and not there; the first is kept as an example."""
        self.absent[what] += 1
        self.examples.setdefault(what, str(example))

    @property
    def sentences(self) -> list[str]:
        """One for each kind of thing that was missed."""
        return [f"{count} {what}, {self.examples[what]} the first" for what, count in self.absent.items()]


Read = Callable[[Path, Tally], Iterator[Segment]]


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A card, and what reads the set: a function of its folder and of a tally, which yields segments in order."""

    card: Card
    read: Read


def draw_split(dataset: str, identity: str) -> str:
    """The split of an identity where the set has none: by a hash, so that it stays what it is when clips are added."""
    share = int(hashlib.sha256(f"{dataset}/{identity}".encode()).hexdigest()[:8], 16) % 100
    return TEST if share < _TEST_SHARE else VAL if share < _TEST_SHARE + _VAL_SHARE else TRAIN
