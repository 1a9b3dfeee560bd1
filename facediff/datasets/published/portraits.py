"""Faces of video platforms, cut out by published lists: HDTF, CelebV-HQ, CelebV-Text, TalkingHead-1KH, VFHQ, TalkVid.

Each is read as its tools leave it: cut clips where they are, else the whole videos with times and windows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from facediff.datasets.published.files import (
    PICTURE_SUFFIXES,
    VIDEO_SUFFIXES,
    beside,
    need,
    read_json,
    read_lines,
    read_table,
    seconds,
)
from facediff.datasets.published.record import Crop, Segment, Tally
from facediff.errors import InputError

GONE = "clips are listed and not there, since platforms take videos down"
_PARTS = ("RD", "WDA", "WRA")  # of HDTF
_ALSO = {"WhipJimClyburn": "JamesClyburn"}  # speakers of HDTF who have videos under two names


def read_hdtf(root: Path, tally: Tally) -> Iterator[Segment]:
    """HDTF: clips of ``{part}_{video}_{number}.mp4``, or whole videos, by the tables of ``HDTF_dataset``."""
    tables = need(root, "HDTF_dataset", "*_annotion_time.txt")
    tables = tables if tables.is_dir() else root
    for part in _PARTS:
        if not (tables / f"{part}_annotion_time.txt").is_file():
            tally.miss("tables are not there", f"{part}_annotion_time.txt")
            continue
        crops = {words[0]: words[1:] for words in read_lines(need(tables, f"{part}_crop_wh.txt"))}
        heights = _heights(tables / f"{part}_resolution.txt")
        for video, *times in read_lines(tables / f"{part}_annotion_time.txt"):
            for number, time in enumerate(times):
                tally.listed += 1
                window = crops.get(f"{Path(video).stem}_{number}.mp4", [])
                found = _hdtf_clip(root, part, Path(video).stem, number, time, window, heights.get(video, 0), tally)
                if found is not None:
                    yield found


def _heights(table: Path) -> dict[str, int]:
    """The height of each video as the windows count it; 0 where the table does not say."""
    rows = read_lines(table) if table.is_file() else ()
    return {words[0]: int(words[1]) for words in rows if len(words) == 2 and words[1].isdigit()}


def _hdtf_clip(
    root: Path, part: str, video: str, number: int, time: str, window: list[str], listed: int, tally: Tally
) -> Segment | None:
    name, whole = f"{part}_{video}_{number:03d}", f"{part}_{video}"
    what: dict[str, Any] = {"identity": f"{part}_{speaker(video)}", "labels": {"part": part, "video": video}}
    clip = beside(root, name, f"clips/{name}", f"{video}_{number}", f"clips/{video}_{number}")
    if clip is not None:
        return Segment(dataset="hdtf", name=name, path=clip, sound=clip, **what)
    clip = beside(root, f"_videos_raw/{whole}", f"_videos_raw/{video}", video)
    if clip is None:
        tally.miss(GONE, name)
    elif len(window) != 4:
        tally.miss("clips have no window in the tables", name)
    else:
        across, down = frame_size(clip)
        size = (across * listed / down, listed) if listed else (across, down)
        left, width, top, height = map(int, window)
        start, end = map(seconds, time.split("-"))
        try:
            crop = shares((left, top, left + width, top + height), size)
        except InputError:
            tally.miss("windows lie outside of their videos, which were downloaded smaller", name)
            return None
        return Segment(dataset="hdtf", name=name, path=clip, sound=clip, start=start, end=end, crop=crop, **what)
    return None


def speaker(video: str) -> str:
    """Who speaks in a video of HDTF: its name without the number that tells a speaker's videos apart."""
    name = re.sub(r"_?\d*$", "", video) or video
    return _ALSO.get(name, name)


def frame_size(video: Path) -> tuple[int, int]:
    """Width and height of a video."""
    from facediff.media import VideoReader

    info = VideoReader(video).info
    return info.width, info.height


def shares(box: tuple[float, float, float, float], size: tuple[float, float]) -> Crop:
    """Left, top, right and bottom in pixels as shares of a frame, inside it.

    Raises:
        InputError: Nothing of it is inside.
    """
    width, height = size
    left, right = (min(max(edge / width, 0.0), 1.0) for edge in box[::2])
    top, bottom = (min(max(edge / height, 0.0), 1.0) for edge in box[1::2])
    if left >= right or top >= bottom:
        raise InputError(f"the window {box} has nothing of a frame of {width:g}x{height:g}")
    return Crop(left=left, top=top, right=right, bottom=bottom)


