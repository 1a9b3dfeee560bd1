"""What is on disk is what gets installed: packages, data, names."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

import facediff

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SETUPTOOLS = SETTINGS["tool"]["setuptools"]
MAPPED = {name: ROOT / folder for name, folder in SETUPTOOLS["package-dir"].items()}


def packages_on_disk() -> set[str]:
    found = set()
    for name, folder in MAPPED.items():
        for marker in folder.rglob("*.py"):
            parts = marker.parent.relative_to(folder).parts
            if "__pycache__" not in parts and not any((folder / part).is_symlink() for part in parts[:1]):
                found.add(".".join((name, *parts)))
    return found


def test_every_folder_with_code_is_a_listed_package():
    assert packages_on_disk() == set(SETUPTOOLS["packages"])


def test_every_package_has_an_init_file():
    for name in SETUPTOOLS["packages"]:
        top = max((m for m in MAPPED if name == m or name.startswith(m + ".")), key=len)
        assert (MAPPED[top] / Path(*name.removeprefix(top).split(".")) / "__init__.py").is_file(), name


def test_every_data_file_is_matched():
    """Files beside the code that no pattern of package-data names would be left out of the wheel in silence."""
    for name, folder in MAPPED.items():
        patterns = SETUPTOOLS["package-data"].get(name, [])
        packed = {p for pattern in patterns for p in folder.glob(pattern)}
        for file in folder.rglob("*"):
            inside = file.relative_to(folder).parts
            is_ours = file.is_file() and "__pycache__" not in inside and not (folder / inside[0]).is_symlink()
            if is_ours and file.suffix not in (".py", ".pyc"):
                assert file in packed, file.relative_to(ROOT)


@pytest.mark.parametrize("name", [n for n in MAPPED if n != "facediff"])
def test_symlinks_serve_what_reads_paths(name):
    link = ROOT / name.replace(".", "/")
    if link.is_file():
        pytest.skip("a clone without symbolic links")
    assert link.is_symlink() and link.resolve() == MAPPED[name]


@pytest.mark.parametrize("name", [n for n in MAPPED if n != "facediff"])
def test_a_second_name_is_refused(name, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    short = name.removeprefix("facediff.")
    with pytest.raises(ImportError, match=f"import {name}, not {short}"):
        __import__(short)


def test_the_command_and_the_licence_are_there():
    assert SETTINGS["project"]["scripts"] == {"facediff": "facediff.cli:main"}
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_one_opencv_alone():
    """Two OpenCV wheels overwrite each other's files; mediapipe brings one."""
    named = SETTINGS["project"]["dependencies"]
    assert not [d for d in named if d.startswith("opencv")]


def test_version_is_one_and_valid():
    assert SETTINGS["project"]["dynamic"] == ["version"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", facediff.__version__)
