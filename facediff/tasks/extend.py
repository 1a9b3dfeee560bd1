"""How a video or a motion goes on as it began: what the face did lets a motion model expect what it does next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from facediff.clip import SOUND_RATE, Clip
from facediff.errors import ConfigError, NoFaceFound
from facediff.motion import coefficients
from facediff.motion.manner import measure_manner, steady
from facediff.motion.template import MotionTemplate, extract
from facediff.options import ExtendOptions
from facediff.pipelines.motion_filling import MotionFiller
from facediff.pipelines.motion_finishing import draw_blinks
from facediff.rendering.painting.face import FaceRefiner, RefineSettings
from facediff.rendering.source import Source
from facediff.rendering.warping import make_warper
from facediff.rendering.warping.portrait import PortraitWarper
from facediff.tasks import model_cache
from facediff.tasks.lengths import fit_wave
from facediff.tasks.model_choice import ModelChoice
from facediff.types import Frame

FPS = coefficients.MOTION_FPS
REMEMBERED = 10 * FPS  # frames of the beginning that are looked at; the model's reach is less
LEAST = 5  # frames from which anything can be expected
_MOUTH_RESTS_S = 0.6  # after which the mouth is shut: what goes on says nothing


def extend_motion(template: MotionTemplate, seconds: float, filler: MotionFiller, *, seed: int = 0) -> MotionTemplate:
    """A motion that goes on for so long: as lively as it was, its mouth coming to rest.

    Args:
        template: At any rate; of few frames nothing can be expected.
        seconds: How much longer.
        filler: What makes it.
        seed: Equal seeds give equal motion.

    Raises:
        ConfigError: It is shorter than a fifth of a second.
    """
    if len(template) < LEAST:
        raise ConfigError(
            f"a motion of {len(template)} frames says nothing about what comes next; give {LEAST} or more"
        )
    known = _read_back(template)
    fresh = round(seconds * template.fps)
    count = int(np.ceil(seconds * FPS)) + 2
    motion = np.concatenate([known, np.zeros((count, coefficients.DIMENSIONS), np.float32)])
    mask = np.zeros_like(motion)
    mask[: len(known)] = 1.0
    for part in (coefficients.LIPS, coefficients.OPENING):
        mask[len(known) + round(_MOUTH_RESTS_S * FPS) :, part] = 1.0
    net = filler.denoiser.config
    manner = (measure_manner(steady(known)) - np.array(net["manner_mean"])) / np.array(net["manner_std"])
    style = replace(filler.style, manner=tuple(np.clip(manner, -2.5, 2.5).tolist()))
    made = filler.fill(motion, mask, seed=seed, style=style)
    made[len(known) :, coefficients.LIDS] = draw_blinks(count, seed)[:, None]
    rows = _read(made, (len(known) - 1) / FPS, float(template.fps), fresh)
    return replace(
        template,
        motion=np.concatenate([template.motion, rows]),
        present=np.concatenate([template.present, np.ones(fresh, bool)]),
    )


def _read_back(template: MotionTemplate) -> NDArray[np.float32]:
    """Its last rows at 25 frames a second, the very last among them."""
    if template.fps == FPS:
        return template.motion[-REMEMBERED:]
    step = float(template.fps) / FPS
    back = np.arange(min(REMEMBERED, int((len(template) - 1) / step) + 1))[::-1] * step
    rows: NDArray[np.float32] = CubicSpline(np.arange(len(template)), template.motion)(len(template) - 1 - back)
    return rows.astype(np.float32)


def _read(motion: NDArray[np.float32], last: float, fps: float, count: int) -> NDArray[np.float32]:
    """Rows (count, 31) of a motion at 25 frames a second, from one frame of another rate after a moment on."""
    at = (last + np.arange(1, count + 1) / fps) * FPS
    if fps == FPS:
        return motion[np.rint(at).astype(int)]
    rows: NDArray[np.float32] = CubicSpline(np.arange(len(motion)), motion)(at).astype(np.float32)
    return rows


def make_extension(source: Source, models: ModelChoice, options: ExtendOptions) -> Clip:
    """A clip, without a record, that is a video and how it goes on: its last picture moves; see ``Avatar.extend``.

    Raises:
        ConfigError: It is a portrait, or too short.
        NoFaceFound: It ends without a face.
    """
    if source.is_still:
        raise ConfigError("a portrait has no motion that could go on; give a video, or let it idle")
    track = source.track
    own = len(track)
    if not track.usable[-1]:
        raise NoFaceFound("the video ends without a face, and so nothing can go on; cut the end off")
    template = extract(track)
    longer = extend_motion(template, options.seconds, model_cache.load_filler(models.model), seed=options.seed)
    rows, since = longer.motion[own:], longer.motion[own - 1]
    picture = Source(source.frame(own - 1), track.take(np.array([own - 1])), source.sha256)
    warper = make_warper(picture, models.load_inpainter())
    assert isinstance(warper, PortraitWarper)
    warp = warper.follow(rows, closes_lips=False, since=since)
    refining = models.load_refiner() if options.paint else None
    rate = source.rate()

    def render(part: slice) -> Iterator[Frame]:
        before = source.frames(part.start) if part.start < own else iter(())
        first = [] if part.start >= own else list(range(part.start, min(part.stop, own)))
        after = slice(max(part.start - own, 0), max(part.stop - own, 0))
        frames = warp(after)
        made = (
            (frame.picture for frame in frames)
            if refining is None
            else FaceRefiner(refining, RefineSettings(num_inference_steps=options.steps, seed=options.seed))(frames)
        )
        return chain((frame for _, frame in zip(first, before, strict=False)), made)

    heard = source.sound(SOUND_RATE)
    total = own + len(rows)
    audio = None if heard is None else fit_wave(heard.wave, round(total / rate * SOUND_RATE), None)
    return Clip(rate, track.size, total, audio, render, preview_index=own, is_tagged=source.is_tagged)
