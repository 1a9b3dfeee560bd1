"""People who move: Taichi-HD, Human3.6M, MPII, UCF-101, KTH, UTD-MHAD."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import loadmat

from facediff.datasets.published.files import need, read_lines, read_table, walk
from facediff.datasets.published.portraits import GONE, shares
from facediff.datasets.published.record import TEST, TRAIN, VAL, Segment, Tally
from facediff.errors import InputError

H36M_TEST = ("S9", "S11")
KTH_TRAIN, KTH_VAL = range(11, 19), (19, 20, 21, 23, 24, 25, 1, 4)
_MPII_TABLE = "mpii_human_pose_v1_u12_1.mat"


def read_taichi(root: Path, tally: Tally) -> Iterator[Segment]:
    """Taichi-HD: ``{train|test}/{video}#{start}#{end}.mp4``, or ``youtube-taichi/{video}.mp4``, by the table."""
    table = need(root, "taichi-metadata*.csv")
    for row in read_table(table, ("video_id", "start", "end", "bbox", "fps", "width", "height")):
        tally.listed += 1
        video, start, end, fps = row["video_id"], int(row["start"]), int(row["end"]), float(row["fps"])
        name = f"{video}#{start:06d}#{end:06d}"
        parts = [row["partition"]] if row.get("partition") else ["train", "test"]
        what: dict[str, Any] = {"dataset": "taichi", "name": name, "identity": video}
        places = [(part, place / part / f"{name}.mp4") for part in parts for place in (root, root / "taichi")]
        found = [(part, path) for part, path in places if path.is_file() or path.is_dir()]
        whole = root / "youtube-taichi" / f"{video}.mp4"
        if found:
            yield Segment(path=found[0][1], split=found[0][0], fps=fps, **what)
        elif whole.is_file():
            crop = shares(tuple(map(int, row["bbox"].split("-"))), (int(row["width"]), int(row["height"])))  # type: ignore[arg-type]
            split = row.get("partition", "")  # the first table of the authors has none
            yield Segment(path=whole, start=start / fps, end=end / fps, fps=fps, crop=crop, split=split, **what)
        else:
            tally.miss(GONE, name)


def read_human36m(root: Path, tally: Tally) -> Iterator[Segment]:
    """Human3.6M: ``S{n}/Videos/{action}.{camera}.mp4``; the films called ``_ALL`` are calibrations."""
    need(root, "S[0-9]*/Videos")
    name = r"(?P<id>S\d+)/Videos/(?P<action>[\w ]+)\.(?P<camera>\d+)\.mp4"
    for path, said in walk(root, "S*/Videos/*.mp4", tally, name):
        if said["action"].startswith("_ALL"):
            tally.listed -= 1
            continue
        action = re.sub(r" \d$", "", said["action"])
        yield Segment(
            dataset="human36m", name=f"{said['id']}/{path.stem}", path=path, identity=said["id"], fps=50.0,
            split=TEST if said["id"] in H36M_TEST else TRAIN, labels={"action": action, "camera": said["camera"]},
        )  # fmt: skip


def read_mpii(root: Path, tally: Tally) -> Iterator[Segment]:
    """MPII Human Pose: ``images/*.jpg`` by the table of annotations, a file of MATLAB."""
    table = need(root, _MPII_TABLE, f"*/{_MPII_TABLE}")
    try:
        release = loadmat(table, struct_as_record=False, squeeze_me=True)["RELEASE"]
        notes, is_train = np.atleast_1d(release.annolist), np.atleast_1d(release.img_train)
    except (KeyError, AttributeError, ValueError, OSError) as error:
        raise InputError(f"{table} is not the table of MPII: {error}") from error
    acts = np.atleast_1d(getattr(release, "act", np.zeros(0)))
    for number, (note, trained) in enumerate(zip(notes, is_train, strict=True)):
        tally.listed += 1
        name = str(note.image.name)
        path = root / "images" / name
        if not path.is_file():
            tally.miss("pictures are listed and not there", name)
            continue
        action = getattr(acts[number], "act_name", "") if number < len(acts) else ""
        video = np.atleast_1d(getattr(note, "vididx", np.zeros(0)))
        yield Segment(
            dataset="mpii", name=name, path=path, kind="still", split=TRAIN if trained else TEST,
            identity=f"video {int(video[0])}" if video.size else None,
            labels={"action": str(action)} if isinstance(action, str) and action else {},
        )  # fmt: skip


