from __future__ import annotations

import pytest

from facediff.errors import ConfigError
from facediff.options import DragOptions, Stroke, Strokes
from facediff.options.strokes import MOST_STROKES, read_pins, read_strokes


@pytest.mark.parametrize(
    "text",
    ["1,2:3,4, 5.5,6:7,8:9,10", " 1 , 2 : 3,4 ;5.5,6:7,8:9,10 ", "1,2:3,4 5.5,6:7,8:9,10", "1,2:3,4,5.5,6:7,8:9,10"],
)
def test_strokes_read_however_they_are_parted(text) -> None:
    assert read_strokes(text) == (Stroke(((1, 2), (3, 4))), Stroke(((5.5, 6), (7, 8), (9, 10))))


def test_records_and_text_are_the_same() -> None:
    strokes = read_strokes("1,2:3,4, 5,6:7,8:9,10")
    assert read_strokes(Strokes(strokes).to_json()) == strokes == read_strokes(", ".join(map(str, strokes)))
    assert read_strokes(str(DragOptions(strokes=Strokes(strokes)).strokes)) == strokes
    assert read_strokes(None) == read_strokes("") == ()


def test_a_point_goes_evenly_along_its_stroke() -> None:
    stroke = Stroke(((0, 0), (30, 0), (30, 10)))
    assert stroke.length == 40 and stroke.corners == [0.75, 1.0]
    assert (
        stroke.at(0) == (0, 0)
        and stroke.at(0.5) == (20, 0)
        and stroke.at(0.875) == (30, 5)
        and stroke.at(1) == (30, 10)
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("320", "reads X,Y:X,Y"), ("a,b:c,d", "reads X,Y:X,Y"), ("1,2:3", "reads X,Y:X,Y"), ("1,2:3,4x", "reads"),
        ("1,2", "goes from a point to another"), ("5,5:5,5", "has no length"), ("1,2:nan,4", "reads X,Y:X,Y"),
        ("[1]", "as JSON"), ("[[", "as JSON"), ("{}", "reads"), ("[[[1,2],[3]]]", "a stroke is"),
        ("1e400,1:2,3", "reads"),
        (", ".join(["1,2:3,4"] * (MOST_STROKES + 1)), "at most"),
    ],
)  # fmt: skip
def test_what_is_no_stroke_is_refused_in_a_sentence(text, said) -> None:
    with pytest.raises(ConfigError, match=said):
        DragOptions(strokes=text)


def test_pins_are_points_alone() -> None:
    assert read_pins("1,2, 3,4.5") == ((1, 2), (3, 4.5)) and read_pins(None) == ()
    for text in ("1,2:3,4", "1", "x"):
        with pytest.raises(ConfigError, match="pin"):
            DragOptions(pins=text)
