"""One sound of a file, decoded to one channel: which of its tracks, how its channels are mixed, and how loud."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

import av
import numpy as np
from av import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer

from facediff.audio.mixing import Mix, Survey, channels, choose_mix, shares
from facediff.errors import AudioError
from facediff.system.containers import open_container
from facediff.system.timeline import channels_of, on_time_line, zero_of
from facediff.types import Wave

_DEFAULT = 0x1  # AV_DISPOSITION_DEFAULT

log = logging.getLogger(__name__)

_PIECE = 2048  # samples that come out at once; smaller pieces cost more
_LOOKED_AT = 3  # one frame in so many tells enough of the channels
_LOSSY_SHARE = 1e-3  # of samples that decoders of mp3, AAC and the like make overshoot where the original did not
_EXACT, _MOST = "pcm_f", 2.0**32  # codecs of floats as they were recorded; full scale of whole numbers is 2**31
_FLOATS = ("flt", "fltp", "dbl", "dblp")

_Layout = tuple[str, int]


@dataclass(frozen=True)
class Listening:
    """How a sound is brought to one channel; what is not known before it was decoded once is as in most files.

    Attributes:
        number: Of its track among those of the file, from 0.
        mixes: By layout; FFmpeg's mean of two channels where there is none.
        is_hot: Whether it holds more than full scale, so that nothing may clip before it is turned down.
        gain: What to multiply by.
    """

    number: int
    mixes: Mapping[_Layout, Mix] = field(default_factory=dict)
    is_hot: bool = False
    gain: np.float32 = np.float32(1)


@dataclass
class Findings:
    """What one decoding found.

    Attributes:
        surveys: Of the channels, by layout; none where there was nothing to ask.
        is_hot: Whether samples were beyond full scale.
        has_no_numbers: Whether samples were not finite, or beyond all measure; they are silent.
        peak: Largest absolute value that came out.
        samples: How many came out.
        tracks: How many sounds the file has.
        stream: Index of the track among streams of all kinds.
        zero: Where it begins to be heard, in seconds of the file's clock.
    """

    surveys: dict[_Layout, Survey] = field(default_factory=dict)
    is_hot: bool = False
    has_no_numbers: bool = False
    peak: float = 0.0
    samples: int = 0
    tracks: int = 0
    stream: int = 0
    zero: float = 0.0

    @property
    def is_silent(self) -> bool:
        """Whether nothing was heard; False where nobody asked."""
        return bool(self.surveys) and all(survey.is_silent for survey in self.surveys.values())

    def improve(self, listening: Listening) -> Listening:
        """The same track, listened to as it should be."""
        mixes = {layout: choose_mix(survey) for layout, survey in self.surveys.items()}
        return replace(
            listening,
            mixes={layout: mix for layout, mix in mixes.items() if mix.weights is not None},
            is_hot=listening.is_hot or self.is_hot,
        )

    def turn_down(self, listening: Listening) -> Listening:
        """The same, no louder than full scale."""
        return replace(listening, gain=np.float32(1 / self.peak)) if self.peak > 1 else listening


def order_tracks(path: Path) -> list[int]:
    """The numbers of a file's sounds, from 0, in the order in which they are listened to; 0 of a file without any.

    What the file calls its default comes first, if that is one alone.
    """
    with open_container(path) as container:
        is_default = [bool(int(getattr(stream, "disposition", 0)) & _DEFAULT) for stream in container.streams.audio]
    numbers = list(range(len(is_default))) or [0]
    return sorted(numbers, key=lambda number: not is_default[number]) if sum(is_default) == 1 else numbers


def decode(path: Path, listening: Listening, sample_rate: int, findings: Findings) -> Iterator[Wave]:
    """Mono pieces, from time zero on, before ``gain``; what is found on the way goes into ``findings``.

    Raises:
        AudioError: There is no such track.
        av.FFmpegError, ValueError: It cannot be read.
    """
    with open_container(path) as container:
        sounds = container.streams.audio
        findings.tracks = len(sounds)
        if listening.number >= len(sounds):
            count = "one sound track" if len(sounds) == 1 else f"{len(sounds)} sound tracks"
            raise AudioError(
                f"{path} has {count}; there is no track {listening.number + 1}"
                if sounds
                else f"{path} has no sound; give a file with sound in it"
            )
        stream = sounds[listening.number]
        frames = _good_frames(container, stream)
        if stream.codec_context.name.startswith(_EXACT):
            frames = _finite(frames, findings)
        first = next(frames, None)
        if first is None:
            return
        zero = zero_of(path, container, stream)
        own = float(first.pts * first.time_base) if first.pts is not None and first.time_base else None
        findings.stream, findings.zero = stream.index, (own or 0.0) if zero is None else zero
        placed = on_time_line(chain([first], frames), zero)
        surveyed = _surveyed(placed, stream, findings, is_asked=findings.tracks > 1)
        for piece in _resampled(_mixed(surveyed, listening), sample_rate):
            findings.samples += len(piece)
            if listening.is_hot or listening.mixes:
                findings.peak = max(findings.peak, float(np.abs(piece).max(initial=0)))
            yield piece
        for survey in findings.surveys.values():
            survey.finish()


def _good_frames(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    """Decoded frames; what follows damage in mid-file is left out, a file without any good frame is refused."""
    good = 0
    try:
        for frame in container.decode(stream):
            good += 1
            yield frame
    except av.FFmpegError:
        if not good:
            raise


def _finite(frames: Iterator[AudioFrame], findings: Findings) -> Iterator[AudioFrame]:
    """Frames of floats, with silence for samples that are no numbers; one of them would spoil all that is heard."""
    for frame in frames:
        if not (np.abs(channels(frame)) < _MOST).all():
            findings.has_no_numbers = True
            for plane in frame.planes:
                kind = np.dtype(np.float64 if "dbl" in frame.format.name else np.float32)
                values = np.frombuffer(bytes(plane), kind).copy()
                values[~(np.abs(values) < _MOST)] = 0
                plane.update(values.tobytes())
        yield frame


def _layout(frame: AudioFrame) -> _Layout:
    return frame.layout.name, channels_of(frame)


def _surveyed(
    frames: Iterator[AudioFrame], stream: AudioStream, findings: Findings, *, is_asked: bool
) -> Iterator[AudioFrame]:
    """The frames, of which those are looked at that may hold more than one thing, or more than full scale."""
    is_exact = stream.codec_context.name.startswith(_EXACT)
    beyond = looked_at = 0
    for number, frame in enumerate(frames):
        if is_exact or number % _LOOKED_AT == 0:
            is_float = frame.format.name in _FLOATS
            if is_asked or is_float or channels_of(frame) > 1:
                values = channels(frame)
                survey = findings.surveys.get(_layout(frame))
                if survey is None:
                    names = tuple(channel.name for channel in frame.layout.channels)
                    survey = findings.surveys[_layout(frame)] = Survey(names)
                survey.add(values, frame.sample_rate)
                if is_float:
                    beyond, looked_at = beyond + int(np.count_nonzero(np.abs(values) > 1)), looked_at + values.size
        yield frame
    findings.is_hot = beyond > (0 if is_exact else _LOSSY_SHARE * looked_at)


def _mixed(frames: Iterator[AudioFrame], listening: Listening) -> Iterator[tuple[AudioFrame, bool]]:
    """Frames, those whose channels FFmpeg's mean does not suit brought to one; and whether they may be beyond 1."""
    for frame in frames:
        count = channels_of(frame)
        weights = listening.mixes.get(_layout(frame), Mix()).weights if listening.mixes else None
        if weights is None and count > 1 and (count > 2 or listening.is_hot):
            weights = tuple(shares(tuple(channel.name for channel in frame.layout.channels)))
        if weights is None:
            yield frame, listening.is_hot
            continue
        one = np.asarray(weights, np.float32) @ channels(frame)
        mono = AudioFrame.from_ndarray(np.ascontiguousarray(one[None]), format="fltp", layout="mono")
        mono.sample_rate = frame.sample_rate
        yield mono, True


def _resampled(frames: Iterator[tuple[AudioFrame, bool]], sample_rate: int) -> Iterator[Wave]:
    """Mono pieces at another rate; a change of rate or channels in mid-file starts a new resampler.

    Args:
        frames: With whether they may be beyond full scale, and must stay so.
        sample_rate: Samples per second wanted.
    """
    setup: tuple[str, str, int, bool] | None = None
    resampler: av.AudioResampler | None = None
    for frame, is_hot in chain(frames, ((None, False),)):
        now = None if frame is None else (frame.format.name, frame.layout.name, frame.sample_rate, is_hot)
        pieces = []
        if resampler is not None and now != setup:
            pieces += resampler.resample(None)
        if now != setup:
            # Whole numbers make FFmpeg weigh the channels so that their sum cannot clip; floats do not.
            resampler = av.AudioResampler("flt" if is_hot else "s32", "mono", sample_rate, frame_size=_PIECE)
        if resampler is not None and frame is not None:
            pieces += resampler.resample(frame)
        setup = now
        for piece in pieces:
            values = piece.to_ndarray()[0]
            yield values if values.dtype == np.float32 else values.astype(np.float32) * np.float32(2**-31)