def read_ucf101(root: Path, tally: Tally) -> Iterator[Segment]:
    """UCF-101: ``UCF-101/{class}/v_{class}_g{group}_c{clip}.avi`` by the first split of ``ucfTrainTestlist``."""
    inner = need(root, "UCF-101", "ApplyEyeMakeup")
    inner = inner if inner.name == "UCF-101" else root
    lists = need(root, "ucfTrainTestlist", "trainlist01.txt")
    lists = lists if lists.is_dir() else root
    # One class is spelt in two ways, HandStandPushups in files and HandstandPushups in folders.
    splits = {
        Path(words[0]).stem.lower(): split
        for part, split in (("train", TRAIN), ("test", TEST))
        for words in read_lines(need(lists, f"{part}list01.txt"))
    }
    for path, said in walk(inner, "*/*.avi", tally, r"(?P<label>\w+)/v_\w+_g(?P<group>\d+)_c\d+\.avi"):
        split = splits.pop(path.stem.lower(), None)
        if split is None:
            tally.miss("clips are in none of the lists", path.name)
            continue
        yield Segment(
            dataset="ucf101", name=path.stem, path=path, split=split, labels={"class": said["label"]}, fps=25.0,
            identity=f"{said['label']}/g{said['group']}",
        )  # fmt: skip
    for name in splits:
        tally.listed += 1
        tally.miss("clips are listed and not there", name)


def read_kth(root: Path, tally: Tally) -> Iterator[Segment]:
    """KTH: ``{action}/person{n}_{action}_d{n}_uncomp.avi``, in stretches by ``00sequences.txt`` where it is."""
    table = next(iter(sorted(root.glob("00sequences*"))), None)
    stretches = _kth_stretches(table) if table is not None else {}
    need(root, "**/person*_uncomp.avi")
    for path, said in walk(
        root, "**/person*.avi", tally, r"(?:.*/)?(?P<key>person(?P<id>\d\d)_(?P<action>[a-z]+)_d(?P<d>\d))_uncomp\.avi"
    ):
        person = int(said["id"])
        split = TRAIN if person in KTH_TRAIN else VAL if person in KTH_VAL else TEST
        what: dict[str, Any] = {"dataset": "kth", "path": path, "identity": said["id"], "split": split, "fps": 25.0}
        what["labels"] = {"action": said["action"], "scenario": f"d{said['d']}"}
        for number, (first, last) in enumerate(stretches.get(said["key"], [(None, None)])):
            tally.listed += number > 0
            yield Segment(name=f"{said['key']}/{number}", first=first, last=last, **what)


def _kth_stretches(table: Path) -> dict[str, list[tuple[int | None, int | None]]]:
    """First frame, and the first one after, of the stretches of each film; the table counts frames from 1."""
    found: dict[str, list[tuple[int | None, int | None]]] = {}
    for words in read_lines(table):
        if re.fullmatch(r"person\d\d_[a-z]+_d\d", words[0]) and "frames" in words:
            spans = re.findall(r"(\d+)-(\d+)", " ".join(words[1:]))
            found[words[0]] = [(int(first) - 1, int(last)) for first, last in spans]
    return found


def read_mhad(root: Path, tally: Tally) -> Iterator[Segment]:
    """UTD-MHAD: ``[RGB/]a{action}_s{subject}_t{trial}_color.avi``; odd subjects train, as in the authors' paper."""
    need(root, "**/a*_s*_t*_color.avi")
    for path, said in walk(
        root, "**/*_color.avi", tally, r"(?:.*/)?a(?P<action>\d+)_s(?P<id>\d)_t(?P<trial>\d)_color\.avi"
    ):
        yield Segment(
            dataset="mhad", name=path.stem, path=path, identity=said["id"], labels={"action": said["action"]},
            split=TRAIN if int(said["id"]) % 2 else TEST,
        )  # fmt: skip
