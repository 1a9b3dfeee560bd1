import numpy as np
import pytest
import torch
from diffusers import UNet2DConditionModel
from torch import Tensor, nn

from facediff.conditioning.difftalk import DiffTalkConditioner
from facediff.errors import InputError
from facediff.landmarks.alignment import MOUTH
from facediff.models.codec import FaceCodec
from facediff.models.difftalk import base_schedule
from facediff.training.difftalk import (
    LATENTS,
    Denoiser,
    DiffTalkRecipe,
    LatentDraw,
    difftalk_loss,
    encode_pairs,
)

COUNT, ROWS, SCALE = 12, 6, 0.7
WIDTH, HEIGHT = MOUTH.size
TOP, LEFT = 5, 6  # of the mask, in latents; it is as wide and as high as six of them
HEARD = np.array([True, False, True, False, True, False])


@pytest.fixture(scope="module")
def pairs() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    mask = np.zeros((COUNT, HEIGHT, WIDTH), np.uint8)
    mask[:, 8 * TOP : 8 * TOP + 48, 8 * LEFT : 8 * LEFT + 48] = 255
    return {
        "target": rng.integers(0, 256, (COUNT, HEIGHT, WIDTH, 3), dtype=np.uint8),
        "reference": rng.integers(0, 256, (COUNT, HEIGHT, WIDTH, 3), dtype=np.uint8),
        "mask": mask,
        "lips": rng.integers(0, 256, (COUNT, 2, HEIGHT // 2, WIDTH // 2), dtype=np.uint8),
        "points": rng.normal(90, 30, (COUNT, 478, 3)).astype(np.float32),
        "row": np.arange(COUNT) % ROWS,
    }


@pytest.fixture(scope="module")
def codec() -> FaceCodec:
    torch.manual_seed(0)
    return FaceCodec(latent_channels=4, fine_channels=8, coarse_channels=16).eval()


@pytest.fixture(scope="module")
def latents(pairs, codec, tmp_path_factory) -> dict[str, np.ndarray]:
    return encode_pairs(codec, pairs, tmp_path_factory.mktemp("latents"), batch=5)


def draw(pairs, latents, **recipe) -> LatentDraw:
    rng = np.random.default_rng(1)
    windows = rng.normal(size=(ROWS, 32, 80)).astype(np.float16)
    rotation = np.stack([np.eye(3, dtype=np.float32) * (k + 1) for k in range(ROWS)])
    return LatentDraw(pairs, latents, rotation, windows, HEARD, DiffTalkRecipe(batch_size=8, **recipe))


def test_latents_are_those_of_the_codec_and_what_is_masked_is_not_in_them(pairs, codec, latents, tmp_path) -> None:
    images = torch.from_numpy(pairs["target"][[0, 7]]).permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.no_grad():
        wanted = codec.encode(images).numpy()
    assert {name: v.dtype for name, v in latents.items()} == dict.fromkeys(LATENTS, np.dtype(np.float16))
    np.testing.assert_allclose(latents["target"][[0, 7]], wanted, atol=2e-3)
    repainted = {**pairs, "target": np.where(pairs["mask"][..., None] > 0, 255 - pairs["target"], pairs["target"])}
    other = encode_pairs(codec, repainted, tmp_path, batch=5)
    np.testing.assert_array_equal(other["masked"], latents["masked"])
    assert not np.array_equal(other["target"], latents["target"])
    kept = encode_pairs(codec, pairs, tmp_path)  # made once
    np.testing.assert_array_equal(kept["target"], other["target"])


def test_what_belongs_together_stays_together(pairs, latents) -> None:
    batch = draw(pairs, latents)(np.random.default_rng(0))
    for k in range(8):
        (pair,) = np.flatnonzero((latents["target"] == batch["target"][k].half().numpy()).all((1, 2, 3)))
        row = pairs["row"][pair]
        assert batch["rotation"][k, 0, 0] == row + 1
        np.testing.assert_allclose(batch["lips"][k] * 255, pairs["lips"][pair], atol=1e-3)
        np.testing.assert_array_equal(batch["reference"][k].half(), latents["reference"][pair])
    assert batch["mask"].shape == (8, 1, HEIGHT // 8, WIDTH // 8)
    assert batch["mask"][:, 0, TOP : TOP + 6, LEFT : LEFT + 6].min() == 1 and batch["mask"].sum() == 8 * 36


def test_sound_that_is_not_there_is_never_claimed_and_something_is_always_known(pairs, latents) -> None:
    batches = [draw(pairs, latents, audio_dropout=0.3, lips_dropout=0.5)(np.random.default_rng(k)) for k in range(40)]
    audio, lips = (torch.cat([b[k] for b in batches]) for k in ("audio_known", "lips_known"))
    rows = torch.cat([b["rotation"][:, 0, 0] for b in batches]).long() - 1
    heard = torch.from_numpy(HEARD)[rows]
    assert not (audio & ~heard).any()
    assert (audio | lips).all()
    assert 0.6 < audio[heard].float().mean() < 0.8
    assert 0.4 < lips[audio].float().mean() < 0.6


class Oracle(nn.Module):
    """Knows the clean latents, and errs where it is told to."""

    def __init__(self, error: Tensor) -> None:
        super().__init__()
        self.error, self.scheduler = error, base_schedule()

    def forward(self, noisy: Tensor, timesteps: Tensor, batch: dict[str, Tensor]) -> Tensor:
        clean = (batch["target"] - batch["reference"]) / SCALE
        a = self.scheduler.alphas_cumprod[timesteps][:, None, None, None]
        noise = (noisy - a.sqrt() * clean) / (1 - a).sqrt()
        return a.sqrt() * noise - (1 - a).sqrt() * clean + self.error


def test_an_oracle_has_no_loss_and_errors_weigh_by_where_they_are(pairs, latents) -> None:
    batch = draw(pairs, latents)(np.random.default_rng(0))
    inside = batch["mask"][:1]
    lips = torch.zeros_like(inside)
    lips[..., TOP + 2 : TOP + 4, LEFT + 1 : LEFT + 5] = 1
    batch["lips"] = nn.functional.interpolate(lips, scale_factor=4).expand(8, 2, -1, -1)
    loss = difftalk_loss(base_schedule(), DiffTalkRecipe(outside_weight=0.1, lips_weight=2.0), SCALE)
    parts = [(1 - inside, 0.1), (inside - lips, 1.0), (lips, 3.0)]
    total = sum(float(part.sum()) * weight for part, weight in parts)
    assert loss(Oracle(torch.zeros(1)), batch, torch.Generator().manual_seed(0))[0] < 1e-9
    for part, weight in parts:
        value, _ = loss(Oracle(0.5 * part), batch, torch.Generator().manual_seed(0))
        assert float(value) == pytest.approx(0.25 * weight * float(part.sum()) / total, rel=1e-3)


def test_the_denoiser_is_told_everything(pairs, latents) -> None:
    torch.manual_seed(0)
    conditioner = DiffTalkConditioner(dim=16)
    unet = UNet2DConditionModel(
        in_channels=3 * 4 + conditioner.extra_channels, out_channels=4, layers_per_block=1, block_out_channels=(8, 8),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=16, attention_head_dim=2, norm_num_groups=4,
    )  # fmt: skip
    denoiser = Denoiser(unet, conditioner)
    batch = draw(pairs, latents, audio_dropout=0.0, lips_dropout=0.0)(np.random.default_rng(0))
    told = [batch[k].requires_grad_() for k in ("masked", "reference", "mask", "lips", "window", "points", "rotation")]
    loss = difftalk_loss(base_schedule(), DiffTalkRecipe(), SCALE)
    value, figures = loss(denoiser, batch, torch.Generator().manual_seed(0))
    moved = torch.autograd.grad(value, told)
    assert value.isfinite() and set(figures) == {"noisy_end"}
    assert [g.abs().max() > 0 for g in moved] == [True] * 7
    of_sound = moved[4].abs().amax((1, 2)) > 0
    assert torch.equal(of_sound, batch["audio_known"])


def test_fewer_pairs_than_a_step_takes_are_refused_before_the_first(pairs, latents) -> None:
    with pytest.raises(InputError, match=f"there are {len(pairs['row'])} pairs to train on, and a batch takes 500"):
        LatentDraw(pairs, latents, *3 * [HEARD], DiffTalkRecipe(batch_size=500))
