"""Clips and pictures with texts: WebVid-10M, MSR-VTT, HD-VILA-100M, LAION-400M."""

from __future__ import annotations

import json
import tarfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from facediff.datasets.published.files import (
    PICTURE_SUFFIXES,
    beside,
    need,
    read_json,
    read_table,
    seconds,
)
from facediff.datasets.published.portraits import GONE
from facediff.datasets.published.record import TEST, TRAIN, VAL, Segment, Tally
from facediff.errors import InputError


def read_webvid(root: Path, tally: Tally) -> Iterator[Segment]:
    """WebVid: ``videos/{page_dir}/{videoid}.mp4`` by ``[metadata/]results_{2M|10M}_{train|val}.csv``."""
    need(root, "results_*_*.csv", "metadata/results_*_*.csv")
    for table in sorted([*root.glob("results_*_*.csv"), *root.glob("metadata/results_*_*.csv")]):
        split = VAL if table.stem.endswith("val") else TRAIN
        for row in read_table(table, ("videoid", "page_dir", "name")):
            tally.listed += 1
            path = beside(root / "videos", f"{row['page_dir']}/{row['videoid']}", row["videoid"])
            if path is None:
                tally.miss("clips are listed and not there, since the set's links were withdrawn", row["videoid"])
                continue
            text = (row["name"],) if row["name"] else ()
            yield Segment(dataset="webvid", name=row["videoid"], path=path, text=text, split=split)


def read_msrvtt(root: Path, tally: Tally) -> Iterator[Segment]:
    """MSR-VTT: ``{TrainValVideo|TestVideo}/video{n}.mp4`` by ``{train_val|test}_videodatainfo.json``."""
    tables = sorted(
        [*root.glob("*videodatainfo.json"), *root.glob("annotation/*.json"), *root.glob("MSRVTT_data.json")]
    )
    if not tables:
        need(root, "train_val_videodatainfo.json", "test_videodatainfo.json", "annotation/MSR_VTT.json")
    splits = {"train": TRAIN, "validate": VAL, "val": VAL, "test": TEST}
    for table in tables:
        said, texts = read_json(table, dict), defaultdict(list)
        for row in said.get("sentences", ()):
            texts[row["video_id"]].append(row["caption"])
        for row in said.get("videos", ()):
            tally.listed += 1
            name = row["video_id"]
            path = beside(
                root, *(f"{place}/{name}" for place in ("TrainValVideo", "TestVideo", "videos/all", "videos"))
            )
            if path is None:
                tally.miss(GONE, name)
                continue
            # The files are cut already: "start time" and "end time" are those of the video that they come from.
            yield Segment(
                dataset="msrvtt", name=name, path=path, sound=path, text=tuple(texts[name]),
                split=splits.get(row.get("split", ""), ""), labels={"category": str(row.get("category", ""))},
                identity=row.get("url", "").split("v=")[-1] or None,
            )  # fmt: skip


def read_hdvila(root: Path, tally: Tally) -> Iterator[Segment]:
    """HD-VILA-100M: ``video_clips/{video}/{clip}``, or ``download_videos/{video}.mp4`` by lines of ``metafiles``."""
    need(root, "*.jsonl", "metafiles/*.jsonl")
    for table in sorted([*root.glob("*.jsonl"), *root.glob("metafiles/*.jsonl")]):
        with table.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    row = json.loads(line)
                    video, clips = row["video_id"], row["clip"]
                except (ValueError, KeyError, TypeError) as error:
                    raise InputError(f"line {number} of {table} is not one of HD-VILA-100M") from error
                whole = beside(root / "download_videos", video)
                for clip in clips:
                    tally.listed += 1
                    name, (start, end) = clip["clip_id"], map(seconds, clip["span"])
                    cut = root / "video_clips" / video / name
                    if cut.is_file():
                        yield Segment(dataset="hdvila", name=name, path=cut, sound=cut, identity=video)
                    elif whole is not None:
                        yield Segment(
                            dataset="hdvila", name=name, path=whole, sound=whole, identity=video, start=start, end=end
                        )
                    else:
                        tally.miss(GONE, name)


def read_laion(root: Path, tally: Tally) -> Iterator[Segment]:
    """LAION-400M as img2dataset leaves it: ``{shard}.tar`` or folders, of a picture, a txt and a json each."""
    need(root, "[0-9]*.tar", "[0-9]*")
    for shard in sorted(root.glob("[0-9]*.tar")):
        yield from _laion_shard(shard, tally)
    for path in sorted(root.glob("[0-9]*/*")):
        if path.suffix in PICTURE_SUFFIXES:
            tally.listed += 1
            table = path.with_suffix(".json")
            said = read_json(table, dict) if table.is_file() else {}
            yield _laion_segment(path, None, path.stem, said, path.with_suffix(".txt"))
    for table in sorted(root.glob("[0-9]*_stats.json")):
        lost = read_json(table, dict)
        if failed := int(lost.get("count", 0)) - int(lost.get("successes", 0)):
            tally.listed += failed
            tally.miss("pictures could not be fetched, as links die", table.name)
            tally.absent["pictures could not be fetched, as links die"] += failed - 1


def _laion_shard(shard: Path, tally: Tally) -> Iterator[Segment]:
    try:
        with tarfile.open(shard) as archive:
            said: dict[str, dict] = defaultdict(dict)
            for member in archive:
                key, _, kind = member.name.partition(".")
                if kind == "json" and (file := archive.extractfile(member)) is not None:
                    said[key]["json"] = json.load(file)
                elif f".{kind}" in PICTURE_SUFFIXES:
                    said[key]["picture"] = member.name
            for key, one in said.items():
                tally.listed += 1
                if "picture" in one:
                    yield _laion_segment(shard, one["picture"], key, one.get("json", {}), None)
                else:
                    tally.miss("entries of shards have no picture", f"{shard.name}:{key}")
    except (tarfile.TarError, ValueError) as error:
        raise InputError(f"{shard} is not a whole shard: {error}; fetch it again") from error


def _laion_segment(path: Path, member: str | None, key: str, said: dict, text: Path | None) -> Segment:
    caption = said.get("caption") or said.get("TEXT") or ""
    if not caption and text is not None and text.is_file():
        caption = text.read_text(encoding="utf-8", errors="replace").strip()
    labels = {name: str(said[name]) for name in ("NSFW", "similarity", "LICENSE") if said.get(name) is not None}
    return Segment(
        dataset="laion", name=key, path=path, member=member, kind="still", labels=labels,
        text=(caption,) if caption else (), identity=said.get("url") or None,
    )  # fmt: skip
