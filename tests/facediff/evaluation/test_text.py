"""On a CLIP of a few random numbers, which has the interface of the published ones."""

from __future__ import annotations

import json

import numpy as np
import pytest

from facediff.errors import WeightsError
from facediff.evaluation.cases import Case, Item, Kit
from facediff.evaluation.networks.clip import Clip
from facediff.evaluation.registry import metrics


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A CLIP of random weights with a vocabulary of letters."""
    import torch
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPProcessor, CLIPTokenizer

    folder = tmp_path_factory.mktemp("clip")
    words = [*"abcdefghijklmnopqrstuvwxyz", *(f"{c}</w>" for c in "abcdefghijklmnopqrstuvwxyz")]
    vocabulary = {word: k for k, word in enumerate([*words, "<|startoftext|>", "<|endoftext|>"])}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    tokens = CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=16)
    small = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    torch.manual_seed(0)
    config = CLIPConfig(
        text_config={**small, "vocab_size": len(vocabulary), "max_position_embeddings": 16,
                     "eos_token_id": vocabulary["<|endoftext|>"]},
        vision_config={**small, "image_size": 32, "patch_size": 8}, projection_dim=8,
    )  # fmt: skip
    CLIPModel(config).save_pretrained(folder)
    pictures = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    CLIPProcessor(pictures, tokens).save_pretrained(folder)
    return str(folder)


def test_vectors_are_of_length_one_and_of_what_is_shown_or_said(folder, portrait) -> None:
    clip = Clip(folder)
    shown, said = clip.pictures([portrait, portrait[::-1]]), clip.text("a woman in a suit, and more than it can hear")
    assert shown.shape == (2, 8) and said.shape == (8,)
    assert np.linalg.norm(shown, axis=1) == pytest.approx(1) and np.linalg.norm(said) == pytest.approx(1)
    assert not np.allclose(shown[0], shown[1])


def test_the_score_is_a_hundred_times_the_cosine_and_a_still_is_consistent(folder, footage, portrait) -> None:
    case = Case(Item(made=footage / "coffee.mp4", text="coffee"), Kit(weights={"clip": folder}))
    clip, first = Clip(folder), next(iter(case.reader))
    by_hand = max(100 * float(clip.pictures([first])[0] @ clip.text("coffee")), 0)
    assert metrics()["clip_score"].measure(case).values[0] == pytest.approx(by_hand, abs=0.01)
    assert metrics()["clip_consistency"].measure(case).figure == pytest.approx(1, abs=0.02)


def test_a_folder_that_holds_no_clip_is_refused(tmp_path) -> None:
    with pytest.raises(WeightsError, match="there is no CLIP at"):
        Clip(str(tmp_path))
