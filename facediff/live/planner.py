"""What each frame of a live stream says: sound that is waiting becomes frames, one after the other."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray

from facediff.audio.packets import StreamResampler, read_packet
from facediff.audio.wave import SAMPLE_RATE
from facediff.audio.windows import exact_rate
from facediff.errors import AudioError
from facediff.types import Wave

LOOK_AHEAD_S = 0.2  # of sound that is heard, from a frame's moment on, before it is shown
MAX_QUEUED_S = 300.0
_PATIENCE_S = 0.3  # after which what is left of a speech that nobody has ended is played


@dataclass(frozen=True)
class Plan:
    """What one frame says.

    Attributes:
        index: Of the frame.
        said: Its sound at 16 kHz, (n,); silence where nothing is said.
        ahead: What follows it, as far as it is known.
        sound: Its sound as it is given out, int16; None where nothing is said.
        end_of_speech: Whether a speech ends with it.
        is_cut: Whether frames from this index on were planned before, and are void.
        waiting_since: When the first packet of the speech that begins with it came, by ``time.monotonic``; None of
            others.
    """

    index: int
    said: Wave
    ahead: Wave
    sound: NDArray[np.int16] | None = None
    end_of_speech: bool = False
    is_cut: bool = False
    waiting_since: float | None = None


@dataclass
class _Samples:
    """A queue of samples of one kind."""

    pieces: deque[NDArray] = field(default_factory=deque)
    count: int = 0

    def push(self, piece: NDArray) -> None:
        if len(piece):
            self.pieces.append(piece)
            self.count += len(piece)

    def take(self, count: int) -> NDArray:
        """The first samples, gone from here; fewer where there are fewer."""
        found = self.peek(count)
        left = len(found)
        self.count -= left
        while left:
            first = self.pieces[0]
            if len(first) <= left:
                left -= len(first)
                self.pieces.popleft()
            else:
                self.pieces[0], left = first[left:], 0
        return found

    def peek(self, count: int) -> NDArray:
        """The first samples, which stay; fewer where there are fewer."""
        parts, left = [], count
        for piece in self.pieces:
            if left <= 0:
                break
            parts.append(piece[:left])
            left -= len(parts[-1])
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)


@dataclass
class _Speech:
    """One speech: what is to be played and what is to be heard of it, and whether its end is known."""

    sound: _Samples = field(default_factory=_Samples)
    heard: _Samples = field(default_factory=_Samples)
    since: float = field(default_factory=time.monotonic)
    is_closed: bool = False
    has_begun: bool = False
    starved: int = 0


class Planner:
    """Packets in, frames' sounds out.

    A speech begins when its first frame's look-ahead is known, or its end is. From then on it is played without a
    pause as long as there is sound for a frame; where there is none, frames are silent until there is.

    Args:
        fps: Frames per second.
        sample_rate: Of what is given out; None for that of the first packet.
    """

    def __init__(self, fps: float, sample_rate: int | None = None) -> None:
        self.fps: Fraction = exact_rate(fps)
        self.sample_rate = sample_rate
        self._speeches: deque[_Speech] = deque()
        self._to_sound: StreamResampler | None = None
        self._to_heard: StreamResampler | None = None
        self._next = 0
        self._is_cut = False
        self.starved = 0  # frames that were silent in mid-speech because no sound had come

    @property
    def queued_s(self) -> float:
        """Seconds of sound that wait to be played."""
        return sum(speech.sound.count for speech in self._speeches) / (self.sample_rate or 1)

    @property
    def is_speaking(self) -> bool:
        """Whether a speech has begun and not ended."""
        return bool(self._speeches) and self._speeches[0].has_begun

    def push(
        self, data: bytes | bytearray | memoryview | ArrayLike, sample_rate: int, *, last_chunk: bool = False
    ) -> None:
        """Takes a packet; see ``LiveSession.push_audio``.

        Raises:
            AudioError: It cannot be used, or too much waits already; nothing of it is taken.
        """
        wave = read_packet(data, sample_rate)
        if self.queued_s + len(wave) / sample_rate > MAX_QUEUED_S:
            raise AudioError(
                f"{self.queued_s:.0f} seconds of sound wait to be spoken, and {MAX_QUEUED_S:.0f} are taken: push no "
                "faster than frames are read (queued_s says how far), or interrupt()"
            )
        if len(wave):
            speech = self._open_speech(sample_rate)
            assert self._to_sound is not None and self._to_heard is not None
            speech.sound.push(_as_int16(self._to_sound(wave)))
            speech.heard.push(self._to_heard(wave))
        if last_chunk:
            self.flush()

    def flush(self) -> None:
        """Says that what was pushed is a whole speech."""
        if self._speeches and not self._speeches[-1].is_closed:
            self._finish_rate(self._speeches[-1])
            self._speeches[-1].is_closed = True

    def interrupt(self, index: int) -> None:
        """Forgets all sound that waits, and all frames from ``index`` on that were planned."""
        self._speeches.clear()
        self._to_sound = self._to_heard = None
        if index < self._next:
            self._next, self._is_cut = index, True

    def plan(self) -> Plan:
        """The next frame."""
        index, self._next = self._next, self._next + 1
        is_cut, self._is_cut = self._is_cut, False
        heard = self._edge(index + 1, SAMPLE_RATE) - self._edge(index, SAMPLE_RATE)
        speech = self._speeches[0] if self._speeches else None
        if speech is None or not self._is_ready(speech, index, heard):
            return Plan(index, np.zeros(heard, np.float32), np.zeros(0, np.float32), is_cut=is_cut)
        assert self.sample_rate is not None
        played = self._edge(index + 1, self.sample_rate) - self._edge(index, self.sample_rate)
        since = None if speech.has_begun else speech.since
        speech.has_begun = True
        sound, said = (_padded(a.take(n), n) for a, n in ((speech.sound, played), (speech.heard, heard)))
        reach = round(LOOK_AHEAD_S * SAMPLE_RATE)
        ahead = speech.heard.peek(reach)
        if speech.is_closed:
            ahead = _padded(ahead, reach)
        ends = speech.is_closed and not speech.sound.count
        if ends:
            self._speeches.popleft()
        said, ahead = said.astype(np.float32), ahead.astype(np.float32)
        return Plan(index, said, ahead, sound.astype(np.int16), ends, is_cut, since)

    def _is_ready(self, speech: _Speech, index: int, heard: int) -> bool:
        """Whether a speech can give a frame now."""
        reach = round(LOOK_AHEAD_S * SAMPLE_RATE)
        wanted = reach if not speech.has_begun else max(heard, reach // 2) if speech.starved else heard
        if speech.is_closed or speech.heard.count >= wanted:
            speech.starved = 0
            return True
        if not speech.has_begun and not speech.sound.count:
            return False
        speech.starved += 1
        if speech.has_begun:
            self.starved += 1
        if speech.starved >= _PATIENCE_S * self.fps and speech.sound.count:
            self._finish_rate(speech)
            return True
        return False

    def _open_speech(self, sample_rate: int) -> _Speech:
        """The speech that a packet belongs to, with resamplers of its rate."""
        self.sample_rate = self.sample_rate or int(sample_rate)
        if not self._speeches or self._speeches[-1].is_closed:
            self._speeches.append(_Speech())
        speech = self._speeches[-1]
        if self._to_heard is not None and self._to_heard.source != sample_rate:
            self._finish_rate(speech)
        if self._to_heard is None:
            self._to_sound = StreamResampler(sample_rate, self.sample_rate)
            self._to_heard = StreamResampler(sample_rate, SAMPLE_RATE)
        return speech

    def _finish_rate(self, speech: _Speech) -> None:
        """What resamplers still hold back."""
        if self._to_sound is not None and self._to_heard is not None:
            speech.sound.push(_as_int16(self._to_sound.finish()))
            speech.heard.push(self._to_heard.finish())
        self._to_sound = self._to_heard = None

    def _edge(self, index: int, rate: int) -> int:
        """The sample with which a frame begins."""
        return round(index * rate / self.fps)


def _as_int16(wave: Wave) -> NDArray[np.int16]:
    return np.clip(np.rint(wave * 32768.0), -32768, 32767).astype(np.int16)


def _padded(samples: NDArray, count: int) -> NDArray:
    return samples if len(samples) >= count else np.pad(samples, (0, count - len(samples)))
