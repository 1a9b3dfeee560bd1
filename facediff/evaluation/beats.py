"""Whether the head moves with the rhythm of the speech."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from facediff.audio.wave import SAMPLE_RATE
from facediff.evaluation.faces import LEAST_FRAMES
from facediff.evaluation.registry import Best, Need, metric
from facediff.motion import coefficients
from facediff.motion.rig import encode_motion
from facediff.types import FaceTrack, Wave

if TYPE_CHECKING:
    from facediff.evaluation.cases import Case

SIGMA = 3.0  # frames of 25 a second by which a beat may miss
SMOOTH = 1.0  # frames over which speed is averaged, so that the tracker's noise makes no beats


def motion_beats(track: FaceTrack) -> NDArray[np.float64] | None:
    """When (B,), in seconds, the head turns least fast: minima of the speed of its angles; None for few frames."""
    rows = np.flatnonzero(track.seen)
    if len(rows) < 4 * LEAST_FRAMES:
        return None
    angles = encode_motion(track.points[rows])[:, coefficients.ANGLES]
    every = np.arange(rows[0], rows[-1] + 1)
    whole = np.stack([np.interp(every, rows, angle) for angle in angles.T], axis=1)
    speed = gaussian_filter1d(np.linalg.norm(np.diff(whole, axis=0), axis=1), SMOOTH)
    low = np.flatnonzero((speed[1:-1] < speed[:-2]) & (speed[1:-1] < speed[2:])) + 1
    return (rows[0] + low + 0.5) / track.fps


def speech_beats(wave: Wave) -> NDArray[np.float64]:
    """When (B,), in seconds, syllables begin: onsets of the sound's strength."""
    import librosa

    return np.asarray(librosa.onset.onset_detect(y=wave, sr=SAMPLE_RATE, units="time"), np.float64)


def beat_alignment(motion: NDArray[np.floating], speech: NDArray[np.floating]) -> float | None:
    """Mean over the motion's beats of exp(-t² / 2σ²), t to the nearest beat of the speech; None without beats."""
    if not len(motion) or not len(speech):
        return None
    apart = np.abs(motion[:, None] - speech).min(axis=1) * coefficients.MOTION_FPS
    return float(np.exp(-np.square(apart) / (2 * SIGMA**2)).mean())


@metric("beat_align", best=Best.TRUE, needs=Need.SPEECH)
def _beats(case: Case) -> float | None:
    """Whether the head comes to rest where syllables begin.

    Formula: mean over minima of the head's angular speed of exp(-min |t - t_b|² / 2σ²), σ = 3 frames of 1/25 s, t_b
    onsets of the sound by librosa
    Source: Siyao et al., "Bailando" (CVPR 2022), as SadTalker (CVPR 2023) uses it for heads
    Range: 0 to 1; beats at random reach 0.5 to 0.7, so compare with the truth's
    """
    beats = motion_beats(case.track)
    return None if beats is None or case.wave is None else beat_alignment(beats, speech_beats(case.wave))
