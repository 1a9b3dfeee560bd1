"""The sound of a video that is written: a wave, or the sound of another file as it is there. Knows no face."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from typing import Protocol

import av
import numpy as np
from av import AudioFrame, Packet
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer

from facediff.system.containers import open_container
from facediff.system.timeline import RESTART_S, channels_of, on_time_line, relabelled, split
from facediff.types import SoundTrack, Wave

log = logging.getLogger(__name__)

WAVE_RATE = 16000
_SOUND_RATE, _SOUND_BITS = 48000, 128_000
_BITS_PER_CHANNEL = 96_000
_AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)
_OPUS, _OPUS_RATES = "libopus", (8000, 12000, 16000, 24000, 48000)
_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 7: "7.0", 8: "7.1"}
_CHANNELS = {layout: count for count, layout in _LAYOUTS.items()}
_UNPLAYED = (
    "pcm_",
    "vorbis",
    "mp2",
    "dca",
    "dts",
)  # FFmpeg puts these into mp4 too, but few players look for them there
_TRIED_PACKETS = 4
_LED_IN_S = 0.08  # what comes before the first packet that is heard, which decoders of Opus want to have met


class SoundWriter(Protocol):
    """A sound that is written alongside the picture, so that a player finds both at the same place in the file."""

    def write_until(self, time_s: Fraction) -> None:
        """Write what is still missing up to a time."""

    def finish(self) -> None:
        """Write what is still held."""

    def close(self) -> None:
        """Free what is held, without writing."""


def add_sound(
    container: OutputContainer, audio: Wave | None, rate: int, sound: SoundTrack | None
) -> SoundWriter | None:
    """What writes the sound of a video; None where there is none.

    A track is copied as it is or, where the container does not hold its codec, coded anew with all its channels.

    Args:
        container: That is written; its picture has been added.
        audio: Mono, float32 in [-1, 1].
        rate: Its samples per second.
        sound: Where it comes from; ``audio`` is written if it is None, or cannot be read any more.
    """
    if sound is not None:
        try:
            return CopiedSound(container, sound) if is_copyable(container, sound) else RecodedSound(container, sound)
        except (av.FFmpegError, OSError, ValueError) as error:
            log.warning("the sound of %s cannot be kept as it is (%s); it is written in mono", sound.path, error)
    return None if audio is None else WaveSound(container, audio, rate)


def is_copyable(container: OutputContainer, track: SoundTrack) -> bool:
    """Whether a container takes a sound as it is: tried on the first packets, since what FFmpeg says of it is not so.

    Raises:
        av.FFmpegError, OSError, ValueError: The file cannot be opened.
    """
    kind = container.format.name
    with open_container(track.path) as source:
        stream = source.streams.audio[_number(source, track)]
        if kind in ("mp4", "ipod") and stream.codec_context.name.startswith(_UNPLAYED):
            return False
        try:
            with av.open(io.BytesIO(), "w", format=kind) as trial:
                copy = trial.add_stream_from_template(stream)
                for packet in islice(_packets(source, stream, track.zero), _TRIED_PACKETS):
                    packet.stream = copy
                    trial.mux(packet)
        except (av.FFmpegError, ValueError):
            return False
    return True


def _number(source: InputContainer, track: SoundTrack) -> int:
    """The place of a track among the sounds of its file."""
    places = [stream.index for stream in source.streams.audio]
    if track.stream not in places:
        raise ValueError(f"it has no sound at stream {track.stream}")
    return places.index(track.stream)


def _packets(source: InputContainer, stream: AudioStream, zero: float) -> Iterator[Packet]:
    """The packets of a sound with the time stamps that they have from ``zero`` on, those that come before left out."""
    base = stream.time_base
    if base is None:
        return
    shift, end, last = -round(zero / base), None, None
    for packet in source.demux(stream):
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is None or not packet.size:
            continue
        if end is not None and stamp + shift < end - RESTART_S / base:  # recordings that were joined
            shift = end - stamp
        begin = stamp + shift
        end = begin + (packet.duration or 0)
        if end * base <= -_LED_IN_S or (packet.is_discard and begin >= 0) or (last is not None and begin <= last):
            continue
        packet.pts = packet.dts = last = begin
        yield packet


class CopiedSound:
    """The packets of a sound, as they are.

    Args:
        container: That is written.
        track: Where they come from; what is said to be heard first goes to the time zero of the container.
    """

    def __init__(self, container: OutputContainer, track: SoundTrack) -> None:
        self._container, self._path = container, track.path
        self._source = open_container(track.path)
        stream = self._source.streams.audio[_number(self._source, track)]
        self._base = stream.time_base or Fraction(1)
        self._copy = container.add_stream_from_template(stream)
        self._copy.metadata.update(_language(stream))
        self._packets = _packets(self._source, stream, track.zero)
        self._next = self._following()

    def _following(self) -> Packet | None:
        try:
            return next(self._packets, None)
        except av.FFmpegError as error:
            log.warning("%s is damaged; its sound before the damage is used (%s)", self._path, error)
            return None

    def write_until(self, time_s: Fraction) -> None:
        """Write the packets that begin before a time."""
        while self._next is not None and (self._next.pts or 0) * self._base < time_s:
            self._next.stream = self._copy
            self._container.mux(self._next)
            self._next = self._following()

    def finish(self) -> None:
        """Nothing is held."""
        self.close()

    def close(self) -> None:
        """Close the file that is copied from."""
        self._source.close()


class RecodedSound:
    """A sound with the channels and the rate that it has, coded as AAC, or as Opus in a webm.

    Args:
        container: That is written.
        track: Where it comes from.
    """

    def __init__(self, container: OutputContainer, track: SoundTrack) -> None:
        self._container = container
        self._source = open_container(track.path)
        stream = self._source.streams.audio[_number(self._source, track)]
        self._layout = _layout(stream)
        rates = _OPUS_RATES if _codec(container) == _OPUS else _AAC_RATES
        rate = next((rate for rate in rates if rate >= stream.rate), rates[-1])
        self._stream = _add_stream(container, rate, self._layout)
        self._stream.bit_rate = max(_SOUND_BITS, _BITS_PER_CHANNEL * stream.channels)
        self._stream.metadata.update(_language(stream))
        self._frames = on_time_line(_decoded(self._source, stream, track), track.zero)
        self._next: AudioFrame | None = None
        self._resampler = av.AudioResampler(format="fltp", layout=self._layout, rate=rate)
        self._reached = 0.0

    def write_until(self, time_s: Fraction) -> None:
        """Write what is still missing up to a time, as far as there is any."""
        while (frame := self._next or next(self._frames, None)) is not None:
            missing = round((float(time_s) - self._reached) * frame.sample_rate)
            first, self._next = split(frame, missing)
            if first is not None:
                # Without time stamps, mp4 forgets that AAC begins with padding.
                first.pts, first.time_base = round(self._reached * first.sample_rate), Fraction(1, first.sample_rate)
                self._reached += first.samples / first.sample_rate
                self._encode(first)
            if self._next is not None:
                return

    def _encode(self, frame: AudioFrame | None) -> None:
        if frame is not None and frame.layout.name != self._layout and channels_of(frame) == _CHANNELS[self._layout]:
            frame = relabelled(frame, self._layout)
        for piece in self._resampler.resample(frame):
            self._container.mux(self._stream.encode(piece))

    def finish(self) -> None:
        """Write what resampler and encoder still hold."""
        self._encode(None)
        self._container.mux(self._stream.encode(None))
        self.close()

    def close(self) -> None:
        """Close the file that is decoded."""
        self._source.close()


def _decoded(source: InputContainer, stream: AudioStream, track: SoundTrack) -> Iterator[AudioFrame]:
    try:
        yield from source.decode(stream)
    except av.FFmpegError as error:
        log.warning("%s is damaged; its sound before the damage is used (%s)", track.path, error)


def _layout(stream: AudioStream) -> str:
    """A layout with names for as many channels as a stream has.

    Raises:
        ValueError: They are too many.
    """
    if stream.channels not in _LAYOUTS:
        raise ValueError(f"AAC holds no {stream.channels} channels")
    return _LAYOUTS[stream.channels]


def _add_stream(container: OutputContainer, rate: int, layout: str) -> AudioStream:
    """A sound of a container that is to be coded."""
    stream = container.add_stream(_codec(container), rate=rate, layout=layout)
    assert isinstance(stream, AudioStream)
    return stream


def _codec(container: OutputContainer) -> str:
    """What a sound is coded with."""
    return _OPUS if container.format.name == "webm" else "aac"


def _language(stream: AudioStream) -> dict[str, str]:
    return {"language": stream.language} if stream.language else {}


class WaveSound:
    """A wave, cut or filled with silence to the length of the picture.

    Args:
        container: That is written.
        wave: Mono, float32 in [-1, 1].
        rate: Its samples per second.
    """

    def __init__(self, container: OutputContainer, wave: Wave, rate: int) -> None:
        self._container, self._wave, self._rate, self._written = container, wave, rate, 0
        self._stream = _add_stream(container, _SOUND_RATE, "mono")
        self._stream.bit_rate = _SOUND_BITS
        self._resampler = av.AudioResampler(format="fltp", layout="mono", rate=_SOUND_RATE)

    def write_until(self, time_s: Fraction) -> None:
        """Write what is still missing up to a time; silence after the sound's end."""
        end = round(time_s * self._rate)
        part = self._wave[self._written : end].astype(np.float32)
        block = AudioFrame.from_ndarray(
            np.pad(part, (0, end - self._written - len(part)))[None], format="fltp", layout="mono"
        )
        block.sample_rate, block.pts, block.time_base = self._rate, self._written, Fraction(1, self._rate)
        self._written = end
        self._encode(self._resampler.resample(block))

    def finish(self) -> None:
        """Write what resampler and encoder still hold."""
        self._encode(self._resampler.resample(None))
        self._container.mux(self._stream.encode(None))

    def close(self) -> None:
        """Nothing is held."""

    def _encode(self, frames: list[AudioFrame]) -> None:
        for frame in frames:
            self._container.mux(self._stream.encode(frame))
