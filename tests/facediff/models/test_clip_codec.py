from __future__ import annotations

import pytest
import torch

from facediff.errors import ConfigError
from facediff.models import latents as space
from facediff.models.clip_codec import ClipCodec
from facediff.models.codec import FaceCodec

LATENTS = torch.randn(6, 4, 3, 4, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def codec() -> FaceCodec:
    torch.manual_seed(0)
    made = FaceCodec(4, 8, 16, (1, 1), (1, 2), latents_mean=[0.5] * 4, latents_std=[2.0] * 4).eval()
    for weight in made.parameters():
        torch.nn.init.normal_(weight, std=0.2)
    return made


def learnt(codec: FaceCodec) -> ClipCodec:
    made = ClipCodec.from_codec(codec)
    for weight in made.temporal.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    return made


@torch.no_grad()
def test_at_first_it_is_the_codec_of_pictures(codec) -> None:
    clips, images = ClipCodec.from_codec(codec), torch.rand(2, 3, 24, 32) * 2 - 1
    assert len(clips.temporal) == 3
    torch.testing.assert_close(clips.decode(LATENTS), codec.decode(LATENTS), rtol=0, atol=1e-6)
    torch.testing.assert_close(learnt(codec).encode(images), codec.encode(images), rtol=0, atol=0)


@torch.no_grad()
def test_frames_of_a_clip_know_of_one_another_and_clips_do_not(codec) -> None:
    clips, other = learnt(codec), LATENTS.clone()
    other[4] += 1
    moved = (clips.decode(other, clips=2) - clips.decode(LATENTS, clips=2)).abs().amax(dim=(1, 2, 3))
    assert moved[:3].max() == 0 and moved[3:].min() > 1e-4
    assert (space.decode(clips, other) - space.decode(clips, LATENTS)).abs().amax(dim=(1, 2, 3)).min() > 1e-5


def test_temporal_layers_alone_learn(codec) -> None:
    clips = ClipCodec.from_codec(codec).freeze_pictures()
    clips.decode(LATENTS).square().mean().backward()
    taught = {name for name, weight in clips.named_parameters() if weight.grad is not None and weight.grad.any()}
    assert taught and all(name.startswith("temporal.") for name in taught)


@torch.no_grad()
def test_it_is_kept_and_comes_back(codec, tmp_path) -> None:
    clips = learnt(codec)
    clips.save_pretrained(tmp_path)
    again = ClipCodec.from_pretrained(tmp_path)
    torch.testing.assert_close(again.decode(LATENTS), clips.decode(LATENTS))


def test_clips_of_unequal_length_are_refused(codec) -> None:
    with pytest.raises(ConfigError, match="6 frames are not 4 clips of equal length"):
        ClipCodec.from_codec(codec).decode(LATENTS, clips=4)
