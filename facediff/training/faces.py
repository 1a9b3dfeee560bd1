"""The cache of face crops: what the codec and the denoiser are trained on.

Every clip is tracked and cut once. A cache folder holds `frames.npy` (N, 320, 320, 3) uint8, crops that follow the
head at 144 pixels per outer-eye distance, and `index.npz` with one row a crop.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facediff.datasets.recordings import Recording
from facediff.errors import InputError, NoFaceFound
from facediff.landmarks.alignment import Alignment, CropTemplate, align
from facediff.landmarks.canonical import canonicalise
from facediff.landmarks.tracker import track_face, track_still
from facediff.media import VideoReader, read_image
from facediff.types import FaceTrack, Frame, RigidPose

WIDE = CropTemplate(size=(320, 320), unit_px=144.0, anchor=(0.0, 0.45, -0.2), anchor_px=(160.0, 160.0))
MAX_YAW_DEG = 40.0
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Moment:
    """A face as it is cut out.

    Attributes:
        frame: (320, 320, 3) uint8.
        points: Landmarks (478, 3) in pixels of it.
        rotation: (3, 3) of the head.
    """

    frame: NDArray[np.uint8]
    points: NDArray[np.float32]
    rotation: NDArray[np.float32]


@dataclass(frozen=True)
class FaceCrops:
    """Crops of many clips.

    Attributes:
        frames: (N, 320, 320, 3) uint8, mapped from disk.
        points: Landmarks (N, 478, 3) in pixels of the crop.
        angles: Rotation (N, 3, 3) of the head.
        clip: (N,) index of the clip; ``time`` (N,) seconds into it.
        source_unit_px: (N,) pixels per outer-eye distance in the source: what detail the crop can have.
        names: Names of the clips; ``identities`` who they show; ``kinds`` as in the table.
    """

    frames: NDArray[np.uint8]
    points: NDArray[np.float32]
    rotation: NDArray[np.float32]
    clip: NDArray[np.int64]
    time: NDArray[np.float32]
    source_unit_px: NDArray[np.float32]
    names: NDArray[np.str_]
    identities: NDArray[np.str_]
    kinds: NDArray[np.str_]

    def moment(self, row: int) -> Moment:
        """One of the crops."""
        return Moment(self.frames[row], self.points[row], self.rotation[row])

    def key(self, row: int) -> object:
        """What a crop's other moments go by: the clip, or the person where it is a portrait."""
        clip = self.clip[row]
        return self.identities[clip] if self.kinds[clip] == "still" else int(clip)

    def group(self) -> dict[object, list[int]]:
        """Rows of the crops by their ``key``."""
        groups: dict[object, list[int]] = defaultdict(list)
        for row in range(len(self.clip)):
            groups[self.key(row)].append(row)
        return groups

    def weights(self, *, power: float = 0.5) -> NDArray[np.float64]:
        """Sampling weight of each crop: identities weigh as their number of crops to the power given, summing to 1."""
        groups: dict[str, list[int]] = defaultdict(list)
        for row, clip in enumerate(self.clip):
            groups[self.identities[clip]].append(row)
        weight = np.zeros(len(self.clip))
        for rows in groups.values():
            weight[rows] = len(rows) ** (power - 1.0)
        return weight / weight.sum()


def tick_frames(frames: Iterable[Frame], tick: Callable[[], None] | None) -> Iterator[Frame]:
    """The frames, with a call before each: for who shows progress, or wants to stop."""
    for frame in frames:
        if tick is not None:
            tick()
        yield frame


def read_tracks(clip: Recording, folder: Path, tick: Callable[[], None] | None = None) -> FaceTrack | None:
    """The face track of a clip, from the cache if it is there, else made and kept; None where there is no face.

    Args:
        clip: Of the table.
        folder: Of the cache.
        tick: Called at each frame that is looked at.
    """
    path = folder / (clip.name.replace("/", "__") + ".npz")
    if path.is_file():
        with np.load(path, allow_pickle=False) as stored:
            points = stored["points"]
            presence = np.where(np.isfinite(points[:, 0, 0]), 2, 0).astype(np.uint8)
            width, height = (int(v) for v in stored["size"])
            return FaceTrack(points, presence, (width, height), float(stored["fps"]))
    try:
        track = _track(clip, tick)
    except NoFaceFound:
        log.warning("no face in %s; left out", clip.name)
        return None
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(path, points=track.points, size=track.size, fps=track.fps)
    return track


def _track(clip: Recording, tick: Callable[[], None] | None) -> FaceTrack:
    if clip.kind == "still":
        return track_still(read_image(clip.path), "largest")
    video = VideoReader(clip.path)
    return track_face(tick_frames(video, tick), float(video.info.fps))


