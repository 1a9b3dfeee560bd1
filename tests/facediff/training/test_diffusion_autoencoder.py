from __future__ import annotations

import numpy as np
import pytest
import torch

from facediff.conditioning.diffusion_autoencoder import COORDINATE_CHANNELS, PLACE_CHANNELS, FaceVector
from facediff.errors import InputError
from facediff.models.codec import FaceCodec
from facediff.models.diffusion_autoencoder import DualModulationUNet, base_schedule
from facediff.models.identity import IdentityEncoder
from facediff.training.diffusion_autoencoder import (
    Autoencoder,
    AutoencoderRecipe,
    IdentityDraw,
    autoencoder_loss,
    encode_identity_pairs,
    labels_loss,
    train_autoencoder,
)
from facediff.training.identity_pairs import LAYOUT
from facediff.training.loop import LoopConfig

COUNT = 6


def model(attributes: int = 0) -> Autoencoder:
    torch.manual_seed(0)
    return Autoencoder(
        DualModulationUNet(4, PLACE_CHANNELS, (8, 8), attention_head_dim=4, face_dim=6, norm_num_groups=4),
        IdentityEncoder(4, COORDINATE_CHANNELS, (8, 8), (2, 2), dim=10, norm_num_groups=4),
        FaceVector(identity_dim=10, hidden=8, face_dim=6),
        attributes,
    )


@pytest.fixture(scope="module")
def pairs() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    made = {
        name: rng.integers(0, 256, (COUNT, *shape), dtype=np.uint8)
        if kind is np.uint8
        else rng.normal(size=(COUNT, *shape)).astype(kind)
        for name, (shape, kind) in LAYOUT.items()
    }
    made["mask"][:] = 0
    made["mask"][:, 6:20, 6:22] = 255
    return made


@pytest.fixture(scope="module")
def draw(pairs, tmp_path_factory) -> IdentityDraw:
    codec = FaceCodec(latent_channels=4, fine_channels=8, coarse_channels=16).eval()
    latents = encode_identity_pairs(codec, pairs, tmp_path_factory.mktemp("latents"), batch=4)
    return IdentityDraw(pairs, latents, AutoencoderRecipe(batch_size=3))


class Known(torch.nn.Module):
    """Stands in for the networks: predicts as if the clean latents were those given."""

    def __init__(self, *clean: torch.Tensor) -> None:
        super().__init__()
        self.clean = torch.cat(clean)

    def forward(self, noisy, timesteps, batch):
        alpha = base_schedule().alphas_cumprod[timesteps].view(-1, 1, 1, 1)
        noise = (noisy - alpha.sqrt() * self.clean) / (1 - alpha).sqrt()
        return alpha.sqrt() * noise - (1 - alpha).sqrt() * self.clean, None


def test_who_knows_the_picture_has_no_loss(draw) -> None:
    batch = draw(np.random.default_rng(0))
    loss = autoencoder_loss(base_schedule(), AutoencoderRecipe())
    value, figures = loss(Known(batch["target"], batch["target"]), batch, torch.Generator().manual_seed(0))
    assert float(value) < 1e-4 and figures["agreement"] < 1e-3


def test_disagreement_counts_where_the_person_is_and_only_there(draw) -> None:
    """Two clean pictures that differ by 1 everywhere, or only outside the mask."""
    batch = draw(np.random.default_rng(0))
    loss = autoencoder_loss(base_schedule(), AutoencoderRecipe())
    for place, expected in ((torch.ones_like(batch["mask"]), 1.0), ((batch["mask"] == 0).float(), 0.0)):
        known = Known(batch["target"], batch["target"] + place)
        _, figures = loss(known, batch, torch.Generator().manual_seed(0))
        assert figures["agreement"] == pytest.approx(expected, abs=0.01)


