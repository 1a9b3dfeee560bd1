from __future__ import annotations

import numpy as np
import pytest
import torch
from diffusers import UNet2DConditionModel
from torch import Tensor, nn

from facediff.conditioning.difftalk import DiffTalkConditioner
from facediff.conditioning.fadm import FADMConditioner
from facediff.errors import InputError
from facediff.landmarks.alignment import FACE
from facediff.models.codec import FaceCodec
from facediff.models.difftalk import base_schedule
from facediff.training.coarse_pairs import LAYOUT
from facediff.training.fadm import (
    LATENTS,
    CoarseDraw,
    FADMRecipe,
    Refiner,
    encode_coarse_pairs,
    fadm_loss,
    residual_scale,
    start_from_difftalk,
    train_fadm,
)
from facediff.training.loop import LoopConfig

COUNT, SCALE = 6, 0.5


@pytest.fixture(scope="module")
def pairs() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    made = {}
    for name, (shape, kind) in LAYOUT.items():
        whole = kind is np.uint8
        made[name] = (
            rng.integers(0, 256, (COUNT, *shape), dtype=np.uint8)
            if whole
            else rng.normal(size=(COUNT, *shape)).astype(np.float32)
        )
    made["mask"][:] = 0
    made["mask"][:, 4:20, 6:22] = 255
    made["maps"][:] = 0
    made["maps"][:, 0, 20:24, 20:32] = 255  # lips: latents 10 to 12, 10 to 16
    return made


@pytest.fixture(scope="module")
def codec() -> FaceCodec:
    torch.manual_seed(0)
    return FaceCodec(latent_channels=4, fine_channels=8, coarse_channels=16).eval()


@pytest.fixture(scope="module")
def latents(pairs, codec, tmp_path_factory) -> dict[str, np.ndarray]:
    return encode_coarse_pairs(codec, pairs, tmp_path_factory.mktemp("latents"), batch=4)


def draw(pairs, latents, **recipe) -> CoarseDraw:
    return CoarseDraw(pairs, latents, FADMRecipe(batch_size=4, **recipe))


def small_unet(extra: int) -> UNet2DConditionModel:
    return UNet2DConditionModel(
        in_channels=3 * 4 + extra, out_channels=4, layers_per_block=1, block_out_channels=(8, 8),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=16, attention_head_dim=2, norm_num_groups=4,
    )  # fmt: skip


def refiner() -> Refiner:
    torch.manual_seed(0)
    conditioner = FADMConditioner(4, gate_channels=8, condition_channels=6, dim=16, residual_scale=SCALE)
    return Refiner(small_unet(conditioner.extra_channels), conditioner)


def test_latents_are_those_of_the_codec(pairs, codec, latents) -> None:
    images = torch.from_numpy(pairs["coarse"][[0, 5]]).permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.no_grad():
        np.testing.assert_allclose(latents["coarse"][[0, 5]], codec.encode(images).numpy(), atol=4e-3)
    assert set(latents) == set(LATENTS) and latents["target"].shape == (COUNT, 4, 28, 28)


def test_what_belongs_together_stays_together(pairs, latents) -> None:
    batch = draw(pairs, latents)(np.random.default_rng(0))
    for k in range(4):
        (row,) = np.flatnonzero((latents["target"] == batch["target"][k].half().numpy()).all((1, 2, 3)))
        np.testing.assert_array_equal(batch["coarse"][k].half(), latents["coarse"][row])
        np.testing.assert_allclose(batch["attributes"][k], pairs["attributes"][row])
        np.testing.assert_allclose(batch["points"][k], FACE.in_units(pairs["points"][row]))
    shares = [draw(pairs, latents, driven_share=0.3)(np.random.default_rng(k))["shows_driven"] for k in range(60)]
    assert 0.1 < torch.stack(shares).float().mean() < 0.5


def test_the_scale_is_the_residuals_deviation_inside_the_mask(pairs, latents) -> None:
    apart = (latents["target"].astype(np.float32) - latents["coarse"])[:, :, 4:20, 6:22]
    assert residual_scale(pairs, latents, every=1) == pytest.approx(float(np.sqrt((apart**2).mean())), abs=1e-3)


