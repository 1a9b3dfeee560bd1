"""A network of pictures, tiny, inflated by each method."""

from __future__ import annotations

import copy

import pytest
import torch
from diffusers import UNet2DConditionModel
from torch import Tensor

from facediff.errors import ConfigError, WeightsError
from facediff.models.inflation import METHODS, InflatedUNet, hash_weights, inflate
from facediff.models.temporal_layers import ChannelShift, FrameAdaptor, FrameCache

FRAMES, SIDE, DIM = 5, 8, 8
LEARNING = [method for method in METHODS if method not in ("latent-shift", "tune-a-video")]


@pytest.fixture(scope="module")
def unet() -> UNet2DConditionModel:
    return tiny()


def tiny(seed: int = 0, **changes) -> UNet2DConditionModel:
    torch.manual_seed(seed)
    config = {
        "in_channels": 4, "out_channels": 4, "block_out_channels": (8, 16), "layers_per_block": 1,
        "norm_num_groups": 4, "cross_attention_dim": DIM, "attention_head_dim": 2,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
    }  # fmt: skip
    return UNet2DConditionModel(**{**config, **changes}).eval()


def learnt(unet: UNet2DConditionModel, method: str, **more) -> InflatedUNet:
    """With layers that are no longer the identity."""
    made = inflate(unet, method, **more)
    g = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for weight in made.temporal.parameters():
            weight.add_(0.3 * torch.randn(weight.shape, generator=g))
    return made


def noisy(frames: int = FRAMES, clips: int = 1, seed: int = 1) -> tuple[Tensor, Tensor]:
    """Clips (B, C, F, H, W) and the tokens of their frames."""
    g = torch.Generator().manual_seed(seed)
    return torch.randn(clips, 4, frames, SIDE, SIDE, generator=g), torch.randn(clips * frames, 3, DIM, generator=g)


@torch.no_grad()
def run(made, given: tuple[Tensor, Tensor], **more) -> Tensor:
    return made(given[0], torch.tensor(400), given[1], return_dict=False, **more)[0]


@torch.no_grad()
def frame_by_frame(unet: UNet2DConditionModel, given: tuple[Tensor, Tensor]) -> Tensor:
    clips, tokens = given
    made = unet(clips.transpose(1, 2).flatten(0, 1), torch.tensor(400), tokens).sample
    return made.unflatten(0, (len(clips), -1)).transpose(1, 2)


def change_of(made: InflatedUNet, frame: int, frames: int = FRAMES, **more) -> Tensor:
    """How far each frame moves when one of them is another."""
    clips, tokens = noisy(frames)
    other = clips.clone()
    other[:, :, frame] += 1
    return (run(made, (other, tokens), **more) - run(made, (clips, tokens), **more)).abs().amax(dim=(0, 1, 3, 4))


