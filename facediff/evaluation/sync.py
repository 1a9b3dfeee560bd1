"""Whether lips and speech belong together, and by how much they are apart."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from facediff.audio.encoder import encode_frames, load_encoder
from facediff.audio.wave import load_wave
from facediff.errors import InputError
from facediff.evaluation.feature_cache import content_hash
from facediff.evaluation.registry import Best, Curve, Need, metric
from facediff.landmarks.tracker import track_face
from facediff.media import VideoReader
from facediff.models.checkpoints import open_network
from facediff.models.motion import MotionDenoiser
from facediff.models.sync import SyncNet
from facediff.motion import coefficients
from facediff.motion.rig import encode_motion
from facediff.types import FaceTrack, Wave

if TYPE_CHECKING:
    from facediff.evaluation.cases import Case

REACH = 15  # frames of 25 a second by which sound may be early or late
LEAST_FRAMES = 3 * SyncNet.RADIUS
LEAST_FIT = 0.1  # of a best offset: below it, lips and sound are strangers


@dataclass(frozen=True)
class SyncScore:
    """How well lips fit the sound.

    Attributes:
        offset: Frames of 1/25 s by which the lips come after the sound; 0 is right.
        confidence: Similarity at that offset over the median of all offsets, 0 to 2; the lips of a clip of a few
            seconds that fit reach 0.2 or more.
        curve: (31,) mean cosine of lips and sound at offsets -15 to 15.
    """

    offset: int
    confidence: float
    curve: NDArray[np.float32]


class SyncScorer:
    """Scores videos, tracks or motions against sound; holds the networks.

    Args:
        model: ``base``, or a folder with ``sync`` and ``motion`` in it.

    Raises:
        WeightsError: A part is missing or damaged.
    """

    def __init__(self, model: str | Path = "base") -> None:
        self._net = open_network(SyncNet, model, "sync")
        self._motion = open_network(MotionDenoiser, model, "motion/denoiser")
        config = self._motion.config
        self._encoder = load_encoder(config["audio_encoder"], tokens=config["audio_tokens"], device="cpu")

    def video(self, path: str | Path, sound: str | Path | None = None) -> SyncScore:
        """Scores a file with its own sound, or with another's.

        Raises:
            MediaError, NoFaceFound, AudioError: It cannot be read, or shows or says nothing.
        """
        reader = VideoReader(path)
        return self.track(track_face(reader, float(reader.info.fps)), load_wave(path if sound is None else sound))

    def track(self, track: FaceTrack, wave: Wave) -> SyncScore:
        """Scores a face track against a wave at 16 kHz."""
        return self._score(*self.embed_track(track, wave))

    def motion(self, motion: NDArray[np.float32], wave: Wave) -> SyncScore:
        """Scores a motion (T, 31) at 25 frames a second against a wave at 16 kHz."""
        return self._score(*self.embed(motion, wave))

    def embed_track(self, track: FaceTrack, wave: Wave) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """What ``embed`` gives for the motion of a face track.

        Raises:
            InputError: It is seen in too few frames.
        """
        found = np.flatnonzero(track.usable)
        if len(found) < LEAST_FRAMES:
            raise InputError(f"a face is seen in {len(found)} frames; sync needs {LEAST_FRAMES} at least")
        at = np.arange(int(len(track) / track.fps * coefficients.MOTION_FPS)) / coefficients.MOTION_FPS
        own = encode_motion(track.points[found])
        motion = np.stack([np.interp(at, found / track.fps, channel) for channel in own.T], axis=1)
        return self.embed(motion.astype(np.float32), wave)

    @torch.inference_mode()
    def embed(self, motion: NDArray[np.float32], wave: Wave) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Unit vectors (dim, T) of the lips and of the speech, of a motion (T, 31) and a wave at 16 kHz."""
        heard = torch.from_numpy(encode_frames(self._encoder, wave, coefficients.MOTION_FPS, len(motion)))
        speech = self._net.embed_speech(self._motion.encode_speech(heard[None]))[0]
        lips = self._net.embed_lips(torch.from_numpy(coefficients.lip_channels(motion))[None])[0]
        return lips.numpy(), speech.numpy()

    @staticmethod
    def _score(lips: NDArray[np.float32], speech: NDArray[np.float32]) -> SyncScore:
        curve = offset_curve(lips, speech)
        best = int(curve.argmax())
        return SyncScore(best - REACH, float(curve[best] - np.median(curve)), curve)


