"""Places and things that move: DAVIS, Landscape, Cityscapes, Sky Time-lapse, CATER-GEN, BAIR."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from facediff.datasets.published.files import VIDEO_SUFFIXES, need, read_json, read_lines, walk
from facediff.datasets.published.record import TEST, TRAIN, VAL, Segment, Tally
from facediff.datasets.published.tfrecord import count_records

CITYSCAPES_SNIPPET, CITYSCAPES_FPS = 30, 17.0


def read_davis(root: Path, tally: Tally) -> Iterator[Segment]:
    """DAVIS 2017: ``JPEGImages/{480p|Full-Resolution}/{sequence}`` by ``ImageSets/2017/{train|val|...}.txt``."""
    frames = need(root, "JPEGImages/Full-Resolution", "JPEGImages/480p")
    lists = need(root, "ImageSets/2017", "ImageSets/2016")
    for part, split in (("train", TRAIN), ("val", VAL), ("test-dev", TEST), ("test-challenge", TEST)):
        if not (lists / f"{part}.txt").is_file():
            continue
        for sequence, *_ in read_lines(lists / f"{part}.txt"):
            tally.listed += 1
            if not any((frames / sequence).glob("*.jpg")):
                tally.miss("sequences are listed and not there", sequence)
                continue
            mask = root / "Annotations" / frames.name / sequence
            labels = {"part": part, "masks": str(mask)} if mask.is_dir() else {"part": part}
            yield Segment(
                dataset="davis", name=sequence, path=frames / sequence, split=split, fps=24.0, labels=labels,
                identity=sequence,
            )  # fmt: skip


def read_landscape(root: Path, tally: Tally) -> Iterator[Segment]:
    """Landscape: ``{train|test}/**/*.mp4``, ten seconds each; a folder below names the scene."""
    need(root, "train", "test")
    for part, split in (("train", TRAIN), ("test", TEST)):
        for path in sorted((root / part).rglob("*")):
            if path.suffix.lower() not in VIDEO_SUFFIXES:
                continue
            tally.listed += 1
            inside = path.relative_to(root / part)
            labels = {"scene": inside.parts[0]} if len(inside.parts) > 1 else {}
            # The clips of a film are told apart by a number at the end: the film is what must not be in two splits.
            film = re.sub(r"[_-]\d+$", "", path.stem)
            yield Segment(
                dataset="landscape", name=f"{part}/{inside.with_suffix('').as_posix()}", path=path, sound=path,
                split=split, labels=labels, identity=film,
            )  # fmt: skip


def read_cityscapes(root: Path, tally: Tally) -> Iterator[Segment]:
    """Cityscapes: ``leftImg8bit_sequence/{split}/{city}/{city}_{drive}_{frame}_leftImg8bit.png``, 30 in a row."""
    need(root, "leftImg8bit_sequence")
    name = r"leftImg8bit_sequence/(?P<part>train|val|test)/(?P<city>[^/]+)/[^/]+_(?P<drive>\d{6})_(?P<n>\d{6})_.*\.png"
    drives = defaultdict(list)
    for path, said in walk(root, "leftImg8bit_sequence/*/*/*.png", tally, name):
        drives[said["part"], said["city"], said["drive"]].append((int(said["n"]), path))
    tally.listed = 0  # what is counted are snippets
    for (part, city, drive), shots in drives.items():
        # A drive is one snippet in some cities and many in others: 30 frames whose numbers follow one another.
        for _, group in groupby(enumerate(sorted(shots)), lambda pair: pair[1][0] - pair[0]):
            run = [shot for _, shot in group]
            for first in range(0, len(run), CITYSCAPES_SNIPPET):
                snippet = run[first : first + CITYSCAPES_SNIPPET]
                tally.listed += 1
                label = f"{city}_{drive}_{snippet[0][0]:06d}"
                if len(snippet) < CITYSCAPES_SNIPPET:
                    tally.miss("snippets have fewer than 30 frames", label)
                    continue
                yield Segment(
                    dataset="cityscapes", name=label, path=snippet[0][1].parent, split=part, fps=CITYSCAPES_FPS,
                    frames=tuple(path.name for _, path in snippet), identity=city, labels={"city": city},
                )  # fmt: skip


def read_sky(root: Path, tally: Tally) -> Iterator[Segment]:
    """Sky Time-lapse: ``{sky_train|sky_test}/{film}/{stretch}/*.jpg``."""
    inner = need(root, "sky_train", "sky_test", "sky_timelapse/sky_train", "sky_timelapse/sky_test").parent
    for part, split in (("sky_train", TRAIN), ("sky_test", TEST)):
        for folder in sorted((inner / part).glob("*/*")):
            if not folder.is_dir():
                continue
            tally.listed += 1
            if len(list(folder.glob("*.jpg"))) < 2:
                tally.miss("stretches have fewer than two frames", folder.name)
                continue
            film = folder.parent.name
            yield Segment(dataset="sky", name=f"{part}/{film}/{folder.name}", path=folder, split=split, identity=film)


def read_catergen(root: Path, tally: Tally) -> Iterator[Segment]:
    """CATER-GEN: ``videos/*.avi`` by ``{train|test}_{explicit|ambiguous}.json``."""
    need(root, "*_explicit.json", "*_ambiguous.json")
    texts: dict[tuple[str, str], list[str]] = defaultdict(list)
    for table in sorted([*root.glob("*_explicit.json"), *root.glob("*_ambiguous.json")]):
        for row in read_json(table, dict).values():
            texts[row["video"], table.stem.split("_")[0]].append(row["caption"].strip())
    for (video, split), said in texts.items():
        tally.listed += 1
        if not (root / video).is_file():
            tally.miss("videos are listed and not there", video)
            continue
        yield Segment(
            dataset="catergen", name=Path(video).stem, path=root / video, text=tuple(said), split=split,
            identity=Path(video).stem,
        )  # fmt: skip


def read_bair(root: Path, tally: Tally) -> Iterator[Segment]:
    """BAIR robot pushing: ``softmotion30_44k/{train|test}/traj_*.tfrecords``, read without TensorFlow."""
    inner = need(root, "softmotion30_44k", "train", "test")
    inner = inner if inner.name == "softmotion30_44k" else root
    for part, split in (("train", TRAIN), ("test", TEST)):
        for path in sorted((inner / part).glob("*.tfrecords")):
            for number in range(count_records(path)):
                tally.listed += 1
                name = f"{part}/{path.stem}/{number}"
                yield Segment(dataset="bair", name=name, path=path, member=str(number), split=split, identity=name)
