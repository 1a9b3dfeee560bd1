"""From speech to the motion of a face: the motion model as a diffusers pipeline."""

from __future__ import annotations

import numpy as np
import torch
from diffusers import DiffusionPipeline
from diffusers.guiders import BaseGuidance
from diffusers.schedulers.scheduling_utils import SchedulerMixin
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from torch import Tensor

from facediff.audio.features import SILENCE, log_mel
from facediff.audio.voice_activity import voice_activity
from facediff.audio.wave import normalise_loudness
from facediff.audio.windows import frame_count
from facediff.diffusion.guided import guided
from facediff.diffusion.sampler import denoise
from facediff.models.motion import MotionDenoiser
from facediff.motion import coefficients
from facediff.types import Wave

COLUMNS = 4  # log-mel columns to a motion frame
HEAD_GAIN = 2.2  # smoothed samples move less than the heads of the training clips; this gives them their spread
LIP_VARIETY = 0.3  # noise of the lips; the rest has 1. Lips follow the sound, heads do as they like
LIP_CERTAINTY = 0.5  # how much of the lips is the mean of what goes with the sound; the rest is a sample
CLOSED_FROM, CLOSED_AT = 0.2, 0.8  # probabilities of m, b or p between which lips go from as they are to closed
BLINKS_PER_MINUTE = 17.0
BLINK_SHAPE = np.array([0.35, 0.9, 1.0, 0.85, 0.55, 0.25, 0.08])  # closure at 25 frames a second


class MotionPipeline(DiffusionPipeline):
    """Lips, brows, gaze and head from sound; blinks from a clock of their own.

    Args:
        denoiser: The motion model.
        scheduler: Any diffusers scheduler made from the training schedule's config.
    """

    def __init__(self, denoiser: MotionDenoiser, scheduler: SchedulerMixin) -> None:
        super().__init__()
        self.register_modules(denoiser=denoiser, scheduler=scheduler)

    @torch.inference_mode()
    def __call__(
        self,
        wave: Wave,
        *,
        seed: int = 0,
        lips: float = 1.0,
        head: float = 1.0,
        still: bool = False,
        num_inference_steps: int = 8,
        guider: BaseGuidance | None = None,
        speaking_style: NDArray[np.floating] | None = None,
    ) -> NDArray[np.float32]:
        """The motion (T, 31) at 25 frames a second of somebody who says this, T = ceil(25 × seconds).

        Args:
            wave: Mono, 16 kHz.
            seed: Of heads, blinks and the variety of lips; equal seeds give equal motion.
            lips: Strength of what the lower face does.
            head: Strength of what the head does.
            still: Keep the head as it is; blinks stay.
            num_inference_steps: Network calls, over the whole speech at once.
            guider: Any guider of diffusers, whose negative condition is no sound; see
                ``facediff.diffusion.score_guider`` for one that composes the denoiser with a prior.
            speaking_style: (31,) how this person holds their lips beside what is usual; see
                ``facediff.motion.speaking_style``.
        """
        count = frame_count(len(wave), coefficients.MOTION_FPS)
        raw = log_mel(normalise_loudness(wave))
        mel = np.full((raw.shape[0], count * COLUMNS), SILENCE, np.float32)
        mel[:, : raw.shape[1]] = raw[:, : count * COLUMNS]
        generator = torch.Generator("cpu").manual_seed(seed)
        noise = torch.randn(1, count, coefficients.DIMENSIONS, generator=generator).transpose(1, 2)
        for part in (coefficients.LIPS, coefficients.OPENING):
            noise[:, part] *= LIP_VARIETY
        net = self.denoiser
        speech = net.encode_speech(torch.from_numpy(mel)[None].to(net.device, net.dtype))

        def predict(x: Tensor, t: Tensor, heard: Tensor) -> Tensor:
            return net(x, t[None], heard)

        unheard = net.drop_condition(speech, torch.zeros(1, dtype=torch.bool, device=speech.device))
        clean = denoise(
            (lambda x, t: predict(x, t, speech))
            if guider is None
            else guided(guider, predict, net, (speech, unheard), self.scheduler, num_inference_steps),
            noise.to(net.device, net.dtype),
            self.scheduler,
            num_inference_steps,
        )
        expected = net.expected(speech)
        for part in (coefficients.LIPS, coefficients.OPENING):
            clean[:, part] = LIP_CERTAINTY * expected[:, part] + (1 - LIP_CERTAINTY) * clean[:, part]
        motion = (clean * net.std + net.mean)[0].T.float().cpu().numpy()
        closing = net.closing(speech)[0].float().cpu().numpy()
        apart = 1 - np.clip((closing - CLOSED_FROM) / (CLOSED_AT - CLOSED_FROM), 0, 1)
        if speaking_style is not None:
            motion = motion + speaking_style
        speaking = _per_frame(voice_activity(raw), count) * apart
        return _finished(motion, speaking, seed, lips, 0.0 if still else head)


