"""Domain models on disk: whole or not at all, and what is damaged is named."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from facediff.conditioning.captions import CaptionEncoder
from facediff.errors import FaceDiffError, OutputError, WeightsError
from facediff.pipelines import domains
from facediff.pipelines.domains import (
    DomainCard,
    base_hash,
    domain_folder,
    domain_hash,
    embedded_domains,
    read_card,
    write_domain,
)

CARD = DomainCard(
    name="Anna", method="small", base_sha256="ab" * 32, prior_strength=0.3, clips=2, seconds=12.5, steps=9,
    minutes=0.1, figures={"strength 0": 0.5, "strength 0.3": 0.4},
)  # fmt: skip


def written(folder: Path, card: DomainCard = CARD, weight: float = 1.0) -> Path:
    with write_domain(folder, card) as partial:
        words = CaptionEncoder(["old"])
        torch.nn.init.constant_(words.words, weight)
        words.save_pretrained(partial / "captions")
    return folder


@pytest.mark.parametrize("card", [CARD, replace(CARD, method="lora", name="Ärger", figures={}, prior_strength=0.0)])
def test_a_card_comes_back_as_it_was(card, tmp_path) -> None:
    folder = written(tmp_path / "new" / "anna", card)
    assert read_card(folder) == read_card(str(folder)) == card
    assert domain_folder(folder) == folder
    assert [path.name for path in folder.parent.iterdir()] == ["anna"]


def test_what_a_later_version_says_besides_is_passed_over(tmp_path) -> None:
    folder = written(tmp_path / "anna")
    told = json.loads((folder / "domain.json").read_text())
    (folder / "domain.json").write_text(json.dumps({**told, "mood": "cheerful"}))
    assert read_card(folder) == CARD


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"[1, 2]",
        b"null",
        b'"anna"',
        b"[" * 90_000,
        b'{"name": "Anna"}',
        json.dumps({"name": "a", "method": "large", "base_sha256": ""}).encode(),
        json.dumps({"name": "a", "method": "small", "base_sha256": "", "prior_strength": 1.5}).encode(),
        json.dumps({"name": "a", "method": "small", "base_sha256": "", "prior_strength": float("nan")}).encode(),
        json.dumps({"name": "a", "method": "small", "base_sha256": "", "prior_strength": "high"}).encode(),
        json.dumps({"name": "a" * 200_000, "method": "small", "base_sha256": ""}).encode(),
    ],
    ids=["empty", "half", "binary", "list", "null", "text", "deep", "incomplete", "method", "strength", "nan", "word",
         "large"],
)  # fmt: skip
def test_a_damaged_card_is_named(content, tmp_path) -> None:
    folder = written(tmp_path / "anna")
    (folder / "domain.json").write_bytes(content)
    with pytest.raises(WeightsError, match=r"domain\.json is not the card of a domain model of this version"):
        read_card(folder)


def test_a_folder_without_a_card_is_no_domain_model(tmp_path) -> None:
    for place in (tmp_path, tmp_path / "none", "nobody"):
        for asked in (read_card, domain_folder, domain_hash):
            with pytest.raises(WeightsError, match="there is no domain model at .*; give a folder that"):
                asked(place)


def test_those_in_the_package_are_found_by_their_names(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(domains, "_EMBEDDED", tmp_path)
    for name in ("news", "anna"):
        written(tmp_path / name, replace(CARD, name=name))
    (tmp_path / "notes").mkdir()
    assert embedded_domains() == ["anna", "news"]
    assert read_card("news").name == "news" and domain_folder("anna") == tmp_path / "anna"
    with pytest.raises(WeightsError, match="or one of: anna, news"):
        read_card("nobody")


@pytest.mark.parametrize(
    ("raised", "expected"),
    [(KeyboardInterrupt(), KeyboardInterrupt), (OSError(28, "No space left"), OutputError), (ValueError(), ValueError)],
)
def test_what_fails_leaves_nothing_behind(raised, expected, tmp_path) -> None:
    with pytest.raises(expected), write_domain(tmp_path / "anna", CARD) as partial:
        (partial / "half").write_text("of it")
        assert not (tmp_path / "anna").exists()
        raise raised
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_stays_and_what_cannot_be_written_is_named(tmp_path) -> None:
    (tmp_path / "anna").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="anna is there already"), write_domain(tmp_path / "anna", CARD):
        raise AssertionError("nothing is to be written")
    with pytest.raises(FaceDiffError, match="cannot be written"), write_domain(tmp_path / "file" / "anna", CARD):
        raise AssertionError("nothing can be written")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["anna", "file"]


def test_a_hash_is_of_the_weights_and_of_nothing_else(tmp_path) -> None:
    one, same, other = written(tmp_path / "a"), written(tmp_path / "b", replace(CARD, name="b")), tmp_path / "c"
    written(other, weight=2.0)
    assert domain_hash(one) == domain_hash(same) != domain_hash(other)


def test_a_base_is_its_codec_and_its_encoders(tiny_model, tmp_path) -> None:
    mine = tmp_path / "mine"
    shutil.copytree(tiny_model, mine)
    assert base_hash(mine) == base_hash(str(tiny_model)) != base_hash("base")
    for part, is_shared in (("difftalk/unet", False), ("codec", True), ("difftalk/conditioner", True)):
        before = base_hash(mine)
        (file,) = (mine / part).glob("*.safetensors")
        file.write_bytes(file.read_bytes() + b" ")
        assert (base_hash(mine) != before) == is_shared, part
    with pytest.raises(WeightsError, match="there is no model nope"):
        base_hash("nope")
