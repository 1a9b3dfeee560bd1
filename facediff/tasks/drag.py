"""How a drag is put together: strokes on a face become a motion of all of it, which warps a source."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from facediff.clip import SOUND_RATE, Clip
from facediff.errors import ConfigError, NoFaceFound
from facediff.motion import coefficients
from facediff.motion.emotions import ShapeTrack
from facediff.motion.strokes import FaceStrokes, Grip, Place, find_grip, load_stroke_prior
from facediff.options import DragOptions, Stroke
from facediff.options.strokes import Point, read_pins, read_strokes
from facediff.rendering.frame import WarpedFrame, keep_mattes
from facediff.rendering.painting.face import FaceRefiner, RefineSettings
from facediff.rendering.warping import Warper
from facediff.rendering.warping.portrait import PortraitWarper
from facediff.rendering.warping.video import VideoWarper
from facediff.tasks.model_choice import ModelChoice
from facediff.types import Frame, Points

_HALVINGS = 6  # to find out how much of a stroke a face could go


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
        return bool(np.abs(self.rows[:, coefficients.GAZE]).max() > 1e-3)

    @property
    def turns_head(self) -> bool:
        """Whether the head moves."""
        return bool(np.abs(self.rows[:, coefficients.ANGLES]).max() > 0.01) or bool(
            np.abs(self.rows[:, coefficients.SHIFT]).max() > 1e-4
        )


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
    shares = np.clip((np.arange(count) - first) / max(1, moving), 0, 1)
    dragged = trace_strokes(
        _place_of(warper, first), _points_of(warper, first), source.track.size, models, options, shares
    )
    warp = (
        _warp_portrait(warper, dragged) if isinstance(warper, PortraitWarper) else _warp_video(warper, dragged, first)
    )
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


def trace_strokes(
    place: Place, points: Points, size: tuple[int, int], models: ModelChoice, options: DragOptions,
    shares: NDArray[np.floating],
) -> DraggedMotion:  # fmt: skip
    """The motion that has points after so much of their strokes; eased.

    Args:
        place: See ``facediff.motion.strokes``.
        points: Landmarks (478, 3) on which strokes are drawn.
        size: Width and height of the picture.
        models: Whose prior.
        options: The strokes.
        shares: (T,) of time, from 0 to 1.

    Raises:
        ConfigError: See ``make_drag``.
    """
    strokes, pins = read_strokes(options.strokes), read_pins(options.pins)  # type: ignore[arg-type]
    grips = [_hold(points, stroke.points[0], size, f"stroke {k}") for k, stroke in enumerate(strokes, 1)]
    grips += [_hold(points, pin, size, f"pin {k}") for k, pin in enumerate(pins, 1)]
    for k, stroke in enumerate(strokes, 1):
        for point in stroke.points:
            _check_inside(point, size, f"stroke {k}")
    face = FaceStrokes(place, grips, load_stroke_prior(models.model))
    if strokes:
        face = face.choose(_targets(face, strokes, 1.0))
        _check_length(face, strokes)
    rows = np.zeros((len(shares), coefficients.DIMENSIONS), np.float32)
    weights = np.zeros((len(shares), 2 * len(grips)), np.float32)
    eased = shares * shares * (3 - 2 * shares)
    for k, share in enumerate(eased):
        if share == 0 or not strokes:
            continue
        if share == eased[k - 1]:
            rows[k], weights[k] = rows[k - 1], weights[k - 1]
            continue
        made = face.drag(_targets(face, strokes, share), rows[k - 1])
        rows[k], weights[k] = made.row, made.weights
    return DraggedMotion(rows, ShapeTrack(weights, face.shapes))


def _check_length(face: FaceStrokes, strokes: tuple[Stroke, ...]) -> None:
    """Refuses strokes at whose ends no face could be; says how much of them one could go."""
    corners = sorted({0.0, 1.0}.union(*(stroke.corners for stroke in strokes)))
    if all(face.is_possible(face.drag(_targets(face, strokes, share))) for share in corners[1:]):
        return
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        fits = face.is_possible(face.drag(_targets(face, strokes, middle)))
        low, high = (middle, high) if fits else (low, middle)
    raise ConfigError(
        f"strokes take the face farther than faces go; make them {max(1, int(100 * low))}% as long, or move the head "
        "too, by a stroke on nose or forehead"
    )


def _targets(face: FaceStrokes, strokes: tuple[Stroke, ...], share: float) -> NDArray[np.float64]:
    """Where held points (K, 2) are to be; pins stay."""
    out = np.array(face.starts, np.float64)
    for k, stroke in enumerate(strokes):
        out[k] += np.subtract(stroke.at(share), stroke.points[0])
    return out


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


def _warp_portrait(warper: PortraitWarper, made: DraggedMotion) -> Callable[[slice], Iterator[WarpedFrame]]:
    return warper.follow(made.rows, closes_lips=False, shapes=made.shapes, turns_eyes=made.turns_eyes)


def _warp_video(warper: VideoWarper, made: DraggedMotion, first: int) -> Callable[[slice], Iterator[WarpedFrame]]:
    """Frames with the motion added to what they show; those before it begins as they are."""
    source = warper.source
    response = warper.measure_eye_response(made.rows[:, coefficients.GAZE]) if made.turns_eyes else None

    def warp(part: slice) -> Iterator[WarpedFrame]:
        begun = slice(max(part.start, min(first + 1, part.stop)), part.stop)
        before = source.enumerate_frames(slice(part.start, begun.start))
        kept = (WarpedFrame(frame, matte=source.matte) for _, frame in before)
        moved = warper.express(
            source.enumerate_frames(begun), made.rows[begun], turns=made.turns_head,
            shapes=made.shapes.frames(begun), eye_response=response,
        )  # fmt: skip
        return chain(kept, moved)

    return warp
