import numpy as np
import pytest
import torch
from skimage.data import astronaut
from skimage.transform import resize

from facediff.landmarks.mesh import LIPS_OUTER
from facediff.models.codec import FaceCodec
from facediff.motion.coefficients import LID_FOLDS
from facediff.training.codec import CodecRecipe, CropDraw, codec_loss, fidelity_loss, standardise_latents, train_codec
from facediff.training.faces import FaceCrops
from facediff.training.loop import LoopConfig

RECIPE = CodecRecipe(batch_size=6, crop_px=32)
LIPS_AT = (80.0, 240.0)


@pytest.fixture(scope="module")
def crops() -> FaceCrops:
    """A sharp picture, and one of a single colour whose source was tiny."""
    face = (resize(astronaut()[:256, 96:352], (320, 320)) * 255).astype(np.uint8)
    points = np.full((2, 478, 3), 160, np.float32)
    points[:, LIPS_OUTER, :2] = LIPS_AT
    return FaceCrops(
        frames=np.stack([face, np.full_like(face, 7)]),
        points=points,
        rotation=np.stack([np.eye(3, dtype=np.float32)] * 2),
        clip=np.array([0, 1]),
        time=np.zeros(2, np.float32),
        source_unit_px=np.array([144, 2], np.float32),
        names=np.array(["a", "b"]),
        identities=np.array(["a", "b"]),
        kinds=np.array(["still", "still"]),
    )


def tiny(**changes) -> FaceCodec:
    torch.manual_seed(0)
    return FaceCodec(**{"latent_channels": 4, "fine_channels": 8, "coarse_channels": 16, **changes})


def test_batches_are_pictures_that_depend_on_the_generator_alone(crops) -> None:
    draw = CropDraw(crops, RECIPE)
    images = draw(np.random.default_rng(0))["images"]
    assert images.shape == (6, 3, 32, 32) and images.dtype == torch.float32
    assert -1 <= images.min() < -0.5 and 0.5 < images.max() <= 1
    assert torch.equal(images, draw(np.random.default_rng(0))["images"])
    assert not torch.equal(images, draw(np.random.default_rng(1))["images"])


def test_pictures_of_tiny_sources_are_seldom_drawn(crops) -> None:
    images = CropDraw(crops, CodecRecipe(batch_size=200, crop_px=16))(np.random.default_rng(0))["images"]
    plain = (images.flatten(2).std(dim=2) < 1e-3).all(dim=1).float().mean()
    assert plain < 0.1


def test_half_of_the_squares_show_the_mouth(crops) -> None:
    x, y = (int(v) for v in LIPS_AT)
    marked = np.zeros_like(crops.frames)
    marked[:, y - 4 : y + 4, x - 4 : x + 4] = 255
    draw = CropDraw(FaceCrops(**{**vars(crops), "frames": marked}), CodecRecipe(batch_size=400, crop_px=64))
    seen = draw(np.random.default_rng(0))["images"].amax((1, 2, 3)) > 0
    assert 0.5 < seen.float().mean() < 0.75  # and some of the others by chance


