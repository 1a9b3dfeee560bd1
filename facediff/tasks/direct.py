"""What a performance makes of the motion that a task is about to render, and where eyes look in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from facediff.motion import coefficients
from facediff.motion.coefficients import read_gaze
from facediff.motion.direction import Direction, direct, refuse_parts
from facediff.motion.emotions import ShapeTrack
from facediff.motion.eye_contact import add_to_lids, read_lower_lid, turn_to_lens
from facediff.motion.rig import FaceRig, move_head
from facediff.options.performance import Performance, read_performance
from facediff.options.tasks import ExpressionOptions
from facediff.rendering.warping.video import VideoWarper

_KEEPS_HEAD = "a video keeps its own head motion"


@dataclass(frozen=True)
class DirectedMotion:
    """A motion as it was asked for.

    Attributes:
        rows: (T, 31).
        touched: (31,) channels that are not as they would have been.
        shapes: What emotions do beyond the motion.
    """

    rows: NDArray[np.float32]
    touched: NDArray[np.bool_]
    shapes: ShapeTrack | None = None

    @property
    def turns_eyes(self) -> bool:
        """Whether eyes look where they would not have looked."""
        return bool(self.touched[coefficients.GAZE].any())


def is_directed(options: ExpressionOptions) -> bool:
    """Whether anything is said about a performance."""
    return options.eye_contact > 0 or bool(read_performance(options))


def direct_portrait(
    rows: NDArray[np.float32],
    fps: Fraction,
    options: ExpressionOptions,
    rig: FaceRig,
    *,
    since: NDArray[np.floating] | None = None,
    lips_of: str | None = None,
) -> DirectedMotion:
    """The motion of a portrait.

    Args:
        rows: (T, 31) as it would be.
        fps: Frames a second.
        options: What is asked for.
        rig: What the motion is added to.
        since: (31,) motion at which the face is as the picture shows it; none by default.
        lips_of: What gives the lips, where nothing else may.

    Raises:
        ConfigError: What is asked for cannot be; see ``facediff.motion.direction.direct``.
    """
    made = _direct(rows, fps, read_performance(options), options, lips_of)
    rest = np.zeros(coefficients.DIMENSIONS, np.float32) if since is None else np.asarray(since, np.float32)
    made = replace(made, wanted=made.wanted + rest)
    out = made(rows)
    touched = made.touched
    if options.eye_contact:
        moved = rig.move_head(out)
        gaze = rig.gaze + (out - rest)[:, coefficients.GAZE]
        _look(out, gaze, moved.rotation, fps, options.eye_contact, read_lower_lid(rig.neutral[None]))
        touched = touched | _eyes()
    return DirectedMotion(out, touched, made.shapes)


def direct_video(
    rows: NDArray[np.float32],
    fps: Fraction,
    options: ExpressionOptions,
    warper: VideoWarper,
    given: NDArray[np.bool_],
    *,
    lips_of: str | None = None,
) -> DirectedMotion:
    """The motion of a video, whose own is that of all channels that are not given.

    Args:
        rows: (T, 31) as it would be in those channels.
        fps: Frames a second.
        options: See ``direct_portrait``, as for ``lips_of``.
        warper: The video.
        given: (31,) channels of the rows that are not the video's own.
        lips_of: See ``options``.

    Raises:
        ConfigError: See ``direct_portrait``; or the head is to move.
    """
    performance = read_performance(options)
    refuse_parts(performance, ["head"], _KEEPS_HEAD)
    made = _direct(rows, fps, performance, options, lips_of)
    face = warper.face
    shown = np.array([warper.source.index_at(place) for place in range(len(rows))])
    own = face.motion[shown]
    base = np.where(given, rows, own).astype(np.float32)
    out, touched = made(base), made.touched
    # Heads stay: an expression that turns them is for portraits.
    for part in (coefficients.ANGLES, coefficients.SHIFT):
        out[:, part], touched[part] = base[:, part], False
    if options.eye_contact:
        change = out[:, coefficients.GAZE] - own[:, coefficients.GAZE]
        gaze = read_gaze(face.canonical[shown]) + change
        _look(out, gaze, face.pose.rotation[shown], fps, options.eye_contact, read_lower_lid(face.canonical))
        touched = touched | _eyes()
    return DirectedMotion(out, touched, made.shapes)


def direct_added(
    rows: NDArray[np.float32], fps: Fraction, options: ExpressionOptions, warper: VideoWarper
) -> DirectedMotion:
    """What is added to what a face does of itself, of a video, or of a portrait as one of a single frame.

    Args:
        rows: (T, 31) what would be added.
        fps: Frames a second.
        options: What is asked for.
        warper: The face.

    Raises:
        ConfigError: See ``direct_portrait``.
    """
    made = direct(read_performance(options), len(rows), fps, emotion_reader=options.emotion_reader)
    out = np.asarray(rows, np.float32) + made.added
    face = warper.face
    shown = np.minimum(np.arange(len(rows)), len(face.track) - 1)
    out = out + made.part_lips(np.nan_to_num(face.motion[shown]) + out)
    if options.eye_contact:
        moved = np.nan_to_num(face.motion[shown]) + out
        turned = move_head(face.pose.take(shown[:1]), out) if len(face.track) == 1 else face.pose.take(shown)
        gaze = read_gaze(face.canonical[shown]) + out[:, coefficients.GAZE]
        lower = read_lower_lid(face.canonical)
        added, lids = turn_to_lens(gaze, turned.rotation, moved[:, coefficients.LIDS], fps, lower)
        out[:, coefficients.GAZE] += options.eye_contact * added
        out[:, coefficients.LIDS] += options.eye_contact * lids * np.clip(1 - moved[:, coefficients.LIDS], 0, 1)
    return DirectedMotion(out, made.touched | (_eyes() & bool(options.eye_contact)), made.shapes)


def _direct(
    rows: NDArray[np.float32],
    fps: Fraction,
    performance: Performance,
    options: ExpressionOptions,
    lips_of: str | None,
) -> Direction:
    if lips_of is not None:
        refuse_parts(performance, ["lips"], f"{lips_of} has the lips")
    return direct(performance, len(rows), fps, emotion_reader=options.emotion_reader)


def _look(
    rows: NDArray[np.float32],
    gaze: NDArray[np.floating],
    rotation: NDArray[np.floating],
    fps: Fraction,
    share: float,
    lower_lid: float,
) -> None:
    """Turns eyes to the lens in rows (T, 31), by a share."""
    added, lids = turn_to_lens(gaze, rotation, rows[:, coefficients.LIDS], fps, lower_lid)
    rows[:, coefficients.GAZE] += share * added
    rows[:, coefficients.LIDS] = add_to_lids(rows[:, coefficients.LIDS], share * lids)


def _eyes() -> NDArray[np.bool_]:
    chosen = np.zeros(coefficients.DIMENSIONS, bool)
    chosen[coefficients.LIDS] = chosen[coefficients.GAZE] = True
    return chosen
