"""Whose head, eyes, brows or expression a face has, and its emotions over time: uploads beside a tab's options."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from facediff.demo.controls import parameter
from facediff.demo.limits import Limits
from facediff.demo.uploads import Upload
from facediff.media import is_video
from facediff.motion.emotion_curve import TABLES, read_emotion_curve
from facediff.options import Checked, options_of

LABELS = {
    "head_from": "Head moves as in a video",
    "eyes_from": "Gaze and blinks as in a video",
    "brows_from": "Brows as in a video or picture",
    "expression_from": "Expression of a picture or video",
    "emotion_from": "Emotions of a table: time,happy,sad",
}
_KINDS = ["video", "image"]
_TABLES = {"emotion_from"}


@dataclass(frozen=True)
class Parts:
    """The uploads, by the options' names."""

    files: Mapping[str, Upload]

    @property
    def inputs(self) -> list[gr.components.Component]:
        """What ``read`` takes, in its order."""
        return list(self.files.values())

    @property
    def parameters(self) -> list[inspect.Parameter]:
        """What programs are told."""
        return [parameter(name, None) for name in self.files]

    def read(self, values: Mapping[str, Any], limits: Limits) -> dict[str, str]:
        """Keywords for the task: the uploads that are there, each within the limits.

        Raises:
            InputError: One cannot be used.
        """
        given = {name: str(path) for name in self.files if (path := values[name]) is not None}
        for name, path in given.items():
            if name in _TABLES:
                read_emotion_curve(path)
            elif is_video(path):
                limits.check_video(path)
            else:
                limits.picture(path)
        return given


def part_uploads(record: type[Checked]) -> Parts:
    """Adds the uploads that a record's task takes to the page."""
    names = [name for name in LABELS if name in options_of(record)]
    with gr.Accordion("Parts from other files", open=False):
        kinds = {name: list(TABLES) if name in _TABLES else _KINDS for name in names}
        return Parts(
            {
                name: Upload(file_types=kinds[name], label=LABELS[name], height=110, elem_classes="small")
                for name in names
            }
        )
