"""Each stage is given what it takes, and refuses what it would ignore."""

from __future__ import annotations

import inspect
from importlib import import_module

import pytest
from typer.testing import CliRunner

from facediff.cli import app
from facediff.cli.train import RECIPES
from facediff.training.edit_stages import LABELS


def run(*arguments: str):
    return CliRunner().invoke(app, ["train", *arguments], env={"COLUMNS": "200"})


def stand_in(monkeypatch, stage: str) -> list[dict]:
    """What a stage is called with, by a function that has its parameters and trains nothing."""
    module, _, name = RECIPES[stage].partition(".")
    module = import_module(f"facediff.training.{module}")
    signature, calls = inspect.signature(getattr(module, name)), []

    def noted(**given):
        calls.append(dict(signature.bind(**given).arguments))
        return {"beard": 0.91} if stage == "attributes" else None

    noted.__signature__ = signature
    monkeypatch.setattr(module, name, noted)
    return calls


@pytest.mark.parametrize("stage", RECIPES)
def test_a_stage_is_given_all_that_it_takes(stage, monkeypatch, tmp_path):
    calls = stand_in(monkeypatch, stage)
    result = run(stage, str(tmp_path / "clips.csv"), "--model", str(tmp_path / "mine"))
    assert result.exit_code == 0, result.output
    assert f"wrote {tmp_path / 'mine'}" in result.stderr.replace("\n", "")
    (given,) = calls
    assert given["model"] == tmp_path / "mine"
    assert given.get("catalog", given.get("spoken")) == tmp_path / "clips.csv"
    assert given.get("labels", LABELS) == LABELS
    if "config" in given:
        assert (given["config"].steps, given["config"].output.name) == (2000, stage)


@pytest.mark.parametrize(
    ("stage", "option", "is_used"),
    [
        ("codec", "--steps=7", True), ("closing", "--steps=7", False), ("unseen", "--steps=7", False),
        ("prototypes", "--steps=7", False), ("attributes", "--steps=2000", False), ("prior", "--labels=l.csv", True),
        ("codec", "--labels=l.csv", False), ("attributes", "--only=beard", True), ("edit", "--only=beard", False),
        ("difftalk", "--audio-encoder=hubert", True), ("fadm", "--audio-encoder=log-mel", False),
        ("closing", "--licence=any", False), ("unseen", "--licence=permissive", True), ("closing", "--seed=0", False),
    ],
)  # fmt: skip
def test_an_option_that_a_stage_ignores_is_refused(stage, option, is_used, monkeypatch):
    calls = stand_in(monkeypatch, stage)
    result = run(stage, "clips.csv", "--model", "mine", option)
    assert (result.exit_code == 0) == is_used == bool(calls)
    if not is_used:
        name = option.split("=")[0]
        assert result.stderr == f"facediff: {name} is of no use to the stage {stage}; leave it out\n"


def test_what_was_learnt_is_told(monkeypatch):
    stand_in(monkeypatch, "attributes")
    assert "beard: 0.91 on people not seen" in run("attributes", "clips.csv", "--model", "mine").stderr


def test_a_stage_that_there_is_not_is_a_usage_error():
    result = run("dreams", "clips.csv", "--model", "mine")
    assert result.exit_code == 2 and "prototypes" in result.stderr


def test_emotions_want_no_table_and_other_stages_do(monkeypatch):
    calls = stand_in(monkeypatch, "emotions")
    assert run("emotions", "--model", "mine").exit_code == 0 and calls[0]["catalog"] is None
    assert run("strokes", "--model", "mine").exit_code != 0
