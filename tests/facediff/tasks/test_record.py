from __future__ import annotations

import numpy as np

from facediff.options import DragOptions, SourceOptions, TalkOptions
from facediff.provenance import Ingredient
from facediff.provenance.ingredients import IN_MEMORY
from facediff.tasks.record import describe_input, make_record

HER = Ingredient("source", "her.png", "0" * 64)


def test_a_record_has_what_differs_from_the_defaults_and_no_folder(tmp_path) -> None:
    wave = tmp_path / "office.png"
    wave.write_bytes(b"x")
    options = TalkOptions(seed=3, head=0.5, background=str(wave))
    record = make_record("talk", options, SourceOptions(face=1, consent="yes"), HER)
    assert record.options == {"head": 0.5, "background": "office.png", "face": 1}
    assert record.seed == 3 and record.consent == "yes" and record.model == "base"
    assert [part.role for part in record.inputs] == ["source", "background"]


def test_what_came_from_python_is_known_by_its_content() -> None:
    one, other = (describe_input("source", np.full((4, 4, 3), value, np.uint8)) for value in (1, 2))
    assert one.name == IN_MEMORY and one.sha256 != other.sha256
    record = make_record("drag", DragOptions(strokes="1,2:3,4"), SourceOptions(), HER, one)
    assert record.inputs == (HER, one) and record.options == {"strokes": "1,2:3,4"}
