"""The doctor names the machine and the files it reads, and what each lack costs."""

from __future__ import annotations

import locale
from importlib.metadata import PackageNotFoundError

import pytest
import torch

from facediff.backends import choice
from facediff.cli import surroundings
from facediff.cli.findings import Finding
from facediff.cli.surroundings import examine_files, examine_landmarks, examine_surroundings
from facediff.media.orientation import Orientation


def by_name(findings) -> dict:
    return {finding.name: finding for finding in findings}


def test_here_all_kinds_of_files_are_read_and_films_are_turned():
    found = by_name(examine_files())
    assert {"display matrix", "AVIF", "HEIC", "hevc decoder"} < set(found)
    assert [name for name, finding in found.items() if finding.cost or not finding.is_well] == []


def test_a_decoder_that_is_missing_costs_the_films_of_somebody(monkeypatch):
    monkeypatch.setattr(surroundings, "FILMS_OF", {"nonsense": "phones"})
    assert "films of phones cannot be read" in by_name(examine_files())["nonsense decoder"].cost


def test_a_display_matrix_that_is_not_told_is_noticed(monkeypatch):
    monkeypatch.setattr("facediff.media.decoding.orientation_of", lambda frame, name: Orientation())
    assert "on their side" in by_name(examine_files())["display matrix"].cost


def test_pictures_that_pillow_was_built_without(monkeypatch):
    monkeypatch.setattr(surroundings.features, "check", lambda name: False)
    assert "AVIF cannot be read" in by_name(examine_files())["AVIF"].cost


@pytest.mark.parametrize(("coding", "is_dear"), [("UTF-8", False), ("ISO-8859-1", True), ("GBK", True)])
def test_the_locale_is_named(monkeypatch, coding, is_dear):
    monkeypatch.setattr(locale, "getpreferredencoding", lambda do_setlocale=True: coding)
    found = by_name(examine_surroundings())["locale"]
    assert coding in found.found and bool(found.cost) == is_dear


@pytest.mark.parametrize(("dtype", "is_dear"), [(torch.bfloat16, False), (torch.float32, True)])
def test_a_processor_without_bfloat16_costs(monkeypatch, dtype, is_dear):
    monkeypatch.setattr(surroundings, "choose_device", lambda: torch.device("cpu"))
    monkeypatch.setattr(surroundings, "choose_dtype", lambda device: dtype)
    assert bool(by_name(examine_surroundings())["bfloat16"].cost) == is_dear


def test_one_core_costs(monkeypatch):
    monkeypatch.setattr(surroundings.os, "sched_getaffinity", lambda pid: {0}, raising=False)
    assert by_name(examine_surroundings())["cores"].cost


def test_back_ends_of_landmarks_are_named(monkeypatch):
    def version(name: str) -> str:
        raise PackageNotFoundError(name)

    assert set(by_name(examine_landmarks())) == {"torch", "mediapipe", "face-alignment"}
    monkeypatch.setattr(surroundings, "version", version)
    monkeypatch.setattr(surroundings, "choose_detector", lambda: "torch")
    found = by_name(examine_landmarks())
    assert found["torch"].found.endswith("chosen")
    assert found["mediapipe"].found == "not installed, and not needed while torch is there"
    assert all(finding.is_well for finding in found.values())


def backend_found(monkeypatch, asked: str | None, opens, dtype=torch.float32) -> Finding:
    monkeypatch.delenv(choice.VARIABLE, raising=False)
    if asked is not None:
        monkeypatch.setenv(choice.VARIABLE, asked)
    monkeypatch.setattr(surroundings, "choose_device", lambda: torch.device("cpu"))
    monkeypatch.setattr(choice, "openvino_version", lambda: "2026.4" if opens is not None else None)
    monkeypatch.setattr(surroundings, "open_core", opens)
    monkeypatch.setattr(surroundings, "multiplies_bfloat16", lambda: dtype == torch.bfloat16)
    for module in (choice, surroundings):
        monkeypatch.setattr(module, "choose_dtype", lambda device: dtype)
    return by_name(examine_surroundings())["back end"]


def test_the_back_end_that_serves_is_told(monkeypatch):
    assert "facediff[openvino]" in backend_found(monkeypatch, None, None).found
    assert backend_found(monkeypatch, "none", None).found == "torch alone"
    assert backend_found(monkeypatch, None, lambda: None).found == "OpenVINO 2026.4, int8 and float32"
    fast = torch.bfloat16
    assert backend_found(monkeypatch, None, None, fast).found == "torch alone"
    assert backend_found(monkeypatch, None, lambda: 1, fast).found == "torch alone"
    assert backend_found(monkeypatch, "openvino-int8", lambda: 2, fast).found == "OpenVINO 2026.4, int8 and bfloat16"


def test_a_back_end_that_cannot_be_opened_costs_and_an_unknown_one_is_amiss(monkeypatch):
    def damaged() -> None:
        raise ImportError("libtbb.so is missing")

    found = backend_found(monkeypatch, None, damaged)
    assert found.is_well and found.cost and "torch" in found.found
    assert not backend_found(monkeypatch, "fastest", None).is_well
