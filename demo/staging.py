"""What is behind a person: a word, a colour or a picture, beside the options of a tab."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from facediff.demo.controls import USUAL, parameter
from facediff.demo.limits import Limits
from facediff.demo.uploads import Upload
from facediff.errors import InputError
from facediff.options import options_of
from facediff.options.staging import BLUR, TRANSPARENT, StagingOptions, read_background

GREEN = "#00b140"  # of cloths that are keyed out


@dataclass(frozen=True)
class Surroundings:
    """The controls.

    Attributes:
        background: A word or a colour.
        picture: An upload, in its place.
    """

    background: gr.Dropdown
    picture: Upload

    @property
    def inputs(self) -> list[gr.components.Component]:
        """What ``read`` takes, in its order."""
        return [self.background, self.picture]

    @property
    def parameters(self) -> list[inspect.Parameter]:
        """What programs are told."""
        return [parameter("background", USUAL), parameter("background_file", None)]

    def read(self, values: Mapping[str, Any], limits: Limits) -> dict[str, str]:
        """The keyword for the task, if anything is asked for; a picture within the limits.

        Raises:
            InputError: A word is none, since it could name a file of the server, or the picture cannot be used.
        """
        text, path = values["background"], values["background_file"]
        if path is not None:
            limits.picture(path)
            return {"background": str(path)}
        if text in (None, "", USUAL):
            return {}
        wanted = read_background({"background": text})
        if wanted is None or wanted.picture is not None:
            raise InputError("choose a background from the list, type a colour as #rrggbb, or upload a picture")
        return {"background": str(text)}


def surroundings() -> Surroundings:
    """Adds the controls to the page."""
    background = gr.Dropdown(
        [USUAL, BLUR, TRANSPARENT, GREEN], value=USUAL, label="Background", allow_custom_value=True,
        info=options_of(StagingOptions)["background"].opt.help,
    )  # fmt: skip
    return Surroundings(
        background, Upload(file_types=["image"], label="A picture as the background", height=110, elem_classes="small")
    )
