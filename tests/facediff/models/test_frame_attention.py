"""Frames that look at others of their clip, in tiny networks of the real classes."""

from __future__ import annotations

import copy

import pytest
import torch
from diffusers import ControlNetModel, UNet2DConditionModel, UNet2DModel
from torch import Tensor, nn

from facediff.errors import ConfigError
from facediff.models.diffusion_autoencoder import DualModulationUNet
from facediff.models.frame_attention import CrossFrameProcessor, attend_across, look_at_frames
from facediff.models.temporal_layers import Layout, lay_out

FRAMES, SIDE, DIM = 4, 8, 8


def tiny() -> UNet2DConditionModel:
    torch.manual_seed(0)
    return UNet2DConditionModel(
        in_channels=4, out_channels=4, block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4,
        cross_attention_dim=DIM, attention_head_dim=2, down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
    ).eval()  # fmt: skip


@pytest.fixture(scope="module")
def unet() -> UNet2DConditionModel:
    return tiny()


def given(frames: int = FRAMES, seed: int = 1) -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(seed)
    return torch.randn(frames, 4, SIDE, SIDE, generator=g), torch.randn(1, 3, DIM, generator=g)


@torch.no_grad()
def run(
    unet: UNet2DConditionModel, x: Tensor, tokens: Tensor, view: str | None, layout: Layout | None = None
) -> Tensor:
    if view is None:
        return unet(x, 400, tokens.expand(len(x), -1, -1)).sample
    with attend_across(unet, view=view), lay_out(layout or Layout(len(x))):
        return unet(x, 400, tokens.expand(len(x), -1, -1)).sample


def dependence(view: str, frames: int = 5) -> Tensor:
    """(F, F) gradients of what a layer gives for frame i by what it is given of frame j."""
    torch.manual_seed(2)
    attention = next(m for m in tiny().modules() if isinstance(getattr(m, "processor", None), object) and is_self(m))
    x = torch.randn(frames, 6, attention.to_q.in_features, requires_grad=True)
    attention.set_processor(CrossFrameProcessor(attention.processor, view))
    with lay_out(Layout(frames)):
        made = attention(x)
    rows = []
    for index in range(frames):
        (slope,) = torch.autograd.grad(made[index].square().sum(), x, retain_graph=True)
        rows.append(slope.abs().amax(dim=(1, 2)))
    return torch.stack(rows)


def is_self(module: nn.Module) -> bool:
    return getattr(module, "is_cross_attention", True) is False


def test_of_text2video_zero_a_frame_depends_on_frame_0_and_itself_alone() -> None:
    found = dependence("first") > 0
    wanted = torch.eye(5, dtype=torch.bool)
    wanted[:, 0] = True
    assert torch.equal(found, wanted)


def test_of_tune_a_video_a_frame_depends_on_frame_0_the_one_before_and_itself_alone() -> None:
    found = dependence("sparse-causal") > 0
    wanted = torch.eye(5, dtype=torch.bool) | torch.eye(5, dtype=torch.bool).roll(-1, dims=1).triu(0).tril(-1)
    wanted |= torch.diag(torch.ones(4, dtype=torch.bool), -1)
    wanted[:, 0] = True
    assert torch.equal(found, wanted)


@pytest.mark.parametrize("view", ["first", "sparse-causal"])
def test_a_clip_of_one_frame_is_plain_self_attention(unet, view) -> None:
    x, tokens = given(1)
    torch.testing.assert_close(run(unet, x, tokens, view), run(unet, x, tokens, None), rtol=0, atol=1e-6)


@pytest.mark.parametrize("view", ["first", "sparse-causal"])
def test_frame_0_and_images_behind_a_clip_are_as_they_were(unet, view) -> None:
    x, tokens = given()
    plain, made = run(unet, x, tokens, None), run(unet, x, tokens, view, Layout(2, 2))
    torch.testing.assert_close(made[[0, 2, 3]], plain[[0, 2, 3]], rtol=0, atol=1e-6)
    assert (made[1] - plain[1]).abs().max() > 1e-5