class Oracle(nn.Module):
    """Knows the clean latents, and errs where it is told to."""

    def __init__(self, error: Tensor) -> None:
        super().__init__()
        self.error, self.scheduler, self.conditioner = error, base_schedule(), refiner().conditioner

    def forward(self, noisy: Tensor, timesteps: Tensor, batch: dict[str, Tensor]) -> Tensor:
        clean = (batch["target"] - batch["coarse"]) / SCALE
        a = self.scheduler.alphas_cumprod[timesteps][:, None, None, None]
        noise = (noisy - a.sqrt() * clean) / (1 - a).sqrt()
        return a.sqrt() * noise - (1 - a).sqrt() * clean + self.error


def test_errors_weigh_by_where_they_are_and_the_alignment_by_its_weight(pairs, latents) -> None:
    batch = draw(pairs, latents)(np.random.default_rng(0))
    recipe = FADMRecipe(outside_weight=0.1, parts_weight=2.0, alignment_weight=0.0)
    inside, lips = batch["mask"][:1], torch.zeros(1, 1, 28, 28)
    lips[..., 10:12, 10:16] = 1
    parts = [(1 - inside, 0.1), (inside - lips, 1.0), (lips, 3.0)]
    total = sum(float(part.sum()) * weight for part, weight in parts)
    loss = fadm_loss(base_schedule(), recipe, SCALE)
    assert loss(Oracle(torch.zeros(1)), batch, torch.Generator().manual_seed(0))[0] < 1e-9
    for part, weight in parts:
        value, _ = loss(Oracle(0.5 * part), batch, torch.Generator().manual_seed(0))
        assert float(value.detach()) == pytest.approx(0.25 * weight * float(part.sum()) / total, rel=1e-3)
    aligned, figures = fadm_loss(base_schedule(), FADMRecipe(alignment_weight=0.5), SCALE)(
        Oracle(torch.zeros(1)), batch, torch.Generator().manual_seed(0)
    )
    assert float(aligned.detach()) == pytest.approx(0.5 * figures["alignment"], rel=1e-4) and figures["alignment"] > 0


def test_the_refiner_is_told_everything(pairs, latents) -> None:
    batch = draw(pairs, latents, driven_share=0.0)(np.random.default_rng(0))
    names = ("coarse", "mask", "maps", "points", "rotation", "attributes")
    told = [batch[name].requires_grad_() for name in names]
    value, _ = fadm_loss(base_schedule(), FADMRecipe(), SCALE)(refiner(), batch, torch.Generator().manual_seed(0))
    assert [bool(g.abs().max() > 0) for g in torch.autograd.grad(value, told)] == [True] * len(names)


def test_it_starts_with_what_the_denoiser_of_mouths_knows() -> None:
    torch.manual_seed(1)
    talking = DiffTalkConditioner(dim=16)
    unet, made = small_unet(talking.extra_channels), refiner()
    start_from_difftalk(made, unet, talking)
    first, own = unet.conv_in.weight, made.unet.conv_in.weight
    torch.testing.assert_close(own[:, :4], first[:, :4])  # noisy latents
    torch.testing.assert_close(own[:, 10:14], first[:, 4:8] + first[:, 8:12])  # masked frame and reference: the coarse
    torch.testing.assert_close(own[:, 14], first[:, 12])  # the mask
    torch.testing.assert_close(made.unet.conv_out.weight, unet.conv_out.weight)
    torch.testing.assert_close(made.conditioner.face.embed[0].weight, talking.face.embed[0].weight)


def test_it_learns(pairs, latents, tmp_path) -> None:
    config = LoopConfig(output=tmp_path, steps=12, learning_rate=3e-3, warmup=1, mixed_precision="no", log_every=1)
    recipe = FADMRecipe(batch_size=4)
    untrained, trained = refiner(), train_fadm(refiner(), draw(pairs, latents), base_schedule(), config, recipe)
    batch, loss = draw(pairs, latents)(np.random.default_rng(5)), fadm_loss(base_schedule(), recipe, SCALE)
    with torch.no_grad():
        before, after = (float(loss(m.cpu(), batch, torch.Generator().manual_seed(0))[0]) for m in (untrained, trained))
    assert after < 0.95 * before


def test_fewer_pairs_than_a_step_takes_are_refused_before_the_first(pairs, latents) -> None:
    with pytest.raises(InputError, match="a batch takes 500"):
        CoarseDraw(pairs, latents, FADMRecipe(batch_size=500))
