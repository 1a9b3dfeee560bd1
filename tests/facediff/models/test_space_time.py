import re

import pytest
import torch
from diffusers import UNet2DConditionModel, UNetMotionModel
from diffusers.models.unets.unet_motion_model import AnimateDiffTransformer3D
from torch.utils.flop_counter import FlopCounterMode

from facediff.errors import ConfigError
from facediff.models.difftalk import base_unet
from facediff.models.space_time import (
    MAX_FRAMES,
    TemporalLayer,
    frame_tokens,
    freeze_time,
    small_space_time,
    space_time_prior,
)

FRAMES = 4


@pytest.fixture(scope="module")
def unet() -> UNetMotionModel:
    torch.manual_seed(0)
    return small_space_time().eval()


@pytest.fixture
def given() -> dict[str, torch.Tensor]:
    return inputs()


def inputs(channels: int = 12 + 57, height: int = 16, width: int = 20, frames: int = FRAMES) -> dict[str, torch.Tensor]:
    g = torch.Generator().manual_seed(1)
    audio, text = torch.randn(1, frames, 8, 128, generator=g), torch.randn(1, 4, 128, generator=g)
    return {
        "sample": torch.randn(1, channels, frames, height, width, generator=g),
        "timestep": torch.tensor(500),
        "encoder_hidden_states": frame_tokens(audio, text),
    }


@torch.no_grad()
def run(unet, given, **changes) -> torch.Tensor:
    return unet(**{**given, **changes}, return_dict=False)[0]


def test_it_is_as_small_as_its_docstring_says(unet, given) -> None:
    with FlopCounterMode(display=False) as counter:
        out = run(unet, given)
    assert out.shape == (1, 12, FRAMES, 16, 20)
    millions, giga = re.search(r"([\d.]+) M parameters, ([\d.]+) GFLOP", small_space_time.__doc__).groups()
    assert unet.num_parameters() / 1e6 == pytest.approx(float(millions), rel=0.02)
    assert counter.get_total_flops() / FRAMES / 1e9 == pytest.approx(float(giga), rel=0.3)


def test_it_takes_as_many_frames_as_its_docstring_says(unet) -> None:
    assert run(unet, inputs(frames=MAX_FRAMES)).shape[2] == 32


def test_at_first_frames_do_not_know_of_one_another(unet, given) -> None:
    other = given["sample"].clone()
    other[:, :, 3] += 1
    change = (run(unet, given, sample=other) - run(unet, given)).abs().amax(dim=(0, 1, 3, 4))
    assert change[:3].max() == 0 and change[3] > 1e-3


def test_at_first_a_frame_is_denoised_as_a_picture_of_its_own(unet, given) -> None:
    alone = run(
        unet, given, sample=given["sample"][:, :, 2:3], encoder_hidden_states=given["encoder_hidden_states"][2:3]
    )
    torch.testing.assert_close(alone, run(unet, given)[:, :, 2:3], rtol=1e-4, atol=1e-5)


def test_time_is_learnt_from_the_first_step_on(given) -> None:
    unet = small_space_time()
    unet(**given, return_dict=False)[0].square().mean().backward()
    grown = {
        name: float(p.grad.abs().max())
        for name, p in unet.named_parameters()
        if name.endswith("proj_out.weight") and "motion" in name
    }
    assert {name.split(".")[0] for name in grown} == {"down_blocks", "mid_block", "up_blocks"}
    assert min(grown.values()) > 0


def test_a_fresh_motion_model_of_diffusers_is_not_still_and_is_made_so() -> None:
    torch.manual_seed(0)
    unet = UNetMotionModel(
        in_channels=12, out_channels=12, block_out_channels=(16, 16), layers_per_block=1, norm_num_groups=8,
        down_block_types=("CrossAttnDownBlockMotion", "DownBlockMotion"), cross_attention_dim=128,
        up_block_types=("UpBlockMotion", "CrossAttnUpBlockMotion"), num_attention_heads=2, motion_num_attention_heads=2,
    ).eval()  # fmt: skip
    given = inputs(12, 28, 28)
    other = given["sample"].clone()
    other[:, :, 3] += 1
    before = (run(unet, given, sample=other) - run(unet, given))[:, :, :3].abs().max()
    freeze_time(unet)
    after = (run(unet, given, sample=other) - run(unet, given))[:, :, :3].abs().max()
    assert before > 1e-3 and after == 0


