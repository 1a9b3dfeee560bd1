"""Loudness and voice activity of sound that is still coming in: what is known by now, and never taken back.

The whole-file counterparts are ``facediff.audio.wave.normalise_loudness`` and ``facediff.audio.voice_activity``; the
thresholds are theirs. What they learn of the whole is learnt here of what was heard so far.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facediff.audio.features import COLUMN_RATE, FLOOR
from facediff.audio.voice_activity import ABOVE_NOISE_DB, SPEECH_BANDS, STILL_ABOVE_DB
from facediff.audio.wave import SAMPLE_RATE
from facediff.types import Wave

_BLOCK = SAMPLE_RATE // 50
_LEARNT = 10.0  # blocks after which a level is that of what was heard alone
_DB = 10 / np.log(10)


class RunningLoudness:
    """The gain that brings speech to a level, from what was heard of it so far.

    A level that is usual of speech counts for a fifth of a second, so that a faint first sound is not blown up; what
    was said more than some ten seconds ago is forgotten, in seconds of speech, so that a pause changes nothing.
    """

    def __init__(self, target_db: float = -23.0, usual_db: float = -22.0, memory_s: float = 10.0) -> None:
        self._target, self._usual = target_db, 10 ** (usual_db / 10)
        self._weight = self._sum = 0.0
        self._keep = 1 - 1 / (memory_s * 50)

    @property
    def gain(self) -> float:
        """What a sample is multiplied with."""
        unknown = max(0.0, _LEARNT - self._weight)
        power = (self._sum + unknown * self._usual) / (self._weight + unknown)
        return float(10 ** (self._target / 20) / np.sqrt(power))

    def push(self, wave: Wave) -> None:
        """Hear what comes next; whole blocks of 20 ms count."""
        whole = wave[: len(wave) // _BLOCK * _BLOCK].reshape(-1, _BLOCK).astype(np.float64)
        for power in (whole**2).mean(axis=1) if len(whole) else ():
            if power > max(1e-6, self._sum / max(self._weight, 1) / 100):
                self._sum, self._weight = self._sum * self._keep + power, self._weight * self._keep + 1

    def ahead(self, wave: Wave) -> RunningLoudness:
        """As it will be after what is known to come; this one stays as it is."""
        other = copy(self)
        other.push(wave)
        return other


@dataclass(frozen=True, kw_only=True)
class ActivityStyle:
    """How a running voice activity behaves in time.

    Attributes:
        hold_s: How long it lasts behind the last loud moment; with ``fall_s`` it is what a mouth takes to shut.
        gap_s: Gaps shorter than this stay speech where their end is known already.
        lead_s: How long before a loud moment it begins.
        fall_s: How long the value takes to go from 1 to 0.
        faint_db: How far under the loudest speech nothing is speech any more, as a portrait's in whole files.
    """

    hold_s: float = 0.06
    gap_s: float = 0.16
    lead_s: float = 0.04
    fall_s: float = 0.06
    faint_db: float = 30.0


class RunningVoiceActivity:
    """Where somebody speaks, column by column: a ``voice_activity`` that does not know the end.

    The noise floor is the faintest tenth of the ten seconds before, and the peak fades by half a decibel a second.
    """

    _SPAN, _STEP, _SURE = 100, 10, 3 * COLUMN_RATE  # steps of the floor's memory; columns to a step; as whole files

    def __init__(self, style: ActivityStyle | None = None) -> None:
        self._style = style or ActivityStyle()
        self._powers: list[NDArray[np.float64]] = []
        self._floor: NDArray[np.float64] | None = None
        self._loudest = np.zeros(1)
        self._peak, self._seen = -np.inf, 0
        self._is_on, self._since = False, 10**6

    def __call__(self, mel: NDArray[np.floating], settled: int) -> NDArray[np.float32]:
        """How much each column is speech, (n,) in [0, 1].

        Args:
            mel: Log-mel (80, n) of a normalised wave: the next columns, and behind them what is known to come, which
                comes again with the next call.
            settled: How many of them come now.
        """
        if not settled:
            return np.zeros(0, np.float32)
        bands = np.exp(mel[SPEECH_BANDS].astype(np.float64)).T  # (n, bands)
        self._learn(bands[:settled])
        above, energy = self._measure(bands)
        audible = (energy > self._peak - self._style.faint_db) & (self._peak > -40)
        still, begun = (above > STILL_ABOVE_DB) & audible, (above > ABOVE_NOISE_DB) & audible
        loud = np.zeros(len(bands), bool)
        on = self._is_on
        for k in range(len(bands)):
            on = bool((on and still[k]) or begun[k])
            loud[k] = on
        for k in range(len(bands) - 2, -1, -1):
            loud[k] |= bool(still[k] and loud[k + 1])
        held, since = self._hold(loud)
        self._is_on = bool(loud[settled - 1])
        self._since = int(since[settled - 1])
        return held

    def release(self) -> None:
        """What was said is over, whatever was heard of it."""
        self._is_on, self._since = False, 10**6

    def _hold(self, loud: NDArray[np.bool_]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Activity (n,) and how many columns ago it was loud (n,)."""
        style, count = self._style, len(loud)
        hold, gap, lead, fall = (
            round(seconds * COLUMN_RATE) for seconds in (style.hold_s, style.gap_s, style.lead_s, style.fall_s)
        )
        since, until = np.zeros(count, np.int64), np.full(count, 10**6)
        last = self._since
        for k in range(count):
            last = 0 if loud[k] else last + 1
            since[k] = last
        following = 10**6
        for k in range(count - 1, -1, -1):
            following = 0 if loud[k] else following + 1
            until[k] = following
        falling = np.clip((hold + fall - since) / max(1, fall), 0, 1)
        full = (until <= lead) | (since + until <= gap)
        return np.where(full, 1.0, falling).astype(np.float32), since

    def _learn(self, bands: NDArray[np.float64]) -> None:
        for k in range(len(bands)):
            if (self._seen + k) % self._STEP == 0:
                around = bands[max(0, k - 2) : k + 3].mean(axis=0)
                self._powers = [*self._powers[1 - self._SPAN :], around]
                self._floor = None
        self._seen += len(bands)
        energy = _DB * np.log(np.maximum(bands.mean(axis=1), 1e-12))
        self._peak = max(self._peak - 0.5 * len(bands) / COLUMN_RATE, float(energy.max()))
        self._loudest = np.maximum(self._loudest, bands.max(axis=0))
        if self._floor is None:
            self._floor = np.percentile(np.stack(self._powers), 10, axis=0)

    def _measure(self, bands: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """How many dB each column is over the noise, and its energy in dB."""
        assert self._floor is not None
        floor = self._floor if self._seen >= self._SURE else np.minimum(self._floor, self._loudest / 300)
        smooth = np.stack([bands[max(0, k - 2) : k + 3].mean(axis=0) for k in range(len(bands))])
        ratio = np.minimum(smooth / np.maximum(floor, FLOOR), 1000).mean(axis=1)
        return _DB * np.log(ratio), _DB * np.log(np.maximum(bands.mean(axis=1), 1e-12))
