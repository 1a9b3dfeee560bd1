"""Which frames of a long video a short model computes when, and which it is given: window schedules as plain data.

A ``Plan`` is rounds of windows. Windows of one round know nothing of each other and may run at once; a round waits for
the one before. So a plan's cost is its number of windows, and its least time is its number of rounds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from facediff.errors import ConfigError


@dataclass(frozen=True)
class Window:
    """One call's frames.

    Attributes:
        made: Indices of frames that are computed, rising.
        given: Indices of frames that are known, rising.
    """

    made: tuple[int, ...]
    given: tuple[int, ...] = ()

    @property
    def frames(self) -> tuple[int, ...]:
        """All of them, rising."""
        return tuple(sorted(self.made + self.given))


@dataclass(frozen=True)
class Plan:
    """A schedule.

    Attributes:
        total: Frames of the video.
        rounds: Windows that may run at once, in order.
    """

    total: int
    rounds: tuple[tuple[Window, ...], ...]

    @property
    def windows(self) -> int:
        """How many denoising runs of a window it takes."""
        return sum(map(len, self.rounds))

    @property
    def depth(self) -> int:
        """How many of them have to wait for each other."""
        return len(self.rounds)


def plan_independent(total: int, size: int) -> Plan:
    """Windows side by side, the last one shorter: cheapest, with a seam at each join."""
    _check(total, size)
    return Plan(total, (tuple(Window(tuple(range(a, min(a + size, total)))) for a in range(0, total, size)),))


def plan_overlaps(total: int, size: int, stride: int) -> Plan:
    """Overlapping windows that are denoised together (Gen-L-Video, Wang et al., arXiv 2305.18264); see ``merge``.

    The last one ends with the video, whatever the stride: no tail is left out.
    """
    _check(total, size)
    _check_step(stride, size, "stride")
    starts = [*range(0, total - size, stride), total - size]
    return Plan(total, (tuple(Window(tuple(range(a, a + size))) for a in starts),))


def plan_extension(total: int, size: int, fresh: int) -> Plan:
    """One window after the other, each given the end of what there is (VDM, LVDM; FDM's Autoreg)."""
    _check(total, size)
    _check_step(fresh, size - 1, "fresh")
    rounds: list[tuple[Window, ...]] = [(Window(tuple(range(size))),)]
    for start in range(size, total, fresh):
        made = tuple(range(start, min(start + fresh, total)))
        rounds.append((Window(made, tuple(range(start - (size - fresh), start))),))
    return Plan(total, tuple(rounds))


def plan_coarse_to_fine(total: int, size: int, *, context: int = 0) -> Plan:
    """Keyframes, then what lies between each two of them, and so on (NUWA-XL, Yin et al., arXiv 2303.12346).

    Args:
        total: Frames of the video; (size - 1)^depth + 1 of them take depth rounds in full.
        size: Frames of a window, both ends among them.
        context: Known frames beyond each end that are given too; without them motion has a corner at each keyframe.
    """
    _check(total, size, least=3)
    gap = 1
    while gap * (size - 1) + 1 < total:
        gap *= size - 1
    known = tuple(range(0, total, gap))
    if known[-1] != total - 1:
        known += (total - 1,)
    rounds: list[tuple[Window, ...]] = [(Window(known),)]
    while gap > 1:
        gap //= size - 1
        windows: list[Window] = []
        inside: list[int] = []
        for place, (first, last) in enumerate(pairwise(known)):
            made = tuple(range(first + gap, last, gap))
            if made:
                left = max(0, place - context)
                windows.append(Window(made, known[left : place + 2 + context]))
                inside += made
        known = tuple(sorted((*known, *inside)))
        if windows:
            rounds.append(tuple(windows))
    return Plan(total, tuple(rounds))


def plan_hierarchy(total: int, size: int, fresh: int) -> Plan:
    """FDM's Hierarchy-2 (Harvey et al., arXiv 2205.11495): frames spread over all, then the gaps from left to right.

    Each window of the second level is given the frames next to it, half before and half behind.

    Args:
        total: Frames of the video.
        size: Frames of a window.
        fresh: Of these, computed in the second level.
    """
    _check(total, size)
    _check_step(fresh, size - 1, "fresh")
    spread = tuple(sorted({round(k * (total - 1) / (size - 1)) for k in range(size)}))
    rounds: list[tuple[Window, ...]] = [(Window(spread),)]
    done, left = set(spread), [k for k in range(total) if k not in set(spread)]
    while left:
        made, left = left[:fresh], left[fresh:]
        room = size - len(made)
        before = sorted(k for k in done if k < made[-1])
        behind = sorted(k for k in done if k > made[-1])[: room // 2]
        given = sorted((*before[-(room - len(behind)) :], *behind))
        rounds.append((Window(tuple(made), tuple(given)),))
        done.update(made)
    return Plan(total, tuple(rounds))


def plan_rates(total: int, size: int, gap: int, *, fresh: int, context: int) -> Plan:
    """Every ``gap``-th frame, window after window, then what lies between, all windows of it at once.

    FDM's Hierarchy-2 for networks that know frames which are evenly spaced, at some rates: where one window spread over
    all of a long video would be at no rate that was learnt, the first level is itself extended (as CogVideo's keyframes
    are, Hong et al., arXiv 2205.15868).

    Args:
        total: Frames of the video.
        size: Frames of a window, at either rate; those beyond a first level that is shorter are left out.
        gap: Frames from one of the first level to the next.
        fresh: Of a window of the first level, computed in it; the others are given.
        context: Frames beyond each end of a window of the second level that are seen too: of them those of the first
            level are given. A whole number of gaps.

    Raises:
        ConfigError: A number is out of range.
    """
    _check(total, size)
    _check_step(gap, size - 1, "gap")
    _check_step(fresh, size - 1, "fresh")
    inner = (size - 2 * context) // gap * gap
    if context < 0 or context % gap or inner < gap:
        raise ConfigError(f"context is a whole number of gaps of {gap} and leaves room in {size} frames, not {context}")
    grid = range(0, total, gap)
    first = plan_extension(len(grid), min(size, len(grid)), min(fresh, len(grid) - 1))
    rounds = [
        tuple(Window(tuple(gap * k for k in w.made), tuple(gap * k for k in w.given)) for w in windows)
        for windows in first.rounds
    ]
    between: list[Window] = []
    for start in range(0, total, inner):
        made = tuple(k for k in range(start, min(start + inner, total)) if k % gap)
        seen = range(max(0, start - context), min(start + inner + context + 1, total))
        if made:
            between.append(Window(made, tuple(k for k in seen if k % gap == 0)))
    return Plan(total, (*rounds, tuple(between)))


def merge(
    predict: Callable[[Tensor, Tensor, Window], Tensor], plan: Plan, *, axis: int, weights: str = "triangular"
) -> Callable[[Tensor, Tensor], Tensor]:
    """A denoiser of the whole video that asks a short one for each window and takes weighted means where they overlap.

    What is least in Σ |W(F(v) - v_i)|² is ΣW²v/ΣW²; means are of predictions, which is the same for all of them that
    are linear in the clean sample at one noise level.

    Args:
        predict: ``predict(x, t, window)`` of a window's frames.
        plan: Of overlapping windows, one round.
        axis: Of time.
        weights: ``triangular``, most in a window's middle, or ``uniform``.

    Raises:
        ConfigError: There are no such weights, or the plan has several rounds.
    """
    if weights not in ("triangular", "uniform"):
        raise ConfigError(f"weights are triangular or uniform, not {weights!r}")
    if plan.depth != 1:
        raise ConfigError(f"windows are merged that run at once, not in {plan.depth} rounds")

    def merged(x: Tensor, t: Tensor) -> Tensor:
        shape = [1] * x.ndim
        shape[axis] = -1
        total, counts = torch.zeros_like(x), torch.zeros(plan.total, dtype=x.dtype, device=x.device)
        for window in plan.rounds[0]:
            at = torch.tensor(window.made, device=x.device)
            share = _weigh(len(at), weights).to(x).square()
            output = predict(x.index_select(axis, at), t, window)
            total.index_add_(axis, at, output * share.view(shape))
            counts.index_add_(0, at, share)
        return total / counts.view(shape)

    return merged


def _weigh(count: int, weights: str) -> Tensor:
    """(count,) above 0."""
    if weights == "uniform":
        return torch.ones(count)
    return torch.minimum(torch.arange(1, count + 1), torch.arange(count, 0, -1)).float()


def _check(total: int, size: int, least: int = 2) -> None:
    if size < least:
        raise ConfigError(f"a window has {least} frames at least, not {size}")
    if size > total:
        raise ConfigError(f"a window of {size} frames is longer than a video of {total}; take a shorter window")


def _check_step(step: int, most: int, name: str) -> None:
    if not 1 <= step <= most:
        raise ConfigError(f"{name} is a number of frames from 1 to {most}, not {step}")
