"""Published sets and shards as clips to train on: each is a file of its own only while it is looked at."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import weakref
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from facediff.datasets.published.catalog import check_any, open_dataset
from facediff.datasets.published.frames import has_sound, write_segment
from facediff.datasets.published.record import TEST, Segment
from facediff.datasets.published.shards import read_shards
from facediff.datasets.recordings import Recording
from facediff.errors import InputError

SHARDS = "shards"  # the short name of a folder of them
AT_ONCE = 4  # clips that lie unpacked


class Scratch:
    """A folder in which no more than a few clips lie at a time: those that were looked at last.

    Args:
        most: How many.
    """

    def __init__(self, most: int = AT_ONCE) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="facediff-clips-"))
        self._files: OrderedDict[str, Path] = OrderedDict()
        self._most = most
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)

    def path(self, name: str, suffix: str, make: Callable[[Path], None]) -> Path:
        """The file of a name; made if it is not there, whereupon the one that was not looked at for longest goes."""
        if name not in self._files:
            path = self._folder / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}{suffix}"
            while len(self._files) >= self._most:
                self._files.popitem(last=False)[1].unlink(missing_ok=True)
            make(path)
            self._files[name] = path
        self._files.move_to_end(name)
        return self._files[name]


class Unpacked(Recording):
    """A recording whose file is made when it is asked for, and may be gone when it is asked for again.

    Args:
        name: As in ``Recording``, as are ``kind`` and ``identity``.
        kind: See ``name``.
        identity: See ``name``.
        suffix: Of the file.
        make: Writes the file.
        scratch: Where it lies.
    """

    def __init__(
        self, name: str, kind: str, identity: str, suffix: str, make: Callable[[Path], None], scratch: Scratch
    ) -> None:
        for field, value in (("name", name), ("kind", kind), ("identity", identity)):
            object.__setattr__(self, field, value)
        object.__setattr__(self, "_place", lambda: scratch.path(name, suffix, make))

    @property
    def path(self) -> Path:  # type: ignore[override]
        """The file, which lies there until a few others were asked for."""
        return self._place()  # type: ignore[attr-defined]

    @property
    def sound(self) -> Path | None:  # type: ignore[override]
        """The file with the sound: the same, if there is any."""
        return self.path if self.kind == "av" else None


@dataclass(frozen=True)
class Sources:
    """Folders of published sets and of shards, in the place of a table of clips.

    Attributes:
        places: Short names and folders, in order.
    """

    places: tuple[tuple[str, Path], ...]

    def read(self, split: str, kinds: Collection[str], licence: str) -> list[Recording]:
        """The clips of one split, as ``read_recordings`` gives those of a table; val counts as train.

        Raises:
            ConfigError: There is no set of a name.
            InputError: A folder is not of its set, or nothing is left.
        """
        scratch = Scratch()
        clips = [clip for name, root in self.places for clip in _clips(name, root, split, licence, scratch)]
        kept = [clip for clip in clips if clip.kind in kinds]
        if not kept:
            of = ", ".join(f"{name}={root}" for name, root in self.places)
            hint = "; --licence any takes those that are for research alone" if licence != "any" else ""
            raise InputError(
                f"{of} has no clips of split {split!r}, kinds {sorted(kinds)} and licence {licence!r}{hint}"
            )
        return kept


def _clips(name: str, root: Path, split: str, licence: str, scratch: Scratch) -> Iterator[Recording]:
    if name == SHARDS:
        for sharded in read_shards(root):
            if _is_wanted(sharded.segment, split, licence):
                kind = "still" if sharded.segment.kind == "still" else "av" if sharded.has_sound else "silent"
                suffix = Path(sharded.segment.member or "").suffix
                yield Unpacked(*_told(sharded.segment, kind), suffix, sharded.extract, scratch)
        return
    opened, count = open_dataset(name, root), 0
    for segment in opened:
        count += 1
        if _is_wanted(segment, split, licence):
            yield _clip(segment, scratch)
    check_any(opened, count)


def _clip(segment: Segment, scratch: Scratch) -> Recording:
    kind = "still" if segment.kind == "still" else "av" if has_sound(segment) else "silent"
    if segment.is_whole and segment.path.is_file():
        return Recording(segment.path, *_told(segment, kind), segment.sound if kind == "av" else None)
    suffix = ".png" if kind == "still" else ".mp4"
    return Unpacked(*_told(segment, kind), suffix, lambda path: write_segment(segment, path), scratch)


def _told(segment: Segment, kind: str) -> tuple[str, str, str]:
    name = f"{segment.dataset}/{segment.name}"
    return name, kind, f"{segment.dataset}/{segment.identity or segment.name}"


def _is_wanted(segment: Segment, split: str, licence: str) -> bool:
    is_test = segment.split == TEST
    return is_test == (split == "test") and (licence == "any" or segment.commercial)
