from __future__ import annotations

import pytest
import torch

from facediff.diffusion.sampler import denoise
from facediff.diffusion.windows import (
    Plan,
    merge,
    plan_coarse_to_fine,
    plan_extension,
    plan_hierarchy,
    plan_independent,
    plan_overlaps,
    plan_rates,
)
from facediff.errors import ConfigError
from tests.facediff.diffusion.oracle import Oracle, join_ratio, rbf, schedule

MINUTE = 1500  # frames of 60 s at 25 a second
JOINS = (15, 31, 47)


@pytest.mark.parametrize(
    ("plan", "windows", "depth"),
    [
        (plan_independent(MINUTE, 16), 94, 1),
        (plan_overlaps(MINUTE, 16, 8), 187, 1),
        (plan_overlaps(MINUTE, 16, 4), 372, 1),
        (plan_extension(MINUTE, 16, 8), 187, 187),
        (plan_extension(MINUTE, 16, 12), 125, 125),
        (plan_coarse_to_fine(1729, 13), 157, 3),
        (plan_coarse_to_fine(3376, 16), 241, 3),
        (plan_extension(300, 20, 10), 29, 29),
        (plan_hierarchy(300, 20, 10), 29, 29),
        (plan_rates(2500, 256, 5, fresh=192, context=40), 18, 4),
    ],
)
def test_a_plan_costs_what_its_paper_says(plan: Plan, windows: int, depth: int) -> None:
    assert (plan.windows, plan.depth) == (windows, depth)


PLANS = [
    (plan_independent(70, 16), 16),
    (plan_extension(70, 16, 8), 16),
    (plan_coarse_to_fine(70, 5), 5),
    (plan_coarse_to_fine(70, 5, context=2), 9),
    (plan_coarse_to_fine(71, 70), 70),
    (plan_hierarchy(300, 20, 10), 20),
    (plan_hierarchy(33, 20, 10), 20),
    (plan_rates(301, 32, 5, fresh=20, context=5), 32),
    (plan_rates(33, 32, 4, fresh=20, context=4), 32),
]


@pytest.mark.parametrize(("plan", "size"), PLANS)
def test_each_frame_is_made_once_from_frames_that_are_done_and_no_window_is_too_long(plan: Plan, size: int) -> None:
    done: set[int] = set()
    for windows in plan.rounds:
        made = [k for w in windows for k in w.made]
        assert len(made) == len(set(made)) and not done & set(made)
        assert all(set(w.given) <= done and len(w.frames) <= size for w in windows)
        done |= set(made)
    assert done == set(range(plan.total))


def test_a_first_level_is_evenly_spaced_and_the_second_is_given_it_on_both_sides() -> None:
    plan = plan_rates(301, 32, 5, fresh=20, context=5)
    *first, second = plan.rounds
    assert {k for windows in first for w in windows for k in w.made} == set(range(0, 301, 5))
    for window in second:
        assert all(k % 5 for k in window.made) and not any(k % 5 for k in window.given)
        assert window.given[0] < window.made[0] and window.given[-1] > window.made[-1]
    for number, message in (
        ("gap", "gap is a number"),
        ("fresh", "fresh is a number"),
        ("context", "context is a whole"),
    ):
        with pytest.raises(ConfigError, match=message):
            plan_rates(301, 32, **({"gap": 5, "fresh": 20, "context": 5} | {number: 32}))


def test_overlapping_windows_leave_out_no_tail() -> None:
    plan = plan_overlaps(70, 16, 8)
    assert {k for w in plan.rounds[0] for k in w.made} == set(range(70))