def test_both_noises_are_of_one_level_and_not_the_same(draw) -> None:
    batch, seen = draw(np.random.default_rng(0)), {}

    class Watching(Known):
        def forward(self, noisy, timesteps, batch):
            seen["noisy"], seen["timesteps"] = noisy, timesteps
            return super().forward(noisy, timesteps, batch)

    loss = autoencoder_loss(base_schedule(), AutoencoderRecipe())
    loss(Watching(batch["target"], batch["target"]), batch, torch.Generator().manual_seed(0))
    first, second = seen["timesteps"].chunk(2)
    assert torch.equal(first, second)
    one, two = seen["noisy"].chunk(2)
    assert not torch.allclose(one, two, atol=1e-3)


def test_training_lowers_the_loss_and_resumes(draw, tmp_path) -> None:
    def run(steps: int):
        config = LoopConfig(
            output=tmp_path, steps=steps, learning_rate=1e-2, warmup=1, mixed_precision="no", log_every=1, save_every=20
        )
        return train_autoencoder(model(), draw, base_schedule(), config, AutoencoderRecipe(batch_size=3))

    def error(made: Autoencoder) -> float:
        loss = autoencoder_loss(base_schedule(), AutoencoderRecipe())
        batches = [draw(np.random.default_rng(seed)) for seed in range(4)]
        with torch.no_grad():
            return float(np.mean([loss(made, b, torch.Generator().manual_seed(1))[0] for b in batches]))

    trained = run(60)
    assert error(trained) < 0.9 * error(model())
    again = run(60)  # nothing is left to do
    for one, two in zip(trained.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, two)


def test_labels_are_told_where_they_are_known_and_both_kinds_weigh_alike() -> None:
    labels = torch.tensor([[1.0, 0.0], [0.0, torch.nan], [0.0, torch.nan], [0.0, torch.nan]])
    sure = torch.tensor([[9.0, -9.0], [-9.0, 3.0], [-9.0, 3.0], [-9.0, 3.0]])
    assert float(labels_loss(sure, labels)) < 1e-3
    one, all_others = sure.clone(), sure.clone()
    one[0, 0], all_others[1:, 0] = -9.0, 9.0
    assert float(labels_loss(one, labels)) == pytest.approx(float(labels_loss(all_others, labels)), rel=0.01)
    nothing = torch.full((2, 3), torch.nan)
    assert float(labels_loss(torch.zeros(2, 3), nothing)) == 0.0


def test_faces_with_a_rare_attribute_are_drawn_in_each_step(draw) -> None:
    count = 400
    pairs = {name: np.zeros((count, *shape), kind) for name, (shape, kind) in LAYOUT.items()}
    latents = {name: np.zeros((count, 4, 28, 28), np.float16) for name in ("target", "other")}
    labels = np.zeros((count, 2), np.float32)
    labels[7, 0], labels[: count // 2, 1] = 1.0, 1.0
    rare = IdentityDraw(pairs, latents, AutoencoderRecipe(batch_size=6), labels)
    for seed in range(5):
        assert rare(np.random.default_rng(seed))["labels"][:, 0].sum() >= 1


def test_labels_shape_the_identities(draw, pairs) -> None:
    labels = np.array([[k % 2] for k in range(COUNT)], np.float32)
    told = IdentityDraw(pairs, draw._latents, AutoencoderRecipe(batch_size=4), labels)
    made, loss = model(1), autoencoder_loss(base_schedule(), AutoencoderRecipe())
    loss(made, told(np.random.default_rng(0)), torch.Generator().manual_seed(0))[0].backward()
    assert made.labels.weight.grad.abs().sum() > 0 and made.identity.conv_in.weight.grad.abs().sum() > 0
    _, figures = loss(made, told(np.random.default_rng(0)), torch.Generator().manual_seed(0))
    assert figures["labels"] > 0


def test_fewer_pairs_than_a_step_takes_are_refused_before_the_first(draw) -> None:
    with pytest.raises(InputError, match="a batch takes 500"):
        IdentityDraw(draw._pairs, draw._latents, AutoencoderRecipe(batch_size=500))