def test_each_frame_hears_its_own_sound_and_all_are_told_the_text(unet, given) -> None:
    audio, text = torch.randn(1, FRAMES, 8, 128), torch.randn(1, 4, 128)
    later = audio.clone()
    later[:, 2] += 1
    plain = run(unet, given, encoder_hidden_states=frame_tokens(audio, text))
    heard = (run(unet, given, encoder_hidden_states=frame_tokens(later, text)) - plain).abs().amax(dim=(0, 1, 3, 4))
    assert heard[2] > 1e-4 and heard[[0, 1, 3]].max() == 0
    told = (run(unet, given, encoder_hidden_states=frame_tokens(audio, text + 1)) - plain).abs().amax(dim=(0, 1, 3, 4))
    assert told.min() > 1e-4


def test_tokens_are_laid_out_clip_by_clip() -> None:
    audio, text = torch.arange(6.0).view(2, 3, 1, 1), torch.tensor([10.0, 20.0]).view(2, 1, 1)
    both = frame_tokens(audio, text)
    assert both[..., 0].tolist() == [[0, 10], [1, 10], [2, 10], [3, 20], [4, 20], [5, 20]]
    assert frame_tokens(audio)[:, 0, 0].tolist() == [0, 1, 2, 3, 4, 5]
    assert frame_tokens(None, text, frames=3)[:, 0, 0].tolist() == [10, 10, 10, 20, 20, 20]
    with pytest.raises(ConfigError, match="tokens are made of audio"):
        frame_tokens(None, text)


def test_it_is_kept_and_comes_back(unet, given, tmp_path) -> None:
    unet.save_pretrained(tmp_path)
    again = UNetMotionModel.from_pretrained(tmp_path).eval()
    torch.testing.assert_close(run(again, given), run(unet, given))


@pytest.fixture(scope="module")
def pictures() -> UNet2DConditionModel:
    torch.manual_seed(2)
    return base_unet().eval()


@torch.no_grad()
def frame_by_frame(pictures: UNet2DConditionModel, given: dict[str, torch.Tensor]) -> torch.Tensor:
    frames, tokens = given["sample"][0].transpose(0, 1), given["encoder_hidden_states"]
    return pictures(frames, given["timestep"], tokens, return_dict=False)[0].transpose(0, 1)[None]


def test_a_fresh_prior_denoises_frame_by_frame_as_the_denoiser_of_pictures_does(pictures, given) -> None:
    got = run(space_time_prior(pictures).eval(), given)
    torch.testing.assert_close(got, frame_by_frame(pictures, given), rtol=1e-4, atol=1e-5)


def test_frames_know_of_one_another_once_the_layer_has_learnt(pictures, given) -> None:
    temporal = TemporalLayer()
    prior = space_time_prior(pictures, temporal).eval()
    torch.nn.init.normal_(temporal.layer.proj_out.weight, std=0.2)  # it is shared, not copied
    other = given["sample"].clone()
    other[:, :, 3] += 1
    change = (run(prior, given, sample=other) - run(prior, given)).abs().amax(dim=(0, 1, 3, 4))
    assert change.min() > 1e-4
    torch.testing.assert_close(run(space_time_prior(pictures).eval(), given), frame_by_frame(pictures, given),
                               rtol=1e-4, atol=1e-5)  # fmt: skip


def test_a_prior_does_not_touch_the_denoiser_that_it_was_made_of(pictures, given) -> None:
    before = {name: weight.clone() for name, weight in pictures.state_dict().items()}
    prior = space_time_prior(pictures)
    with torch.no_grad():
        for weight in prior.parameters():
            weight.add_(1.0)
    assert all(torch.equal(weight, before[name]) for name, weight in pictures.state_dict().items())


def test_a_prior_has_one_temporal_layer_in_its_middle_and_nothing_else_of_time(pictures, given) -> None:
    temporal = TemporalLayer()
    prior = space_time_prior(pictures, temporal).requires_grad_(False)
    temporal.requires_grad_(True)
    assert prior.mid_block.motion_modules[0] is temporal.layer
    others = [layer for layer in prior.modules() if isinstance(layer, AnimateDiffTransformer3D)]
    assert not any(layer.proj_out.weight.any() or layer.proj_out.bias.any() for layer in others)
    prior(**given, return_dict=False)[0].square().mean().backward()
    assert temporal.layer.proj_out.weight.grad.abs().max() > 0


def test_a_temporal_layer_is_kept_and_comes_back(pictures, given, tmp_path) -> None:
    temporal = TemporalLayer(heads=8)
    torch.nn.init.normal_(temporal.layer.proj_out.weight, std=0.2)
    temporal.save_pretrained(tmp_path)
    again = TemporalLayer.from_pretrained(tmp_path)
    one, other = (run(space_time_prior(pictures, layer).eval(), given) for layer in (temporal, again))
    torch.testing.assert_close(one, other)
