"""A decoder that is tuned on video: what it learns, and that it is what talks are decoded with."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch

from facediff import Avatar
from facediff.models.checkpoints import open_network
from facediff.models.clip_codec import ClipCodec
from facediff.models.codec import FaceCodec
from facediff.pipelines.loading import load_domain_talk
from facediff.training.decoder import DecoderRecipe, run_decoder, tune_decoder
from facediff.training.latents import to_pictures
from facediff.training.loop import LoopConfig

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.slow
def test_what_trembles_trembles_less(portrait, tmp_path) -> None:
    """Stills under fresh noise in their latents: frames that know of one another can take it off."""
    codec = open_network(FaceCodec, "base", "codec")
    spots = [np.asarray(portrait[y : y + 64, x : x + 96]) for y, x in ((60, 170), (120, 200), (200, 150))]
    runs = [np.repeat(np.stack(spots)[:, None], 8, axis=1)]
    config = LoopConfig(output=tmp_path, steps=20, learning_rate=4e-3, warmup=1, mixed_precision="no", ema_decay=0.8)
    tuned = tune_decoder(
        ClipCodec.from_codec(codec), runs, config, DecoderRecipe(batch_size=1, noise=0.5, change_weight=4.0)
    )
    noise = 0.5 * torch.randn(8, 12, 8, 12, generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        latents = codec.encode(to_pictures(runs[0][0])) + noise
        shaken, calmed = (float(one.eval().decode(latents).diff(dim=0).abs().mean()) for one in (codec, tuned))
    assert calmed < 0.8 * shaken
    assert all(torch.equal(a, b) for a, b in zip(codec.encoder.parameters(), tuned.encoder.parameters(), strict=True))


def test_it_is_what_talks_are_decoded_with(table, tiny_model, close_up, tmp_path) -> None:
    cache, model = tmp_path / "cache", tmp_path / "model"
    shutil.copytree(table / "cache" / "tracks", cache / "tracks")
    shutil.copytree(tiny_model, model)
    config = LoopConfig(output=tmp_path / "run", steps=2, learning_rate=0.05, warmup=1, mixed_precision="no")
    run_decoder(table / "clips.csv", cache, model, config)
    _, painting = load_domain_talk(model, model / "decoder", "cpu")
    assert isinstance(painting.codec, ClipCodec)
    avatar = Avatar.from_image(close_up, model=str(model), device="cpu")
    wave = (0.1 * np.sin(np.arange(3200) / 9)).astype(np.float32)
    with_time, without = (list(avatar.talk(wave, domain=domain)) for domain in (model / "decoder", None))
    assert len(with_time) == len(without) == 5
    assert any((a != b).any() for a, b in zip(with_time, without, strict=True))
