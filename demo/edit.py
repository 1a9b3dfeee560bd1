"""The tab Edit: a face changes in some ways, all through a video."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from facediff.clip import Clip
from facediff.demo.actions import action_row
from facediff.demo.controls import controls, parameter, with_parameters
from facediff.demo.direction import part_uploads
from facediff.demo.jobs import Jobs
from facediff.demo.limits import Limits
from facediff.demo.result import BUTTONS, connect, result_column
from facediff.demo.source import PORTRAIT, read_avatar, source_column
from facediff.demo.staging import surroundings
from facediff.errors import InputError
from facediff.options import EditOptions
from facediff.tasks.identity import attribute_names, slider_ranges
from facediff.tasks.strengths import write_strengths

SHOWN = ("smile", "mouth-open", "brows-up")  # the others are folded away


def edit_tab(jobs: Jobs, limits: Limits, portrait: Path) -> None:
    """Adds the tab's content to the page.

    Args:
        jobs: Runs the renderings.
        limits: What an upload may be.
        portrait: The sample picture.
    """
    ranges, attributes = slider_ranges("base"), attribute_names("base")
    folded = [name for name in ranges if name not in (*SHOWN, *attributes)]
    with gr.Row():
        with gr.Column():
            source = source_column(limits, "edit_faces")
            with gr.Row(elem_classes="pairs"):
                sliders = {name: _slider(name, ranges[name]) for name in (*SHOWN, *attributes)}
            with gr.Accordion("More", open=False):
                with gr.Row(elem_classes="pairs"):
                    sliders |= {name: _slider(name, ranges[name]) for name in folded}
                options = controls(EditOptions, more=False)
                more = controls(EditOptions, more=True)
                stage = surroundings()
                parts = part_uploads(EditOptions)
            gr.Examples(
                [[str(portrait)]], [source.portrait], label="No files at hand?",
                example_labels=["Take the sample portrait"], cache_examples=False, api_visibility="private",
            )  # fmt: skip
        with gr.Column(elem_classes="beside"):
            actions = action_row(*BUTTONS)
            result = result_column()

    def make_clip(
        kind: str = PORTRAIT, portrait: str | None = None, video: str | None = None, face: int | None = None,
        *values: Any,
    ) -> Clip:  # fmt: skip
        given = dict(zip(names, values, strict=True))
        strengths = {name: strength for name in sliders if (strength := given[_word(name)])}
        shown = {**more.read(given), **parts.read(given, limits), **stage.read(given, limits)}
        wishes = ("emotion", "eye_contact", "expression_from", "background", "size", "framing")
        if not (strengths or any(shown.get(name) for name in wishes) or shown.get("upscale", 1) > 1):
            raise InputError("move a slider first: nothing is wished for yet")
        avatar = read_avatar(kind, portrait, video, face, limits)
        return avatar.edit(attributes=write_strengths(strengths) or None, **options.read(given), **shown)

    parameters = [
        *options.parameters,
        *(parameter(_word(name), 0.0) for name in sliders),
        *more.parameters,
        *parts.parameters,
        *stage.parameters,
    ]
    names = [each.name for each in parameters]
    inputs: list[Any] = [*source.inputs, *options.inputs, *sliders.values(), *more.inputs, *parts.inputs]
    inputs += stage.inputs
    connect(jobs, actions, result, inputs, with_parameters(make_clip, *parameters), "edit")


def _word(name: str) -> str:
    """A name as that of a parameter."""
    return name.replace("-", "_")


def _slider(name: str, ends: tuple[float, float]) -> gr.Slider:
    return gr.Slider(*ends, value=0, step=0.05, label=name.replace("-", " ").capitalize())
