"""Clips that a model of pictures paints: by an exact one, which shows how far things go, and by tiny real ones."""

from __future__ import annotations

import pytest
import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from diffusers.models.attention_processor import Attention
from torch import Tensor

from facediff.diffusion.frame_warping import carry_along
from facediff.errors import ConfigError
from facediff.landmarks.detection import make_detector
from facediff.landmarks.flow import trace_origins
from facediff.models.checkpoints import open_network
from facediff.models.codec import FaceCodec
from facediff.pipelines.zero_shot_video import ZeroShotStyle, ZeroShotVideoPipeline, flow_cells
from tests.facediff.pipelines import picture_models as tiny

SIDE, CELLS = 32, 16
FAST = ZeroShotStyle(num_inference_steps=10, guidance_scale=1.0)


class SpotPainter(ModelMixin, ConfigMixin):
    """The exact denoiser of pictures of one spot that may be anywhere: it knows nothing of motion, nor of sizes.

    Args:
        height: Of the spot.
        radius: In cells.
    """

    @register_to_config
    def __init__(
        self, side: int = SIDE, height: float = 12.0, radius: float = 2.0, in_channels: int = 1, out_channels: int = 1
    ) -> None:
        super().__init__()
        self.attention = Attention(4)  # the self-attention that pipelines look for
        at = torch.arange(side, dtype=torch.float32)
        line = torch.exp(-0.5 * ((at[None] - at[:, None]) / radius) ** 2)
        spots = height * line[:, None, :, None] * line[None, :, None, :]
        self.register_buffer("spots", spots.reshape(side * side, side * side))
        self.alphas = tiny.schedule().alphas_cumprod

    def forward(self, sample: Tensor, timestep: Tensor, tokens: Tensor, return_dict: bool = True) -> tuple[Tensor]:
        alpha = self.alphas[int(timestep)]
        x = sample.flatten(1)
        fits = (alpha.sqrt() * x @ self.spots.T - alpha / 2 * self.spots.square().sum(1)) / (1 - alpha)
        clean = torch.softmax(fits, dim=1) @ self.spots
        return (((x - alpha.sqrt() * clean) / (1 - alpha).sqrt()).view_as(sample),)


def centre(frames: Tensor) -> Tensor:
    """(F, 2) column and row of the spot's middle."""
    mass = frames[:, 0].clamp(min=0)
    at = torch.arange(SIDE, dtype=torch.float32)
    total = mass.sum(dim=(1, 2))
    return torch.stack([(mass.sum(1) * at).sum(1) / total, (mass.sum(2) * at).sum(1) / total], dim=1)


def shifted(*by: tuple[float, float], side: int = SIDE) -> Tensor:
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    stay = torch.stack([columns, rows], dim=-1).float()
    return torch.stack([stay - torch.tensor(amount) for amount in by])


@pytest.fixture(scope="module")
def spots() -> ZeroShotVideoPipeline:
    return ZeroShotVideoPipeline(FaceCodec(1, 8, 8, (1, 1), (1, 1)), SpotPainter(), tiny.schedule())


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_what_is_to_go_8_cells_goes_8(spots, seed) -> None:
    generator = torch.Generator().manual_seed(seed)
    wanted = ((3.0, 0.0), (8.0, 0.0), (0.0, -2.5), (-8.0, 8.0))
    # Begun where no shift leads beyond the edge.
    first = torch.randn(1, 1, SIDE, SIDE, generator=generator) + 0.8 * SpotPainter().spots.view(-1, SIDE, SIDE)[16 * 33]
    made = spots(
        torch.zeros(1, 1, 4), shifted(*wanted), noise=first, generator=generator, decode=False,
        style=ZeroShotStyle(guidance_scale=1.0),
    ).latents  # fmt: skip
    gone = centre(made[1:]) - centre(made[:1])
    assert (gone - torch.tensor(wanted)).abs().max() < 1


