"""What each frame of a live stream says: sound that is waiting becomes frames, one after the other."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray

from facediff.audio.packets import read_packet
from facediff.audio.wave import SAMPLE_RATE
from facediff.audio.windows import exact_rate
from facediff.errors import AudioError
from facediff.live.speech import Speech, as_int16
from facediff.types import Wave

LOOK_AHEAD_S = 0.12  # of sound that is heard, from a frame's moment on, before it is shown; of every other one more
TOGETHER = 2  # frames that are heard, moved and painted at once: two cost little more than one
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
        self._speeches: deque[Speech] = deque()
        self._next = 0
        self._is_cut = False
        self.starved = 0  # frames that were silent in mid-speech because no sound had come

    @property
    def queued_s(self) -> float:
        """Seconds of sound that wait to be played."""
        return sum(speech.queued_s for speech in self._speeches)

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
            self.sample_rate = self.sample_rate or int(sample_rate)
            if not self._speeches or self._speeches[-1].is_closed:
                self._speeches.append(Speech(self.sample_rate))
            self._speeches[-1].push(as_int16(wave), int(sample_rate))
        if last_chunk:
            self.flush()

    def flush(self) -> None:
        """Says that what was pushed is a whole speech."""
        if self._speeches:
            self._speeches[-1].is_closed = True

    def interrupt(self, index: int) -> None:
        """Forgets all sound that waits, and all frames from ``index`` on that were planned."""
        self._speeches.clear()
        if index < self._next:
            self._next, self._is_cut = index, True

    def plan(self) -> Plan:
        """The next frame."""
        index, self._next = self._next, self._next + 1
        is_cut, self._is_cut = self._is_cut, False
        heard = self._edge(index + 1, SAMPLE_RATE) - self._edge(index, SAMPLE_RATE)
        speech = self._speeches[0] if self._speeches else None
        rate = self.sample_rate or SAMPLE_RATE
        played = self._edge(index + 1, rate) - self._edge(index, rate)
        if speech is None or not self._is_ready(speech, played, heard):
            return Plan(index, np.zeros(heard, np.float32), np.zeros(0, np.float32), is_cut=is_cut)
        since = None if speech.has_begun else speech.since
        speech.has_begun = True
        sound, said = speech.take(played, heard)
        ahead = speech.peek(round(LOOK_AHEAD_S * SAMPLE_RATE))
        ends = speech.is_over
        if ends:
            self._speeches.popleft()
        return Plan(index, said, ahead, sound, ends, is_cut, since)

    def _is_ready(self, speech: Speech, played: int, heard: int) -> bool:
        """Whether a speech can give a frame now."""
        reach = round(LOOK_AHEAD_S * SAMPLE_RATE)
        wanted = reach if not speech.has_begun else max(heard, reach // 2) if speech.is_starved else heard
        if speech.has(played, wanted):
            speech.is_starved = False
            return True
        speech.waited += 1
        if speech.waited >= _PATIENCE_S * self.fps and speech.queued_s:
            speech.release()
            return True
        speech.is_starved = speech.has_begun
        self.starved += speech.has_begun
        return False

    def _edge(self, index: int, rate: int) -> int:
        """The sample with which a frame begins."""
        return round(index * rate / self.fps)
