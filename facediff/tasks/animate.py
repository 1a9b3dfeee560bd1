"""How an animation is put together: a driver's motion warps a source, and its faces are refined."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from facediff.audio.wave import load_sound
from facediff.clip import SOUND_RATE, Clip
from facediff.errors import ConfigError
from facediff.landmarks.canonical import canonicalise
from facediff.motion import coefficients
from facediff.motion.direction import bridge_blinks
from facediff.motion.driver import Driver, limit_softly, play_motion, read_driver, scale_motion, select_channels
from facediff.motion.template import MotionTemplate
from facediff.options import AnimateOptions
from facediff.options.staging import is_staged
from facediff.rendering.compare import panel_width, side_by_side
from facediff.rendering.frame import Warp, keep_mattes
from facediff.rendering.painting.face import FaceRefiner, RefineSettings
from facediff.rendering.painting.mouth import MouthPainter, PaintSettings
from facediff.rendering.source import Source
from facediff.rendering.warping import Warper
from facediff.rendering.warping.portrait import PortraitWarper
from facediff.rendering.warping.video import VideoWarper
from facediff.tasks.direct import direct_portrait, direct_video, is_directed
from facediff.tasks.lengths import measure_span
from facediff.tasks.model_choice import ModelChoice
from facediff.types import Frame, RigidPose, SoundTrack

if TYPE_CHECKING:
    from facediff.pipelines.difftalk import DiffTalkSampler
    from facediff.pipelines.fadm import FADMSampler

log = logging.getLogger(__name__)

TURNS_WELL = 40.0  # degrees that a head may turn from where its portrait looks; by eye


def make_animation(
    warper: Warper, driving: str | Path | MotionTemplate | Driver, models: ModelChoice, options: AnimateOptions,
    *, turns_eyes: bool = False,
) -> Clip:  # fmt: skip
    """A clip, without a record, in which a source moves as a driver does; see ``Avatar.animate``.

    Args:
        warper: The source.
        driving: The driver.
        models: What renders.
        options: How.
        turns_eyes: Whether a portrait's irises are carried as far as the driver's, as those of ``gaze_from`` are.
    """
    if options.fps is not None:
        warper = models.move_at(warper, options.fps)
    if isinstance(warper, VideoWarper):
        warper = warper.with_end(options.after)
    source, chosen = warper.source, select_channels(options.region)
    if options.compare and is_staged(options):
        raise ConfigError("compare shows the result beside its source, as it was filmed: leave it or the stage out")
    strengths = {"lips": options.lips, "eyes": options.eyes, "brows": options.brows, "head": options.head}
    if not source.is_still and (options.region == "pose" or options.absolute):
        raise ConfigError("a video keeps its own head motion; give a portrait, or the region 'expression'")
    if not source.is_still and options.face_shape:
        raise ConfigError("face_shape is for portraits, as a video keeps the shape of its face: leave it out")
    driver = driving if isinstance(driving, Driver) else read_driver(driving)
    template = replace(driver.template, motion=scale_motion(driver.template.motion, **strengths))
    is_as_driven = source.is_still and not driver.is_still and options.fps is None
    rate = driver.template.fps if is_as_driven else source.rate(options.fps)
    template = play_motion(replace(driver, template=template), rate)
    rows = np.where(chosen, template.motion, np.float32(0))
    refining = models.load_refiner() if options.paint else None
    painting = models.load_domain_painter()
    moves_lips = bool(chosen[coefficients.LIPS].any())
    own = driver.find_motion_of(source.track) if source.is_still and not options.absolute else None
    since = None if own is None else np.where(chosen, scale_motion(own, **strengths), np.float32(0))
    if source.is_still and since is None:
        rows = limit_softly(rows)
    directed = is_directed(options)
    is_whole = chosen.all() and set(strengths.values()) == {1.0} and not directed
    guides = driver.find_landmarks_of(source.track) if since is not None and is_whole else None
    if guides is not None and rate != driver.template.fps:
        between = coefficients.resample(guides.reshape(len(guides), -1), driver.template.fps, rate, len(rows))
        guides = between.reshape(len(rows), *guides.shape[1:])
    span = measure_span(source, len(rows), rate, "the driver")
    if isinstance(warper, VideoWarper):
        if span.total != span.asked:
            rows = span.extend(rows, warper.face.motion)
        shapes, turns_eyes = None, False
        if directed:
            made = direct_video(rows, rate, options, warper, chosen)
            rows, chosen, shapes, turns_eyes = made.rows, chosen | made.touched, made.shapes, made.turns_eyes
        warp = warper.follow(rows, chosen, shapes=shapes, turns_eyes=turns_eyes)
    elif guides is not None:
        warp = warper.reach(guides, is_corrected=options.paint)
    else:
        rotation, shapes = template.rotation if options.absolute else None, None
        if turns_eyes:
            rows = bridge_blinks(rows)
        if directed:
            rig = warper.rig(rotation=rotation, closes_lips=moves_lips, since=since)
            made = direct_portrait(rows, rate, options, rig, since=since)
            rows, shapes, turns_eyes = made.rows, made.shapes, turns_eyes or made.turns_eyes
        _tell_of_far_turns(warper.rig(rotation=rotation, closes_lips=moves_lips, since=since).move_head(rows), source)
        warp = warper.follow(
            rows, rotation=rotation, closes_lips=moves_lips, since=since, shapes=shapes, turns_eyes=turns_eyes,
            neutral=None if since is not None else _mix_shapes(warper, driver, options.face_shape, moves_lips),
        )  # fmt: skip

    render = _make_renderer(warp, refining, painting, models, options)
    kept = _sound_of(driver, options)
    audio = None if kept is None else kept.wave
    if audio is not None and span.total < span.asked:
        audio = audio[: round(span.total / rate * SOUND_RATE)]
    clip = Clip(
        template.fps, source.track.size, span.total, audio, span.append_own(render, source),
        preview_index=_liveliest(rows), is_tagged=source.is_tagged, sound=kept,
    )  # fmt: skip
    return _beside(clip, source, driver) if options.compare else clip


def _tell_of_far_turns(moved: RigidPose, source: Source) -> None:
    """Warns of heads that turn farther from where the portrait looks than it has a side to show."""
    towards = canonicalise(source.track.points)[1].rotation[0, :, 2]
    farthest = float(np.degrees(np.arccos(np.clip((moved.rotation[:, :, 2] @ towards).min(initial=1.0), -1, 1))))
    if farthest > TURNS_WELL:
        log.warning(
            "the driver turns up to %.0f degrees from where the portrait looks, which is drawn out beyond %.0f; give "
            "one that looks the same way, or a driver that turns less",
            farthest,
            TURNS_WELL,
        )


def _mix_shapes(warper: PortraitWarper, driver: Driver, share: float, closes_lips: bool) -> NDArray[np.floating] | None:
    """A face (478, 3) at rest between the portrait's and the driver's; None for the portrait's own."""
    if not share:
        return None
    if driver.neutral is None:
        raise ConfigError("a saved motion has no face: give a video or a picture, or leave face_shape out")
    own = warper.rig(closes_lips=closes_lips).neutral
    return own + np.float32(share) * (driver.neutral - own)


