"""How somebody holds their lips while they speak, beside what is usual: learnt from a video of them with its sound."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facediff.motion import coefficients

MOVING = 0.02  # opening expected, in eye distances, from which a frame is one of speech
AGREED = 0.2  # correlation of the lips' opening with what is expected, from which the sound is theirs
DOUBT_S = 4.0  # seconds of speech that count as much as the guess that nothing is unusual


def fit_speaking_style(own: NDArray[np.floating], expected: NDArray[np.floating], fps: float) -> NDArray[np.float32]:
    """What to add to a motion (31,) that is expected of anybody, so that it is this person's: 0 but for the lips.

    Args:
        own: (T, 31) motion of the person while their own sound is heard; rows of NaN are ignored.
        expected: (T, 31) what a motion model expects of that sound.
        fps: Frames a second of both.

    Returns:
        The mean difference in frames of speech, and the less of it the fewer there are. Nothing where the lips do not
        go with the sound, as it is then somebody else's.
    """
    added = np.zeros(coefficients.DIMENSIONS, np.float32)
    spoken = np.isfinite(own).all(axis=1) & (np.abs(expected[:, coefficients.OPENING][:, 0]) > MOVING)
    if spoken.sum() < 10:
        return added
    theirs, usual = own[spoken], expected[spoken]
    openings = np.stack([one[:, coefficients.OPENING][:, 0] for one in (theirs, usual)])
    if (openings.std(axis=1) < 1e-6).any() or np.corrcoef(openings)[0, 1] < AGREED:
        return added
    share = spoken.sum() / (spoken.sum() + DOUBT_S * fps)
    for part in (coefficients.LIPS, coefficients.OPENING):
        added[part] = share * (theirs[:, part] - usual[:, part]).mean(axis=0)
    return added
