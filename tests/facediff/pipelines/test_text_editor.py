"""Edits by text, with a tiny CLIP of the real class and a tokenizer made here."""

from __future__ import annotations

import json

import pytest
import torch
from transformers import CLIPConfig, CLIPModel, CLIPTokenizer

from facediff.conditioning.diffusion_autoencoder import COORDINATE_CHANNELS, PLACE_CHANNELS, FaceVector
from facediff.errors import ConfigError, WeightsError
from facediff.models.codec import FaceCodec
from facediff.models.diffusion_autoencoder import DualModulationUNet, base_schedule
from facediff.models.identity import IdentityEncoder
from facediff.pipelines.diffusion_video_autoencoder import DiffusionVideoAutoencoderPipeline, FaceLayout
from facediff.pipelines.text_editor import ClipEditSettings, TextEditor

FRAMES, SIDE = 2, 64


@pytest.fixture(scope="module")
def clip_folder(tmp_path_factory):
    """A CLIP whose words are letters."""
    folder = tmp_path_factory.mktemp("clip")
    letters = [*"abcdefghijklmnopqrstuvwxyz-", *(f"{c}</w>" for c in "abcdefghijklmnopqrstuvwxyz-")]
    words = {word: place for place, word in enumerate([*letters, "<|startoftext|>", "<|endoftext|>"])}
    (folder / "vocab.json").write_text(json.dumps(words))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"))
    torch.manual_seed(0)
    size = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    ends = {"bos_token_id": len(letters), "eos_token_id": len(letters) + 1, "pad_token_id": 0}
    text = {"vocab_size": len(words), "max_position_embeddings": 77, **size, **ends}
    config = CLIPConfig(text_config=text, vision_config={"image_size": 32, "patch_size": 8, **size}, projection_dim=12)
    CLIPModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def editor(clip_folder) -> TextEditor:
    return TextEditor.from_pretrained(str(clip_folder), "cpu")


@pytest.fixture(scope="module")
def pipeline() -> DiffusionVideoAutoencoderPipeline:
    torch.manual_seed(0)
    made = DiffusionVideoAutoencoderPipeline(
        DualModulationUNet(4, PLACE_CHANNELS, (8, 16), attention_head_dim=4, face_dim=6, norm_num_groups=4),
        FaceVector(identity_dim=10, hidden=8, face_dim=6),
        base_schedule(),
        IdentityEncoder(4, COORDINATE_CHANNELS, (8, 8), (2, 2), dim=10, norm_num_groups=4),
        FaceCodec(4, 8, 8, (1, 1), (1, 1)),
    )
    for part in (made.codec, made.identity, made.face, made.unet):
        part.eval()
    for weight in (*made.unet.parameters(), *made.codec.decoder.parameters()):  # zero layers would hide what is done
        torch.nn.init.normal_(weight, std=0.2)
    made.set_progress_bar_config(disable=True)
    return made


def seek(editor, pipeline, text="face with eyeglasses", losses=None, **settings) -> torch.Tensor:
    g = torch.Generator().manual_seed(1)
    where = FaceLayout(
        torch.randn(FRAMES, 478, 3, generator=g),
        torch.rand(FRAMES, 4, SIDE // 4, SIDE // 4, generator=g),
        torch.randn(FRAMES, 2, SIDE // 8, SIDE // 8, generator=g),
    )
    latents = torch.randn(FRAMES, 4, 8, 8, generator=g)
    identity = torch.nn.functional.normalize(torch.randn(10, generator=g), dim=0)
    found = editor(
        pipeline, latents, identity, where, torch.ones(FRAMES, 1, SIDE, SIDE), text,
        settings=ClipEditSettings(**settings),
        callback=None if losses is None else lambda step, loss: losses.append(loss),
    )  # fmt: skip
    return found, identity


def test_the_identity_goes_where_the_loss_falls(editor, pipeline) -> None:
    def losses_at(learning_rate: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        losses: list[float] = []
        weights = {"identity_weight": 0.0, "pixel_weight": 0.0}
        settings = {"steps": 30, "patience": 30, "levels": (0.5, 0.502), "learning_rate": learning_rate}
        return *seek(editor, pipeline, losses=losses, **settings, **weights), torch.tensor(losses)

    found, identity, moving = losses_at(0.03)
    _, _, still = losses_at(0.0)  # sees the same noise at each step
    assert float((moving - still)[-10:].mean()) < -0.02
    assert float(found.norm()) == pytest.approx(1.0, abs=1e-5)
    assert float(found @ identity) < 0.999


def test_words_tell(editor, pipeline) -> None:
    one, _ = seek(editor, pipeline, "face with eyeglasses", steps=8, learning_rate=0.03)
    two, _ = seek(editor, pipeline, "old man", steps=8, learning_rate=0.03)
    again, _ = seek(editor, pipeline, "old man", steps=8, learning_rate=0.03)
    assert not torch.allclose(one, two, atol=1e-4)
    assert torch.equal(two, again)


def test_the_search_ends_where_nothing_is_gained(editor, pipeline) -> None:
    losses: list[float] = []
    seek(editor, pipeline, losses=losses, steps=50, patience=3, learning_rate=0.0)
    assert len(losses) < 30


def test_clip_and_networks_stay_as_they_are(editor, pipeline) -> None:
    before = [weight.clone() for weight in pipeline.unet.parameters()]
    seek(editor, pipeline, steps=3)
    assert all(torch.equal(a, b) for a, b in zip(before, pipeline.unet.parameters(), strict=True))
    assert all(weight.grad is None for weight in editor._clip.parameters())


def test_no_text_and_no_model_are_said_plainly(editor, pipeline, tmp_path) -> None:
    with pytest.raises(ConfigError, match="wants a text"):
        seek(editor, pipeline, "  ")
    with pytest.raises(WeightsError, match="CLIP"):
        TextEditor.from_pretrained(str(tmp_path))
