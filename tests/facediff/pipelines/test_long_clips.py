"""Clips beyond the window of networks of the classes that a hub has, and joins of a process that is known."""

from __future__ import annotations

import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from torch import Tensor

from facediff.diffusion.score_guider import ScoreCompositionGuidance
from facediff.errors import ConfigError
from facediff.models.inflation import inflate
from facediff.pipelines.long_clips import Windows, cut_condition
from facediff.pipelines.video_adapter import Mix, VideoAdapterPipeline
from facediff.pipelines.video_denoisers import ClipCondition
from tests.facediff.diffusion import oracle
from tests.facediff.models.test_inflation import tiny

from .clip_models import CHANNELS, DIM, SIDE, TOKENS, animatediff, flow, schedule, text_to_video, wan

pytestmark = pytest.mark.usefixtures("one_thread")
LONG = 6
KINDS = {"animatediff": (lambda: animatediff(5), None), "text-to-video": (text_to_video, None), "wan": (wan, flow)}


def inputs(frames: int = LONG, *, of_frames: bool = False) -> tuple[ClipCondition, Tensor]:
    g = torch.Generator().manual_seed(frames)
    tokens = torch.randn(frames if of_frames else 1, TOKENS, DIM, generator=g)
    return ClipCondition(tokens), torch.randn(1, CHANNELS, frames, SIDE, SIDE, generator=g)


def run(pipeline, windows: Windows | None = None, *, frames: int = LONG, of_frames: bool = False, **more) -> Tensor:
    cond, noise = inputs(frames, of_frames=of_frames)
    given = {"mix": Mix(0.5), "num_inference_steps": 1, "latents": noise, "decode": False, **more}
    return pipeline(cond, windows=windows, **given).latents


@pytest.mark.parametrize("way", ["merge", "extend", "hierarchy"])
@pytest.mark.parametrize("name", KINDS)
def test_every_class_of_prior_is_taken_beyond_its_window(name, way) -> None:
    prior, trained = KINDS[name]
    pipeline = VideoAdapterPipeline(animatediff(), prior(), schedule("v_prediction"), trained and trained())
    windows = Windows(size=4, way=way)
    made = run(pipeline, windows, num_inference_steps=2)
    assert made.shape == (1, CHANNELS, LONG, SIDE, SIDE) and made.isfinite().all()
    assert way != "merge" or (made - run(pipeline, windows, mix=Mix(0.0), num_inference_steps=2)).abs().max() > 1e-3


def test_a_network_that_says_how_many_frames_it_knows_is_windowed_by_itself() -> None:
    pipeline = VideoAdapterPipeline(animatediff(), text_to_video(), schedule())
    torch.testing.assert_close(run(pipeline, frames=9), run(pipeline, Windows(size=8), frames=9), rtol=0, atol=0)


def test_a_window_as_long_as_the_clip_changes_nothing() -> None:
    pipeline = VideoAdapterPipeline(text_to_video(), text_to_video(4), schedule())
    for way in ("merge", "extend", "hierarchy"):
        torch.testing.assert_close(run(pipeline, Windows(size=LONG, way=way)), run(pipeline), rtol=1e-4, atol=1e-5)


def test_frames_that_are_known_stay_as_they_are() -> None:
    """The first window of an extension is what the same noise gives alone."""
    pipeline = VideoAdapterPipeline(text_to_video(), text_to_video(4), schedule())
    cond, noise = inputs()
    alone = pipeline(cond, mix=Mix(0.5), num_inference_steps=1, latents=noise[:, :, :4], decode=False).latents
    torch.testing.assert_close(run(pipeline, Windows(size=4, way="extend"))[:, :, :4], alone, rtol=1e-4, atol=1e-5)


def test_each_window_is_told_what_belongs_to_its_frames() -> None:
    cond = ClipCondition(torch.arange(12.0).view(12, 1, 1), torch.arange(6.0).view(1, 1, 6, 1, 1).expand(2, 1, 6, 1, 1))
    cut = cut_condition(cond, (1, 4), 2, 6)
    assert cut is not None and cut.maps is not None
    assert cut.tokens.flatten().tolist() == [1, 4, 7, 10] and cut.maps[1].flatten().tolist() == [1, 4]
    whole = cut_condition(ClipCondition(torch.zeros(2, 1, 1)), (1, 4), 2, 6)
    assert whole is not None and len(whole.tokens) == 2 and cut_condition(None, (1,), 2, 6) is None


