"""How an edit is put together: another identity, then another expression, all through a source."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cache
from itertools import repeat, tee
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from facediff.clip import SOUND_RATE, Clip
from facediff.motion import coefficients
from facediff.motion.driver import EXPRESSION_S, ease_in
from facediff.motion.emotion_curve import measure_length
from facediff.motion.expressions import expression
from facediff.options import EditOptions
from facediff.options.performance import Performance, read_performance
from facediff.pipelines.identity_editors import Editor, LinearEditor
from facediff.rendering.editing.attributes import WHOLE, look_editors
from facediff.rendering.editing.methods import PROTOTYPE, make_method
from facediff.rendering.frame import add_matte, keep_mattes
from facediff.rendering.painting.face import FaceRefiner, RefineSettings
from facediff.rendering.source import Source
from facediff.rendering.warping import Warper
from facediff.rendering.warping.video import VideoWarper
from facediff.tasks import model_cache
from facediff.tasks.direct import direct_added, is_directed
from facediff.tasks.identity import (
    DEFAULT_METHOD,
    IdentityEdit,
    attribute_names,
    check_method_knows,
    regions_of,
    split_strengths,
    usual_method,
)
from facediff.tasks.model_choice import ModelChoice
from facediff.types import Frame

Edit: TypeAlias = Callable[[Iterator[tuple[int, Frame]]], Iterator[Frame]]  # of frames with their indices


def make_edit(
    warper: Warper, strengths: Mapping[str, float], models: ModelChoice, options: EditOptions, weights_sha256: str
) -> Clip:
    """A clip, without a record, in which a source is as it is wished for; see ``Avatar.edit``.

    Args:
        warper: Of the source.
        strengths: By name.
        models: What to make it with.
        options: How.
        weights_sha256: Of the model's files: encodings that are kept belong to it.

    Raises:
        ConfigError: A wish is unknown or out of range, or the method does not know it.
    """
    if options.fps is not None:
        warper = models.move_at(warper, options.fps)
    source, method = warper.source, options.method or usual_method(strengths, models.model)
    moving, changing = split_strengths(strengths, attribute_names(models.model))
    check_method_knows(method, changing, models.model)
    edits: list[Edit] = []
    if method == PROTOTYPE:
        edits += look_editors(source.track, changing, lambda: model_cache.load_prototypes(models.model))
        changing = {}
    if changing or options.text:  # first of all: what is laid on skin is laid on the other's
        edits.insert(0, _edit_identity(source, changing, models, method, options, weights_sha256))
    rate, added = source.rate(options.fps), expression(moving)
    motion = ease_in(added, rate) if source.is_still else np.broadcast_to(added, (len(source.track), len(added)))
    directed = is_directed(options)
    if directed and source.is_still:  # held for as long as the ranges say
        motion = _hold(motion, read_performance(options), rate)
    express = _add_expression(warper, motion, models, options) if moving or directed else None

    def render(part: slice) -> Iterator[Frame]:
        own = slice(0, 1) if source.is_still else part
        frames = source.enumerate_frames(own)
        if edits:
            frames = _apply(edits, frames, own, warper)
        if source.is_still:  # made once, and held
            frames = repeat(next(frames), part.stop - part.start)
        if express is None:
            return (add_matte(frame, source.matte) for _, frame in frames)
        return express(frames, part)

    usable = np.flatnonzero(source.track.usable)
    best = len(motion) - 1 if source.is_still else int(usable[len(usable) // 2])
    sound = source.sound(SOUND_RATE, options.track)
    return Clip(
        rate, source.track.size, len(motion), None if sound is None else sound.wave, render, preview_index=best,
        is_tagged=source.is_tagged, sound=sound,
    )  # fmt: skip


def _apply(
    edits: Sequence[Edit], frames: Iterator[tuple[int, Frame]], part: slice, warper: Warper
) -> Iterator[tuple[int, Frame]]:
    """Frames edited, with what lies before the face of a video as it was."""
    given, frames = tee(frames)
    for edit in edits:
        frames = zip(range(part.start, part.stop), edit(frames), strict=False)
    if not isinstance(warper, VideoWarper):
        return frames
    pairs = zip(frames, given, strict=False)
    return ((index, warper.keep_overlay(index, edited, frame)) for (index, edited), (_, frame) in pairs)


def _edit_identity(
    source: Source,
    changing: Mapping[str, float],
    models: ModelChoice,
    method: str,
    options: EditOptions,
    weights_sha256: str,
) -> Edit:
    """Gives faces another identity vector, by attributes and by a text."""
    autoencoder, classifier = model_cache.load_autoencoder(models.model, models.device)
    how = make_method(DEFAULT_METHOD if method == PROTOTYPE else method, autoencoder, options.steps, options.seed)
    is_kept = options.cached and not source.is_still
    identity = IdentityEdit(source, autoencoder, weights_sha256, how, is_kept=is_kept)
    editors: list[Editor] = [LinearEditor(classifier, changing)] if changing else []
    if options.text:
        by_text = model_cache.text_editor(options.clip_model, models.device)
        editors.append(identity.towards(options.text, by_text, options.text_strength))
    regions = (*regions_of(changing), *(WHOLE if options.text else ()))
    return lambda frames: identity(frames, editors, regions)


def _add_expression(
    warper: Warper, motion: NDArray[np.float32], models: ModelChoice, options: EditOptions
) -> Callable[[Iterator[tuple[int, Frame]], slice], Iterator[Frame]]:
    """Adds a motion (T, 31) to what a face does of itself; a portrait is a video of one frame to it."""
    refining = models.load_refiner()
    moving = warper if isinstance(warper, VideoWarper) else VideoWarper(warper.source, models.load_inpainter())
    made = direct_added(motion, moving.source.rate(options.fps), options, moving) if is_directed(options) else None
    rows, shapes = (motion, None) if made is None else (made.rows, made.shapes)
    turns = bool(rows[:, coefficients.ANGLES].any())

    @cache
    def eye_response() -> NDArray[np.float32] | None:
        if made is None or not made.turns_eyes:
            return None
        return moving.measure_eye_response(rows[:, coefficients.GAZE])

    def express(frames: Iterator[tuple[int, Frame]], part: slice) -> Iterator[Frame]:
        added = None if shapes is None else shapes.additions(part)
        moved = moving.express(frames, rows[part], turns=turns, shapes=added, eye_response=eye_response())
        return keep_mattes(moved, FaceRefiner(refining, RefineSettings(seed=options.seed)))

    return express


def _hold(motion: NDArray[np.float32], performance: Performance, rate: Fraction) -> NDArray[np.float32]:
    """The motion of a portrait, held until the last time range has ended."""
    ends = [max(one.end or 0.0, one.start + EXPRESSION_S) for _, one in performance.named()]
    if (curve := performance.emotion_curve) is not None and curve.end is None:
        ends.append(measure_length(curve.source))
    count = max(len(motion), round(max(ends, default=0.0) * rate))
    return np.concatenate([motion, np.repeat(motion[-1:], count - len(motion), axis=0)])
