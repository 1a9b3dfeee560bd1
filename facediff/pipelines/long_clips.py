"""Clips that are longer than what a network of clips knows: sampled in windows, together or one after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from diffusers.schedulers.scheduling_utils import SchedulerMixin
from torch import Tensor

from facediff.diffusion.reconstruction import guide_reconstruction
from facediff.diffusion.windows import Plan, Window, merge, plan_extension, plan_hierarchy, plan_overlaps
from facediff.errors import ConfigError
from facediff.pipelines.video_denoisers import ClipCondition

WAYS = ("merge", "extend", "hierarchy")
TIME = 2  # axis of clips (B, L, f, h, w)
Denoiser = Callable[[Tensor, Tensor], Tensor]
Known = tuple[Tensor, Tensor]


@dataclass(frozen=True, kw_only=True)
class Windows:
    """How a long clip is sampled. Frames are those of latents: of Wan's, each holds four but the first.

    Attributes:
        size: Frames of a window.
        way: ``merge`` denoises overlapping windows together (Gen-L-Video): as many calls as there are windows, at
            once. ``extend`` goes on from the end of what there is, window after window. ``hierarchy`` (FDM) begins
            with frames spread over all, which the network takes for neighbours: for one that learnt several rates.
        step: From one window to the next, or frames that one adds; half of a window by default.
        weights: Of ``merge``; ``triangular`` or ``uniform``.
        guidance: How strongly frames that are known guide the others in ``extend`` and ``hierarchy``, by a backward
            pass a call (see ``facediff.diffusion.reconstruction``); at 0 they are only put in their place.
    """

    size: int
    way: str = "merge"
    step: int | None = None
    weights: str = "triangular"
    guidance: float = 2.0

    def __post_init__(self) -> None:
        if self.way not in WAYS:
            raise ConfigError(f"a long clip is sampled in one of the ways {', '.join(WAYS)}, not {self.way!r}")

    def plan(self, frames: int) -> Plan:
        """Which of so many frames are computed when.

        Raises:
            ConfigError: A window is longer than the clip, or the step out of range.
        """
        step = max(1, self.size // 2) if self.step is None else self.step
        plans = {"merge": plan_overlaps, "extend": plan_extension, "hierarchy": plan_hierarchy}
        return plans[self.way](frames, self.size, step)


def merge_windows(build: Callable[[Window], Denoiser], plan: Plan, weights: str) -> Denoiser:
    """A denoiser of the whole clip out of one for each window; see ``facediff.diffusion.windows.merge``."""
    parts = {window: build(window) for window in plan.rounds[0]}
    return merge(lambda x, t, window: parts[window](x, t), plan, axis=TIME, weights=weights)


def sample_in_order(
    build: Callable[[Window], Denoiser],
    plan: Plan,
    noise: Tensor,
    scheduler: SchedulerMixin,
    sample: Callable[[Denoiser, Tensor, Known | None], Tensor],
    guidance: float,
) -> Tensor:
    """Clean latents (B, L, f, h, w), each window sampled whole with the frames it is given.

    Args:
        build: Makes the denoiser of a window's frames.
        plan: Of windows that wait for each other.
        noise: Of the whole clip.
        scheduler: The one that steps.
        sample: ``sample(predict, noise, known)`` runs through all steps.
        guidance: See ``Windows``.

    Raises:
        ConfigError: The scheduler cannot add noise to what is known.
    """
    if plan.depth > 1 and not hasattr(scheduler, "add_noise"):
        raise ConfigError(
            f"{type(scheduler).__name__} cannot add noise to frames that are known; merge windows, or take unipc"
        )
    clean = torch.zeros_like(noise)
    for window in (window for windows in plan.rounds for window in windows):
        at = torch.tensor(window.frames, device=noise.device)
        is_made = torch.isin(at, torch.tensor(window.made, device=noise.device))
        predict, known = build(window), None
        if window.given:
            mask = is_made.to(noise).view(1, 1, -1, 1, 1)
            known = clean.index_select(TIME, at), mask
            if guidance != 0:
                predict = guide_reconstruction(predict, *known, scheduler, guidance)
        made = sample(predict, noise.index_select(TIME, at), known)
        clean.index_copy_(TIME, at[is_made], made[:, :, is_made])
    return clean


def cut_condition(cond: ClipCondition | None, frames: tuple[int, ...], clips: int, total: int) -> ClipCondition | None:
    """What some of the frames of clips are conditioned on."""
    if cond is None:
        return None
    at, tokens = torch.tensor(frames, device=cond.tokens.device), cond.tokens
    if len(tokens) == clips * total != clips:  # each frame has its own
        tokens = tokens.unflatten(0, (clips, total)).index_select(1, at).flatten(0, 1)
    maps = None if cond.maps is None else cond.maps.index_select(TIME, at.to(cond.maps.device))
    return ClipCondition(tokens, maps)
