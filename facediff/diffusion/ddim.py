"""The noise levels that models here are trained with, and DDIM over them, without diffusers.

For who only renders, as ``facediff.models.network`` has it for networks: the same configs, the same arithmetic, the
same calls as ``DDIMScheduler`` of diffusers. Who trains, or asks for another scheduler, takes diffusers'.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

FILE = "scheduler_config.json"
_STEEPEST = 0.999  # variance that a step of the cosine schedule adds at most
_SHIFT = 0.008  # of the cosine schedule, so that its first steps are not too small
# What diffusers' scheduler can be told otherwise and this is not made for.
_ALWAYS: Mapping[str, Any] = {"trained_betas": None, "clip_sample": False, "thresholding": False}


class DDIM:
    """Deterministic steps from noise to what is clean, or with a share of fresh noise at each.

    Source: Song et al., "Denoising Diffusion Implicit Models" (ICLR 2021), equations 12 and 16; the prediction of
    velocities: Salimans and Ho (ICLR 2022), appendix D; levels that end in pure noise: Lin et al., "Common Diffusion
    Noise Schedules and Sample Steps are Flawed" (WACV 2024), algorithm 1.

    Args:
        config: That of a ``DDIMScheduler`` of diffusers, as in ``scheduler_config.json``; see ``fits``.

    Attributes:
        alphas_cumprod: Share of the clean variance at each level.
        timesteps: Levels of the steps, the noisiest first; see ``set_timesteps``.
    """

    order, init_noise_sigma = 1, 1.0

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = dict(config)
        levels = int(self.config["num_train_timesteps"])
        self.alphas_cumprod = torch.cumprod(1.0 - _spread_noise(self.config), dim=0)
        self._clean = torch.tensor(1.0) if self.config.get("set_alpha_to_one", True) else self.alphas_cumprod[0]
        self._apart = 1
        self.timesteps = torch.arange(levels - 1, -1, -1)

    @staticmethod
    def fits(config: Mapping[str, Any]) -> bool:
        """Whether it is what a config of diffusers describes."""
        return (
            config.get("_class_name") == "DDIMScheduler"
            and all(config.get(name) == usual for name, usual in _ALWAYS.items())
            and config.get("beta_schedule") in ("linear", "scaled_linear", "squaredcos_cap_v2")
            and config.get("prediction_type") in ("epsilon", "sample", "v_prediction")
            and config.get("timestep_spacing") in ("leading", "trailing")
        )

    def set_timesteps(self, num_inference_steps: int, device: str | torch.device | None = None) -> None:
        """Chooses so many levels.

        Raises:
            ValueError: There are fewer levels than that.
        """
        levels = int(self.config["num_train_timesteps"])
        if num_inference_steps > levels:
            raise ValueError(f"there are {levels} noise levels, and {num_inference_steps} steps were asked for")
        self._apart = levels // num_inference_steps
        if self.config["timestep_spacing"] == "leading":
            chosen = np.arange(num_inference_steps)[::-1] * self._apart + self.config.get("steps_offset", 0)
        else:
            chosen = np.round(np.arange(levels, 0, -levels / num_inference_steps)) - 1
        self.timesteps = torch.from_numpy(chosen.astype(np.int64)).to(device)

    def scale_model_input(self, sample: Tensor, timestep: Tensor | int | None = None) -> Tensor:
        """The same: its networks see noisy samples as they are."""
        return sample

    def step(
        self,
        model_output: Tensor,
        timestep: Tensor | int,
        sample: Tensor,
        eta: float = 0.0,
        generator: torch.Generator | None = None,
        variance_noise: Tensor | None = None,
        return_dict: bool = False,
    ) -> tuple[Tensor, Tensor]:
        """The sample at the next level, and what is held for clean at this one.

        Args:
            model_output: What the network predicts of the sample, of the config's ``prediction_type``.
            timestep: The sample's level.
            sample: Of any shape.
            eta: Share of fresh noise, from 0 to 1.
            generator: Of that noise.
            variance_noise: That noise itself.
            return_dict: Not given here.
        """
        t = int(timestep)
        now, then = self.alphas_cumprod[t], self._clean if t < self._apart else self.alphas_cumprod[t - self._apart]
        signal, noise = now**0.5, (1 - now) ** 0.5
        kind = self.config["prediction_type"]
        if kind == "epsilon":
            clean, noisy = (sample - noise * model_output) / signal, model_output
        elif kind == "sample":
            clean, noisy = model_output, (sample - signal * model_output) / noise
        else:
            clean = signal * sample - noise * model_output
            noisy = signal * model_output + noise * sample
        fresh = eta * ((1 - then) / (1 - now) * (1 - now / then)) ** 0.5
        made = then**0.5 * clean + (1 - then - fresh**2) ** 0.5 * noisy
        if eta > 0:
            if variance_noise is None:
                drawn = torch.randn(model_output.shape, generator=generator, dtype=model_output.dtype)
                variance_noise = drawn.to(model_output.device)
            made = made + fresh * variance_noise
        return made, clean

    def add_noise(self, original_samples: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """Samples (B, ...) at levels (B,)."""
        levels = self.alphas_cumprod.to(original_samples.device, original_samples.dtype)
        shares = levels[timesteps.to(original_samples.device)].reshape(-1, *[1] * (original_samples.ndim - 1))
        return shares**0.5 * original_samples + (1 - shares) ** 0.5 * noise


def read_ddim(folder: Path) -> DDIM | None:
    """The noise levels in a model's folder; None where it takes diffusers to make them.

    Raises:
        OSError, ValueError: There are none, or they are damaged.
    """
    config = json.loads((folder / FILE).read_text(encoding="utf-8"))
    return DDIM(config) if DDIM.fits(config) else None


def _spread_noise(config: Mapping[str, Any]) -> Tensor:
    """Variance that each level adds, float32."""
    count, start, end = int(config["num_train_timesteps"]), float(config["beta_start"]), float(config["beta_end"])
    if config["beta_schedule"] == "linear":
        added = torch.linspace(start, end, count)
    elif config["beta_schedule"] == "scaled_linear":
        added = torch.linspace(start**0.5, end**0.5, count) ** 2
    else:
        left = [math.cos((k / count + _SHIFT) / (1 + _SHIFT) * math.pi / 2) ** 2 for k in range(count + 1)]
        added = torch.tensor([min(1 - left[k + 1] / left[k], _STEEPEST) for k in range(count)])
    return _end_in_noise(added) if config.get("rescale_betas_zero_snr") else added


def _end_in_noise(added: Tensor) -> Tensor:
    """The same levels, shifted and scaled so that nothing is left at the last."""
    root = torch.cumprod(1.0 - added, dim=0).sqrt()
    first, last = root[0].clone(), root[-1].clone()
    left = ((root - last) * (first / (first - last))) ** 2
    return 1 - torch.cat([left[:1], left[1:] / left[:-1]])
