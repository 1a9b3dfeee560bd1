"""Shards: segments in tar files as WebDataset has them, written whole and read one clip at a time.

Each segment is ``KEY.mp4`` or ``KEY.png``, cut and cropped, and ``KEY.json``; keys hold no dots and no slashes.
"""

from __future__ import annotations

import json
import re
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from facediff.datasets.published.frames import has_sound, write_segment
from facediff.datasets.published.record import Segment
from facediff.errors import InputError, MediaError
from facediff.system.files import atomic_folder, atomic_write

PATTERN = "*.tar"
_KEPT = ("dataset", "name", "kind", "identity", "text", "labels", "split", "licence", "commercial", "fps")


@dataclass(frozen=True, kw_only=True)
class Written:
    """What became of segments.

    Attributes:
        shards: How many files.
        segments: How many are in them.
        failed: Those that could not be read, with why.
    """

    shards: int
    segments: int
    failed: tuple[str, ...]


def write_shards(
    segments: Iterable[Segment], folder: Path, *, megabytes: float = 500.0, tick: Callable[[], None] | None = None
) -> Written:
    """Writes segments into a new folder of shards, which appears when all are written.

    Args:
        segments: What to write, in this order.
        folder: Must not be there.
        megabytes: A shard ends after the segment with which it is larger.
        tick: Called after each segment.

    Raises:
        InputError: None of them can be read.
        OutputError: The folder is there, or cannot be written.
    """
    failed: list[str] = []
    count = number = 0
    coming = iter(segments)
    with atomic_folder(folder, "the shards") as made, tempfile.TemporaryDirectory(dir=made.parent) as scratch:
        made_one = True
        while made_one:
            made_one = False
            path = made / f"{number:05d}.tar"
            with tarfile.open(path, "w") as archive:
                for segment in coming:
                    try:
                        _add(segment, count, archive, Path(scratch))
                        count, made_one = count + 1, True
                    except MediaError as error:
                        failed.append(f"{segment.name}: {error}")
                    if tick is not None:
                        tick()
                    if archive.offset > megabytes * 1e6:
                        break
            if made_one:
                number += 1
            else:
                path.unlink()
        if not count:
            raise InputError(f"none of the segments can be read: {failed[0] if failed else 'there is none'}")
    return Written(shards=number, segments=count, failed=tuple(failed))


def _add(segment: Segment, number: int, archive: tarfile.TarFile, scratch: Path) -> None:
    """Adds the files of one segment; what lies whole in an mp4 of its own is added as it is."""
    name = re.sub(r"[^\w-]+", "_", segment.name)[-80:]
    key = f"{number:08d}-{segment.dataset}-{name}"
    suffix = ".png" if segment.kind == "still" else ".mp4"
    path = segment.path
    is_as_it_is = segment.is_whole and path.is_file() and path.suffix == suffix and segment.sound in (None, path)
    if not is_as_it_is:
        path = scratch / f"clip{suffix}"
        write_segment(segment, path)
    said = {field: getattr(segment, field) for field in _KEPT}
    said |= {"labels": dict(segment.labels), "has_sound": segment.kind == "video" and has_sound(segment)}
    table = scratch / "segment.json"
    with atomic_write(table) as partial:
        partial.write_text(json.dumps(said), encoding="utf-8")
    archive.add(path, f"{key}{suffix}")
    archive.add(table, f"{key}.json")


@dataclass(frozen=True, kw_only=True)
class Sharded:
    """A segment in a shard, and where in it.

    Attributes:
        segment: What is known; its file is the shard, its member the clip.
        has_sound: Whether the clip has sound.
        offset: Where the clip's bytes begin, and ``size`` how many they are.
        size: See ``offset``.
    """

    segment: Segment
    has_sound: bool
    offset: int
    size: int

    def extract(self, target: Path) -> None:
        """Takes the clip out of its shard, and nothing else.

        Raises:
            InputError: The shard is shorter than it was.
        """
        with self.segment.path.open("rb") as file, atomic_write(target) as partial:
            file.seek(self.offset)
            data = file.read(self.size)
            if len(data) != self.size:
                raise InputError(f"{self.segment.path} is shorter than it was; write or fetch it again")
            partial.write_bytes(data)


def read_shards(folder: Path) -> Iterator[Sharded]:
    """The segments of a folder of shards, in order; of clips no more than their places are read.

    Raises:
        InputError: There is no shard, or one is damaged.
    """
    shards = sorted(folder.glob(PATTERN))
    if not shards:
        raise InputError(f"there are no shards ({PATTERN}) in {folder}; write some with 'facediff dataset shard'")
    for shard in shards:
        try:
            with tarfile.open(shard) as archive:
                yield from _read(shard, archive)
        except (tarfile.TarError, ValueError, KeyError, EOFError) as error:
            raise InputError(f"{shard} is not a whole shard of facediff: {error}; write it again") from error


def _read(shard: Path, archive: tarfile.TarFile) -> Iterator[Sharded]:
    clip: tarfile.TarInfo | None = None
    for member in archive:
        key, _, kind = member.name.partition(".")
        if kind != "json":
            clip = member
            continue
        file = archive.extractfile(member)
        if clip is None or file is None or clip.name.partition(".")[0] != key:
            raise InputError(f"{shard} has {member.name} without its clip; write it again")
        said = json.load(file)
        sounds = bool(said.pop("has_sound"))
        said["text"] = tuple(said["text"])
        segment = replace(Segment(path=shard, member=clip.name, **said), sound=shard if sounds else None)
        yield Sharded(segment=segment, has_sound=sounds, offset=clip.offset_data, size=clip.size)
