"""Refusals name both sides; what can be converted is let through."""

from __future__ import annotations

from dataclasses import replace

import pytest
from diffusers import EDMEulerScheduler, UNet2DModel

from facediff.errors import ConfigError
from facediff.pipelines.compatibility import Side, VideoShape, check_compatibility

from .clip_models import CLIP, animatediff, codec, flow, schedule, text_to_video, wan


@pytest.fixture(scope="module")
def small() -> Side:
    return Side("the small model", animatediff(), schedule(), codec(), CLIP)


@pytest.fixture(scope="module")
def prior() -> Side:
    return Side("the prior", text_to_video(), schedule(), codec(), CLIP)


def refused(small: Side, prior: Side, *said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_compatibility(small, prior)
    for part in ("the small model", "the prior", *said):
        assert part in str(caught.value)


def test_what_agrees_is_let_through(small, prior) -> None:
    check_compatibility(small, prior)  # the codecs are two with the same weights
    check_compatibility(small, replace(prior, codec=None, clip=None))
    check_compatibility(small, replace(prior, codec=codec().bfloat16()))  # rounded, but the same


@pytest.mark.parametrize("kind", ["sample", "v_prediction", "epsilon"])
def test_other_kinds_of_prediction_are_let_through(kind, small, prior) -> None:
    check_compatibility(small, replace(prior, scheduler=schedule(kind)))


def test_flow_matching_goes_with_diffusion(small, prior) -> None:
    check_compatibility(small, replace(prior, model=wan(), scheduler=flow()))
    check_compatibility(replace(small, scheduler=flow()), prior)


def test_kinds_and_families_that_are_not_known_are_refused(small, prior) -> None:
    refused(small, replace(prior, scheduler=schedule("entropy")), "'epsilon'", "'entropy'", "are converted")
    with pytest.raises(ConfigError, match="EDMEulerScheduler"):
        check_compatibility(small, replace(prior, scheduler=EDMEulerScheduler()))


def test_other_channels_are_refused(small, prior) -> None:
    refused(small, replace(prior, model=text_to_video(channels=16)), "4 latent channels", "and the prior has 16")


def test_another_space_is_refused(small, prior) -> None:
    refused(small, replace(prior, codec=codec(seed=1)), "FaceCodec", "one of other weights or settings")
    other = codec()
    other.register_to_config(latents_std=[2.0] * 4)
    refused(small, replace(prior, codec=other), "one of other weights or settings")


def test_other_noise_levels_are_refused(small, prior) -> None:
    zero = schedule(rescale_betas_zero_snr=True)
    refused(small, replace(prior, scheduler=zero), "betas 0.00085 to 0.012 (scaled_linear)", "down to pure noise")
    fewer = schedule(num_train_timesteps=500)
    refused(small, replace(prior, scheduler=fewer), "1000 noise levels", "500 noise levels")


@pytest.mark.parametrize(("change", "said"), [
    ({"frames": 16}, ("frames 2", "frames 16")), ({"fps": 8}, ("fps 25", "fps 8")),
    ({"height": 64, "width": 64}, ("height 32, width 32", "height 64, width 64")),
])  # fmt: skip
def test_other_clips_are_refused(change, said, small, prior) -> None:
    refused(small, replace(prior, clip=replace(CLIP, **change)), *said)


def test_clips_that_a_network_cannot_take_are_refused(small, prior) -> None:
    longer = VideoShape(frames=9, fps=25, height=32, width=32)
    refused(replace(small, clip=longer), replace(prior, clip=longer), "at most 8 frames", "clips of 9")
    odd = VideoShape(frames=2, fps=25, height=40, width=32)
    refused(replace(small, clip=odd), replace(prior, model=wan(), clip=odd), "patches of 2 by 2", "clips of 5 by 4")


def test_other_networks_are_refused(small, prior) -> None:
    blocks = {"down_block_types": ("DownBlock2D",), "up_block_types": ("UpBlock2D",)}
    other = UNet2DModel(block_out_channels=(8,), norm_num_groups=4, **blocks)
    refused(small, replace(prior, model=other), "UNetMotionModel and UNet2DModel")
