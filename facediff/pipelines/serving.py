"""The networks of a pipeline that paints, run by the back end that is chosen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from facediff.backends import choice
from facediff.backends.openvino import Compiled, Plan, open_core
from facediff.backends.ranges import FILE, Ranges, read_ranges
from facediff.backends.serving import serve
from facediff.models.codec import FaceCodecNetwork
from facediff.models.unet import DenoiserUNet
from facediff.pipelines.difftalk import DiffTalkSampler
from facediff.pipelines.fadm import FADMSampler
from facediff.system.threads import count_threads

HALVES = ("encoder", "decoder")


def serve_painter(pipeline: DiffTalkSampler | FADMSampler, folders: dict[str, Path]) -> None:
    """Has the back end that is chosen run a pipeline's denoiser and codec; without one nothing changes.

    Args:
        pipeline: With ``unet`` and ``codec``, whose weights do not change any more.
        folders: Of the two networks, by these names; ranges beside their weights let them run in whole numbers.

    Raises:
        ConfigError: The variable that chooses has another value.
    """
    unet, codec = pipeline.unet, pipeline.codec
    chosen = choice.choose_backend(unet.device)
    if chosen == choice.TORCH or not choice.is_ready(open_core):
        return
    threads = count_threads()

    def compiled(module: nn.Module, name: str, file: Path, **more: Any) -> Compiled:
        ranges: Ranges | None = read_ranges(file, module) if chosen == choice.OPENVINO_INT8 else None
        return Compiled(module, Plan(name, ranges, **more), threads)

    if isinstance(codec, FaceCodecNetwork):
        for half in HALVES:
            module = getattr(codec, half)
            run = compiled(module, half, folders["codec"] / f"{half}-{FILE}")
            serve(module, run, name=half, described=choice.describe_openvino)
    if getattr(unet, "architecture", type(unet).__name__) == DenoiserUNet.architecture:
        denoise = compiled(unet, "denoiser", folders["unet"] / FILE, adapt=_Timed)

        def run_unet(x: Tensor, t: Any, tokens: Any = None, **settings: Any) -> Tensor | None:
            if not isinstance(tokens, Tensor) or settings != {"return_dict": False}:
                return None
            levels = torch.as_tensor(t).reshape(-1).expand(len(x))
            return denoise(x, unet.time_proj(levels), tokens)

        serve(unet, run_unet, name="denoiser", described=choice.describe_openvino)


class _Timed(nn.Module):
    """A UNet that takes its timesteps as sinusoids (B, C): in bfloat16 three in a row would be one."""

    def __init__(self, unet: nn.Module) -> None:
        super().__init__()
        self.unet = unet
        unet.get_time_embed = lambda sample, timestep: timestep  # type: ignore[assignment]

    def forward(self, x: Tensor, sinusoids: Tensor, tokens: Tensor) -> Tensor:
        predicted: Tensor = self.unet(x, sinusoids, tokens, return_dict=False)[0]
        return predicted
