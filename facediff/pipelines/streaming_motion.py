"""From speech that still comes in to the motion of a face: the motion model in windows whose past is held."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facediff.audio.window_ear import HeardTicks
from facediff.diffusion.sampler import denoise
from facediff.models.placement import move_to
from facediff.motion import coefficients
from facediff.pipelines.shared import Sampling, make_denoiser
from facediff.pipelines.speech_motion import LipStyle, MotionSampler

_NOISE_BLOCK = 64  # rows of noise that are drawn together


class StreamingMotion:
    """Samples motion a few rows at a time.

    Each window holds rows that were given out, which stay as they are while those that are due and those of the
    look-ahead are denoised: they are put in their place, noised, before each step, as frames observed before are in
    Flexible Diffusion Modeling (Harvey et al., arXiv 2205.11495) and the frames of the window before in LVDM's
    conditional sampling (arXiv 2211.13221, section 3.3). Memory is constant, as in VIDM's streaming (arXiv
    2212.00235). The noise of a row is its own, whatever window it falls into, so what is sampled anew of the
    look-ahead comes out nearly alike.

    Args:
        pipeline: The motion model with its scheduler.
        seed: Of the noise.
        num_inference_steps: Network calls a window.
        lip_style: How closely lips follow the sound.
        held: Rows that are held.
    """

    def __init__(
        self,
        pipeline: MotionSampler,
        *,
        seed: int = 0,
        num_inference_steps: int = 4,
        lip_style: LipStyle | None = None,
        held: int = 24,
    ) -> None:
        self._net, self._scheduler = pipeline.denoiser, pipeline.scheduler
        self._style, self._steps = lip_style or LipStyle(), num_inference_steps
        self._held, self._seed = held, seed
        self._tick = 0
        self._given = torch.zeros(coefficients.DIMENSIONS, 0)  # normalised, as sampled, the last ones
        self._noise = lru_cache(maxsize=4)(self._draw)

    @torch.inference_mode()
    def sample(self, heard: HeardTicks) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Motion (due, 31) as sampled, and (due,) how much lips may open, from 0 to 1, of the ticks that are due."""
        due = heard.due
        if not len(heard.features):  # nobody speaks, and nobody did for as long as is heard
            self._tick += due
            self._given = self._given[:, :0]
            return np.zeros((due, coefficients.DIMENSIONS), np.float32), heard.activity
        net, style = self._net, self._style
        speech = net.encode_speech(move_to(net, torch.from_numpy(heard.features)[None]))
        now = slice(heard.before, heard.before + due)
        expected, closing = net.regress_mean(speech)[0, :, now], net.predict_lip_closure(speech)[0, now]
        clean = self._denoise(speech, heard)
        self._given = torch.cat([self._given, clean], dim=1)[:, -self._held :]
        self._tick += due
        mixed = clean.clone()
        for part in (coefficients.LIPS, coefficients.OPENING):
            mixed[part] = style.certainty * expected[part] + (1 - style.certainty) * clean[part]
        motion = (mixed * net.std + net.mean).T.float().cpu().numpy()
        likely = closing.float().cpu().numpy()
        apart = 1 - np.clip((likely - style.closing_from) / (style.closed_at - style.closing_from), 0, 1)
        return motion, (heard.activity * apart).astype(np.float32)

    def cut(self, ticks: int) -> None:
        """Forgets the last rows, which were not shown after all."""
        self._tick -= ticks
        self._given = self._given[:, : max(0, self._given.shape[1] - ticks)]

    def _denoise(self, speech: Tensor, heard: HeardTicks) -> Tensor:
        """Clean rows (31, due), normalised."""
        net, held = self._net, min(self._given.shape[1], heard.before)
        window = speech[:, :, heard.before - held :]
        count = window.shape[2]
        noise = move_to(net, self._noise_of(self._tick - held, count)[None])
        past = torch.zeros_like(noise)
        past[0, :, :held] = self._given[:, self._given.shape[1] - held :]
        mask = torch.ones_like(noise)
        mask[:, :, :held] = 0

        def predict(x: Tensor, t: Tensor, heard: Tensor) -> Tensor:
            return net(x, t[None], heard)

        sampling = Sampling(num_inference_steps=self._steps)
        denoiser = make_denoiser(predict, net, (window, None), self._scheduler, sampling)
        known = (past, mask) if held else None
        clean = denoise(denoiser, noise, self._scheduler, self._steps, known=known)
        return clean[0, :, held : held + heard.due]

    def _noise_of(self, first: int, count: int) -> Tensor:
        """Noise (31, count) of rows from ``first`` on, lips with less."""
        first += _NOISE_BLOCK  # rows held may be of before the beginning
        blocks = range(first // _NOISE_BLOCK, (first + count - 1) // _NOISE_BLOCK + 1)
        rows = torch.cat([self._noise(block) for block in blocks])
        noise = rows[first - blocks.start * _NOISE_BLOCK :][:count].T.clone()
        for part in (coefficients.LIPS, coefficients.OPENING):
            noise[part] *= self._style.variety
        return noise

    def _draw(self, block: int) -> Tensor:
        """Noise (64, 31) of one block of rows."""
        mixed = np.random.SeedSequence([self._seed, block]).generate_state(1)
        generator = torch.Generator("cpu").manual_seed(int(mixed[0]))
        return torch.randn(_NOISE_BLOCK, coefficients.DIMENSIONS, generator=generator)
