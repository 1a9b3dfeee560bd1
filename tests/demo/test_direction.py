"""Uploads that give parts of a performance: those that a task takes, each within the limits."""

from __future__ import annotations

import gradio as gr
import numpy as np
import pytest

from facediff.demo.direction import LABELS, part_uploads
from facediff.demo.limits import Limits
from facediff.errors import ConfigError, MediaError
from facediff.media import write_image
from facediff.options import EditOptions, TalkOptions


def test_a_tab_has_the_parts_that_its_task_takes() -> None:
    with gr.Blocks():
        assert list(part_uploads(TalkOptions).files) == list(LABELS)
        assert list(part_uploads(EditOptions).files) == ["expression_from", "emotion_from"]


def test_uploads_are_looked_at_before_they_are_used(tmp_path) -> None:
    path = tmp_path / "a.png"
    write_image(path, np.zeros((64, 64, 3), np.uint8))
    with gr.Blocks():
        parts = part_uploads(EditOptions)
    none = {"expression_from": None, "emotion_from": None}
    given = none | {"expression_from": str(path)}
    assert parts.read(given, Limits()) == {"expression_from": str(path)}
    assert parts.read(none, Limits()) == {}
    with pytest.raises(MediaError, match="make it smaller"):
        parts.read(given, Limits(megapixels=0.001))
    table = tmp_path / "a.csv"
    table.write_text("time,happy\n0,1\n")
    assert parts.read(none | {"emotion_from": str(table)}, Limits()) == {"emotion_from": str(table)}
    with pytest.raises(ConfigError, match="emotion_reader"):  # no sound: the page has nothing to hear it with
        parts.read(none | {"emotion_from": str(tmp_path / "a.wav")}, Limits())
