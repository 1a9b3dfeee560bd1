"""Where somebody speaks: so that mouths rest in silence."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label, maximum_filter1d, percentile_filter, uniform_filter1d

from facediff.audio.features import COLUMN_RATE

SPEECH_BANDS = slice(4, 60)  # about 200 Hz to 4 kHz
ABOVE_NOISE_DB = 7.5  # speech begins where it is this much over the noise, band by band,
STILL_ABOVE_DB = 5.5  # and goes on while it is this much over it
FAINT_DB = 38.0  # fainter than this under the loudest speech is not speech
_DB = 10 / np.log(10)
_NOISE_STEP, _NOISE_SPAN = COLUMN_RATE // 10, 100  # the floor is looked for every 100 ms, in ten seconds
_SURE_OF_NOISE = 3 * COLUMN_RATE  # in less than this a held vowel looks like noise
_CHUNK = 60 * COLUMN_RATE


def voice_activity(
    mel: NDArray[np.floating], *, hold_s: float = 0.12, ease_s: float = 0.06, faint_db: float = FAINT_DB
) -> NDArray[np.float32]:
    """How much each column is speech, (steps,) in [0, 1], eased in and out.

    A column is speech where its bands between 200 Hz and 4 kHz stand out of their noise floors (the faintest tenth of
    the surrounding ten seconds), with hysteresis, and its energy is not too far under the loudest speech. So steady
    noise and hum are not speech, however loud; music is.

    Args:
        mel: Log-mel of a loudness-normalised wave, (80, steps).
        hold_s: Gaps shorter than twice this stay speech.
        ease_s: How long the value takes to go from 0 to 1.
        faint_db: How far under the loudest speech nothing is speech any more, in decibels.
    """
    steps = mel.shape[1]
    if not steps:
        return np.zeros(0, np.float32)
    bands = mel[SPEECH_BANDS]
    energy = _mean_energy(bands)
    peak = np.percentile(energy, 98)
    if peak < -40:  # nothing but near-silence; normalised speech peaks far above
        return np.zeros(steps, np.float32)
    above = _above_noise(bands)
    audible = energy > peak - faint_db
    parts, _ = label((above > STILL_ABOVE_DB) & audible)
    begun = np.unique(parts[(above > ABOVE_NOISE_DB) & audible])
    loud = np.isin(parts, begun[begun > 0])
    hold = max(1, int(hold_s * COLUMN_RATE))
    held = maximum_filter1d(loud.astype(np.float32), 2 * hold + 1, mode="constant")
    held = -maximum_filter1d(-held, 2 * (hold - hold // 3) + 1, mode="nearest")  # close gaps, keep a little margin
    ease = max(1, int(ease_s * COLUMN_RATE))
    return uniform_filter1d(held, ease, mode="nearest").astype(np.float32)


def _mean_energy(bands: NDArray[np.floating]) -> NDArray[np.float64]:
    """Energy (steps,) in dB of all bands together, over 30 ms."""
    parts = np.array_split(bands, range(_CHUNK, bands.shape[1], _CHUNK), axis=1)  # flat memory
    energy = [_DB * np.log(np.exp(part.astype(np.float64)).mean(axis=0)) for part in parts]
    return uniform_filter1d(np.concatenate(energy), 3, mode="nearest")


def _above_noise(bands: NDArray[np.floating]) -> NDArray[np.float64]:
    """How many dB each column (steps,) is over the noise: the ratio of energies, in the mean of the bands."""
    steps = bands.shape[1]
    where = np.arange(0, steps, _NOISE_STEP)
    ratio = np.zeros(steps)
    for band in bands:
        power = uniform_filter1d(np.exp(band.astype(np.float64)), 5, mode="nearest")
        floor = percentile_filter(power[where], 10, size=min(_NOISE_SPAN, len(where)), mode="nearest")
        if steps < _SURE_OF_NOISE:
            floor = np.minimum(floor, np.percentile(power, 98) / 300)
        ratio += np.minimum(power / np.interp(np.arange(steps), where, floor), 1000)
    return _DB * np.log(ratio / len(bands))
