"""Whether lips and speech belong together, and by how much they are apart."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from facediff.audio.encoder import encode_frames, load_encoder
from facediff.audio.wave import load_wave
from facediff.errors import InputError
from facediff.landmarks.tracker import track_face
from facediff.media import VideoReader
from facediff.models.checkpoints import open_network
from facediff.models.motion import MotionDenoiser
from facediff.models.sync import SyncNet
from facediff.motion import coefficients
from facediff.motion.rig import encode_motion
from facediff.types import FaceTrack, Wave

REACH = 15  # frames of 25 a second by which sound may be early or late
LEAST_FRAMES = 3 * SyncNet.RADIUS


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
        found = np.flatnonzero(track.usable)
        if len(found) < LEAST_FRAMES:
            raise InputError(f"a face is seen in {len(found)} frames; sync needs {LEAST_FRAMES} at least")
        at = np.arange(int(len(track) / track.fps * coefficients.MOTION_FPS)) / coefficients.MOTION_FPS
        own = encode_motion(track.points)
        motion = np.stack([np.interp(at, found / track.fps, own[found, k]) for k in range(own.shape[1])], axis=1)
        return self.motion(motion.astype(np.float32), wave)

    @torch.inference_mode()
    def motion(self, motion: NDArray[np.float32], wave: Wave) -> SyncScore:
        """Scores a motion (T, 31) at 25 frames a second against a wave at 16 kHz."""
        heard = torch.from_numpy(encode_frames(self._encoder, wave, coefficients.MOTION_FPS, len(motion)))
        speech = self._net.embed_speech(self._motion.encode_speech(heard[None]))[0]
        lips = self._net.embed_lips(torch.from_numpy(coefficients.lip_channels(motion))[None])[0]
        curve = offset_curve(lips.numpy(), speech.numpy())
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
