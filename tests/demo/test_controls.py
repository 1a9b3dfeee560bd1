"""Options of records as controls: of their kind, with their range, and read back as the method takes them."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Annotated

import gradio as gr
import pytest

from facediff.demo.controls import USUAL, controls, parameter, with_labels, with_parameters
from facediff.errors import ConfigError
from facediff.options import Checked, Opt


@dataclass(frozen=True, kw_only=True)
class Tea(Checked):
    sugar: Annotated[float, Opt("How sweet.", 0, 3, page="slider", label="Sweetness")] = 1.0
    minutes: Annotated[int, Opt("How long.", 1, 1000, page="slider", page_high=20)] = 4
    milk: Annotated[bool, Opt("Whether white.", page="checkbox")] = False
    leaf: Annotated[str, Opt("Which.", choices=("green", "black"), page="dropdown")] = "black"
    cup: Annotated[str | None, Opt("Whose.", choices=("hers", "his"), page="dropdown", more=True)] = None
    heat: Annotated[float | None, Opt("How hot.", 1, 100, page="number", more=True)] = None
    number: Annotated[int, Opt("Of the cup.", 0, 9, page="number")] = 0
    words: Annotated[str | None, Opt("Said meanwhile.", page="text", more=True)] = None
    maker: Annotated[str | None, Opt("Who.")] = None


@pytest.fixture(scope="module")
def shown():
    with gr.Blocks():
        return controls(Tea, more=False), controls(Tea, more=True)


def test_each_option_for_the_page_has_its_control(shown):
    plain, folded = shown
    assert list(plain.components) == ["sugar", "minutes", "milk", "leaf", "number"]
    assert list(folded.components) == ["cup", "heat", "words"]
    sugar, minutes = plain.components["sugar"], plain.components["minutes"]
    assert (sugar.minimum, sugar.maximum, sugar.value, sugar.label, sugar.info) == (
        0,
        3,
        1.0,
        "Sweetness",
        "How sweet.",
    )
    assert (minutes.minimum, minutes.maximum, minutes.step, minutes.label) == (1, 20, 1, "Minutes")
    assert isinstance(plain.components["milk"], gr.Checkbox) and isinstance(folded.components["words"], gr.Textbox)
    assert [value for _, value in folded.components["cup"].choices] == [USUAL, "hers", "his"]
    assert [p.name for p in plain.parameters] == list(plain.components)
    assert [p.default for p in folded.parameters] == [USUAL, None, None]


def test_what_is_empty_is_the_default_and_whole_numbers_are_whole(shown):
    plain, folded = shown
    given = {"sugar": 2, "minutes": 7.0, "milk": True, "leaf": "green", "number": None, "other": 1}
    read = plain.read(given)
    assert read == {"sugar": 2, "minutes": 7, "milk": True, "leaf": "green", "number": 0}
    assert type(read["minutes"]) is int
    for nothing in ({"cup": USUAL, "heat": 0, "words": ""}, {"cup": None, "heat": None, "words": None}):
        assert Tea(**folded.read(nothing)) == Tea()
    assert folded.read({"cup": "his", "heat": 50, "words": "ah"}) == {"cup": "his", "heat": 50, "words": "ah"}


def test_what_is_out_of_range_is_left_to_the_record(shown):
    with pytest.raises(ConfigError, match="sugar is a number from 0 to 3, not 4"):
        Tea(**shown[0].read({"sugar": 4, "minutes": 1, "milk": False, "leaf": "black", "number": 0}))


def test_a_message_has_the_names_of_the_page():
    said = "sugar=2 is much, minutes=3 little; maker=me and brown-sugar=1 are not on the page"
    told = "Sweetness: 2 is much, Minutes: 3 little; maker=me and brown-sugar=1 are not on the page"
    assert with_labels(said, Tea) == told


def test_a_number_that_may_be_left_out_says_what_nought_is(shown):
    assert shown[1].components["heat"].info.endswith("0 is the usual.")
    assert shown[0].components["number"].info == "Of the cup."


def test_a_function_is_told_with_its_parameters():
    def brew(kind: str = "x", *values):
        return values

    told = inspect.signature(with_parameters(brew, parameter("sugar", 1.0), parameter("milk", False)))
    assert str(told) == "(kind: 'str' = 'x', sugar=1.0, milk=False)"
