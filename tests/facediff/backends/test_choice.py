"""Which back end is chosen, and what is said of one that cannot be used."""

from __future__ import annotations

import logging

import pytest
import torch

from facediff.backends import choice
from facediff.errors import ConfigError, MissingExtra

CPU, CARD = torch.device("cpu"), torch.device("cuda")


@pytest.fixture(autouse=True)
def unasked(monkeypatch) -> None:
    monkeypatch.delenv(choice.VARIABLE, raising=False)


@pytest.mark.parametrize(
    ("installed", "dtype", "chosen"),
    [
        ("2026.4", torch.float32, choice.OPENVINO_INT8),
        ("2026.4", torch.bfloat16, choice.TORCH),
        (None, torch.float32, choice.TORCH),
    ],
)
def test_what_is_installed_is_used_where_it_is_faster(monkeypatch, installed, dtype, chosen) -> None:
    monkeypatch.setattr(choice, "openvino_version", lambda: installed)
    monkeypatch.setattr(choice, "choose_dtype", lambda device: dtype)
    assert choice.choose_backend(CPU) == chosen
    assert choice.choose_backend(CARD) == choice.TORCH


@pytest.mark.parametrize("asked", choice.CHOICES)
def test_the_environment_decides(monkeypatch, asked) -> None:
    monkeypatch.setattr(choice, "openvino_version", lambda: "2026.4")
    monkeypatch.setenv(choice.VARIABLE, f" {asked.upper()} ")
    assert choice.choose_backend(CPU) == asked


def test_what_is_asked_for_and_not_installed_is_said(monkeypatch) -> None:
    monkeypatch.setattr(choice, "openvino_version", lambda: None)
    monkeypatch.setenv(choice.VARIABLE, choice.OPENVINO)
    with pytest.raises(MissingExtra, match=r"facediff\[openvino\]"):
        choice.choose_backend(CPU)


def test_another_word_is_refused_with_those_that_there_are(monkeypatch) -> None:
    monkeypatch.setenv(choice.VARIABLE, "fast")
    with pytest.raises(ConfigError, match="none, openvino, openvino-int8, not 'fast'"):
        choice.choose_backend(CPU)


def test_one_that_cannot_be_opened_is_told_of_once(caplog) -> None:
    def damaged() -> object:
        raise OSError("libopenvino.so: file too short\nand more")

    with caplog.at_level(logging.WARNING, "facediff"):
        assert not choice.is_ready(damaged)
        assert not choice.is_ready(damaged)
    (said,) = caplog.messages
    assert "file too short" in said and "torch runs all" in said and "\n" not in said