def _make_renderer(
    warp: Warp, refining: FADMSampler | None, painting: DiffTalkSampler | None, models: ModelChoice,
    options: AnimateOptions,
) -> Callable[[slice], Iterator[Frame]]:  # fmt: skip
    """What renders a part of a clip: warped alone, refined, and its mouth painted, as far as there are models."""

    def render(part: slice) -> Iterator[Frame]:
        if refining is None:
            return keep_mattes(warp(part), lambda frames: (frame.picture for frame in frames))
        refiner = FaceRefiner(refining, RefineSettings(num_inference_steps=options.steps, seed=options.seed))
        if painting is None:
            return keep_mattes(warp(part), refiner)
        settings = PaintSettings(seed=options.seed, first=models.first_painted)
        painter = MouthPainter(painting, settings)
        return keep_mattes(warp(part), lambda frames: painter.paint_clip(refiner.refine(frames)))

    return render


def _sound_of(driver: Driver, options: AnimateOptions) -> SoundTrack | None:
    """What a driver sounds like, where that is carried over."""
    if not options.sound:
        if options.track is not None:
            raise ConfigError("track is of the sound that is carried over, and none is: give sound too")
        return None
    if driver.path is None or not driver.path.is_file():
        raise ConfigError("only a driving video has a sound to carry over")
    return load_sound(driver.path, sample_rate=SOUND_RATE, track=options.track)


def _liveliest(rows: np.ndarray) -> int:
    """The frame that shows most of a motion (T, 31)."""
    deviation = rows.std(axis=0) + 1e-6
    return coefficients.most_telling(rows, np.abs(rows / deviation).sum(axis=1))


def _beside(clip: Clip, source: Source, driver: Driver) -> Clip:
    """A clip with what drives it and what it was made of on its left."""
    height = source.track.size[1]
    panels = [source.track.size, source.track.size]
    first = next(driver.frames(clip.fps, 1), None)
    if first is not None:
        panels.insert(0, (first.shape[1], first.shape[0]))

    def render(part: slice) -> Iterator[Frame]:
        streams = [(frame for _, frame in source.played(part)), clip.render(part)]
        if first is not None:
            streams.insert(0, islice(driver.frames(clip.fps, part.stop), part.start, None))
        return side_by_side(*streams)

    width = sum(panel_width(size, height) for size in panels)
    return replace(clip, size=(width, height), render=render, is_tagged=True)
