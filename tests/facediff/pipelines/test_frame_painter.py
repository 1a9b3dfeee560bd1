"""What pipelines of painted clips share, with a Stable Diffusion so small that it takes no time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler, PNDMScheduler

from facediff.errors import ConfigError
from facediff.models.inflation import inflate
from facediff.pipelines.frame_painter import FrameCondition, FramePainterPipeline
from tests.facediff.pipelines import picture_models as tiny

FRAMES, SIDE = 3, 8


@pytest.fixture(scope="module")
def pipeline() -> FramePainterPipeline:
    return FramePainterPipeline(tiny.codec(), tiny.unet(), tiny.schedule())


def given(count: int = FRAMES) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(0)
    x = torch.randn(count, tiny.CHANNELS, SIDE, SIDE, generator=g)
    return x, torch.tensor(500), torch.randn(1, 2, tiny.DIM, generator=g)


@torch.no_grad()
def test_frames_look_at_frame_0_unless_each_is_to_stand_alone(pipeline) -> None:
    x, t, tokens = given()
    plain = pipeline.unet(x, t, tokens.expand(FRAMES, -1, -1)).sample
    alone = pipeline.predict(x, t, FrameCondition(tokens, is_alone=True))
    together = pipeline.predict(x, t, FrameCondition(tokens))
    torch.testing.assert_close(alone, plain, rtol=0, atol=1e-6)
    torch.testing.assert_close(together[0], plain[0], rtol=0, atol=1e-6)
    assert (together - plain)[1:].abs().amax(dim=(1, 2, 3)).min() > 1e-5


@torch.no_grad()
def test_frames_of_an_inflated_network_know_of_one_another_as_they_have_learnt(pipeline) -> None:
    x, t, tokens = given()
    clips = inflate(tiny.unet(), "vdm")
    for weight in clips.temporal.parameters():
        weight.add_(0.2)
    painted = FramePainterPipeline(tiny.codec(), clips, tiny.schedule())
    together, alone = (painted.predict(x, t, FrameCondition(tokens, is_alone=flag)) for flag in (False, True))
    torch.testing.assert_close(together, clips(x, t, tokens.expand(FRAMES, -1, -1)).sample, rtol=0, atol=1e-6)
    one = clips(x[1:2], t, tokens).sample
    torch.testing.assert_close(alone[1:2], one, rtol=0, atol=1e-6)
    assert (together - alone).abs().max() > 1e-5


def test_any_noise_levels_of_diffusion_are_stepped_through_by_ddim_without_clipping() -> None:
    made = FramePainterPipeline(tiny.codec(), tiny.unet(), PNDMScheduler(beta_schedule="scaled_linear"))
    assert type(made.scheduler).__name__ == "DDIMScheduler" and not made.scheduler.config["clip_sample"]
    assert made.scheduler.config["beta_schedule"] == "scaled_linear"
    with pytest.raises(ConfigError, match="has no noise levels of diffusion"):
        FramePainterPipeline(tiny.codec(), tiny.unet(), FlowMatchEulerDiscreteScheduler())


def test_a_walk_takes_what_is_held_before_each_step(pipeline) -> None:
    pipeline.scheduler.set_timesteps(5)
    x, seen = given()[0], []

    def denoiser(x, t):
        seen.append(x[0].mean().item())
        return torch.zeros_like(x)

    def hold(x, t):
        return torch.cat([torch.full_like(x[:1], float(t)), x[1:]])

    pipeline.walk(denoiser, x, pipeline.scheduler.timesteps[2:], held=hold)
    assert seen == [float(t) for t in pipeline.scheduler.timesteps[2:]]


@torch.no_grad()
@pytest.mark.parametrize("of_patches", [False, True])
def test_a_picture_is_seen_by_an_ip_adapter_and_by_nothing_else(tmp_path, of_patches) -> None:
    x, t, tokens = given()
    made = FramePainterPipeline(tiny.codec(), tiny.unet(), tiny.schedule())
    pictures = [np.full((24, 16, 3), level, np.uint8) for level in (30, 220)]
    with pytest.raises(ConfigError, match="sees no pictures"):
        made.encode_picture(pictures[0])
    with pytest.raises(ConfigError, match="shown to an IP-Adapter"):
        made.tell(tokens, None, like=torch.zeros(1, 1, tiny.SEEN))
    folder = str(tiny.save_image_adapter(tmp_path, of_patches=of_patches))
    made.load_ip_adapter(folder, subfolder="models", weight_name="ip-adapter_sd15.safetensors")
    seen = [made.encode_picture(picture) for picture in pictures]
    assert seen[0].shape == ((1, 1, 5, tiny.SEEN) if of_patches else (1, 1, tiny.SEEN))
    dark, light, none = (made.predict(x, t, made.tell(tokens, None, like=one)) for one in (*seen, None))
    assert min((dark - light).abs().max(), (dark - none).abs().max()) > 1e-4
    made.set_ip_adapter_scale(0.0)
    plain = FramePainterPipeline(tiny.codec(), tiny.unet(), tiny.schedule()).predict(x, t, FrameCondition(tokens))
    torch.testing.assert_close(made.predict(x, t, made.tell(tokens, None, like=seen[0])), plain, rtol=0, atol=1e-5)