@pytest.mark.parametrize("method", LEARNING)
def test_at_first_frames_are_unchanged(unet, method) -> None:
    given = noisy(clips=2)
    torch.testing.assert_close(run(inflate(unet, method), given), frame_by_frame(unet, given), rtol=0, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_frames_know_of_one_another_once_layers_have_learnt_and_clips_do_not(unet, method) -> None:
    made = learnt(unet, method)
    moved = change_of(made, 2)
    assert moved[[3, 4]].min() > 1e-4
    clips, tokens = noisy(clips=2)
    other = clips.clone()
    other[1] += 1
    torch.testing.assert_close(run(made, (clips, tokens))[0], run(made, (other, tokens))[0], rtol=0, atol=0)


@pytest.mark.parametrize("method", METHODS)
def test_layers_learn_and_pictures_are_left_alone(unet, method) -> None:
    made = inflate(unet, method).freeze_pictures()
    clips, tokens = noisy()
    made(clips, 400, tokens).sample.square().mean().backward()
    taught = {name for name, weight in made.named_parameters() if weight.grad is not None and weight.grad.any()}
    if method == "tune-a-video":
        queries = {name for name in taught if name.startswith("base.")}
        assert queries and all(name.endswith(("attn1.to_q.weight", "attn2.to_q.weight")) for name in queries)
        taught -= queries
    side = "base." if method == "latent-shift" else "temporal."
    assert taught and all(name.startswith(side) for name in taught)


@pytest.mark.parametrize("method", METHODS)
def test_one_clip_may_be_given_as_pictures(unet, method) -> None:
    made, (clips, tokens) = learnt(unet, method), noisy()
    as_pictures = run(made, (clips[0].transpose(0, 1), tokens))
    torch.testing.assert_close(as_pictures, run(made, (clips, tokens))[0].transpose(0, 1), rtol=0, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_images_behind_a_clip_stand_alone(unet, method) -> None:
    """VDM's joint training: other frames change nothing in them, nor they in the frames."""
    made = learnt(unet, method)
    assert change_of(made, 0, images=2)[3:].max() == 0
    moved = change_of(made, 4, images=2)
    assert moved[4] > 1e-3 and moved[:4].max() == 0


@pytest.mark.parametrize("method", ["magic-video", "align-your-latents", "latent-shift", "tune-a-video"])
def test_images_alone_are_those_of_the_network_of_pictures(unet, method) -> None:
    """Align Your Latents' α of 1, whatever the layers have learnt; of MagicVideo before they have."""
    made = learnt(unet, method) if method == "align-your-latents" else inflate(unet, method)
    given = noisy()
    torch.testing.assert_close(run(made, given, images=FRAMES), frame_by_frame(unet, given), rtol=0, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_it_is_kept_and_comes_back(unet, method, tmp_path) -> None:
    made = learnt(unet, method)
    if method == "latent-shift":
        with torch.no_grad():
            made.base.conv_in.weight.add_(0.1)  # it is the network itself that learns
    if method == "tune-a-video":
        with torch.no_grad():
            made.base.mid_block.attentions[0].transformer_blocks[0].attn1.to_q.weight.add_(0.1)
    made.save_pretrained(tmp_path)
    again = InflatedUNet.from_pretrained(tmp_path, unet)
    torch.testing.assert_close(run(again, noisy()), run(made, noisy()), rtol=0, atol=0)


@pytest.mark.parametrize("method", ["vdm", "latent-shift", "tune-a-video"])
def test_a_base_that_changed_is_refused_and_one_in_half_precision_is_not(unet, method, tmp_path) -> None:
    inflate(unet, method).save_pretrained(tmp_path)
    with pytest.raises(WeightsError, match="made for a network of other weights"):
        InflatedUNet.from_pretrained(tmp_path, tiny(seed=1))
    assert InflatedUNet.from_pretrained(tmp_path, copy.deepcopy(unet).half()).base.dtype == torch.float16


def test_the_network_of_pictures_is_not_touched(unet) -> None:
    before, given = hash_weights(unet), noisy()
    alone = frame_by_frame(unet, given)
    made = learnt(unet, "vdm")
    with torch.no_grad():
        made.base.conv_in.weight.zero_()
    assert hash_weights(unet) == before
    torch.testing.assert_close(frame_by_frame(unet, given), alone, rtol=0, atol=0)


def test_a_copy_has_layers_of_its_own(unet) -> None:
    made = learnt(unet, "vdm")
    other, before = copy.deepcopy(made), run(made, noisy())
    with torch.no_grad():
        for weight in other.temporal.parameters():
            weight.zero_()
    torch.testing.assert_close(run(made, noisy()), before, rtol=0, atol=0)
    assert (run(other, noisy()) - before).abs().max() > 1e-3


def test_attention_by_distance_takes_clips_of_any_length(unet) -> None:
    made = learnt(unet, "vdm")
    assert made.max_frames is None and run(made, noisy(70)).isfinite().all()


def test_shifted_channels_have_no_weights_and_reach_a_frame_further_in_each_block(unet) -> None:
    made = inflate(unet, "latent-shift", share=0.25)
    blocks = len(made.temporal.layers)
    assert made.temporal.num_parameters() == 0 and blocks == 8
    moved = change_of(made, 0, frames=blocks + 3)
    assert moved[: blocks + 1].min() > 0 and moved[blocks + 1 :].max() == 0


def test_without_a_share_shifted_channels_are_the_network_of_pictures_bit_for_bit(unet) -> None:
    given = noisy()
    made = run(inflate(unet, "latent-shift", share=0.0), given)
    torch.testing.assert_close(made, frame_by_frame(unet, given), rtol=0, atol=1e-6)


def test_directed_attention_leaves_earlier_frames_exactly_as_they_were(unet) -> None:
    moved = change_of(learnt(unet, "magic-video"), 2)
    assert moved[:2].max() == 0 and moved[2:].min() > 1e-4


@pytest.mark.parametrize("step", [1, 2])
def test_frames_one_after_the_other_from_a_cache_are_those_of_the_whole(unet, step) -> None:
    made, (clips, tokens) = learnt(unet, "magic-video"), noisy()
    cache, parts = FrameCache(), []
    for start in range(0, FRAMES, step):
        frames = slice(start, start + step)
        parts.append(run(made, (clips[:, :, frames], tokens[frames]), cache=cache))
    assert cache.frames == FRAMES
    torch.testing.assert_close(torch.cat(parts, dim=2), run(made, (clips, tokens)), rtol=0, atol=1e-5)


def test_an_adaptor_adds_two_numbers_a_frame_and_channel_to_each_convolution(unet) -> None:
    made = inflate(unet, "magic-video", max_frames=FRAMES)
    for name, layer in made.temporal.layers.items():
        if isinstance(layer, FrameAdaptor):
            channels = made.base.get_submodule(name.replace("-", ".")).out_channels
            assert sum(weight.numel() for weight in layer.parameters()) == 2 * FRAMES * channels


def test_the_embedded_denoiser_can_be_inflated() -> None:
    from facediff.models.difftalk import base_unet

    assert {method: len(inflate(base_unet(), method).temporal.layers) for method in METHODS} == {
        "vdm": 4, "latent-shift": 11, "make-a-video": 26, "magic-video": 26, "align-your-latents": 15,
        "tune-a-video": 4,
    }  # fmt: skip


def test_nonsense_is_refused_in_a_sentence(unet) -> None:
    plain = tiny(down_block_types=("DownBlock2D",) * 2, up_block_types=("UpBlock2D",) * 2, mid_block_type=None)
    whole, few = learnt(unet, "vdm"), inflate(unet, "magic-video", max_frames=4)
    for make, words in (
        (lambda: inflate(unet, "svd"), "inflated by one of vdm, latent-shift, make-a-video"),
        (lambda: inflate(unet, "latent-shift", share=0.6), "from 0 to 0.5, not 0.6"),
        (lambda: inflate(unet, "magic-video", max_frames=0), "at least 1 frame, not 0"),
        (lambda: inflate(plain, "vdm"), "behind each attention, and this network has none"),
        (lambda: run(few, noisy()), "know 4 frames got 5"),
        (lambda: run(whole, noisy(), cache=FrameCache()), "a cache is for frames that know of none behind them"),
        (lambda: run(few, noisy(3), images=1, cache=FrameCache()), "images stand alone and go with no cache"),
        (lambda: run(whole, noisy(), images=6), "of 5 frames 6 cannot stand alone"),
    ):
        with pytest.raises(ConfigError, match=words):
            make()


def test_a_clip_of_one_frame_is_not_shifted(unet) -> None:
    assert isinstance(next(iter(inflate(unet, "latent-shift").temporal.layers.values())), ChannelShift)
    given = noisy(1)
    torch.testing.assert_close(
        run(inflate(unet, "latent-shift"), given), frame_by_frame(unet, given), atol=1e-6, rtol=0
    )


def test_of_stable_diffusion_a_twelfth_is_tuned(monkeypatch) -> None:
    """49.6 M weights of time and 24.8 M of queries, which are the published numbers."""
    monkeypatch.setattr("facediff.models.inflation.hash_weights", lambda unet: "")
    with torch.device("meta"):
        large = UNet2DConditionModel(cross_attention_dim=768)
        made = inflate(large, "tune-a-video").freeze_pictures()
    queries = sum(weight.numel() for weight in made.base.parameters() if weight.requires_grad)
    assert queries / 1e6 == pytest.approx(24.8, abs=0.1)
    assert made.temporal.num_parameters() / 1e6 == pytest.approx(49.6, abs=0.3)