def offset_curve(lips: NDArray[np.floating], speech: NDArray[np.floating], reach: int = REACH) -> NDArray[np.float32]:
    """Mean cosine (2 reach + 1,) of unit vectors (dim, T), lips ``d`` frames after sound, d from -reach to reach."""
    frames = lips.shape[1]
    reach_here = min(reach, frames - 1)
    curve = np.full(2 * reach + 1, -1.0, np.float32)
    for offset in range(-reach_here, reach_here + 1):
        late = lips[:, max(offset, 0) : frames + min(offset, 0)]
        heard = speech[:, max(-offset, 0) : frames - max(offset, 0)]
        curve[offset + reach] = (late * heard).sum(axis=0).mean()
    return curve


def peak_offset(curve: NDArray[np.floating]) -> float:
    """Where a curve of offsets -reach to reach has its top, between its points by a parabola through three of them."""
    best, reach = int(curve.argmax()), len(curve) // 2
    if not 0 < best < len(curve) - 1:
        return float(best - reach)
    before, top, after = (float(value) for value in curve[best - 1 : best + 2])
    bend = before - 2 * top + after
    return best - reach + (0.5 * (before - after) / bend if bend < 0 else 0.0)


def offset_distances(
    lips: NDArray[np.floating], speech: NDArray[np.floating], reach: int = REACH
) -> NDArray[np.float64]:
    """Mean distance (2 reach + 1,) of vectors (dim, T), lips ``d`` frames after sound, d from -reach to reach.

    As SyncNet's own code has it: beyond its ends the sound is the zero vector, so that all frames count at all offsets.
    """
    frames = lips.shape[1]
    wide = np.pad(speech, ((0, 0), (reach, reach)))
    shifted = (wide[:, reach - d : reach - d + frames] for d in range(-reach, reach + 1))
    return np.array([np.linalg.norm(lips - heard, axis=0).mean() for heard in shifted], np.float64)


@lru_cache(maxsize=1)
def _scorer(model: str | Path) -> SyncScorer:
    return SyncScorer(model)


def _embedded(case: Case) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Unit vectors (dim, T) of a case's lips and speech."""
    heard = content_hash(case.item.speech or case.item.made)

    def find() -> dict[str, NDArray]:
        assert case.wave is not None
        return dict(zip(("lips", "speech"), _scorer(case.kit.model).embed_track(case.track, case.wave), strict=True))

    kept = case.arrays(f"sync {case.kit.model} {heard}", find)
    return kept["lips"], kept["speech"]


def _lse(case: Case) -> NDArray[np.float64]:
    return offset_distances(*case.once(_embedded))


@metric("sync_facediff", best=Best.HIGH, needs=Need.SPEECH)
def _sync(case: Case) -> Curve:
    """How well the lips fit the sound as it lies, by our sync network; unlike LSE-C it falls when sound is moved.

    Formula: mean cosine of lips and speech at offset 0, less the median of those at -15 to 15 frames of 1/25 s
    Source: facediff; networks after Chung and Zisserman (ACCV 2016), lips as landmarks, speech as Whisper hears it
    Range: -1 to 2; clips of a few seconds that fit reach 0.2 or more, others are about 0
    """
    lips, speech = case.once(_embedded)
    curve, fit = offset_curve(lips, speech), (lips * speech).sum(axis=0)
    at = np.minimum((np.arange(len(case.track)) / case.fps * coefficients.MOTION_FPS).round().astype(int), len(fit) - 1)
    return Curve(float(curve[REACH] - np.median(curve)), fit[at].astype(np.float64))


