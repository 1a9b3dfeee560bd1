"""How a drag is put together: strokes on a face become a motion of all of it, which warps a source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, combinations

import numpy as np
from numpy.typing import NDArray

from facediff.clip import SOUND_RATE, Clip
from facediff.errors import ConfigError, NoFaceFound
from facediff.landmarks.detection import eye_distance, make_detector
from facediff.landmarks.follower import refine_landmarks
from facediff.motion import coefficients
from facediff.motion.emotions import ShapeTrack
from facediff.motion.strokes import FaceStrokes, Grip, Place, find_grip, load_stroke_prior
from facediff.options import DragOptions, Stroke
from facediff.options.strokes import Point, read_pins, read_strokes
from facediff.rendering.frame import Warp, WarpedFrame, keep_mattes
from facediff.rendering.painting.face import FaceRefiner, RefineSettings
from facediff.rendering.warping import Warper
from facediff.rendering.warping.portrait import PortraitWarper
from facediff.rendering.warping.video import VideoWarper
from facediff.tasks.model_choice import ModelChoice
from facediff.types import Frame, Points

_SAME_POINT = 0.05  # eye distances
_HALVINGS = 6  # to find out how much of a stroke a face could go


@dataclass(frozen=True)
class MendStyle:
    """How points are brought to where they are read as wanted.

    Attributes:
        rounds: Of looking where they are.
        share: Of what is missed that is made up each time: some of it is the reader's own error.
        most: Eye distances by which a point is taken further at most.
    """

    rounds: int = 2
    share: float = 0.5
    most: float = 0.04


MEND = MendStyle()


@dataclass(frozen=True)
class DraggedMotion:
    """A motion that takes points along their strokes, frame by frame.

    Attributes:
        rows: (T, 31) added to what the face does.
        shapes: What it does beyond that.
    """

    rows: NDArray[np.float32]
    shapes: ShapeTrack

    @property
    def turns_eyes(self) -> bool:
        """Whether eyes look elsewhere."""
        return bool((np.abs(self.rows[:, coefficients.GAZE]) > 1e-3).any())

    @property
    def turns_head(self) -> bool:
        """Whether the head moves."""
        angles, shift = (np.abs(self.rows[:, part]) for part in (coefficients.ANGLES, coefficients.SHIFT))
        return bool((angles > 0.01).any() or (shift > 1e-4).any())


@dataclass(frozen=True)
class DragPath:
    """A face that is held at points, and where these go.

    Attributes:
        face: The face; its points are those of strokes, and then pins.
        strokes: Where the first of its points go.
        beyond: (K, 2) pixels by which points are taken further in the end than their strokes go.
    """

    face: FaceStrokes
    strokes: tuple[Stroke, ...]
    beyond: NDArray[np.float64]

    def targets(self, share: float) -> NDArray[np.float64]:
        """Where held points (K, 2) are to be after a share of their strokes; pins stay."""
        out = np.array(self.face.starts, np.float64)
        for k, stroke in enumerate(self.strokes):
            out[k] += np.subtract(stroke.at(share), stroke.points[0])
        return out

    def trace(self, shares: NDArray[np.floating]) -> DraggedMotion:
        """The motion after shares (T,) of time, from 0 to 1, eased."""
        rows = np.zeros((len(shares), coefficients.DIMENSIONS), np.float32)
        weights = np.zeros((len(shares), len(self.face.shapes)), np.float32)
        eased = shares * shares * (3 - 2 * shares)
        for k, share in enumerate(eased if self.strokes else ()):
            if k and share == eased[k - 1]:
                rows[k], weights[k] = rows[k - 1], weights[k - 1]
            elif share:
                made = self.face.drag(self.targets(share) + share * self.beyond, rows[k - 1])
                rows[k], weights[k] = made.row, made.weights
        return DraggedMotion(rows, ShapeTrack(weights, self.face.shapes))


def make_drag(warper: Warper, models: ModelChoice, options: DragOptions) -> Clip:
    """A clip, without a record, in which points of a face are taken elsewhere; see ``Avatar.drag``.

    Raises:
        ConfigError: A stroke begins off the face, leaves the picture, or goes farther than faces do; or there is no
            such frame.
        NoFaceFound: The frame shows no face.
    """
    source = warper.source
    rate, count = source.rate(), len(source.track)
    moving = round(options.seconds * rate)
    if isinstance(warper, PortraitWarper):
        if options.frame:
            raise ConfigError(f"frame is of a video, and a portrait has but one, not {options.frame}; leave it out")
        count = moving + 1 + round(options.hold * rate)
    first = options.frame
    if first >= count:
        raise ConfigError(f"frame is one of 0 to {count - 1}, as the video has {count}, not {first}")
    path = hold_strokes(_place_of(warper, first), _points_of(warper, first), source.track.size, models.model, options)
    shares = np.clip((np.arange(count) - first) / max(1, moving), 0, 1)
    path, response = mend_path(path, warper, first)
    dragged = path.trace(shares)
    if isinstance(warper, PortraitWarper):
        warp: Warp = _warp_portrait(warper, dragged, response)
    else:
        warp = _warp_video(warper, dragged, first, response)
    refining = models.load_refiner() if options.paint else None

    def render(part: slice) -> Iterator[Frame]:
        if refining is None:
            return keep_mattes(warp(part), lambda frames: (frame.picture for frame in frames))
        return keep_mattes(
            warp(part), FaceRefiner(refining, RefineSettings(num_inference_steps=options.steps, seed=options.seed))
        )

    sound = source.sound(SOUND_RATE)
    return Clip(
        rate, source.track.size, count, None if sound is None else sound.wave, render,
        preview_index=min(first + moving, count - 1), is_tagged=source.is_tagged, sound=sound,
    )  # fmt: skip


def hold_strokes(place: Place, points: Points, size: tuple[int, int], model: str, options: DragOptions) -> DragPath:
    """A face that is held at strokes and pins.

    Args:
        place: See ``facediff.motion.strokes``.
        points: Landmarks (478, 3) on which strokes are drawn.
        size: Width and height of the picture.
        model: Whose prior.
        options: The strokes.

    Raises:
        ConfigError: See ``make_drag``.
    """
    strokes, pins = read_strokes(options.strokes), read_pins(options.pins)  # type: ignore[arg-type]
    grips = [_hold(points, stroke.points[0], size, f"stroke {k}") for k, stroke in enumerate(strokes, 1)]
    grips += [_hold(points, pin, size, f"pin {k}") for k, pin in enumerate(pins, 1)]
    for k, stroke in enumerate(strokes, 1):
        for point in stroke.points:
            _check_inside(point, size, f"stroke {k}")
    _refuse_quarrel(strokes, pins, _SAME_POINT * eye_distance(points))
    path = DragPath(FaceStrokes(place, grips, load_stroke_prior(model)), strokes, np.zeros((len(grips), 2)))
    if not strokes:
        return path
    corners = sorted({1.0}.union(*(stroke.corners for stroke in strokes)))
    reached = [path.targets(share) for share in corners]
    farthest = max(reached, key=lambda at: float(np.abs(at - path.face.starts).max()))
    path = replace(path, face=path.face.choose(farthest))
    _check_length(path, corners)
    return path


def _check_length(path: DragPath, corners: list[float]) -> None:
    """Refuses strokes at whose corners no face could be; says how much of them one could go."""

    def fits(share: float) -> bool:
        return path.face.is_possible(path.face.drag(path.targets(share)))

    if all(map(fits, corners)):
        return
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    is_head = path.face.drag(path.targets(1.0)).row[coefficients.ANGLES].any()
    raise ConfigError(
        f"strokes take the face farther than faces go; make them {max(1, int(100 * low))}% as long"
        + ("" if is_head else ", or move the head too, by a stroke on nose or forehead")
    )


def mend_path(path: DragPath, warper: Warper, first: int) -> tuple[DragPath, NDArray[np.float32] | None]:
    """A path whose points are read where they are put, and how irises are carried for that; None where eyes stay.

    What is missed at its end is made up, by a share.

    Args:
        path: As strokes have it.
        warper: The face.
        first: Frame on which strokes are drawn.
    """
    end = path.trace(np.ones(1 if path.strokes else 0))
    response = warper.measure_eye_response(end.rows[:, coefficients.GAZE]) if end.turns_eyes else None
    if not path.strokes:
        return path, response
    library = make_detector(None, follows_motion=True, max_faces=1)
    most = MEND.most * path.face.unit_px
    try:
        for _ in range(MEND.rounds):
            end = path.trace(np.ones(1))
            if isinstance(warper, PortraitWarper):
                (frame,) = _warp_portrait(warper, end, response)(slice(0, 1))
            else:
                (frame,) = _express(warper, end, slice(first, first + 1), slice(0, 1), response)
            if frame.face is None:
                break
            _, read = refine_landmarks(library, frame.picture, frame.face.points)
            if read is frame.face.points:
                break
            missed = path.targets(1.0) - path.face.locate(read)
            further = replace(path, beyond=np.clip(path.beyond + MEND.share * missed, -most, most))
            if not further.face.is_possible(further.face.drag(further.targets(1.0) + further.beyond)):
                break  # what is read of a mouth is not worth tearing it
            path = further
    finally:
        library.close()
    return path, response


def _hold(points: Points, at: Point, size: tuple[int, int], name: str) -> Grip:
    _check_inside(at, size, name)
    grip = find_grip(points, at)
    if grip is None:
        low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
        raise ConfigError(
            f"{name} begins at {at[0]:g},{at[1]:g}, off the face, which lies between {low[0]:.0f},{low[1]:.0f} and "
            f"{high[0]:.0f},{high[1]:.0f}; begin it on the face"
        )
    return grip


def _refuse_quarrel(strokes: Sequence[Stroke], pins: Sequence[Point], near: float) -> None:
    """Refuses two wishes for one point, which would be told as strokes that go too far.

    Args:
        strokes: Each goes somewhere.
        pins: Points that stay.
        near: Pixels within which points are one.
    """
    wishes = [(f"stroke {k}", stroke.points[0], stroke.points[-1]) for k, stroke in enumerate(strokes, 1)]
    wishes += [(f"pin {k}", pin, pin) for k, pin in enumerate(pins, 1)]
    for (one, start, end), (other, start2, end2) in combinations(wishes, 2):
        apart = np.subtract(np.subtract(end, start), np.subtract(end2, start2))
        if np.hypot(*np.subtract(start, start2)) < near < np.hypot(*apart):
            raise ConfigError(f"{one} and {other} are of one point, {start[0]:g},{start[1]:g}; keep one of them")


def _check_inside(at: Point, size: tuple[int, int], name: str) -> None:
    if not (0 <= at[0] < size[0] and 0 <= at[1] < size[1]):
        raise ConfigError(
            f"{name} has the point {at[0]:g},{at[1]:g}, outside the picture, which is {size[0]}x{size[1]}"
        )


def _points_of(warper: Warper, frame: int) -> Points:
    """Landmarks (478, 3) of the frame on which strokes are drawn."""
    if isinstance(warper, PortraitWarper):
        return warper.source.track.points[0]
    if not warper.face.track.usable[frame]:
        raise NoFaceFound(f"frame {frame} shows no face to drag; give another one")
    return warper.face.track.points[frame]


def _place_of(warper: Warper, frame: int) -> Place:
    if isinstance(warper, PortraitWarper):
        rig = warper.rig(closes_lips=False)
        return lambda rows: (rig.express(rows), rig.move_head(rows))
    return lambda rows: warper.place(frame, rows)


def _warp_portrait(warper: PortraitWarper, made: DraggedMotion, response: NDArray[np.float32] | None) -> Warp:
    turns_eyes = response is not None
    return warper.follow(made.rows, closes_lips=False, shapes=made.shapes, turns_eyes=turns_eyes, response=response)


def _warp_video(warper: VideoWarper, made: DraggedMotion, first: int, response: NDArray[np.float32] | None) -> Warp:
    """Frames with the motion added to what they show; those before it begins as they are."""
    source = warper.source

    def warp(part: slice) -> Iterator[WarpedFrame]:
        begun = slice(max(part.start, min(first + 1, part.stop)), part.stop)
        before = source.enumerate_frames(slice(part.start, begun.start))
        kept = (WarpedFrame(frame, matte=source.matte) for _, frame in before)
        return chain(kept, _express(warper, made, begun, begun, response))

    return warp


def _express(
    warper: VideoWarper, made: DraggedMotion, part: slice, rows: slice, response: NDArray[np.float32] | None
) -> Iterator[WarpedFrame]:
    """Frames of a video with rows of a motion added to what they show."""
    return warper.express(
        warper.source.enumerate_frames(part), made.rows[rows], turns=made.turns_head,
        shapes=made.shapes.additions(rows), eye_response=response,
    )  # fmt: skip