def read_celebvhq(root: Path, tally: Tally) -> Iterator[Segment]:
    """CelebV-HQ: ``processed/{clip}.mp4``, or ``raw/{video}.mp4`` by ``celebvhq_info.json``."""
    info = read_json(need(root, "celebvhq_info.json"), dict)
    names = info.get("meta_info", {})
    for clip, row in info.get("clips", {}).items():
        tally.listed += 1
        found = {
            f"{kind}:{name}": str(value)
            for kind in ("appearance", "action")
            for name, value in zip(
                names.get(f"{kind}_mapping", ()), row.get("attributes", {}).get(kind, ()), strict=False
            )
            if value
        }
        yield from _celebv("celebvhq", root, tally, clip, row, found, is_share=True)


def read_celebvtext(root: Path, tally: Tally) -> Iterator[Segment]:
    """CelebV-Text: clips as in CelebV-HQ by ``celebvtext_info.json``; texts of ``descripitions`` beside them."""
    info = read_json(need(root, "celebvtext_info.json"), dict)
    texts = [folder for folder in sorted(root.glob("desc*/*")) if folder.is_dir()]
    for clip, row in info.get("clips", {}).items():
        tally.listed += 1
        said = [line for folder in texts for line in _text_lines(folder / f"{clip}.txt")]
        yield from _celebv("celebvtext", root, tally, clip, row, {}, text=tuple(said), is_share=False)


def _text_lines(path: Path) -> list[str]:
    if not path.is_file():
        return []
    return [
        line.strip() for line in path.read_text(encoding="utf-8-sig", errors="replace").splitlines() if line.strip()
    ]


def _celebv(
    dataset: str, root: Path, tally: Tally, clip: str, row: dict[str, Any], labels: dict[str, str],
    *, is_share: bool, text: tuple[str, ...] = (),
) -> Iterator[Segment]:  # fmt: skip
    """One clip; the lists of the two sets differ in that windows are shares in one and pixels in the other."""
    video = row["ytb_id"]
    what: dict[str, Any] = {"identity": video, "labels": labels, "text": text}
    for folder in ("processed", f"downloaded_{dataset}/processed", ".", "videos"):
        if (path := beside(root / folder, clip)) is not None:
            yield Segment(dataset=dataset, name=clip, path=path, sound=path, **what)
            return
    whole = beside(root, f"raw/{video}", f"downloaded_{dataset}/raw/{video}")
    if whole is None:
        tally.miss(GONE, clip)
        return
    time, box = row["duration"], row["bbox"]
    edges = (box["left"], box["top"], box["right"], box["bottom"])
    size = (1.0, 1.0) if is_share else frame_size(whole)
    # The list of CelebV-Text calls some times frames, which are seconds all the same.
    start, end = (float(time.get(f"{edge}_sec", time.get(f"{edge}_frame"))) for edge in ("start", "end"))
    yield Segment(
        dataset=dataset, name=clip, path=whole, sound=whole, start=start, end=end, crop=shares(edges, size), **what
    )


def read_talkinghead1kh(root: Path, tally: Tally) -> Iterator[Segment]:
    """TalkingHead-1KH: ``{part}/cropped_clips``, or ``{part}/1min_clips`` by ``data_list/{part}_video_tubes.txt``."""
    need(root, "data_list/*_video_tubes.txt")
    for part, split in (("train", "train"), ("val", "val"), ("small", "train")):
        table = root / "data_list" / f"{part}_video_tubes.txt"
        if not table.is_file() or not (root / part).is_dir():
            continue
        names = ("video", "H", "W", "S", "E", "L", "T", "R", "B")
        for row in read_table(table, names, named=False):
            tally.listed += 1
            edges = {name: int(row[name]) for name in names[1:]}
            name = row["video"] + "".join(f"_{key}{edges[key]}" for key in ("S", "E", "L", "T", "R", "B"))
            what: dict[str, Any] = {"dataset": "talkinghead1kh", "name": name, "split": split}
            what["identity"] = re.sub(r"_\d{4}$", "", row["video"])  # the video that the minute is of
            cut = beside(root / part / "cropped_clips", name)
            whole = beside(root / part / "1min_clips", row["video"])
            if cut is not None:
                yield Segment(path=cut, **what)
            elif whole is not None:
                crop = shares(tuple(edges[key] for key in ("L", "T", "R", "B")), (edges["W"], edges["H"]))  # type: ignore[arg-type]
                yield Segment(path=whole, sound=whole, first=edges["S"], last=edges["E"] + 1, crop=crop, **what)
            else:
                tally.miss(GONE, name)


