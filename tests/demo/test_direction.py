"""Uploads that give parts of a performance: those that a task takes, each within the limits."""

from __future__ import annotations

import gradio as gr
import numpy as np
import pytest

from facediff.demo.direction import LABELS, part_uploads
from facediff.demo.limits import Limits
from facediff.errors import MediaError
from facediff.media import write_image
from facediff.options import EditOptions, TalkOptions


def test_a_tab_has_the_parts_that_its_task_takes() -> None:
    with gr.Blocks():
        assert list(part_uploads(TalkOptions).files) == list(LABELS)
        assert list(part_uploads(EditOptions).files) == ["expression_from"]


def test_uploads_are_looked_at_before_they_are_used(tmp_path) -> None:
    path = tmp_path / "a.png"
    write_image(path, np.zeros((64, 64, 3), np.uint8))
    with gr.Blocks():
        parts = part_uploads(EditOptions)
    assert parts.read({"expression_from": str(path)}, Limits()) == {"expression_from": str(path)}
    assert parts.read({"expression_from": None}, Limits()) == {}
    with pytest.raises(MediaError, match="make it smaller"):
        parts.read({"expression_from": str(path)}, Limits(megapixels=0.001))
