"""Live frames as clips: a speech as it would stream, and an avatar that idles."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facediff.audio.wave import SAMPLE_RATE, load_wave, read_samples
from facediff.audio.windows import exact_rate
from facediff.clip import SOUND_RATE, Clip
from facediff.errors import ConfigError
from facediff.live.engine import LiveEngine, Portrait, open_renderer, open_shots
from facediff.live.planner import LOOK_AHEAD_S, Plan, Planner
from facediff.live.shots import MOST_AT_ONCE
from facediff.media.kinds import check_speech_file
from facediff.motion import coefficients
from facediff.motion.idle import SHORTEST_LOOP_S, IdleMotion
from facediff.motion.keyframes import key_motion, read_keyframes
from facediff.options.live import IdleOptions, LiveOptions
from facediff.options.marks import MarkOptions
from facediff.rendering.source import Source
from facediff.tasks import model_cache
from facediff.tasks.model_choice import ModelChoice
from facediff.types import Frame, Wave

PACKET_S = 0.02  # in which a speech is pushed
_HEARD_S = LOOK_AHEAD_S + 2 * PACKET_S  # of sound beyond a frame's moment has come when it is planned
CLOSING_S = 0.6  # of silence after a speech, in which the mouth closes
_UNMARKED = MarkOptions(watermark=False)  # a clip is marked where it is saved


def record_stream(source: Source, speech: str | Path | Wave, models: ModelChoice, options: LiveOptions) -> Clip:
    """A clip, without a record, of what a live session shows of a speech; see ``Avatar.stream``."""
    portrait, fps = Portrait.of(source, options.size), exact_rate(options.fps)
    if options.label is not None:
        raise ConfigError("a clip is labelled where it is saved: clip.save(path, label=...)")
    wave = _read(speech)
    plans = plan_speech(wave, SOUND_RATE, fps)
    sound = np.concatenate(
        [np.zeros(_samples(plan.index, fps), np.int16) if plan.sound is None else plan.sound for plan in plans]
    )

    def render(part: slice) -> Iterator[Frame]:
        engine = LiveEngine(portrait, models, options, _UNMARKED)
        engine.prepare()
        for start in range(0, part.stop, MOST_AT_ONCE):
            chunk = plans[start : min(start + MOST_AT_ONCE, part.stop)]
            wanted = [plan.index >= part.start for plan in chunk]
            yield from (picture for picture in engine.render(chunk, wanted) if picture is not None)

    audio = (sound / np.float32(32768)).astype(np.float32)
    return Clip(fps, portrait.size, len(plans), audio, render, preview_index=len(plans) // 2)


def plan_speech(wave: Wave, sample_rate: int, fps: Fraction) -> list[Plan]:
    """The frames of a speech whose packets come in real time, from its first one on, and those in which it ends."""
    planner = Planner(float(fps), sample_rate)
    size, pushed, ended = round(PACKET_S * sample_rate), 0, 0
    plans: list[Plan] = []
    while ended < CLOSING_S * fps:
        now = float(len(plans) / fps + _HEARD_S) * sample_rate
        while pushed < min(now, len(wave)):
            packet = wave[pushed : pushed + size]
            pushed += len(packet)
            planner.push(packet, sample_rate, last_chunk=pushed >= len(wave))
        plans.append(planner.plan())
        ended += bool(plans[-1].end_of_speech or ended)
    return plans


def record_idle(source: Source, models: ModelChoice, options: IdleOptions) -> Clip:
    """A silent clip, without a record, of an avatar that idles; see ``Avatar.idle``.

    Raises:
        ConfigError: A loop is too short, or the avatar is a video.
    """
    is_scaled = isinstance(options.size, int) and options.framing is None and options.upscale == 1
    longest = options.size if isinstance(options.size, int) and is_scaled else None
    portrait, fps = Portrait.of(source, longest), exact_rate(options.fps)
    count = max(1, round(options.seconds * fps))
    if options.loop and count < SHORTEST_LOOP_S * fps:
        raise ConfigError(f"a loop lasts {SHORTEST_LOOP_S:g} seconds at least, not {options.seconds:g}")
    idle = IdleMotion(
        seed=options.seed, strength=options.idle, loop_s=float(count / fps) if options.loop else None
    )  # of whole frames, so that the one after the last is the first
    keyed = None if options.keyframes is None else _keyed_rows(idle, models, options, count, float(25 / fps))

    def render(part: slice) -> Iterator[Frame]:
        shots, renderer = open_shots(portrait, models), open_renderer(portrait, models, options, _UNMARKED)
        renderer.prepare(shots.make(shots.rest())[0])
        step = float(25 / fps)
        for start in range(part.start, part.stop, MOST_AT_ONCE):
            some = min(MOST_AT_ONCE, part.stop - start)
            rows = idle.rows(start * step, some, step) if keyed is None else keyed[start : start + some]
            yield from renderer.finish(shots.make(shots.rest(rows)), renderer.levels[0])

    return Clip(fps, portrait.size, count, None, render)


def _keyed_rows(
    idle: IdleMotion, models: ModelChoice, options: IdleOptions, count: int, step: float
) -> NDArray[np.float32]:
    """Motion (count, 31), every ``step`` rows of 25 a second, whose head does what keyframes ask for.

    Raises:
        ConfigError: It is to be a loop, whose end would have to meet its beginning.
        InputError: There are no such keyframes.
    """
    if options.loop:
        raise ConfigError("keyframes have an end, and a loop has none: leave one of them out")
    wanted = int(np.ceil(count * step)) + 1
    keyed = key_motion(read_keyframes(options.keyframes or ""), wanted)
    rows = idle.rows(0, wanted)
    filled = model_cache.load_filler(models.model).fill_beside(rows, None, seed=options.seed, keyed=keyed)
    filled[:, coefficients.LIDS] = rows[:, coefficients.LIDS]
    return coefficients.resample(filled + keyed.added, 1, Fraction(1 / step).limit_denominator(1001), count)


def _read(speech: str | Path | Wave) -> Wave:
    """A speech at the rate of clips."""
    if not isinstance(speech, np.ndarray):
        check_speech_file(speech)
        return load_wave(speech, sample_rate=SOUND_RATE)
    wave = read_samples(speech)
    steps = np.arange(len(wave) * SOUND_RATE // SAMPLE_RATE) * (SAMPLE_RATE / SOUND_RATE)
    return np.interp(steps, np.arange(len(wave)), wave).astype(np.float32)


def _samples(index: int, fps: Fraction) -> int:
    return round((index + 1) * SOUND_RATE / fps) - round(index * SOUND_RATE / fps)