@metric("sync_timing_facediff", best=Best.ONE, needs=Need.SPEECH)
def _timing(case: Case) -> float | None:
    """Whether the lips come when the sound does, whatever both are like, by our sync network.

    Formula: sync_facediff over what it is at its best offset; None where that is below 0.1, so that nothing fits
    Source: facediff; the score for films of other codecs: they move sync_facediff, and this one hardly
    Range: up to 1, where no other offset fits better; a frame of delay costs about 0.1, five cost all
    """
    curve = offset_curve(*case.once(_embedded))
    best = curve.max() - np.median(curve)
    return float((curve[REACH] - np.median(curve)) / best) if best >= LEAST_FIT else None


@metric("sync_offset", best=Best.ZERO, needs=Need.SPEECH)
def _offset(case: Case) -> float:
    """By how many frames of 1/25 s the lips come after the sound, by our sync network.

    Formula: the top of the parabola through the mean cosines of lips and speech at the best of the offsets -15 to 15
    and at its neighbours
    Source: as sync_facediff
    Range: -15 to 15; 0 is best, beyond 3 either way the lips are hardly those of the sound
    """
    return peak_offset(offset_curve(*case.once(_embedded)))


@metric("lse_c_facediff", best=Best.HIGH, needs=Need.SPEECH)
def _lse_c(case: Case) -> float:
    """LSE-C by our sync network: how much nearer lips and sound are at their best offset than at most.

    Formula: median over offsets of the mean distance, less its minimum, of unit vectors; offsets -15 to 15
    Source: Prajwal et al., "A Lip Sync Expert Is All You Need" (ACM MM 2020), with an embedded network
    Range: 0 to 2, not the scale of LSE-C; as LSE-C it hardly falls when sound is moved, see sync_facediff
    """
    distances = case.once(_lse)
    return float(np.median(distances) - distances.min())


@metric("lse_d_facediff", best=Best.LOW, needs=Need.SPEECH)
def _lse_d(case: Case) -> float:
    """LSE-D by our sync network: how near lips and sound are at their best offset.

    Formula: minimum over offsets of the mean distance of unit vectors
    Source: as lse_c_facediff
    Range: 0 to 2, not the scale of LSE-D
    """
    return float(case.once(_lse).min())


def _syncnet(case: Case) -> NDArray[np.float64]:
    from facediff.evaluation.networks.syncnet import Expert

    heard = content_hash(case.item.speech or case.item.made)
    expert = case.kit.network("syncnet", Expert)

    def find() -> dict[str, NDArray]:
        assert case.wave is not None
        return dict(zip(("lips", "speech"), expert.embed(case.item.made, case.track, case.wave), strict=True))

    kept = case.arrays(f"syncnet {heard}", find)
    return offset_distances(kept["lips"], kept["speech"])


@metric("lse_c", best=Best.HIGH, needs=Need.SPEECH, weights="syncnet")
def _lse_c_published(case: Case) -> float:
    """LSE-C, also Sync-C: SyncNet's confidence.

    Formula: median over offsets of the mean distance, less its minimum, of vectors of 1024; offsets -15 to 15
    Source: Prajwal et al. (ACM MM 2020), weights of Chung and Zisserman (ACCV 2016); faces are cut by our landmarks,
    where published figures have S3FD's boxes
    Range: 0 and more; real films show 6 to 8
    """
    distances = case.once(_syncnet)
    return float(np.median(distances) - distances.min())


@metric("lse_d", best=Best.LOW, needs=Need.SPEECH, weights="syncnet")
def _lse_d_published(case: Case) -> float:
    """LSE-D, also Sync-D: SyncNet's distance.

    Formula: minimum over offsets of the mean distance of vectors of 1024
    Source: as lse_c
    Range: 0 and more; real films show 7 to 8
    """
    return float(case.once(_syncnet).min())
