"""People who speak, by the clip: VoxCeleb2, LRS2, LRS3, AVSpeech; GRID, in a studio."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from facediff.datasets.published.files import beside, need, read_lines, read_table, walk
from facediff.datasets.published.portraits import GONE
from facediff.datasets.published.record import TEST, TRAIN, VAL, Segment, Tally

GRID_TEST = ("s1", "s2", "s20", "s22")  # as LipNet leaves speakers out
_TICKS = 25000  # of GRID's alignments to a second


def read_voxceleb2(root: Path, tally: Tally) -> Iterator[Segment]:
    """VoxCeleb2: ``[dev/|test/]mp4/{person}/{video}/{clip}.mp4`` by ``vox2_meta.csv``, sound in ``aac`` where it is."""
    need(root, "dev/mp4", "test/mp4", "mp4")
    people = _voxceleb_people(root)
    for path, said in walk(
        root, "**/mp4/*/*/*.mp4", tally, r"(?:(?P<part>dev|test)/)?mp4/(?P<id>id\d+)/(?P<video>[^/]+)/(?P<n>\d+)\.mp4"
    ):
        part, gender = people.get(said["id"], (said["part"] or "", ""))
        apart = path.parents[3] / "aac" / said["id"] / said["video"] / f"{said['n']}.m4a"
        yield Segment(
            dataset="voxceleb2", name=f"{said['id']}/{said['video']}/{said['n']}", path=path, identity=said["id"],
            sound=apart if apart.is_file() else path, split={"dev": TRAIN, "test": TEST}.get(part, ""), fps=25.0,
            labels={"gender": gender, "video": said["video"]} if gender else {"video": said["video"]},
        )  # fmt: skip


def _voxceleb_people(root: Path) -> dict[str, tuple[str, str]]:
    """Part and gender of each person; the published table has blanks after its names and values."""
    table = root / "vox2_meta.csv"
    if not table.is_file():
        return {}
    rows = read_table(table, ("VoxCeleb2 ID", "Gender", "Set"))
    return {row["VoxCeleb2 ID"]: (row["Set"], row["Gender"]) for row in rows}


def read_lrs3(root: Path, tally: Tally) -> Iterator[Segment]:
    """LRS3: ``{pretrain|trainval|test}/{speaker}/{clip}.mp4``, each with a text file."""
    need(root, "pretrain", "trainval", "test")
    for path, said in walk(root, "*/*/*.mp4", tally, r"(?P<part>pretrain|trainval|test)/(?P<id>[^/]+)/(?P<n>\d+)\.mp4"):
        yield _lip_reading("lrs3", path, said, {"test": TEST}.get(said["part"], TRAIN))


def read_lrs2(root: Path, tally: Tally) -> Iterator[Segment]:
    """LRS2: ``mvlrs_v1/{main|pretrain}/{programme}/{clip}.mp4``, split by the lists beside ``mvlrs_v1``."""
    need(root, "mvlrs_v1")
    splits: dict[str, str] = {}
    for name, split in (("train", TRAIN), ("val", VAL), ("test", TEST)):
        for words in read_lines(need(root, f"{name}.txt", f"mvlrs_v1/{name}.txt")):
            splits[words[0]] = split
    for path, said in walk(
        root / "mvlrs_v1", "*/*/*.mp4", tally, r"(?P<part>main|pretrain)/(?P<id>[^/]+)/(?P<n>\d+)\.mp4"
    ):
        name = f"{said['id']}/{said['n']}"
        split = TRAIN if said["part"] == "pretrain" else splits.pop(name, "")
        if not split:
            tally.miss("clips are in none of the lists", path.relative_to(root))
            continue
        yield _lip_reading("lrs2", path, said, split)
    for name in splits:
        tally.listed += 1
        tally.miss("clips are listed and not there", name)


def _lip_reading(dataset: str, path: Path, said: dict[str, str], split: str) -> Segment:
    table, labels = path.with_suffix(".txt"), {"part": said["part"]}
    text: tuple[str, ...] = ()
    if table.is_file():
        found = {words[0]: " ".join(words[1:]) for words in read_lines(table)}
        text = (found["Text:"],) if "Text:" in found else ()
        labels |= {"video": found["Ref:"]} if "Ref:" in found else {}
    name = f"{said['part']}/{said['id']}/{said['n']}"
    # Folders of LRS2 are programmes: who speaks is not said, and the same face may be in several.
    who = said["id"] if dataset == "lrs3" else None
    return Segment(
        dataset=dataset, name=name, path=path, sound=path, identity=who, split=split, text=text, labels=labels, fps=25.0
    )


def read_avspeech(root: Path, tally: Tally) -> Iterator[Segment]:
    """AVSpeech: ``avspeech_{train|test}.csv``, without names of columns, and clips ``{video}_{start}_{end}``."""
    need(root, "avspeech_*.csv")
    for part, split in (("train", TRAIN), ("test", TEST)):
        table = root / f"avspeech_{part}.csv"
        if not table.is_file():
            continue
        for row in read_table(table, ("video", "start", "end", "x", "y"), named=False):
            tally.listed += 1
            video, start, end = row["video"], row["start"], row["end"]
            name = f"{video}_{start}_{end}"
            what: dict[str, Any] = {"dataset": "avspeech", "name": name, "split": split, "identity": video}
            what["labels"] = {"x": row["x"], "y": row["y"]}  # the face's centre, in shares of the frame
            cut = beside(
                root,
                *(
                    f"{place}{name}"
                    for place in (f"{part}/", f"{part}/{video}/", f"data/{video}/", f"avspeech_{part}/", "")
                ),
            )
            whole = beside(root, f"{part}/{video}", f"raw/{video}", video)
            if cut is not None:
                yield Segment(path=cut, sound=cut, **what)
            elif whole is not None:
                yield Segment(path=whole, sound=whole, start=float(start), end=float(end), **what)
            else:
                tally.miss(GONE, name)


def read_grid(root: Path, tally: Tally) -> Iterator[Segment]:
    """GRID: ``s{n}/.../{sentence}.mpg`` of Sheffield, or ``s{n}/{sentence}/*.jpg`` of Zenodo with ``audio_25k``."""
    need(root, "s[0-9]*", "video/s[0-9]*")
    films = r"(?:.*/)?(?P<id>s\d+)/(?:.*/)?(?P<n>\w+)\.(?:mpg|mp4)"
    for path, said in walk(root, "**/*.mp[g4]", tally, films):
        yield _grid(root, path, said, path)
    for path, said in walk(root, "**/s[0-9]*/*", Tally(), r"(?:.*/)?(?P<id>s\d+)/(?P<n>\w{6})"):
        if path.is_dir() and any(path.glob("*.jpg")):
            tally.listed += 1
            apart = [p for p in (root / "audio_25k" / said["id"] / f"{said['n']}.wav",) if p.is_file()]
            yield _grid(root, path, said, apart[0] if apart else None)


def _grid(root: Path, path: Path, said: dict[str, str], sound: Path | None) -> Segment:
    words: list[str] = []
    times = {}
    for table in (
        root / "alignments" / said["id"] / f"{said['n']}.align",
        root / "align" / said["id"] / f"{said['n']}.align",
    ):
        if table.is_file():
            rows = [row for row in read_lines(table) if row[2] not in ("sil", "sp")]
            words = [row[2] for row in rows]
            times = {"speech_start": f"{int(rows[0][0]) / _TICKS:g}", "speech_end": f"{int(rows[-1][1]) / _TICKS:g}"}
            break
    return Segment(
        dataset="grid", name=f"{said['id']}/{said['n']}", path=path, sound=sound, identity=said["id"], fps=25.0,
        split=TEST if said["id"] in GRID_TEST else TRAIN, text=(" ".join(words),) if words else (), labels=times,
    )  # fmt: skip
