"""What a driver does, whatever it comes as: a video, a folder of frames, a saved motion, a single expression."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from itertools import pairwise, repeat
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facediff.errors import ConfigError, MediaError
from facediff.landmarks.alignment import distances_after_alignment
from facediff.landmarks.canonical import canonicalise, fit_pose, from_canonical
from facediff.landmarks.mesh import LEFT_EYE, LIPS_INNER, LIPS_OUTER, MESH_POINTS, OUTER_EYES, RIGHT_EYE
from facediff.landmarks.smoothing import smooth_track
from facediff.landmarks.tracker import track_face, track_still
from facediff.media import VideoReader, is_video, read_image
from facediff.media.images import frame_numbers, list_pictures
from facediff.media.kinds import VIDEO_SUFFIXES
from facediff.media.notices import warn_of_other_drivers, warn_once
from facediff.motion import coefficients
from facediff.motion.rig import FaceRig, fit_neutral
from facediff.motion.template import MotionTemplate, extract, is_template, load_template
from facediff.types import FaceTrack, Frame, Points

FOLDER_FPS = Fraction(25)


@dataclass(frozen=True)
class MatchStyle:
    """When a picture is a moment of its driver. In eye distances.

    Measured: landmarks of one moment in two files differ by 0.008 at most, other people's by 0.018 at least. What is at
    the same place as well may differ by more: a moment later, an expression has changed.

    Attributes:
        moment: By which landmarks of the same moment differ at most, shape alone.
        moment_and_place: The same, where the face is at the same place too.
        place: By which a place is the same.
        blinks: Closure by which lids are at another moment.
        place_counts: Weight of a distance in place against one in shape.
    """

    moment: float = 0.013
    moment_and_place: float = 0.045
    place: float = 0.15
    blinks: float = 0.25
    place_counts: float = 0.1


MATCH = MatchStyle()
REACH = np.array([0.35, 0.25, 0.12], np.float32)  # of a head over its shoulders: right, down, log of the size; by eye
WIDER = 0.2  # how much further than usual eyes open, at most, over how far that is; by eye
EXPRESSION_S, EASE_S = 2.0, 0.6  # how long a single expression is shown, and how long it takes to appear

# What each region of a face is, in the channels of a motion.
REGIONS: dict[str, tuple[slice, ...]] = {
    "lips": (coefficients.LIPS, coefficients.OPENING),
    "eyes": (coefficients.LIDS, coefficients.GAZE),
    "brows": (coefficients.BROWS,),
    "pose": (coefficients.ANGLES, coefficients.SHIFT),
    "expression": (coefficients.LIPS, coefficients.OPENING, coefficients.LIDS, coefficients.GAZE, coefficients.BROWS),
    "all": (slice(0, coefficients.DIMENSIONS),),
}


@dataclass(frozen=True)
class Driver:
    """A driver that was read.

    Attributes:
        template: Its motion.
        path: Where its frames are, to be shown beside the result; None for a saved motion.
        is_still: Whether it is one expression, held.
        track: The driver's face, frame by frame; None for a saved motion and for a single expression.
        neutral: The driver's canonical face (478, 3) at rest; None for a saved motion.
    """

    template: MotionTemplate
    path: Path | None = None
    is_still: bool = False
    track: FaceTrack | None = None
    neutral: NDArray[np.float32] | None = None

    def find_matching_frame(self, source: FaceTrack) -> int | None:
        """The frame in which the driver looks as the source does: the same person, at the same moment; None without.

        Args:
            source: Landmarks of a picture, one row.
        """
        if self.track is None:
            return None
        usable = np.flatnonzero(self.track.usable)
        distances = distances_after_alignment(
            self.track.points[usable, :MESH_POINTS, :2], source.points[0, :MESH_POINTS, :2]
        )
        # Of so many points few are lids, so parts are judged on their own as well.
        parts = (slice(None), [*RIGHT_EYE, *LEFT_EYE], [*LIPS_OUTER, *LIPS_INNER])
        apart = np.max([np.sqrt((distances[:, part] ** 2).mean(axis=1)) for part in parts], axis=0)
        # Of one camera, the same moment is at the same place too, which tells more than a fleeting expression.
        place = self._places(source)[usable]
        limit = np.where(place < MATCH.place, MATCH.moment_and_place, MATCH.moment)
        near = np.where(np.isfinite(place), place, 0.0)
        cost = np.where(apart < limit, apart + MATCH.place_counts * near, np.inf)
        best = int(np.argmin(cost))
        return int(usable[best]) if np.isfinite(cost[best]) else None

    def _places(self, source: FaceTrack) -> np.ndarray:
        """How far (T,) each frame's face is from the picture's, in eye distances; inf where sizes differ."""
        assert self.track is not None
        if self.track.size != source.size:
            return np.full(len(self.track), np.inf)
        here, there = source.points[0, :MESH_POINTS, :2], self.track.points[:, :MESH_POINTS, :2]
        unit = np.linalg.norm(here[OUTER_EYES[0]] - here[OUTER_EYES[1]])
        return np.sqrt(((there - here) ** 2).sum(axis=2).mean(axis=1)) / unit

    def find_motion_of(self, source: FaceTrack) -> np.ndarray | None:
        """The motion (31,) that a picture of the driver shows, as ``template`` counts it; None where it shows another.

        It is that of ``find_matching_frame``, but for the lids: a blink is over before a head has moved.

        Args:
            source: See ``find_matching_frame``.
        """
        moment = self.find_matching_frame(source)
        if moment is None or self.track is None:
            return None
        motion = self.template.motion[moment].copy()
        canonical, pose = canonicalise(self.track.points)
        rig = FaceRig.from_shape(fit_neutral(canonical), pose)
        lids = rig.encode(source.points)[0, coefficients.LIDS]
        if np.abs(lids - motion[coefficients.LIDS]).max() > MATCH.blinks:
            motion[coefficients.LIDS] = lids
        return motion

    def find_landmarks_of(self, source: FaceTrack) -> Points | None:
        """The driver's own landmarks (T, 478, 3) in pixels of a picture of the same person; None of another's.

        A motion says most of what a face does, landmarks say all. Frames without a face hold what lies between their
        neighbours.

        Args:
            source: See ``find_matching_frame``.
        """
        moment = self.find_matching_frame(source)
        if moment is None or self.track is None:
            return None
        track, canonical, pose = smooth_track(self.track)
        points = track.points
        if self._places(source)[moment] > MATCH.place:  # another camera's, or another day's
            shape, motion = np.nanmedian(canonical, axis=0), self.template.motion
            rig = FaceRig.from_shape(shape, fit_pose(source.points, shape)).since(motion[moment])
            points = from_canonical(canonical, rig.move_head(motion))
        found = np.flatnonzero(track.usable)
        flat = points.reshape(len(points), -1)
        between = [np.interp(np.arange(len(flat)), found, column) for column in flat[found].T]
        return np.stack(between, axis=1).reshape(points.shape).astype(np.float32)

    def frames(self, fps: Fraction, count: int) -> Iterator[Frame]:
        """Its pictures at another rate, the last one held; none for a saved motion."""
        if self.path is None:
            return
        last: Frame | None = None
        play_motion = 0
        for last in _pictures(self.path, fps):
            yield last
            play_motion += 1
            if play_motion == count:
                return
        if last is not None:
            yield from repeat(last, count - play_motion)


def read_driver(
    driving: str | Path | MotionTemplate,
    *,
    face: int | str | None = "largest",
    on_rivals: Callable[[int, int], object] | None = None,
) -> Driver:
    """The motion of a video, of a folder of frames (25 a second), of a saved motion, or of a single picture.

    Args:
        driving: The file, the folder or the motion.
        face: Whose, where there are several, as ``track_face`` has it.
        on_rivals: See ``track_face``; by default a line says that the largest drives.

    Raises:
        MediaError: It cannot be read, or a folder holds no pictures.
        NoFaceFound, SeveralFaces, InputError: As for ``track_face`` and ``track_still``.
    """
    if isinstance(driving, MotionTemplate):
        return Driver(driving, is_still=len(driving) == 1)
    path = Path(driving)
    if is_template(path):
        template = load_template(path)
        return Driver(template, is_still=len(template) == 1)
    if is_video(path):
        reader = VideoReader(path)
        tell = partial(warn_of_other_drivers, path) if on_rivals is None else on_rivals
        track = track_face(reader, float(reader.info.fps), face=face, on_rivals=tell)
        return Driver(extract(track), path, track=track, neutral=_find_neutral(track))
    if path.is_dir():
        _tell_of(path)
        track = track_face(_pictures(path, FOLDER_FPS), float(FOLDER_FPS), face=face)
        return Driver(extract(track), path, track=track, is_still=len(track) == 1, neutral=_find_neutral(track))
    still = track_still(read_image(path), face, where=str(path))
    return Driver(extract(still), path, is_still=True, neutral=_find_neutral(still))


def _find_neutral(track: FaceTrack) -> NDArray[np.float32]:
    return fit_neutral(canonicalise(track.points)[0])


def _tell_of(folder: Path) -> None:
    """Says what a folder of frames lacks: some of its numbers, or films that lie beside them and are not looked at."""
    numbers = frame_numbers(list_pictures(folder))
    steps = [after - before for before, after in pairwise(numbers)]
    if len(set(steps)) > 1:
        one = steps.index(max(steps))
        warn_once(
            f"the frames in {folder} are not numbered evenly, {numbers[one]} is followed by {numbers[one + 1]}; they "
            f"are played one after the other, {FOLDER_FPS} a second, so the motion jumps where some are missing"
        )
    films = sorted(path.name for path in folder.iterdir() if path.suffix.lower() in VIDEO_SUFFIXES)
    if films:
        warn_once(
            f"{folder} holds pictures and {films[0]}; the pictures are taken as frames, if the film is meant give that"
        )


def _pictures(path: Path, fps: Fraction) -> Iterator[Frame]:
    """Frames of a video or a folder at a rate."""
    if is_video(path):
        yield from VideoReader(path, fps)
    elif path.is_dir():
        files = list_pictures(path)
        size: tuple[int, ...] | None = None
        for index in range(round(len(files) * fps / FOLDER_FPS)):
            frame = read_image(files[int(index * FOLDER_FPS / fps)])
            size = size or frame.shape
            if frame.shape != size:
                raise MediaError(f"the pictures in {path} differ in size; a driver wants frames of one video")
            yield frame
    else:
        yield read_image(path)


def select_channels(region: str) -> np.ndarray:
    """(31,) True for the channels of a motion that belong to a region.

    Raises:
        ConfigError: There is no such region.
    """
    if region not in REGIONS:
        raise ConfigError(f"region is one of {', '.join(REGIONS)}, not {region!r}")
    chosen = np.zeros(coefficients.DIMENSIONS, bool)
    for part in REGIONS[region]:
        chosen[part] = True
    return chosen


def scale_motion(motion: np.ndarray, *, lips: float, eyes: float, brows: float, head: float) -> np.ndarray:
    """The same motion (..., 31), each part as strong as is wanted."""
    motion = motion.copy()
    for region, strength in (("lips", lips), ("eyes", eyes), ("brows", brows), ("pose", head)):
        motion[..., select_channels(region)] *= strength
    return motion


def limit_softly(motion: np.ndarray) -> np.ndarray:
    """The same motion (T, 31) with head and lids no further from their place than they go; little is untouched.

    A driver may walk about, or lean into the camera; a portrait's shoulders stay where they are. And the eyes of a
    driver may be half shut as a rule and wide open at times; those of a portrait, open as they are, would stare.
    """
    out = motion.copy()
    shift = out[:, coefficients.SHIFT] / REACH
    out[:, coefficients.SHIFT] = REACH * np.tanh(shift)
    lids = out[:, coefficients.LIDS]
    out[:, coefficients.LIDS] = np.where(lids < 0, WIDER * np.tanh(lids / WIDER), lids)
    return out


def play_motion(driver: Driver, fps: Fraction) -> MotionTemplate:
    """The driver's motion at a rate; a single expression appears and is held for two seconds."""
    if not driver.is_still:
        return driver.template.at(fps)
    motion = ease_in(driver.template.motion[0], fps)
    return replace(driver.template, motion=motion, present=np.ones(len(motion), bool), fps=fps)


def ease_in(row: np.ndarray, fps: Fraction) -> np.ndarray:
    """The motion (T, 31) in which an expression (31,) appears and is held."""
    count = max(2, round(EXPRESSION_S * fps))
    ramp = np.clip(np.arange(count) / max(1.0, EASE_S * float(fps)), 0, 1)[:, None]
    return (ramp * ramp * (3 - 2 * ramp) * row).astype(np.float32)
