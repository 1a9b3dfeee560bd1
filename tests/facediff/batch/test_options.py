"""Values are of their types, whatever they come as."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import pytest

from facediff.batch.options import options_of
from facediff.errors import InputError
from facediff.options import Checked, Opt


@dataclass(frozen=True, kw_only=True)
class Speech(Checked):
    """Options of all types."""

    seed: Annotated[int, Opt("Of the voice.", 0, 9)] = 0
    lips: Annotated[float, Opt("How far they open.")] = 1.0
    still: Annotated[bool, Opt("Whether nothing moves.")] = False
    fps: Annotated[float | None, Opt("How often.")] = None
    face: Annotated[int | str | None, Opt("Whose.")] = None


OPTIONS = options_of(Speech)


def test_they_are_the_fields_of_a_record():
    assert list(OPTIONS) == ["seed", "lips", "still", "fps", "face"]
    assert OPTIONS["fps"].default is None and float in OPTIONS["fps"].kinds


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [("seed", 3, 3), ("lips", 2, 2.0), ("still", True, True), ("fps", None, None), ("face", "largest", "largest"),
     ("face", 1, 1)],
)  # fmt: skip
def test_json_values(name, value, read):
    got = OPTIONS[name].of_json(value)
    assert (got, type(got)) == (read, type(read))


@pytest.mark.parametrize(
    ("name", "value"),
    [("seed", 3.5), ("seed", True), ("seed", None), ("seed", "3"), ("lips", float("nan")), ("lips", 10**400),
     ("still", 1), ("still", "yes"), ("fps", [1]), ("face", {}), ("face", 1.5)],
)  # fmt: skip
def test_json_values_of_other_types_are_refused(name, value):
    with pytest.raises(InputError, match=rf"^{name} is .*, not '"):
        OPTIONS[name].of_json(value)


@pytest.mark.parametrize(
    ("name", "text", "read"),
    [("seed", " 3 ", 3), ("seed", "", 0), ("lips", "2", 2.0), ("lips", "1e-1", 0.1), ("still", "Yes", True),
     ("still", "0", False), ("fps", " ", None), ("face", "1", 1), ("face", "largest", "largest")],
)  # fmt: skip
def test_cells_of_a_table(name, text, read):
    got = OPTIONS[name].of_text(text)
    assert (got, type(got)) == (read, type(read))


@pytest.mark.parametrize(("name", "text"), [("seed", "1.5"), ("seed", "x"), ("lips", "inf"), ("still", "perhaps")])
def test_cells_that_do_not_read_are_refused(name, text):
    with pytest.raises(InputError, match=rf"^{name} is .*, not '{text}'"):
        OPTIONS[name].of_text(text)
