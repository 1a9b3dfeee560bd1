"""Fills in what is not given of a motion: heads beside lips, what comes next, what lies between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facediff.audio.encoder import AudioEncoder
from facediff.diffusion.ddim import DDIM
from facediff.diffusion.noise_priors import check_prior, frame_noise
from facediff.diffusion.reconstruction import perturb_condition
from facediff.diffusion.sampler import denoise
from facediff.errors import ConfigError
from facediff.models.masked_motion import MaskedMotionDenoiserNetwork, MotionContext
from facediff.models.placement import move_to
from facediff.motion import coefficients
from facediff.motion.joining import join_known
from facediff.motion.keyframes import KeyedMotion
from facediff.motion.manner import steady
from facediff.motion.stress import stress_head
from facediff.system.threads import one_thread

if TYPE_CHECKING:
    from diffusers.schedulers.scheduling_utils import SchedulerMixin

FREE = slice(coefficients.BROWS.start, coefficients.SHIFT.stop)  # what is not the mouth


@dataclass(frozen=True, kw_only=True)
class FillStyle:
    """How a motion is filled in.

    Attributes:
        steps: Network calls, over the whole motion at once.
        manner: (4,) how lively a head is, in the deviations of people from their mean, which is the default; None for
            what the given parts and the sound let expect. See ``facediff.motion.manner``.
        noise_level: Noise variance that is put on given frames, so that errors do not build up (LVDM); given channels
            are met exactly nevertheless, where that is 0.
        stress: How much quick turns of a head go with its lips; see ``facediff.motion.stress``.
    """

    steps: int = 16
    manner: tuple[float, ...] | None = (0.0, 0.0, 0.0, 0.0)
    noise_level: float = 0.0
    stress: float = 0.0


# People who speak to a camera go further and faster than the mean of those who were learnt from, who also sit and
# listen. It is more than they are measured to have, as sampling takes of it. Fit by: spread, pace and spectrum of
# angles and places in the geometric mean, and how the head's speed goes with that of the lips. Seen on: 19 people who
# were not trained on (``benchmarks/heads.py``). Range tried: manner 0 to 1.1 each, stress 0 to 0.8.
SPOKEN = FillStyle(manner=(0.8, 0.7, 0.6, 0.6), stress=0.4)
_RESIDUE = 0.5  # of the smoothing of what is learnt from: what is sampled of it trembles less than what is tracked


Denoiser = Callable[[Tensor, Tensor], Tensor]
Predict = Callable[[Tensor, Tensor, slice], Tensor]


def hold_mouth(
    motion: NDArray[np.floating], keyed: KeyedMotion | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What is known of a motion whose rest is to be made, (T, 31), and its mask: the mouth, how it begins, keyframes.

    Args:
        motion: (T, 31), of which the mouth counts.
        keyed: What is asked for at some moments.
    """
    known = np.array(motion, np.float32)
    mask = np.zeros_like(known)
    for part in (coefficients.LIPS, coefficients.OPENING):
        mask[:, part] = 1.0
    known[0, FREE], mask[0, FREE] = 0.0, 1.0  # the first frame is as the picture is
    if keyed is not None:
        known, mask = np.where(keyed.mask > 0, keyed.given, known), np.maximum(mask, keyed.mask)
    return known, mask


