"""Ingredients are told apart by content, and nothing says where they lay."""

from __future__ import annotations

import hashlib
import json
import os

import numpy as np
import pytest

from facediff.errors import MediaError, WeightsError
from facediff.provenance.ingredients import Ingredient, model_name, weights_hash
from facediff.system.weights import CHECKPOINTS


def test_ingredients_are_named_without_their_folder(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"x" * 3_000_000)
    assert Ingredient.of_file("source", path) == Ingredient(
        "source", "a.bin", hashlib.sha256(b"x" * 3_000_000).hexdigest()
    )
    folder = tmp_path / "frames"
    folder.mkdir()
    (folder / "1.png").write_bytes(b"1")
    first = Ingredient.of_file("driving", folder)
    (folder / "2.png").write_bytes(b"2")
    assert first.name == "frames" and first != Ingredient.of_file("driving", folder)
    with pytest.raises(MediaError, match="No such file"):
        Ingredient.of_file("source", tmp_path / "b.bin")


def test_arrays_are_told_apart_by_values_shape_and_type():
    a = np.arange(6, dtype=np.uint8)
    variants = [a, a + 1, a.reshape(2, 3), a.astype(np.int16), a.reshape(2, 3).T]
    assert len({Ingredient.of_array("source", v).sha256 for v in variants}) == 5
    assert Ingredient.of_array("source", a).sha256 == Ingredient.of_array("speech", a.copy()).sha256


def test_models_are_known_by_their_weights(tmp_path):
    assert weights_hash("base") == weights_hash(CHECKPOINTS / "base") and len(weights_hash("base")) == 64
    folder = tmp_path / "mine" / "difftalk"
    folder.mkdir(parents=True)
    (folder / "w.safetensors").write_bytes(b"1")
    assert weights_hash(tmp_path / "mine") != weights_hash("base")
    assert (model_name("base"), model_name(tmp_path / "mine")) == ("base", "mine")
    assert model_name("facebook/hubert-base-ls960") == "facebook/hubert-base-ls960"
    with pytest.raises(WeightsError, match="there is no model"):
        weights_hash(tmp_path / "other")


def test_a_name_of_other_bytes_than_utf_8_is_recorded_as_text(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9.png")
    path.write_bytes(b"picture")
    assert json.loads(json.dumps(Ingredient.of_file("source", path).name).encode()) == "caf\ufffd.png"
