"""Lips, measured: whether they open as the truth's do, when the sound is loud, and not when it is silent."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import minimum_filter1d, uniform_filter1d

from facediff.audio.wave import SAMPLE_RATE
from facediff.evaluation.faces import LEAST_FRAMES, eye_distance
from facediff.evaluation.registry import Best, Need, metric
from facediff.motion.coefficients import lip_opening
from facediff.types import FaceTrack, Wave

if TYPE_CHECKING:
    from facediff.evaluation.cases import Case

REACH_S = 0.4  # by which lips may be early or late
SPAN_DB = 40.0  # from silent to loud
QUIET, LOUD = 0.25, 0.6  # of that span
LEAST_SECONDS = 0.5  # of sound that can be compared with lips


class LoudnessSync(NamedTuple):
    """How lips follow the loudness of the speech.

    Attributes:
        correlation: Pearson's, of opening and loudness at the best lag; people who speak reach 0.3 to 0.6. None where
            either does not vary.
        lag_ms: That lag; positive is lips late, 0 is best.
    """

    correlation: float | None
    lag_ms: float


def aperture(track: FaceTrack) -> NDArray[np.float64]:
    """How far the lips are apart (T,), in eye distances, measured in 3D; NaN where no face is found.

    The mean of three gaps between the inner lips: in the middle and on either side.
    """
    return np.where(track.seen, lip_opening(track.points) / eye_distance(track.points), np.nan)


def aperture_correlation(made: FaceTrack, truth: FaceTrack) -> float | None:
    """Pearson correlation of two faces' lips, frame by frame; None where fewer than five frames show both, or rest."""
    count = min(len(made), len(truth))
    return correlation(aperture(made)[:count], aperture(truth)[:count])


def correlation(one: NDArray[np.floating], other: NDArray[np.floating]) -> float | None:
    """Pearson's of two series (T,), over what is finite in both; None for fewer than five or where one is constant."""
    known = np.isfinite(one) & np.isfinite(other)
    if known.sum() < LEAST_FRAMES or min(one[known].std(), other[known].std()) < 1e-8:
        return None
    return float(np.corrcoef(one[known], other[known])[0, 1])


def loudness(wave: Wave, frames: int, fps: float) -> NDArray[np.float64]:
    """How loud a wave at 16 kHz is during each frame (T,), from 0, silent, to 1, loud.

    The level (RMS) of a frame's samples in decibels, from 40 dB below the clip's loud moments (its 95th percentile) up
    to them. Beyond the end of the wave there is silence.
    """
    edges = (np.arange(frames + 1) * (SAMPLE_RATE / fps)).astype(int)
    power = np.array([np.mean(np.square(part, dtype=np.float64)) if len(part) else 0.0
                      for part in (wave[a:b] for a, b in zip(edges[:-1], edges[1:], strict=True))])  # fmt: skip
    level = 20 * np.log10(np.sqrt(power + 1e-12) + 1e-6)
    return np.clip((level - np.percentile(level, 95)) / SPAN_DB + 1, 0, 1)


def loudness_sync(track: FaceTrack, wave: Wave) -> LoudnessSync | None:
    """How the lips of a track follow the loudness of a wave at 16 kHz; None for less than half a second of sound.

    Both are averaged over three frames; the lag is the one, up to 0.4 s either way, at which they correlate best. It is
    a coarse measure, which needs no network: vowels are loud and open. ``facediff.evaluation.sync`` is the fine one.
    """
    if len(wave) <= LEAST_SECONDS * SAMPLE_RATE:
        return None
    lips = aperture(track)
    lips = np.where(np.isnan(lips), np.nanmean(lips) if track.seen.any() else 0.0, lips)
    lips, loud = (uniform_filter1d(s, 3, mode="nearest") for s in (lips, loudness(wave, len(track), track.fps)))
    reach = min(round(REACH_S * track.fps), len(lips) - 1)
    best, lag = None, 0
    for late in range(-reach, reach + 1):
        end = len(lips) - abs(late)
        fit = correlation(lips[max(late, 0) :][:end], loud[max(-late, 0) :][:end])
        if fit is not None and (best is None or fit > best):
            best, lag = fit, late
    return LoudnessSync(best, 1000 * lag / track.fps)


def silence_ratio(track: FaceTrack, wave: Wave) -> float | None:
    """How much lips move in silence, over how much they move in speech; 0 is best.

    Standard deviations of the opening, over frames that are quiet together with two on either side, and over loud ones.
    None where there are fewer than five of either.
    """
    if len(wave) <= LEAST_SECONDS * SAMPLE_RATE:
        return None
    loud, lips = loudness(wave, len(track), track.fps), aperture(track)
    quiet = minimum_filter1d((loud < QUIET).astype(int), 5, mode="constant", cval=0) > 0
    silent, spoken = (lips[part & track.seen] for part in (quiet, loud > LOUD))
    if min(len(silent), len(spoken)) < LEAST_FRAMES:
        return None
    return float(silent.std() / (spoken.std() + 1e-9))


def _sync(case: Case) -> LoudnessSync | None:
    return None if case.wave is None else loudness_sync(case.track, case.wave)


@metric("sync_corr", best=Best.TRUE, needs=Need.SPEECH)
def _sync_corr(case: Case) -> float | None:
    """Correlation of the lips' opening with the loudness of the speech, at the best lag.

    Formula: Pearson's r of opening and level in dB, both averaged over three frames, largest over lags up to 0.4 s
    Source: facediff; coarse, and without a network
    Range: -1 to 1; people who speak reach 0.3 to 0.6
    """
    found = case.once(_sync)
    return found and found.correlation


@metric("sync_lag_ms", best=Best.ZERO, needs=Need.SPEECH)
def _sync_lag(case: Case) -> float | None:
    """That lag, in milliseconds; positive is lips late.

    Formula: the lag at which sync_corr is largest
    Source: facediff
    Range: -400 to 400; 0 is best
    """
    found = case.once(_sync)
    return found and found.lag_ms


@metric("silence_ratio", best=Best.LOW, needs=Need.SPEECH)
def _silence(case: Case) -> float | None:
    """Motion of the lips in silence over that in speech.

    Formula: standard deviation of the opening over quiet frames / over loud ones
    Source: facediff
    Range: 0 and more; 0 is best, real speakers show 0.2 to 0.8
    """
    return None if case.wave is None else silence_ratio(case.track, case.wave)


@metric("aperture_corr", best=Best.HIGH, needs=Need.TRUTH)
def _aperture(case: Case) -> float | None:
    """Correlation of the lips' opening with the truth's, frame by frame.

    Formula: Pearson's r of the mean gap of three pairs of inner lip points, over the eye distance
    Source: facediff
    Range: -1 to 1
    """
    return aperture_correlation(case.track, case.against().track)
