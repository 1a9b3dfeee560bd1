"""The tab Edit: a face changes in some ways, all through a video."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import gradio as gr

from facediff.clip import Clip
from facediff.demo.actions import action_row
from facediff.demo.jobs import Jobs
from facediff.demo.limits import Limits
from facediff.demo.result import BUTTONS, connect, result_column
from facediff.demo.source import PORTRAIT, read_avatar, source_column
from facediff.errors import InputError
from facediff.motion.expressions import expressions
from facediff.tasks.identity import GLASSES, attribute_names
from facediff.tasks.strengths import write_wishes

SHOWN = ("smile", "mouth-open", "brows-up")  # the others are folded away


def edit_tab(jobs: Jobs, limits: Limits, portrait: Path) -> None:
    """Adds the tab's content to the page.

    Args:
        jobs: Runs the renderings.
        limits: What an upload may be.
        portrait: The sample picture.
    """
    attributes = attribute_names("base")
    folded = [name for name in expressions() if name not in SHOWN]
    with gr.Row():
        with gr.Column():
            source = source_column(limits, "edit_faces")
            sliders = {name: _slider(name) for name in (*SHOWN, *attributes)}
            with gr.Accordion("More", open=False):
                sliders |= {name: _slider(name) for name in folded}
                seed = gr.Number(0, precision=0, minimum=0, label="Seed", info="Equal seeds give equal frames.")
            actions = action_row(*BUTTONS)
            gr.Examples(
                [[str(portrait)]], [source.portrait], label="No files at hand?",
                example_labels=["Take the sample portrait"], cache_examples=False, api_visibility="private",
            )  # fmt: skip
        with gr.Column():
            result = result_column()
    names = list(sliders)

    def make_clip(
        kind: str = PORTRAIT, portrait: str | None = None, video: str | None = None, face: int | None = None,
        seed: int | None = 0, *strengths: float,
    ) -> Clip:  # fmt: skip
        wishes = {name: value for name, value in zip(names, strengths, strict=True) if value}
        if not wishes:
            raise InputError("move a slider first: nothing is wished for yet")
        return read_avatar(kind, portrait, video, face, limits).edit(attributes=write_wishes(wishes), seed=seed or 0)

    # Gradio names what programs may send after the parameters.
    own = list(inspect.signature(make_clip).parameters.values())[:-1]
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    wished = [inspect.Parameter(name.replace("-", "_"), kind, default=0.0, annotation=float) for name in names]
    make_clip.__signature__ = inspect.Signature([*own, *wished])  # type: ignore[attr-defined]
    inputs: list[Any] = [*source.inputs, seed, *sliders.values()]
    connect(jobs, actions, result, inputs, make_clip, "edit")


def _slider(name: str) -> gr.Slider:
    least = 0 if name == GLASSES else -1
    return gr.Slider(least, 1, value=0, step=0.05, label=name.replace("-", " ").capitalize())
