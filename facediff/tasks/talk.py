"""How a talk is put together: what is heard becomes motion, motion warps a source, and its mouths are painted."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facediff.audio.mixing import SILENT
from facediff.audio.voices import check_text, say
from facediff.audio.wave import SAMPLE_RATE, load_wave, read_samples
from facediff.audio.wave_store import WaveStore
from facediff.audio.windows import exact_rate, frame_count
from facediff.audio.word_times import divide_words
from facediff.clip import SOUND_RATE, Clip
from facediff.errors import ConfigError
from facediff.media.kinds import check_speech_file
from facediff.motion import coefficients
from facediff.motion.keyframes import read_keyframes
from facediff.motion.rig import encode_motion
from facediff.motion.side_view import share_head_motion
from facediff.motion.speaking_style import fit_speaking_style
from facediff.options import TalkOptions
from facediff.options.performance import read_performance
from facediff.options.speakers import read_speakers
from facediff.pipelines.long_motion import HeadWindows, LongMotionSampler
from facediff.pipelines.speech_motion import FILMED, LipStyle, MotionSampler
from facediff.rendering.frame import Warp, keep_mattes
from facediff.rendering.painting.mouth import MouthPainter, PaintSettings
from facediff.rendering.source import Source
from facediff.rendering.warping import Warper
from facediff.rendering.warping.changes import SPOKEN
from facediff.rendering.warping.video import VideoWarper
from facediff.tasks import model_cache
from facediff.tasks.direct import direct_portrait, direct_video, is_directed
from facediff.tasks.lengths import Span, fit_wave, measure_span
from facediff.tasks.model_choice import ModelChoice
from facediff.types import Frame, Wave, Word

log = logging.getLogger(__name__)

HEARD_S = 60  # seconds of a video that tell how somebody holds their lips


def check_speech(speech: str | Path | Wave | None, options: TalkOptions) -> None:
    """Refuses to say nothing, two things at once, or a picture.

    Raises:
        ConfigError: There is neither speech nor a text, or there are both.
        AudioError: Speech is a picture.
    """
    if speech is None and options.say is None and options.speakers is None:
        raise ConfigError("nothing is said: give a file with speech, or a text, as in say='Hello'")
    if speech is not None and options.say is not None:
        raise ConfigError("speech is given twice, as a sound and as a text to say; keep one of them")
    if options.speakers is not None and (speech is not None or options.say is not None):
        raise ConfigError("speech is given twice, for all that is heard and for each speaker; keep one of them")
    if options.captions and options.say is None:
        raise ConfigError("captions are of a text that is said, and none is; give say too")
    if options.say is not None:
        check_text(options.say)
    for path in [speech] if isinstance(speech, (str, Path)) else read_speakers(options.speakers).values():
        check_speech_file(path)


def make_talk(warper: Warper, speech: str | Path | Wave | None, models: ModelChoice, options: TalkOptions) -> Clip:
    """A clip, without a record, in which a source says what is heard; see ``Avatar.talk``."""
    warper = models.move_at(warper, options.fps)
    if isinstance(warper, VideoWarper):
        warper = warper.with_end(options.after)
    source = warper.source
    wave, sound, words = _heard(speech, options)
    rate = source.rate(options.fps)
    span = measure_span(source, frame_count(len(wave), rate), rate, "the speech")
    wave = _pad(wave, span, rate)
    motion_model, painting = models.load_talk()
    if options.long != "whole":
        motion_model = LongMotionSampler(motion_model, HeadWindows(way=options.long))
    lip_style = FILMED if isinstance(warper, VideoWarper) else LipStyle()
    own = _speaking_style(source, options.source_track, motion_model, lip_style)
    keyframes = read_keyframes(options.keyframes) if options.keyframes is not None else ()
    if keyframes and isinstance(warper, VideoWarper):
        raise ConfigError("a video keeps its own head motion and takes no keyframes; give a portrait")
    head = options.head * (1.0 if isinstance(warper, VideoWarper) else share_head_motion(source.track.points[0]))
    motion = motion_model(
        wave, seed=options.seed, lips=options.lips, head=head, still=options.still, speaking_style=own,
        lip_style=lip_style, keyframes=keyframes,
    )  # fmt: skip
    rows = coefficients.resample(motion, coefficients.MOTION_FPS, rate, span.moved)
    if isinstance(warper, VideoWarper) and span.total > span.moved:
        rows = span.extend(rows, warper.face.motion)
    warp = _warp_directed(warper, rows, rate, options) if is_directed(options) else warper.speak(rows)
    heard = model_cache.load_hearing(painting, options.audio_encoder, models.device).prepare(wave)
    settings = PaintSettings(
        num_inference_steps=options.steps, guidance_scale=options.guidance_scale, seed=options.seed,
        lips_guidance=options.lips_guidance,
        reanchor_every=max(1, round(rate)) if options.progressive else None, first=models.first_painted,
    )  # fmt: skip

    def render(part: slice) -> Iterator[Frame]:
        if not options.paint:
            return keep_mattes(warp(part), lambda frames: (frame.picture for frame in frames))
        painter = MouthPainter(painting, settings)
        first = painter.first_needed(part.start)
        windows = chain.from_iterable(heard.stream(rate, part.stop, first=first))
        painted = keep_mattes(warp(slice(first, part.stop)), lambda frames: painter.paint_clip(frames, windows))
        return islice(painted, part.start - first, None)

    widest = coefficients.most_telling(rows, rows[:, -1])
    if span.total != span.asked:
        rest = source.sound(SOUND_RATE, options.source_track) if span.total > span.moved else None
        sound = fit_wave(sound, round(span.total / rate * SOUND_RATE), None if rest is None else rest.wave)
    return Clip(
        rate, source.track.size, span.total, sound, span.append_own(render, source), preview_index=widest,
        is_tagged=source.is_tagged, words=words, is_captioned=options.captions,
    )  # fmt: skip


def _warp_directed(warper: Warper, rows: NDArray[np.float32], rate: Fraction, options: TalkOptions) -> Warp:
    """Frames in which the parts of a performance have sources of their own."""
    if isinstance(warper, VideoWarper):
        made = direct_video(rows, rate, options, warper, SPOKEN, lips_of="the speech")
        return warper.speak(made.rows, chosen=made.touched, shapes=made.shapes)
    if options.still and "head" in read_performance(options).files:
        raise ConfigError("still holds the head, and head_from moves it; leave one of them out")
    made = direct_portrait(rows, rate, options, warper.rig(), lips_of="the speech")
    return warper.speak(made.rows, shapes=made.shapes, turns_eyes=made.turns_eyes)


def _pad(wave: Wave, span: Span, rate: Fraction) -> Wave:
    """Speech with silence behind it, as long as the face is moved."""
    return wave if span.moved <= span.asked else fit_wave(wave, round(span.moved / rate * SAMPLE_RATE))


def _speaking_style(
    source: Source, track: int | None, motion_model: MotionSampler, lip_style: LipStyle
) -> NDArray[np.float32] | None:
    """How the person in a video holds their lips, told from what they say in it; None where nothing is heard."""
    sound = source.sound(SAMPLE_RATE, track)
    if sound is None:
        return None
    wave = sound.wave[: HEARD_S * SAMPLE_RATE]
    fps = exact_rate(source.track.fps)
    count = min(len(source.track), frame_count(len(wave), fps))
    motion = motion_model(wave, still=True, lip_style=lip_style)
    expected = coefficients.resample(motion, coefficients.MOTION_FPS, fps, count)
    return fit_speaking_style(encode_motion(source.track.points)[:count], expected, float(fps))


def _heard(speech: str | Path | Wave | None, options: TalkOptions) -> tuple[Wave, Wave, tuple[Word, ...]]:
    """The speech at the models' rate and at the clip's, and when its words are heard, where they are known."""
    if speech is None:
        text = check_text(str(options.say))
        spoken = say(text, options.voice)
        wave = spoken.at(SAMPLE_RATE)
        return wave, spoken.at(SOUND_RATE), spoken.words or divide_words(text, wave)
    wave, sound = _read_speech(speech, options.track)
    if max(float(wave.max()), -float(wave.min())) ** 2 < SILENT:  # of an hour the squares would be a copy
        named = "the wave" if isinstance(speech, np.ndarray) else speech
        log.warning("%s is silent, so nothing is said; give another file, or another track of it", named)
    return wave, sound, ()


def _read_speech(speech: str | Path | Wave, track: int | None) -> tuple[Wave, Wave]:
    """Speech that is given as a sound, at both rates."""
    if isinstance(speech, np.ndarray):
        if track is not None:
            raise ConfigError(f"track is one of a file's; a wave has none, so leave track={track} out")
        wave = read_samples(speech)
        return wave, _resample(wave, len(wave) * SOUND_RATE // SAMPLE_RATE, SAMPLE_RATE / SOUND_RATE)
    return load_wave(speech, track=track), load_wave(speech, sample_rate=SOUND_RATE, track=track)


def _resample(wave: Wave, count: int, step: float) -> Wave:
    """So many samples of a wave, a step apart, between its own by their distance; a minute of speech at a time."""
    store = WaveStore()
    for start in range(0, count, 60 * SOUND_RATE):
        places = np.arange(start, min(start + 60 * SOUND_RATE, count)) * step
        first = int(places[0])
        around = wave[first : int(places[-1]) + 2]
        store.append(np.interp(places, np.arange(first, first + len(around)), around).astype(np.float32))
    return store.join()