class MotionFiller:
    """Motions whose mask says what of them is known, made whole.

    Args:
        denoiser: The masked motion model.
        scheduler: Any diffusers scheduler made from the training schedule's config.
        encoder: What it hears with, where it is to hear.
    """

    def __init__(
        self,
        denoiser: MaskedMotionDenoiserNetwork,
        scheduler: SchedulerMixin | DDIM,
        encoder: AudioEncoder | None = None,
    ) -> None:
        self.denoiser, self.scheduler, self.encoder = denoiser, scheduler, encoder
        self.style = FillStyle()

    def fill_beside(
        self,
        motion: NDArray[np.floating],
        speech: Tensor | None,
        *,
        seed: int = 0,
        keyed: KeyedMotion | None = None,
        style: FillStyle | None = None,
    ) -> NDArray[np.float32]:
        """The motion (T, 31) with the brows, gaze and head that go with its mouth and its sound.

        Args:
            motion: (T, 31), of which the mouth counts.
            speech: (1, F, T) what the denoiser's ``encode_speech`` gives; None for somebody who says nothing.
            seed: See ``fill``.
            keyed: What is asked for at some moments.
            style: How; by default ``SPOKEN`` where there is speech, else what is usual.
        """
        known, mask = hold_mouth(motion, keyed)
        if style is None and speech is not None:
            style = SPOKEN
        return self.fill(known, mask, speech=speech, seed=seed, style=style)

    @one_thread()
    @torch.inference_mode()
    def fill(
        self,
        motion: NDArray[np.floating],
        mask: NDArray[np.floating],
        *,
        speech: Tensor | None = None,
        seed: int = 0,
        first: int = 0,
        rate: float = coefficients.MOTION_FPS,
        style: FillStyle | None = None,
        noise_prior: str = "independent",
    ) -> NDArray[np.float32]:
        """The motion (T, 31), as it is where the mask is 1 and made up elsewhere.

        Args:
            motion: (T, 31), of which only what the mask has counts.
            mask: (T, 31) 1 where it is known.
            speech: (1, F, T) what the denoiser's ``encode_speech`` gives; None where nothing is heard.
            seed: Of the noise, which is a frame's own.
            first: Number of the first frame, by which its noise is drawn.
            rate: Frames a second.
            style: How.
            noise_prior: Of the noise; the one of training, or it is refused.

        Raises:
            ConfigError: The rate or the prior is none that the model was trained with.
        """
        style = style or self.style
        made = self.sample(
            motion, mask, speech=speech, seed=seed, first=first, rate=rate, style=style, noise_prior=noise_prior
        )
        return self.finish(made, motion, mask, rate=rate, style=style)

    @one_thread()
    @torch.inference_mode()
    def sample(
        self,
        motion: NDArray[np.floating],
        mask: NDArray[np.floating],
        *,
        speech: Tensor | None = None,
        seed: int = 0,
        first: int = 0,
        rate: float = coefficients.MOTION_FPS,
        style: FillStyle | None = None,
        noise_prior: str = "independent",
        merged: Callable[[Predict], Denoiser] | None = None,
    ) -> NDArray[np.float32]:
        """What ``fill`` makes before it is finished: as it is sampled, (T, 31).

        Args:
            motion: See ``fill``, as for all but ``merged``.
            mask: See ``motion``.
            speech: See ``motion``.
            seed: See ``motion``.
            first: See ``motion``.
            rate: See ``motion``.
            style: See ``motion``.
            noise_prior: See ``motion``.
            merged: Makes a denoiser of the whole motion of one of any stretch of it, ``predict(x, t, stretch)``; by
                default that of all at once.

        Raises:
            ConfigError: See ``fill``.
        """
        net, style = self.denoiser, style or self.style
        low, high = net.config["rates"]
        if not low <= rate <= high:
            raise ConfigError(f"the model was trained at {low:g} to {high:g} frames a second, not at {rate:g}")
        check_prior(noise_prior, net.config["noise_prior"])
        count = len(motion)
        known = move_to(net, torch.from_numpy(np.ascontiguousarray(mask.T, np.float32))[None])
        clean = (move_to(net, torch.from_numpy(np.ascontiguousarray(motion.T, np.float32))[None]) - net.mean) / net.std
        noise = move_to(net, frame_noise(noise_prior, (coefficients.DIMENSIONS,), count, seed, start=first).T[None])
        given = clean * known
        if style.noise_level > 0:
            fresh = frame_noise("independent", (coefficients.DIMENSIONS,), count, seed + 1, start=first).T[None]
            given = perturb_condition(clean, move_to(net, fresh), style.noise_level) * known

        @cache
        def context(start: int, stop: int) -> MotionContext:
            at = slice(start, stop)
            heard = None if speech is None else speech[:, :, at]
            return self._context(given[:, :, at], known[:, :, at], heard, rate, style)

        def predict(x: Tensor, t: Tensor, stretch: slice) -> Tensor:
            return net(x, t[None], context(stretch.start, stretch.stop))

        whole = slice(0, count)
        denoiser = merged(predict) if merged is not None else lambda x, t: predict(x, t, whole)
        # What is given is not predicted: as in training the noisy motion holds it, noised, at every step.
        made = denoise(denoiser, noise, self.scheduler, style.steps, known=(clean, 1 - known))
        return (made * net.std + net.mean)[0].T.float().cpu().numpy()

    def finish(
        self,
        made: NDArray[np.floating],
        motion: NDArray[np.floating],
        mask: NDArray[np.floating],
        *,
        rate: float = coefficients.MOTION_FPS,
        style: FillStyle | None = None,
    ) -> NDArray[np.float32]:
        """What ``fill`` makes, of what is sampled (T, 31): steady, with strokes that go with the lips, and joined.

        Args:
            made: (T, 31) of ``sample``.
            motion: See ``fill``, as for the others.
            mask: See ``motion``.
            rate: See ``motion``.
            style: See ``motion``.
        """
        calm = steady(made, rate, share=_RESIDUE)
        stressed = stress_head(calm, (style or self.style).stress)
        return join_known(stressed, np.asarray(motion), np.asarray(mask) > 0.5)

    def _context(
        self, given: Tensor, known: Tensor, speech: Tensor | None, rate: float, style: FillStyle
    ) -> MotionContext:
        net, count = self.denoiser, given.shape[2]
        manner = torch.zeros(1, len(net.config["manner_mean"]))
        if style.manner is not None:
            manner = torch.tensor([style.manner], dtype=torch.float32)
        silence = torch.zeros(1, net.config["features"], count)
        return MotionContext(
            given=given,
            mask=known,
            speech=move_to(net, silence if speech is None else speech),
            heard=torch.tensor([speech is not None], device=given.device),
            rate=move_to(net, torch.tensor([float(rate)])),
            noise_level=move_to(net, torch.tensor([style.noise_level])),
            manner=move_to(net, manner),
            known_manner=torch.tensor([style.manner is not None], device=given.device),
        )
