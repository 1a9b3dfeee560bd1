"""One speech on its way: packets as they came, and what is to be played and heard next of them."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from facediff.audio.packets import StreamResampler
from facediff.audio.wave import SAMPLE_RATE
from facediff.types import Wave

_PIECE_S = 0.1  # that is resampled at a time, when it is needed, so that a minute at once costs no time


@dataclass
class _Samples:
    """A queue of samples."""

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


class Speech:
    """What was pushed from one beginning to one end.

    Attributes:
        since: When its first packet came, by ``time.monotonic``.
        is_closed: Whether its end is known.
        has_begun: Whether a frame of it was planned.
        is_starved: Whether it has run dry in the middle.
        waited: Frames since its last packet.
    """

    def __init__(self, sample_rate: int) -> None:
        """Sound will be given out at so many samples a second."""
        self.since = time.monotonic()
        self.is_closed = self.has_begun = self.is_starved = False
        self.waited = 0
        self._rate = sample_rate
        self._packets: deque[tuple[int, NDArray[np.int16]]] = deque()
        self._packets_s = 0.0
        self._sound, self._heard = _Samples(), _Samples()
        self._to_sound: StreamResampler | None = None
        self._to_heard: StreamResampler | None = None

    @property
    def queued_s(self) -> float:
        """Seconds that wait to be played."""
        return self._packets_s + self._sound.count / self._rate

    @property
    def is_over(self) -> bool:
        """Whether it is played to its end."""
        return self.is_closed and not self._packets and not self._sound.count and self._to_heard is None

    def push(self, packet: NDArray[np.int16], sample_rate: int) -> None:
        """Takes a packet."""
        self._packets.append((sample_rate, packet))
        self._packets_s += len(packet) / sample_rate
        self.waited = 0

    def has(self, played: int, heard: int) -> bool:
        """Whether so many samples are known of what is played, and at 16 kHz of what is heard, or the end is."""
        while (self._heard.count < heard or self._sound.count < played) and self._packets:
            rate, packet = self._packets.popleft()
            size = max(1, round(_PIECE_S * rate))
            if len(packet) > size:
                self._packets.appendleft((rate, packet[size:]))
            self._hear(packet[:size], rate)
        if not self._packets:
            self._packets_s = 0.0
            if self.is_closed:
                self.release()
        return self.is_closed or (self._heard.count >= heard and self._sound.count >= played)

    def release(self) -> None:
        """What filters hold back comes out: nothing follows, or not soon."""
        if self._to_sound is not None and self._to_heard is not None:
            self._sound.push(as_int16(self._to_sound.finish()))
            self._heard.push(self._to_heard.finish())
        self._to_sound = self._to_heard = None

    def take(self, played: int, heard: int) -> tuple[NDArray[np.int16], Wave]:
        """The next samples to be played, and to be heard; silence where there are none."""
        self.has(played, heard)
        sound, said = padded(self._sound.take(played), played), padded(self._heard.take(heard), heard)
        return sound.astype(np.int16), said.astype(np.float32)

    def peek(self, count: int) -> Wave:
        """What is heard next, up to so many samples; silence is known to follow where the end is."""
        self.has(0, count)
        ahead = self._heard.peek(count).astype(np.float32)
        return padded(ahead, count) if self.is_closed else ahead

    def _hear(self, packet: NDArray[np.int16], rate: int) -> None:
        if self._to_heard is not None and self._to_heard.source != rate:
            self.release()
        if self._to_sound is None or self._to_heard is None:
            self._to_sound, self._to_heard = StreamResampler(rate, self._rate), StreamResampler(rate, SAMPLE_RATE)
        self._packets_s -= len(packet) / rate
        wave = (packet / np.float32(32768)).astype(np.float32)
        self._sound.push(packet if rate == self._rate else as_int16(self._to_sound(wave)))
        self._heard.push(self._to_heard(wave))


def as_int16(wave: Wave) -> NDArray[np.int16]:
    """A wave in [-1, 1] as 16-bit samples."""
    return np.clip(np.rint(wave * 32768.0), -32768, 32767).astype(np.int16)


def padded(samples: NDArray, count: int) -> NDArray:
    """Samples with silence behind them, so many at least."""
    return samples if len(samples) >= count else np.pad(samples, (0, count - len(samples)))