def _per_frame(activity: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Voice activity (T,) of motion frames: lips open a little before the sound and close a little after."""
    padded = np.pad(activity, (0, max(0, count * COLUMNS - len(activity))))[: count * COLUMNS]
    return gaussian_filter1d(padded.reshape(count, COLUMNS).max(axis=1), 1.0, mode="nearest")


def _finished(
    motion: NDArray[np.float32], speaking: NDArray[np.float32], seed: int, lips: float, head: float
) -> NDArray[np.float32]:
    """Strengths, closed lips where nobody speaks or an m, b or p is said, blinks, and a head without tremor."""
    out = motion.copy()
    out[:, coefficients.LIPS] *= (lips * speaking)[:, None]
    out[:, coefficients.OPENING] *= (lips * speaking)[:, None]
    for part, seconds in ((coefficients.ANGLES, 0.2), (coefficients.SHIFT, 0.25), (coefficients.BROWS, 0.1)):
        out[:, part] = gaussian_filter1d(out[:, part], seconds * coefficients.MOTION_FPS, axis=0, mode="nearest")
    out[:, coefficients.ANGLES] -= out[:, coefficients.ANGLES].mean(axis=0)
    out[:, coefficients.SHIFT] -= out[:, coefficients.SHIFT].mean(axis=0)
    _ease_in(out)
    out[:, coefficients.ANGLES] *= HEAD_GAIN * head
    out[:, coefficients.SHIFT] *= 0.6 * head
    out[:, coefficients.GAZE] *= 0.3
    out[:, coefficients.LIDS] = blinks(len(out), seed)[:, None]
    return out.astype(np.float32)


def _ease_in(motion: NDArray[np.float32], seconds: float = 0.8) -> None:
    """Start where the picture is, so that the first frame does not jump."""
    rows = min(len(motion), int(seconds * coefficients.MOTION_FPS))
    ramp = np.linspace(0, 1, rows, dtype=np.float32) ** 2
    for part in (coefficients.ANGLES, coefficients.SHIFT):
        motion[:rows, part] *= ramp[:, None]


def blinks(count: int, seed: int, per_minute: float = BLINKS_PER_MINUTE) -> NDArray[np.float32]:
    """Closure of the lids (T,) in [0, 1] at 25 frames a second.

    Pauses between blinks are drawn from a gamma distribution, as people's are: seldom very short, sometimes long.
    """
    rng = np.random.default_rng([seed, 0xB11])
    closure = np.zeros(count, np.float32)
    at = rng.uniform(0.8, 2.2) * coefficients.MOTION_FPS
    while at < count:
        start = int(at)
        stop = min(count, start + len(BLINK_SHAPE))
        closure[start:stop] = np.maximum(closure[start:stop], BLINK_SHAPE[: stop - start])
        at += max(0.6, rng.gamma(3.0, 60.0 / per_minute / 3.0)) * coefficients.MOTION_FPS
    return closure