def render(plan: Plan, weights: str) -> tuple[torch.Tensor, int]:
    oracle, steps = Oracle(rbf(64, 6.0)), schedule()
    noise = torch.randn(400, 64, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def predict(x: torch.Tensor, t: torch.Tensor, window) -> torch.Tensor:
        return oracle.clean(x, steps.alphas_cumprod[t], window.made)

    clips = denoise(merge(predict, plan, axis=1, weights=weights), noise, steps, 50)
    return clips, oracle.calls


def test_merged_windows_have_the_joins_that_independent_ones_have_not() -> None:
    """71 times elsewhere for independent windows; 3.1 for equal weights; at most 1.5 for triangular ones."""
    ratios, calls = {}, {}
    for name, plan, weights in (
        ("independent", plan_independent(64, 16), "uniform"),
        ("uniform", plan_overlaps(64, 16, 8), "uniform"),
        ("triangular", plan_overlaps(64, 16, 8), "triangular"),
    ):
        clips, calls[name] = render(plan, weights)
        ratios[name] = join_ratio(clips, JOINS)
    assert calls == {"independent": 200, "uniform": 350, "triangular": 350}
    assert ratios["independent"] == pytest.approx(71, rel=0.15)
    assert ratios["uniform"] == pytest.approx(3.1, rel=0.15)
    assert ratios["triangular"] <= 1.5


def far_correlation(plan: Plan) -> float:
    """Correlation of frames 100 apart of a process that is slow by a third, else fast."""
    oracle = Oracle(0.3 * rbf(300, 180.0) + 0.7 * rbf(300, 6.0))
    generator = torch.Generator().manual_seed(0)
    clips = torch.zeros(1500, 300, dtype=torch.float64)
    for windows in plan.rounds:
        for w in windows:
            made, given = list(w.made), list(w.given)
            clips[:, made] = oracle.extend(clips[:, given], given, made, generator)
    return float((clips[:, :200] * clips[:, 100:]).mean() / clips.square().mean())


def test_a_hierarchy_remembers_what_extension_forgets() -> None:
    truth = 0.257  # extension keeps 12% of it
    assert far_correlation(plan_hierarchy(300, 20, 10)) >= 0.8 * truth
    assert far_correlation(plan_extension(300, 20, 10)) <= 0.2 * truth


def corner(context: int) -> float:
    """Second differences at keyframes over those elsewhere, of coarse to fine with so much context."""
    oracle = Oracle(0.5 * rbf(344, 60.0) + 0.5 * rbf(344, 10.0))
    generator = torch.Generator().manual_seed(0)
    plan = plan_coarse_to_fine(344, 8, context=context)
    clips = torch.zeros(600, 344, dtype=torch.float64)
    for windows in plan.rounds:
        for w in windows:
            made, given = list(w.made), list(w.given)
            clips[:, made] = oracle.extend(clips[:, given], given, made, generator)
    bend = clips.diff(n=2, dim=1).square().mean(dim=0)
    keys = torch.arange(7, 336, 7) - 1
    other = torch.ones(len(bend), dtype=torch.bool)
    other[keys] = False
    return float(bend[keys].mean() / bend[other].mean())


def test_context_beyond_both_ends_takes_the_corners_from_keyframes() -> None:
    bare, seen = corner(0), corner(2)
    assert bare > 20 and seen < bare / 10


def test_nonsense_is_refused_in_a_sentence() -> None:
    for make, words in (
        (lambda: plan_overlaps(10, 16, 8), "longer than a video of 10"),
        (lambda: plan_overlaps(64, 16, 0), "stride is a number of frames"),
        (lambda: plan_extension(64, 16, 16), "fresh is a number of frames from 1 to 15"),
        (lambda: plan_independent(64, 1), "2 frames at least"),
        (lambda: plan_coarse_to_fine(64, 2), "3 frames at least"),
        (lambda: merge(lambda x, t, w: x, plan_overlaps(64, 16, 8), axis=1, weights="round"), "triangular or uniform"),
        (lambda: merge(lambda x, t, w: x, plan_extension(64, 16, 8), axis=1), "not in 7 rounds"),
    ):
        with pytest.raises(ConfigError, match=words):
            make()
