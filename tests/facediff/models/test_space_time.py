import pytest
import torch
from diffusers import UNetMotionModel
from torch.utils.flop_counter import FlopCounterMode

from facediff.errors import ConfigError
from facediff.models.space_time import frame_tokens, small_space_time, still

FRAMES = 4


@pytest.fixture(scope="module")
def unet() -> UNetMotionModel:
    torch.manual_seed(0)
    return small_space_time().eval()


@pytest.fixture
def given() -> dict[str, torch.Tensor]:
    g = torch.Generator().manual_seed(1)
    audio, text = torch.randn(1, FRAMES, 8, 128, generator=g), torch.randn(1, 4, 128, generator=g)
    return {
        "sample": torch.randn(1, 12, FRAMES, 28, 28, generator=g),
        "timestep": torch.tensor(500),
        "encoder_hidden_states": frame_tokens(audio, text),
    }


@torch.no_grad()
def run(unet, given, **changes) -> torch.Tensor:
    return unet(**{**given, **changes}, return_dict=False)[0]


def test_it_is_as_small_as_its_docstring_says(unet, given) -> None:
    with FlopCounterMode(display=False) as counter:
        out = run(unet, given)
    assert out.shape == given["sample"].shape
    assert unet.num_parameters() == pytest.approx(2.8e6, rel=0.02)
    assert counter.get_total_flops() / FRAMES == pytest.approx(1.4e9, rel=0.05)


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
    grown = [
        p.grad.abs().max()
        for name, p in unet.named_parameters()
        if name.endswith("proj_out.weight") and "motion" in name
    ]
    assert len(grown) == 10 and min(grown) > 0


def test_a_fresh_motion_model_of_diffusers_is_not_still_and_is_made_so(given) -> None:
    torch.manual_seed(0)
    unet = UNetMotionModel(
        in_channels=12, out_channels=12, block_out_channels=(16, 16), layers_per_block=1, norm_num_groups=8,
        down_block_types=("CrossAttnDownBlockMotion", "DownBlockMotion"), cross_attention_dim=128,
        up_block_types=("UpBlockMotion", "CrossAttnUpBlockMotion"), num_attention_heads=2, motion_num_attention_heads=2,
    ).eval()  # fmt: skip
    other = given["sample"].clone()
    other[:, :, 3] += 1
    before = (run(unet, given, sample=other) - run(unet, given))[:, :, :3].abs().max()
    still(unet)
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
