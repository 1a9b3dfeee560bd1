"""The page about the architecture says what is so: its rooms are those of the contract and of the disk."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def drawing():
    """The program that draws the page's pictures."""
    spec = importlib.util.spec_from_file_location("draw_architecture", ROOT / "docs" / "draw_architecture.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def folders_under(folder: Path) -> set[str]:
    return {one.name for one in folder.iterdir() if (one / "__init__.py").is_file()}


def test_the_table_names_the_rooms_of_the_contract_in_its_order(drawing) -> None:
    assert list(drawing.read_table()) == [room for layer in drawing.read_layers() for room in layer]


def test_every_room_is_on_disk_and_every_folder_is_a_room(drawing) -> None:
    package = ROOT / "facediff"
    modules = {one.stem for one in package.glob("*.py")} - {"__init__", "__main__"} - drawing.MOVED
    assert set(drawing.read_table()) == folders_under(package) | modules


def test_old_paths_that_are_no_rooms_are_shims_and_are_named(drawing) -> None:
    for name in drawing.MOVED:
        assert "find_moved" in (ROOT / "facediff" / f"{name}.py").read_text(encoding="utf-8")
        assert f"`facediff.{name}`" in PAGE


def test_the_rooms_of_rendering_are_its_folders() -> None:
    assert set(re.findall(r"^\| `rendering/(\w+)` \|", PAGE, re.M)) == folders_under(ROOT / "facediff" / "rendering")


def test_the_stations_on_the_way_are_modules_and_lie_in_the_rooms_that_are_coloured(drawing) -> None:
    for step in drawing.STEPS.values():
        assert importlib.util.find_spec(f"facediff.{step.module}") is not None, step.module
        assert drawing.SEEN_BY[step.module.split(".")[0]] in (step.colours, drawing.BOTH, drawing.FRAME), step.module
    assert set(drawing.SEEN_BY) <= set(drawing.read_table())


@pytest.mark.parametrize(
    ("room", "strangers"),
    [
        ("diffusion", {"landmarks", "models", "audio", "media"}),
        ("landmarks", {"models", "diffusion", "audio", "media"}),
        ("audio", {"media", "landmarks"}),
        ("media", {"landmarks", "audio"}),
        ("models", {"landmarks", "audio", "media"}),
        ("rendering", {"tasks", "clip", "provenance"}),
        ("evaluation", {"avatar", "tasks", "clip", "rendering"}),
    ],
)
def test_rooms_do_not_know_what_the_table_says_that_they_do_not(room, strangers) -> None:
    known = set()
    for file in (ROOT / "facediff" / room).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [name.name for name in node.names] if isinstance(node, ast.Import) else []
            known |= {part for name in names for part in re.findall(r"^facediff\.(\w+)", name)}
    assert not known & strangers


def test_the_pictures_are_as_they_are_drawn_today(drawing) -> None:
    for name, draw in drawing.PICTURES.items():
        drawn = (ROOT / "docs" / name).read_text(encoding="utf-8")
        assert drawn == draw(), f"{name} is of another day; run: python docs/draw_architecture.py"
        assert f"({name})" in PAGE