def test_a_head_that_goes_8_pixels_is_found_8_pixels_further(mesh, portrait) -> None:
    """Landmarks of the embedded codec's picture of latents that were carried along."""
    codec = open_network(FaceCodec, "base", "codec")
    origins = torch.from_numpy(trace_origins(mesh, (mesh + [8, 0, 0])[None], (512, 512), (64, 64)))
    detector = make_detector(None, follows_motion=False, max_faces=1)
    with torch.no_grad():
        latents = codec.encode(torch.from_numpy(portrait).permute(2, 0, 1)[None] / 127.5 - 1)
        still, moved = (
            detector.detect(((picture.clamp(-1, 1) + 1) * 127.5).byte().permute(1, 2, 0).numpy())[0]
            for picture in codec.decode(torch.cat([latents, carry_along(latents, origins)]))
        )
    detector.close()
    gone = (moved - still)[:, :2].mean(0)
    assert gone[0] == pytest.approx(8, abs=1) and gone[1] == pytest.approx(0, abs=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny.save_stable_diffusion(tmp_path_factory.mktemp("sd"))


@pytest.fixture(scope="module")
def pipeline(folder) -> ZeroShotVideoPipeline:
    return ZeroShotVideoPipeline.from_pretrained(folder, safety_checker=None, feature_extractor=None)


def origins(frames: int = 2) -> Tensor:
    return shifted(*[(float(k), 0.5) for k in range(1, frames + 1)], side=CELLS)


def make(pipeline: ZeroShotVideoPipeline, prompt="a face", count: int = 2, seed: int = 0, **more):
    more = {"style": FAST, "generator": torch.Generator().manual_seed(seed), **more}
    return pipeline(prompt, origins(count), **more)


def test_a_folder_of_a_hub_paints_a_clip_from_a_text(pipeline) -> None:
    made = make(pipeline)
    assert made.images.shape == (3, 3, 2 * CELLS, 2 * CELLS) and made.images.isfinite().all()
    assert (made.latents[1] - made.latents[2]).abs().max() > 1e-3
    torch.testing.assert_close(make(pipeline).latents, made.latents, rtol=0, atol=0)
    assert (make(pipeline, "a hat").latents - made.latents).abs().max() > 1e-4


def test_guidance_compares_with_the_negative(pipeline) -> None:
    strong = ZeroShotStyle(num_inference_steps=10, guidance_scale=3.0)
    one, other = make(pipeline, style=strong), make(pipeline, style=strong, negative="a face")
    assert (one.latents - make(pipeline).latents).abs().max() > 1e-3
    torch.testing.assert_close(other.latents, make(pipeline).latents, rtol=0, atol=1e-4)


def test_a_picture_comes_out_as_the_codec_has_it_and_the_others_come_of_it(pipeline) -> None:
    g = torch.Generator().manual_seed(3)
    one, other = (torch.rand(1, 3, 2 * CELLS, 2 * CELLS, generator=g) * 2 - 1 for _ in range(2))
    made = make(pipeline, picture=one)
    torch.testing.assert_close(made.latents[:1], pipeline.encode(one), rtol=0, atol=0)
    assert (make(pipeline, picture=other).latents[1:] - made.latents[1:]).abs().max() > 1e-2


def test_its_frames_are_nearer_to_a_picture_than_strangers_are(pipeline) -> None:
    """Where nothing moves, other frames come of the inverted picture, not of noise."""
    picture = torch.rand(1, 3, 2 * CELLS, 2 * CELLS, generator=torch.Generator().manual_seed(4)) * 2 - 1
    still = shifted((0.0, 0.0), side=CELLS)
    style = ZeroShotStyle(num_inference_steps=10, guidance_scale=1.0, carried_at=0.5, freed_from=0.5)
    own = pipeline("a face", still, picture=picture, style=style).latents
    stranger = pipeline("a face", still, style=style, generator=torch.Generator().manual_seed(0)).latents
    error = (own[1] - own[0]).square().mean()
    assert error < 0.25 * (stranger[1] - own[0]).square().mean()


def test_a_controlnet_is_shown_the_structure_of_each_frame(pipeline) -> None:
    parts = {name: getattr(pipeline, name) for name in ("vae", "unet", "scheduler", "text_encoder", "tokenizer")}
    led = ZeroShotVideoPipeline(**parts, controlnet=tiny.control(pipeline.unet))
    dark, light = torch.zeros(3, 3, 2 * CELLS, 2 * CELLS), torch.zeros(3, 3, 2 * CELLS, 2 * CELLS)
    light[2] = 1
    one, other = (make(led, structure=structure).latents for structure in (dark, light))
    torch.testing.assert_close(one[:2], other[:2], rtol=0, atol=1e-5)
    assert (one[2] - other[2]).abs().max() > 1e-3
    style = ZeroShotStyle(num_inference_steps=10, guidance_scale=1.0, structure_scale=0.0)
    torch.testing.assert_close(
        make(led, structure=light, style=style).latents, make(pipeline).latents, rtol=0, atol=1e-4
    )


def test_it_tells_each_step(pipeline) -> None:
    told: list[int] = []
    make(pipeline, callback=lambda index, t, x: told.append(index))
    assert told == list(range(1, 10)) and FAST.turns == (1, 1)
    assert ZeroShotStyle().turns == (3, 6)  # of the paper: 47 and 44 of 50 are left


def test_cells_are_those_of_the_latents(pipeline) -> None:
    assert flow_cells(pipeline, (512, 256)) == (256, 128)
    with pytest.raises(ConfigError, match="2 pixels; take sides that are multiples, not 511x256"):
        flow_cells(pipeline, (511, 256))


def test_nonsense_is_refused_in_a_sentence(pipeline, spots) -> None:
    picture = torch.zeros(1, 3, 2 * CELLS, 2 * CELLS)
    noise = torch.zeros(1, 4, CELLS, CELLS)
    for attempt, words in (
        (lambda: make(pipeline, picture=picture, noise=noise), "of a picture or of noise"),
        (lambda: make(pipeline, picture=picture[..., :16]), "give those of the latents"),
        (lambda: make(pipeline, structure=picture), "shown to a ControlNet, .* give both"),
        (lambda: spots("a text", shifted((1.0, 0.0))), "has no text encoder"),
        (lambda: ZeroShotStyle(num_inference_steps=1), "2 steps at least"),
        (lambda: ZeroShotStyle(carried_at=0.9, freed_from=0.8), "freed from no less"),
    ):
        with pytest.raises(ConfigError, match=words):
            attempt()
