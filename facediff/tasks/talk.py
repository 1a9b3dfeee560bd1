"""How a talk is put together: what is heard becomes motion, motion becomes shots, and their mouths are painted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facediff.audio.wave import SAMPLE_RATE, load_wave
from facediff.audio.windows import exact_rate, frame_count
from facediff.clip import SOUND_RATE, Clip
from facediff.errors import InputError
from facediff.motion import coefficients
from facediff.motion.speaking_style import speaking_style
from facediff.pipelines.speech_motion import MotionPipeline
from facediff.rendering.frame import WarpedFrame
from facediff.rendering.painting.mouth import MouthPainter, PaintSettings
from facediff.rendering.source import Source
from facediff.rendering.warping.portrait import PortraitWarper
from facediff.rendering.warping.video import VideoWarper
from facediff.tasks import model_cache
from facediff.tasks.model_choice import ModelChoice
from facediff.types import Frame, Wave

HEARD_S = 60  # seconds of a video that tell how somebody holds their lips


def talk(
    source: Source,
    speech: str | Path | Wave,
    models: ModelChoice,
    *,
    seed: int,
    steps: int,
    guidance_scale: float,
    lips: float,
    head: float,
    still: bool,
    audio_encoder: str | None,
    fps: float | None,
    progressive: bool,
    paint: bool,
) -> Clip:
    """A clip, without a record, in which a source says what is heard; see ``Avatar.talk``."""
    wave, sound = _heard(speech)
    rate = source.rate(fps)
    count = frame_count(len(wave), rate)
    motion_model, painting = models.talking()
    own = None if source.is_still else _speaking_style(source, motion_model)
    motion = motion_model(wave, seed=seed, lips=lips, head=head, still=still, speaking_style=own)
    rows = coefficients.resample(motion, coefficients.MOTION_FPS, rate, count)
    encoder = model_cache.hearing(painting, audio_encoder, models.device)
    settings = PaintSettings(
        num_inference_steps=steps, guidance_scale=guidance_scale, seed=seed,
        reanchor_every=max(1, round(rate)) if progressive else None,
    )  # fmt: skip

    def render(part: slice) -> Iterator[Frame]:
        shots = _shots(source, rows, part)
        if not paint:
            return (shot.coarse if isinstance(shot, WarpedFrame) else shot for shot in shots)
        heard = chain.from_iterable(encoder.stream(wave, rate, part.stop, first=part.start))
        return MouthPainter(painting, settings)(shots, heard)

    widest = int(np.argmax(rows[:, -1]))
    return Clip(rate, source.track.size, count, sound, render, preview_index=widest, is_tagged=source.is_tagged)


def _speaking_style(source: Source, motion_model: MotionPipeline) -> NDArray[np.float32] | None:
    """How the person in a video holds their lips, told from what they say in it; None where nothing is heard."""
    sound = source.sound(SAMPLE_RATE)
    if sound is None:
        return None
    wave = sound.wave[: HEARD_S * SAMPLE_RATE]
    fps = exact_rate(source.track.fps)
    count = min(len(source.track), frame_count(len(wave), fps))
    expected = coefficients.resample(motion_model(wave, still=True), coefficients.MOTION_FPS, fps, count)
    return speaking_style(coefficients.encode(source.track.points)[:count], expected, float(fps))


def _shots(source: Source, rows: np.ndarray, part: slice) -> Iterable[WarpedFrame | Frame]:
    if source.is_still:
        return PortraitWarper(source.frame(0), source.track)(rows[part])
    shots = VideoWarper(source.track, on_missing_face=source.on_missing_face)
    return shots(source.played(part), rows[part], source.reference(shots))


def _heard(speech: str | Path | Wave) -> tuple[Wave, Wave]:
    """The speech at the models' rate and at the clip's."""
    if isinstance(speech, np.ndarray):
        if speech.ndim != 1 or not speech.size:
            raise InputError(f"a wave is mono and not empty, (N,) at 16 kHz, not of shape {speech.shape}")
        wave = np.asarray(speech, np.float32)
        steps = np.arange(len(wave) * SOUND_RATE // SAMPLE_RATE) * (SAMPLE_RATE / SOUND_RATE)
        return wave, np.interp(steps, np.arange(len(wave)), wave).astype(np.float32)
    return load_wave(speech), load_wave(speech, sample_rate=SOUND_RATE)