def read_vfhq(root: Path, tally: Tally) -> Iterator[Segment]:
    """VFHQ: folders of frames named as clips are, or whole videos by ``meta_info/{clip}.txt``."""
    lists = {path.stem: path for path in (root / "meta_info").rglob("Clip+*.txt")}
    folders = {path.name: path for path in root.rglob("Clip+*") if path.is_dir()}
    if not lists and not folders:
        need(root, "meta_info", "**/Clip+*")
    for clip in sorted({*lists, *folders}):
        tally.listed += 1
        _, video, person, *_ = clip.split("+")
        is_test = clip in folders and any("test" in part.lower() for part in folders[clip].relative_to(root).parts)
        what: dict[str, Any] = {"dataset": "vfhq", "name": clip, "identity": video, "labels": {"person": person}}
        what["split"] = "test" if is_test else ""
        if clip in folders and any(path.suffix in PICTURE_SUFFIXES for path in folders[clip].iterdir()):
            yield Segment(path=folders[clip], **what)
            continue
        whole = beside(root, *(f"{folder}/{video}" for folder in ("data/youtube_videos", "youtube_videos", "videos")))
        cut = beside(root, *(f"{folder}/{clip}" for folder in ("data/clips", "clips", "videos")))
        if cut is not None:
            yield Segment(path=cut, sound=cut, **what)
        elif whole is not None and clip in lists:
            yield Segment(path=whole, sound=whole, **_vfhq_window(lists[clip]), **what)
        else:
            tally.miss(GONE, clip)


def _vfhq_window(table: Path) -> dict[str, Any]:
    said = {words[0].rstrip(":"): words[1:] for words in read_lines(table)}
    try:
        height, width, fps = (float(said[key][-1]) for key in ("H", "W", "FPS"))
        edges = tuple(float(edge) for edge in said["CROP"][-4:])
        first, last = (int(number) for number in re.findall(r"\+F(\d+)-(\d+)", table.stem)[0])
    except (KeyError, IndexError, ValueError) as error:
        raise InputError(f"{table} does not say H, W, FPS and CROP as lists of VFHQ do") from error
    crop = shares(edges, (width, height))  # type: ignore[arg-type]
    return {"start": first / fps, "end": last / fps, "fps": fps, "crop": crop}


def read_talkvid(root: Path, tally: Tally) -> Iterator[Segment]:
    """TalkVid: clips by the JSON list of them; named by its id, or by video, number and times as its tool does."""
    lists = [path for path in sorted(root.glob("*.json")) if path.stat().st_size]
    if not lists:
        need(root, "*.json")
    clips = {path.name: path for path in root.rglob("*") if path.suffix in VIDEO_SUFFIXES}
    by_time = {}
    for name, path in clips.items():
        if times := re.search(r"^(.+)_\d+_([\d.]+)_([\d.]+)\.\w+$", name):
            by_time[times[1], round(float(times[2]), 1), round(float(times[3]), 1)] = path
    for table in lists:
        for row in read_json(table, list):
            tally.listed += 1
            info = row["info"]
            video = info["Video Link"].split("v=")[-1].split("&")[0]
            start, end = float(row["start-time"]), float(row["end-time"])
            found = clips.get(f"{row['id']}.mp4") or by_time.get((video, round(start, 1), round(end, 1)))
            if found is None:
                tally.miss(GONE, row["id"])
                continue
            labels = {key: str(info[key]) for key in ("Ethnicity", "Age Group", "Gender", "Language") if key in info}
            yield Segment(
                dataset="talkvid", name=row["id"], path=found, sound=found, fps=float(row["fps"]), labels=labels,
                identity=info.get("Person ID") or video, text=tuple(filter(None, (row.get("description"),))),
            )  # fmt: skip