def test_clips_do_not_look_at_one_another() -> None:
    tokens = torch.arange(6.0).view(6, 1, 1)
    seen = look_at_frames(tokens, "sparse-causal", Layout(3))
    assert seen.flatten(1).tolist() == [[0, 0], [0, 0], [0, 1], [3, 3], [3, 3], [3, 4]]
    assert look_at_frames(tokens, "first", Layout(1, 2)).flatten().tolist() == [0, 1, 2, 3, 4, 5]


def test_what_frames_see_of_one_another_makes_a_layer_s_answers_more_alike() -> None:
    """By the cosine of neighbours, where frames are one picture under noise of their own."""
    torch.manual_seed(3)
    layer = next(module for module in tiny().modules() if is_self(module))
    width = layer.to_q.in_features
    x = torch.randn(1, 16, width) + torch.randn(FRAMES, 16, width)
    plain = layer.processor

    def alike(view: str | None) -> float:
        layer.set_processor(plain if view is None else CrossFrameProcessor(plain, view))
        with torch.no_grad(), lay_out(Layout(FRAMES)):
            made = layer(x)
        return float(nn.functional.cosine_similarity(made[1:].flatten(1), made[:-1].flatten(1)).mean())

    assert alike("first") > alike(None) + 0.05 and alike("sparse-causal") > alike(None) + 0.05


def test_any_network_of_pictures_will_do_and_is_as_it_was_afterwards() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 4, SIDE, SIDE)
    plain = UNet2DModel(
        in_channels=4, out_channels=4, block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4,
        down_block_types=("DownBlock2D", "AttnDownBlock2D"), up_block_types=("AttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=4,
    ).eval()  # fmt: skip
    faces = DualModulationUNet(4, 0, (8, 16), attention_head_dim=4, face_dim=6, norm_num_groups=4).eval()
    nn.init.normal_(faces.conv_out.weight, std=0.3)
    for network, more in ((plain, ()), (faces, (torch.randn(1, 6).expand(2, 6),))):
        with torch.no_grad():
            before = network(x, 400, *more)
            before = getattr(before, "sample", before)
            with attend_across(network), lay_out(Layout(2)):
                within = network(x, 400, *more)
            after = network(x, 400, *more)
        within, after = getattr(within, "sample", within), getattr(after, "sample", after)
        torch.testing.assert_close(within[0], before[0], rtol=0, atol=1e-5)
        assert (within[1] - before[1]).abs().max() > 1e-6
        torch.testing.assert_close(after, before, rtol=0, atol=0)


def test_a_controlnet_looks_too(unet) -> None:
    control = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=(4, 8)).eval()
    before = [module.processor for module in control.modules() if is_self(module)]
    with attend_across(unet, control):
        assert all(isinstance(m.processor, CrossFrameProcessor) for m in control.modules() if is_self(m))
    assert [module.processor for module in control.modules() if is_self(module)] == before


def test_nonsense_is_refused_in_a_sentence(unet) -> None:
    plain = UNet2DConditionModel(
        block_out_channels=(8,), norm_num_groups=4, cross_attention_dim=DIM, layers_per_block=1,
        down_block_types=("DownBlock2D",), up_block_types=("UpBlock2D",), mid_block_type=None,
    )  # fmt: skip
    with (
        pytest.raises(ConfigError, match="one of the ways first, sparse-causal, not 'last'"),
        attend_across(copy.deepcopy(unet), view="last"),
    ):
        pass
    with pytest.raises(ConfigError, match="this UNet2DConditionModel has none"), attend_across(plain):
        pass
    x, tokens = given(2)
    with pytest.raises(ConfigError, match="within lay_out"), attend_across(unet):
        unet(x, 400, tokens.expand(2, -1, -1))
    assert torch.equal(run(unet, x, tokens, None), run(tiny(), x, tokens, None))  # a refusal leaves no trace