def test_fidelity_has_its_closed_form() -> None:
    one, other = torch.rand(2, 2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert fidelity_loss(one, one) == 0
    torch.testing.assert_close(fidelity_loss(one, other), fidelity_loss(other, one))
    # Of a difference in brightness gradients know nothing: L1 of the pixels and of the pooled pixels are left.
    torch.testing.assert_close(fidelity_loss(one + 0.25, one), torch.tensor(0.5))
    # Fine stripes cancel in the pooled pixels: L1, and gradients of twice that along one axis.
    stripes = 0.125 * (-1.0) ** torch.arange(32).expand(1, 3, 32, 32)
    torch.testing.assert_close(fidelity_loss(stripes, torch.zeros_like(stripes)), torch.tensor(0.125 + 0.7 * 0.25))


@pytest.fixture
def one_thread():
    """Threads that wait for one another make tiny steps slow where other programs run."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_the_loss_falls_in_a_few_steps(crops, one_thread) -> None:
    codec, batch = tiny(fine_channels=16, coarse_channels=32), CropDraw(crops, RECIPE)(np.random.default_rng(0))
    optimizer = torch.optim.Adam(codec.parameters(), lr=3e-3)
    values, figures = [], []
    for step in range(30):
        value, figure = codec_loss()(codec, batch, torch.Generator().manual_seed(step))
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        values.append(float(value.detach()))
        figures.append(figure["psnr"])
    assert values[-1] < 0.7 * values[0]
    assert figures[-1] > figures[0] + 3


def test_noise_in_the_loss_comes_from_the_generator(crops) -> None:
    codec, batch = tiny(), CropDraw(crops, RECIPE)(np.random.default_rng(0))
    one, again, other = (
        float(codec_loss()(codec, batch, torch.Generator().manual_seed(s))[0].detach()) for s in (0, 0, 1)
    )
    assert one == again != other


def test_unit_latents_have_mean_0_and_deviation_1_and_decode_as_before(crops) -> None:
    codec = tiny(latents_mean=[3.0] * 4, latents_std=[9.0] * 4)
    fresh = standardise_latents(codec, crops, count=12)
    # The squares that the statistics are taken from.
    images = CropDraw(crops, CodecRecipe(batch_size=12, zoom=(0.7, 1.0)))(np.random.default_rng(0))["images"]
    with torch.no_grad():
        latents = fresh.encode(images)
        torch.testing.assert_close(latents.mean((0, 2, 3)), torch.zeros(4), atol=1e-4, rtol=0)
        torch.testing.assert_close(latents.std((0, 2, 3)), torch.ones(4), atol=1e-4, rtol=0)
        torch.testing.assert_close(fresh(images), codec(images), atol=1e-4, rtol=1e-4)
    assert codec.config["latents_std"] == [9.0] * 4


def test_eyes_are_shown_as_often_as_asked(crops) -> None:
    points = crops.points.copy()
    for side, place in zip(LID_FOLDS, ((70.0, 70.0), (250.0, 70.0)), strict=True):
        points[:, side, :2] = place
    marked = np.zeros_like(crops.frames)
    for x in (70, 250):
        marked[:, 66:74, x - 4 : x + 4] = 255
    eyes = FaceCrops(**{**vars(crops), "frames": marked, "points": points})

    def share(**recipe) -> float:
        draw = CropDraw(eyes, CodecRecipe(batch_size=400, crop_px=48, **recipe))
        return float((draw(np.random.default_rng(0))["images"].amax((1, 2, 3)) > 0).float().mean())

    assert share() < 0.2 and 0.35 < share(eyes_share=0.4) < 0.55


def test_of_a_codec_to_start_from_the_decoder_alone_learns(crops, tmp_path, one_thread) -> None:
    start = tiny(latents_mean=[0.5] * 4, latents_std=[2.0] * 4)
    before = {name: value.clone() for name, value in start.state_dict().items()}
    config = LoopConfig(output=tmp_path, steps=2, warmup=0, mixed_precision="no", ema_decay=0.5)
    trained = train_codec(crops, config, RECIPE, start=start)
    changed = {
        name.split(".")[0] for name, value in trained.state_dict().items() if not torch.equal(value, before[name])
    }
    assert changed == {"decoder"}
    assert trained.config["latents_mean"] == [0.5] * 4 and trained.config["latents_std"] == [2.0] * 4


def test_looks_count_on_top_of_fidelity(crops) -> None:
    codec, batch = tiny(), CropDraw(crops, RECIPE)(np.random.default_rng(0))
    seen = []

    def looks(made: torch.Tensor, real: torch.Tensor) -> tuple[torch.Tensor, dict[str, float]]:
        seen.append((made.detach(), real))
        return torch.tensor(3.0), {"looked": 1.0}

    value, figures = codec_loss(RECIPE, looks)(codec, batch, torch.Generator().manual_seed(0))
    assert figures["looked"] == 1
    size = 0.01 * abs(figures["latent_ms"] - 1)
    assert float(value.detach()) == pytest.approx(3 + figures["fidelity"] + size, rel=1e-5)
    assert torch.equal(seen[0][1], batch["images"]) and seen[0][0].shape == batch["images"].shape
