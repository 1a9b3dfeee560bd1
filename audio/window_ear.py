"""The embedded ear on a stream: the last second or two, and what is known to come, heard anew for each few frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facediff.audio.features import COLUMN_RATE, log_mel
from facediff.audio.running import RunningLoudness, RunningVoiceActivity
from facediff.audio.wave import SAMPLE_RATE
from facediff.audio.whisper import EmbeddedWhisper
from facediff.audio.windows import interpolate_states
from facediff.types import Wave

TICK = SAMPLE_RATE // 25  # samples to a frame of motion
_COLUMNS, _STATES = COLUMN_RATE // 25, 2  # to a tick


@dataclass(frozen=True)
class HeardTicks:
    """What is heard around the ticks that are due: those before, those due, those known to come.

    Attributes:
        features: (n, tokens × dim) what the encoder gives; no rows where nobody speaks all the time, so that nothing
            has to be computed.
        before: How many of the rows lie before the ticks that are due.
        due: How many ticks are due.
        activity: (due,) from 0, nobody speaks, to 1.
        mel: (80, m) log-mel, 100 columns a second, the first of them at ``mel_start`` columns before the first tick.
        mel_start: See ``mel``.
    """

    features: NDArray[np.float32]
    before: int
    due: int
    activity: NDArray[np.float32]
    mel: NDArray[np.float32]
    mel_start: int


class WindowEar:
    """Hears a stream in windows; what lies further back than ``past_s`` is forgotten, so memory stays flat.

    Directed in time as MagicVideo's attention (arXiv 2211.11018, section 3.3) is: a frame knows what came before it
    and the look-ahead, nothing else.

    Args:
        encoder: The embedded Whisper.
        past_s: Seconds before the ticks that are due; a multiple of 40 ms. Fit by: correlation of the lips' opening
            with the truth, and cost. Seen on: 24 training people, all the way to the motion. Range tried: 1.2, 2 and 3,
            which fall short of whole files by 0.042, 0.037 and 0.034, and cost 2 to 4 ms a frame more each;
            before, with more of a look-ahead, 0.8 and 1.2: by 0.041 and 0.033.
    """

    def __init__(self, encoder: EmbeddedWhisper, past_s: float = 2.0) -> None:
        self._encoder, self._past = encoder, round(past_s * 25) * TICK
        self._wave = np.zeros(self._past, np.float32)
        self._loudness, self._activity = RunningLoudness(), RunningVoiceActivity()
        self._ticks = np.zeros(2, np.float32)  # activity of the last ones, for what is smoothed
        self._quiet = self._past  # samples for which nobody has spoken

    def hear(self, said: Wave, ahead: Wave) -> HeardTicks:
        """What is heard of the ticks of ``said``.

        Args:
            said: What comes next, whole ticks of 640 samples.
            ahead: What is known to come after it, of any length; it comes again.
        """
        due = len(said) // TICK
        if due * TICK != len(said) or not due:
            raise ValueError(f"an ear hears whole ticks of {TICK} samples, not {len(said)}")
        self._loudness.push(said)
        gain = self._loudness.ahead(ahead).gain if len(ahead) else self._loudness.gain
        window = np.concatenate([self._wave, said, ahead])
        wave = np.clip(_centred(window) * np.float32(gain), -1, 1)
        mel = log_mel(wave)
        first = self._past // TICK * _COLUMNS
        raw = self._activity(mel[:, first:], due * _COLUMNS)
        activity = self._smooth(raw, due)
        self._quiet = self._quiet + len(said) if not raw.any() else 0
        self._wave = window[len(said) : len(said) + self._past]
        rows = np.zeros((0, self._encoder.tokens * self._encoder.dim), np.float32)
        if self._quiet <= self._past:
            rows = self._encode(wave)
        return HeardTicks(rows, self._past // TICK, due, activity, mel, first)

    def cut(self) -> None:
        """Forgets all that was said, since whoever speaks was interrupted; how loud they are it keeps.

        So what comes next, silence at first, is heard in no time.
        """
        self._wave = np.zeros(self._past, np.float32)
        self._activity.release()
        self._ticks = np.zeros(2, np.float32)
        self._quiet = self._past + 1

    def _encode(self, wave: Wave) -> NDArray[np.float32]:
        """(n, tokens × dim) of the ticks of a normalised wave."""
        states = self._encoder.hear_window(wave)
        count = -(-len(wave) // TICK)
        place = np.arange(self._encoder.tokens) - self._encoder.tokens // 2
        position = (np.arange(count)[:, None] * _STATES + place).clip(0, len(states) - 1).astype(np.float64)
        return interpolate_states(states, position).reshape(count, -1)

    def _smooth(self, columns: NDArray[np.float32], due: int) -> NDArray[np.float32]:
        """Activity (due,) of ticks, a little earlier and later than that of the columns (n,)."""
        whole = len(columns) // _COLUMNS
        ticks = columns[: whole * _COLUMNS].reshape(whole, _COLUMNS).max(axis=1)
        known = np.concatenate([self._ticks, ticks, np.repeat(ticks[-1:], 2)])
        kernel = np.array([0.054, 0.242, 0.408, 0.242, 0.054])
        kernel[:2] *= 0.5  # what is over counts less than what comes: mouths have to shut in time
        kernel /= kernel.sum()
        smooth = np.convolve(known, kernel[::-1], "valid")[:due] if len(known) >= 5 else ticks[:due]
        self._ticks = np.concatenate([self._ticks, ticks[:due]])[-2:]
        return smooth.astype(np.float32)


def _centred(wave: Wave) -> Wave:
    mean = wave.mean(dtype=np.float64)
    return wave if mean**2 <= max(0.01 * wave.var(dtype=np.float64), 1e-6) else (wave - mean).astype(np.float32)
