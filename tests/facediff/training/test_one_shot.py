"""A tiny painter, tuned on one clip in which a spot moves."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from facediff.errors import ConfigError, InputError
from facediff.models.inflation import InflatedUNet
from facediff.pipelines.structured_video import StructuredVideoPipeline, StructureStyle
from facediff.training.loop import LoopConfig
from facediff.training.one_shot import TunedClip, tune_painter
from tests.facediff.pipelines import picture_models as tiny

pytestmark = pytest.mark.usefixtures("one_thread")
FRAMES, SIDE, STEPS = 4, 8, 80


def moving() -> Tensor:
    """Latents of a spot that goes to the right, of about unit variance."""
    rows, columns = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    spots = [torch.exp(-0.3 * ((columns - 2 - k) ** 2 + (rows - 4) ** 2)) for k in range(FRAMES)]
    pictures = torch.stack(spots)[:, None].repeat(1, tiny.CHANNELS, 1, 1)
    return (pictures - pictures.mean()) / pictures.std()


@pytest.fixture(scope="module")
def clip() -> TunedClip:
    return TunedClip(moving(), torch.randn(1, 2, tiny.DIM, generator=torch.Generator().manual_seed(0)))


@pytest.fixture(scope="module")
def tuned(clip, tmp_path_factory) -> InflatedUNet:
    return tune_painter(tiny.unet(), clip, tiny.schedule(), config(tmp_path_factory.mktemp("run")))


def config(folder, **changes) -> LoopConfig:
    more = {"steps": STEPS, "learning_rate": 0.02, "warmup": 1, "mixed_precision": "no", "save_every": STEPS, **changes}
    return LoopConfig(output=folder / "run", ema_decay=0.9, **more)


def error(clips: InflatedUNet, clip: TunedClip, latents: Tensor | None = None) -> float:
    """Of the noise at several levels."""
    scheduler, found = tiny.schedule(), []
    clean = clip.latents if latents is None else latents
    for level in (100, 300, 500, 700):
        g = torch.Generator().manual_seed(level)
        noise = torch.randn(clean.shape, generator=g)
        t = torch.tensor(level)
        with torch.no_grad():
            got = clips(scheduler.add_noise(clean, noise, t[None]), t, clip.tokens.expand(len(clean), -1, -1)).sample
        found.append(float((got - noise).square().mean()))
    return sum(found) / len(found)


def test_it_learns_the_clip_by_queries_and_layers_along_time_alone(tuned, clip, tmp_path) -> None:
    fresh = tune_painter(tiny.unet(), clip, tiny.schedule(), config(tmp_path, steps=1, learning_rate=0.0))
    assert error(tuned, clip) < 0.97 * error(fresh, clip)
    own = tiny.unet().state_dict()
    moved = {name for name, weight in tuned.base.state_dict().items() if not torch.equal(weight, own[name])}
    assert moved and all(name.endswith(("attn1.to_q.weight", "attn2.to_q.weight")) for name in moved)


def test_inversion_and_back_is_above_30_db(tuned, clip) -> None:
    pipeline = StructuredVideoPipeline(tiny.codec(), tuned, tiny.schedule())
    pipeline.encode = lambda frames: clip.latents  # the clip itself, without a codec
    style = StructureStyle(guidance_scale=1.0)
    noise = pipeline.invert(torch.zeros(FRAMES, 3, 16, 16), clip.tokens, style=style)
    back = pipeline(clip.tokens, noise, style=style, decode=False).latents
    span = float(clip.latents.max() - clip.latents.min())
    assert 20 * math.log10(span / float((back - clip.latents).square().mean().sqrt())) > 30


def test_structure_beside_the_latents_is_shown(clip, tmp_path) -> None:
    from diffusers import UNet2DConditionModel

    torch.manual_seed(0)
    depth = UNet2DConditionModel(**(dict(tiny.unet().config) | {"in_channels": tiny.CHANNELS + 1}))
    told = TunedClip(clip.latents, clip.tokens, torch.zeros(FRAMES, 1, SIDE, SIDE))
    assert isinstance(tune_painter(depth, told, tiny.schedule(), config(tmp_path, steps=1)), InflatedUNet)


@pytest.mark.parametrize("kind", ["v_prediction", "sample"])
def test_other_kinds_of_prediction_are_tuned_too(clip, tmp_path, kind) -> None:
    made = tune_painter(tiny.unet(), clip, tiny.schedule(prediction_type=kind), config(tmp_path, steps=2), frames=2)
    assert all(weight.isfinite().all() for weight in made.temporal.parameters())


def test_one_frame_has_no_motion(clip, tmp_path) -> None:
    still = TunedClip(clip.latents[:1], clip.tokens)
    with pytest.raises(InputError, match="two frames at least, not 1"):
        tune_painter(tiny.unet(), still, tiny.schedule(), config(tmp_path))


def test_a_network_without_attention_is_refused(clip, tmp_path) -> None:
    from diffusers import UNet2DConditionModel

    plain = UNet2DConditionModel(
        block_out_channels=(8,), norm_num_groups=4, cross_attention_dim=tiny.DIM, layers_per_block=1,
        down_block_types=("DownBlock2D",), up_block_types=("UpBlock2D",), mid_block_type=None,
    )  # fmt: skip
    with pytest.raises(ConfigError, match="behind each tokens|behind each"):
        tune_painter(plain, clip, tiny.schedule(), config(tmp_path))