def _frames(clip: Recording) -> Iterator[Frame]:
    if clip.kind == "still":
        yield read_image(clip.path)
    else:
        yield from VideoReader(clip.path)


def build_face_cache(
    clips: list[Recording],
    folder: Path,
    *,
    per_clip: int = 60,
    per_identity: int = 400,
    max_yaw_deg: float = MAX_YAW_DEG,
) -> FaceCrops:
    """Cuts the crops of all clips into ``folder``, or opens them if they are there.

    Args:
        clips: What to cut; clips without a face are left out with a warning.
        folder: Where the cache lives.
        per_clip: Most crops of a clip, evenly spread.
        per_identity: Most crops of a person.
        max_yaw_deg: Frames in which the head is turned further are left out.

    Raises:
        NoFaceFound: No clip has a face.
        InputError: What is there was cut of other clips.
    """
    if (folder / "index.npz").is_file():
        made = open_face_cache(folder)
        if made.names.tolist() != [clip.name for clip in clips]:
            raise InputError(f"{folder} holds the faces of other clips; give another --cache, or remove it")
        return made
    folder.mkdir(parents=True, exist_ok=True)
    share: dict[str, int] = defaultdict(int)
    for clip in clips:
        share[clip.identity] += 1
    columns: dict[str, list] = defaultdict(list)
    partial = folder / "frames.partial"
    with partial.open("wb") as store:
        for number, clip in enumerate(clips):
            most = max(4, min(per_clip, per_identity // share[clip.identity]))
            for key, value in _cut(clip, folder / "tracks", most, max_yaw_deg, store):
                columns[key].append(value)
            columns["clip"] += [number] * (len(columns["time"]) - len(columns["clip"]))
            log.info("%d of %d clips, %d crops", number + 1, len(clips), len(columns["time"]))
    count = len(columns["time"])
    if not count:
        partial.unlink()
        raise NoFaceFound(
            f"none of {len(clips)} clips shows a face that could be cut out; give clips of faces, seen from the front"
        )
    crops = np.memmap(partial, np.uint8, "r", shape=(count, *WIDE.size[::-1], 3))
    np.save(folder / "frames.npy", crops)
    del crops
    partial.unlink()
    arrays: dict[str, Any] = {key: np.array(value) for key, value in columns.items()}
    np.savez(
        folder / "index.npz",
        **arrays,
        names=np.array([c.name for c in clips]),
        identities=np.array([c.identity for c in clips]),
        kinds=np.array([c.kind for c in clips]),
    )
    return open_face_cache(folder)


def _cut(clip: Recording, tracks: Path, most: int, max_yaw_deg: float, store) -> Iterator[tuple[str, object]]:
    track = read_tracks(clip, tracks)
    if track is None:
        return
    _, pose = canonicalise(track.points)
    alignment = align(pose, WIDE)
    rows = np.flatnonzero(track.usable & is_frontal(pose, max_yaw_deg))
    chosen = set(rows[np.unique(np.linspace(0, len(rows) - 1, most).astype(int))]) if len(rows) else set()
    for row, frame in enumerate(_frames(clip)):
        if row in chosen:
            store.write(np.ascontiguousarray(alignment.crop(frame, row)).tobytes())
            yield from _row(track, pose, alignment, row)


def is_frontal(pose: RigidPose, max_yaw_deg: float = MAX_YAW_DEG) -> NDArray[np.bool_]:
    """(T,) whether a head is turned from the camera by less than that."""
    return np.nan_to_num(pose.rotation[:, 2, 2], nan=0.0) > np.cos(np.radians(max_yaw_deg))


def _row(track: FaceTrack, pose: RigidPose, alignment: Alignment, row: int) -> Iterator[tuple[str, object]]:
    yield "points", place_points(track, pose, alignment, row)
    yield "rotation", pose.rotation[row]
    yield "time", row / track.fps if track.fps else 0.0
    yield "source_unit_px", pose.scale[row]


def place_points(track: FaceTrack, pose: RigidPose, alignment: Alignment, row: int) -> NDArray[np.float32]:
    """Landmarks (478, 3) of a row in pixels of its wide crop."""
    depth = track.points[row, :, 2:] * (WIDE.unit_px / pose.scale[row])
    return np.concatenate([alignment.to_crop(track.points[row], row), depth], axis=1, dtype=np.float32)


def open_face_cache(folder: Path) -> FaceCrops:
    """The crops that ``build_face_cache`` left in a folder."""
    with np.load(folder / "index.npz", allow_pickle=False) as index:
        return FaceCrops(frames=np.load(folder / "frames.npy", mmap_mode="r"), **dict(index))
