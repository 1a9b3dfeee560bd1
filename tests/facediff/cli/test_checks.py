"""The doctor finds what is amiss, and says so to people and to programs."""

from __future__ import annotations

import hashlib
import json
import shutil
from importlib.metadata import PackageNotFoundError

import pytest
from typer.testing import CliRunner

from facediff.cli import app, checks
from facediff.cli.checks import examine
from facediff.cli.findings import Finding
from facediff.errors import NoFaceFound
from facediff.system.weights import CHECKPOINTS

GROUPS = [
    "libraries", "devices", "surroundings", "landmarks", "models", "codecs", "files", "room", "self test"
]  # fmt: skip


def amiss(findings) -> list[str]:
    return [f"{f.name}: {f.found}" for f in findings if not f.is_well]


def test_everything_is_looked_at():
    findings = list(examine())
    assert list(dict.fromkeys(f.group for f in findings)) == GROUPS
    assert amiss(f for f in findings if f.group != "room") == []
    assert findings[-1].found.startswith("512x512 pixels in ")


def test_models_are_named_with_their_checksums():
    found = {f.name: f.found for f in checks._models()}
    for file in CHECKPOINTS.rglob("*.safetensors"):
        named = file.with_suffix("") if file.parent.name in ("unseen", "mesh") else file.parent
        said = found[str(named.relative_to(CHECKPOINTS))]
        assert hashlib.sha256(file.read_bytes()).hexdigest() in said and "MB" in said


def test_damaged_and_missing_models_are_found(monkeypatch, tmp_path):
    shutil.copytree(CHECKPOINTS / "base" / "codec", tmp_path / "base" / "codec")
    next((tmp_path / "base").rglob("*.safetensors")).write_text("version https://git-lfs.github.com/spec/v1")
    monkeypatch.setattr(checks, "CHECKPOINTS", tmp_path)
    monkeypatch.setattr("facediff.system.weights.CHECKPOINTS", tmp_path)
    assert [line.split(":")[0] for line in amiss(checks._models())] == [
        "motion", "difftalk", "fadm", "edit", "strokes", "sync", "unseen", "base/codec"
    ]  # fmt: skip


def test_any_build_of_opencv_serves(monkeypatch):
    def version(name: str) -> str:
        if name == "opencv-contrib-python":
            return "4.11.0.86"
        raise PackageNotFoundError(name)

    monkeypatch.setattr(checks, "requires", lambda name: ["opencv-python-headless>=4.9,<5"])
    monkeypatch.setattr(checks, "version", version)
    said = {f.name: f.found for f in checks._libraries()}
    assert said["opencv-python-headless"] == "4.11.0.86"


def test_missing_and_wrong_libraries_are_found(monkeypatch):
    def version(name: str) -> str:
        if name == "librosa":
            raise PackageNotFoundError(name)
        return "0.1"

    monkeypatch.setattr(checks, "version", version)
    monkeypatch.setattr(checks, "requires", lambda name: ["librosa>=0.10", "av>=13", "gradio>=5; extra == 'demo'"])
    assert amiss(checks._libraries()) == [
        "librosa: missing: pip install 'librosa>=0.10'",
        "av: 0.1, but >=13 is wanted",
        "gradio: 0.1, but >=5 is wanted",
    ]


def test_missing_codecs_are_found(monkeypatch):
    monkeypatch.setattr(checks, "ENCODERS", ("libx264", "nonsense"))
    assert [line.split(":")[0] for line in amiss(checks._codecs())] == ["nonsense encoder"]


def test_little_room_is_found(monkeypatch):
    monkeypatch.setattr(checks, "MIN_MEMORY_GB", 1e9)
    assert [line.split(":")[0] for line in amiss(checks._room())] == ["memory"]


def test_memory_for_one_clip_costs(monkeypatch):
    monkeypatch.setattr(checks, "AMPLE_MEMORY_GB", 1e9)
    found = {f.name: f for f in checks._room()}["memory"]
    assert found.is_well and "--workers 1" in found.cost


def test_a_failing_self_test_is_a_finding(monkeypatch):
    def fail(image):
        raise NoFaceFound("no face\nat all")

    monkeypatch.setattr(checks.Avatar, "from_image", fail)
    finding = checks._self_test()
    assert (finding.is_well, finding.found) == (False, "NoFaceFound: no face at all")


@pytest.mark.parametrize(("is_well", "code"), [(True, 0), (False, 1)])
def test_what_it_says(monkeypatch, is_well, code):
    found = [Finding("codecs", "aac encoder", "[here]", True), Finding("room", "memory", "1 GB", is_well)]
    monkeypatch.setattr(checks, "examine", lambda: iter(found))
    result = CliRunner().invoke(app, ["doctor", "--json"])
    told = json.loads(result.stdout)
    assert (result.exit_code, told["is_well"]) == (code, is_well)
    assert told["findings"][1] == {"group": "room", "name": "memory", "found": "1 GB", "is_well": is_well, "cost": ""}
    assert told["advice"].startswith("All works" if is_well else "Mend this first: memory: 1 GB")
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == code
    assert result.stdout.splitlines()[-1] == told["advice"]
    assert "[here]" in result.stdout and ("amiss" in result.stdout) == (not is_well)