def test_tokens_of_frames_reach_networks_that_know_tokens_of_clips_alone() -> None:
    for prior, trained in ((text_to_video, None), (wan, flow())):
        pipeline = VideoAdapterPipeline(animatediff(), prior(), schedule("v_prediction"), trained)
        assert run(pipeline, Windows(size=4), of_frames=True).isfinite().all()


def test_an_inflated_network_is_one_of_clips() -> None:
    pipeline = VideoAdapterPipeline(inflate(tiny(), "magic-video", max_frames=5), text_to_video(), schedule())
    torch.testing.assert_close(run(pipeline), run(pipeline, Windows(size=5)), rtol=0, atol=0)
    assert run(pipeline, of_frames=True).isfinite().all()


def test_a_guider_composes_in_windows_too() -> None:
    pipeline = VideoAdapterPipeline(animatediff(), animatediff(5), schedule())
    guided = run(pipeline, Windows(size=4), mix=None, guider=ScoreCompositionGuidance(1.0, 0.5))
    torch.testing.assert_close(guided, run(pipeline, Windows(size=4)), rtol=1e-4, atol=1e-4)


def known_process(windows: Windows) -> Tensor:
    """Clips (N, 40) of a pipeline whose network is exact for a smooth process of unit variance."""
    scheduler = oracle.schedule()
    pipeline = VideoAdapterPipeline(text_to_video(), text_to_video(), scheduler)
    truth = oracle.Oracle(oracle.rbf(40, 6.0))

    def forward(x: Tensor, t: Tensor, *rest: object, **more: object) -> tuple[Tensor]:
        flat = x[:, 0, :, 0, 0]
        return (truth.clean(flat, scheduler.alphas_cumprod[t], range(x.shape[2]))[:, None, :, None, None],)

    pipeline.small.forward = forward  # type: ignore[method-assign]
    pipeline.small.double()
    noise = torch.randn(200, 1, 40, 1, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    cond = ClipCondition(torch.zeros(200, 1, DIM))
    more = {"mix": Mix(0.0), "num_inference_steps": 30, "latents": noise, "decode": False}
    return pipeline(cond, windows=windows, **more).latents[:, 0, :, 0, 0]


def test_joins_are_as_smooth_as_the_process_itself() -> None:
    """Merged, at most 1.5 times elsewhere; extended, guidance at least halves what putting frames in place leaves."""
    merged = oracle.join_ratio(known_process(Windows(size=16)), (15, 31))
    assert merged <= 1.5
    bare, guided = (
        oracle.join_ratio(known_process(Windows(size=16, way="extend", step=12, guidance=weight)), (15, 27))
        for weight in (0.0, 2.0)
    )
    assert bare > 3 and guided <= bare / 2


def test_nonsense_is_refused_in_a_sentence() -> None:
    pipeline = VideoAdapterPipeline(animatediff(), text_to_video(), schedule())
    steps = VideoAdapterPipeline(wan(), wan(3), FlowMatchEulerDiscreteScheduler())
    for make, words in (
        (lambda: Windows(size=4, way="loop"), "one of the ways merge, extend, hierarchy, not 'loop'"),
        (lambda: run(pipeline, Windows(size=7)), "a window of 7 frames is longer than a video of 6"),
        (lambda: run(pipeline, Windows(size=4, step=5)), "stride is a number of frames from 1 to 4"),
        (lambda: run(pipeline, Windows(size=4, weights="round")), "triangular or uniform"),
        (lambda: run(pipeline, Windows(size=4, way="extend", guidance=-1)), "guidance is at least 0"),
        (lambda: run(steps, Windows(size=4, way="extend")), "cannot add noise to frames that are known"),
    ):
        with pytest.raises(ConfigError, match=words):
            make()
