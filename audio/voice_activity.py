"""Where somebody speaks: so that mouths rest in silence."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, percentile_filter, uniform_filter1d

from facediff.audio.features import COLUMN_RATE

SPEECH_BANDS = slice(4, 60)  # about 200 Hz to 4 kHz
ABOVE_NOISE_DB = 9.0
UNDER_PEAK_DB = 38.0  # fainter than this under the loudest speech is not speech
_DB = 10 / np.log(10)


def voice_activity(mel: NDArray[np.floating], *, hold_s: float = 0.12, ease_s: float = 0.06) -> NDArray[np.float32]:
    """How much each column is speech, (steps,) in [0, 1], eased in and out.

    A column is speech where its energy between 200 Hz and 4 kHz stands out of the noise floor (the faintest tenth of
    the surrounding ten seconds) and is not too far under the loudest speech.

    Args:
        mel: Log-mel of a loudness-normalised wave, (80, steps).
        hold_s: Gaps shorter than twice this stay speech.
        ease_s: How long the value takes to go from 0 to 1.
    """
    steps = mel.shape[1]
    if not steps:
        return np.zeros(0, np.float32)
    energy = _DB * np.log(np.exp(mel[SPEECH_BANDS].astype(np.float64)).mean(axis=0))
    energy = uniform_filter1d(energy, 3, mode="nearest")
    peak = np.percentile(energy, 98)
    if peak < -40:  # nothing but near-silence; normalised speech peaks far above
        return np.zeros(steps, np.float32)
    span = min(10 * COLUMN_RATE, max(steps, 1))
    floor = np.minimum(percentile_filter(energy, 10, size=span, mode="nearest"), peak - 25)
    loud = (energy > floor + ABOVE_NOISE_DB) & (energy > peak - UNDER_PEAK_DB)
    hold = max(1, int(hold_s * COLUMN_RATE))
    held = maximum_filter1d(loud.astype(np.float32), 2 * hold + 1, mode="constant")
    held = -maximum_filter1d(-held, 2 * (hold - hold // 3) + 1, mode="nearest")  # close gaps, keep a little margin
    ease = max(1, int(ease_s * COLUMN_RATE))
    return uniform_filter1d(held, ease, mode="nearest").astype(np.float32)
