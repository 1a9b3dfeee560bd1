"""Compiled networks that are kept between runs."""

from __future__ import annotations

import os

import pytest
import torch
from torch import nn

from facediff.backends import store
from facediff.backends.store import hash_weights, keep_entry, name_entry, read_entry


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "cache_folder", lambda: tmp_path / "a" / "networks")
    return tmp_path / "a" / "networks"


def test_what_is_kept_is_found_again_and_nothing_lies_beside_it(folder) -> None:
    assert read_entry("one") is None
    keep_entry("one", b"content")
    assert read_entry("one") == b"content"
    assert [file.name for file in folder.iterdir()] == ["one"]


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b + b"x", lambda b: b"\0" * len(b), lambda b: b""])
def test_what_is_damaged_is_as_if_it_were_not_there(folder, damage) -> None:
    keep_entry("one", b"content")
    (folder / "one").write_bytes(damage((folder / "one").read_bytes()))
    assert read_entry("one") is None


def test_where_nothing_can_be_written_nothing_is_kept_and_nothing_fails(folder) -> None:
    folder.parent.mkdir(parents=True)
    folder.write_text("a file where the folder should be")
    keep_entry("one", b"content")
    assert read_entry("one") is None


def test_those_not_used_for_longest_go_where_there_are_too_many(monkeypatch) -> None:
    monkeypatch.setattr(store, "MOST_BYTES", 250)
    for name in ("one", "two"):
        keep_entry(name, b"x" * 60)
    os.utime(store.cache_folder() / "two", (1, 1))
    keep_entry("three", b"x" * 60)
    assert [name for name in ("one", "two", "three") if read_entry(name)] == ["one", "three"]


def test_names_tell_all_that_a_network_depends_on() -> None:
    assert name_entry({"a": 1, "b": 2}) == name_entry({"b": 2, "a": 1}) != name_entry({"a": 1, "b": 3})


def test_weights_are_told_apart_and_their_type_does_not_matter() -> None:
    one, other = nn.Linear(3, 2), nn.Linear(3, 2)
    assert hash_weights(one) != hash_weights(other)
    other.load_state_dict(one.state_dict())
    assert hash_weights(one) == hash_weights(other) == hash_weights(other.to(torch.bfloat16))
