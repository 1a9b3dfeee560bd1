"""Flags are made of records, and errors of the library are said with the dashes that were typed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from facediff.cli.flags import dashed, flags
from facediff.errors import ConfigError
from facediff.options import Checked, Opt

SAID: list = []
app = typer.Typer()


@dataclass(frozen=True, kw_only=True)
class Sail(Checked):
    canvas_area: Annotated[float, Opt("How much.", 1, 30)] = 10.0
    colour: Annotated[str, Opt("Which.", choices=("red", "white"))] = "red"
    shape: Annotated[str | None, Opt("Which, if any.", choices=("square", "lateen"))] = None
    mast: Annotated[int | str | None, Opt("Which.", choices=("main",), says="'main' or a number")] = None
    patches: Annotated[str | None, Opt("Where.", flag="--patch -p", repeated=True)] = None
    furled: Annotated[bool, Opt("Whether it is put away.")] = False
    mended: Annotated[bool, Opt("Whether it is whole.", flag="--whole")] = True


@app.command()
@flags
def sail(ship: Annotated[str, typer.Argument()], of: Sail) -> None:
    SAID.append((ship, of))


def run(*words: str):
    SAID.clear()
    return CliRunner().invoke(app, list(words))


def test_what_is_typed_is_the_record():
    assert run("Ann").exit_code == 0 and [("Ann", Sail())] == SAID
    words = "Ann --canvas-area 3 --colour white --shape lateen --mast 2 --patch a --patch b --furled --no-whole"
    assert run(*words.split()).exit_code == 0
    made = Sail(canvas_area=3.0, colour="white", shape="lateen", mast=2, patches="a, b", furled=True, mended=False)
    assert [("Ann", made)] == SAID
    assert type(SAID[0][1].colour) is str and type(SAID[0][1].mast) is int
    assert run("Ann", "--mast", "main", "-p", "x").exit_code == 0 and SAID[0][1].mast == "main"


@pytest.mark.parametrize(
    "words", [("--colour", "blue"), ("--shape", "round"), ("--no-furled",), ("--mended",), ("--canvas-area", "much")]
)
def test_what_there_is_not_is_a_usage_error(words):
    assert run("Ann", *words).exit_code == 2 and not SAID


def test_what_is_out_of_range_is_refused_by_the_record():
    assert isinstance(run("Ann", "--canvas-area", "31").exception, ConfigError)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("canvas_area is a number from 1 to 30, not 31", "--canvas-area is a number from 1 to 30, not 31"),
        ("colour is one of red, white", "--colour is one of red, white"),
        ("mast 7 was asked for, but Ann has 2", "--mast 7 was asked for, but Ann has 2"),
        (
            "several; choose one with mast='main' or mast=0 to 2",
            "several; choose one with --mast main or --mast 0 to 2",
        ),
        ("give the colour otherwise, or canvas_area as 3", "give the colour otherwise, or --canvas-area as 3"),
        ("patches must be few", "--patch must be few"),
        ("the mast is broken", "the mast is broken"),
        ("my canvas_area.mp4 and a/canvas_area are files", "my canvas_area.mp4 and a/canvas_area are files"),
        ("give smile=0.6", "give smile=0.6"),
    ],
)
def test_options_in_a_message_are_typed_as_flags(message, said):
    assert dashed(message, get_command(app)) == said
