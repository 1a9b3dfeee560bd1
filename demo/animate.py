"""The tab Animate: a face moves as another one does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from facediff.clip import Clip
from facediff.demo.actions import action_row
from facediff.demo.controls import controls, with_parameters
from facediff.demo.direction import part_uploads
from facediff.demo.domain import PARAMETERS, PRIOR_PARAMETER, domain_options, read_domain
from facediff.demo.jobs import Jobs
from facediff.demo.limits import Limits
from facediff.demo.result import BUTTONS, connect, result_column
from facediff.demo.source import HEIGHT, PORTRAIT, VIDEO, read_avatar, source_column
from facediff.demo.staging import surroundings
from facediff.demo.strokes import strokes_panel
from facediff.demo.uploads import Film, Picture
from facediff.errors import InputError
from facediff.options import AnimateOptions

PICTURE = "Picture"


def animate_tab(jobs: Jobs, limits: Limits, portrait: Path) -> None:
    """Adds the tab's content to the page.

    Args:
        jobs: Runs the renderings.
        limits: What an upload may be.
        portrait: The sample picture.
    """
    with gr.Row():
        with gr.Column():
            source = source_column(limits, "animate_faces")
            with gr.Row(elem_classes="asked"):
                gr.Markdown("Move it like", elem_classes="between")
                driver = gr.Radio(
                    [VIDEO, PICTURE], value=VIDEO, show_label=False, container=False, elem_classes="choice"
                )
            driving = Film(sources=["upload", "webcam"], label="Driving video", height=HEIGHT)
            expression = Picture(
                type="filepath", image_mode=None, sources=["upload", "webcam", "clipboard"], label="Expression",
                height=HEIGHT, visible=False,
            )  # fmt: skip
            with gr.Accordion("Options", open=False):
                options = controls(AnimateOptions, more=False)
                domain = domain_options()
                with gr.Accordion("More", open=False):
                    more = controls(AnimateOptions, more=True)
                    stage = surroundings()
                    parts = part_uploads(AnimateOptions)
            dragging = gr.Column()
            gr.Examples(
                [[str(portrait)]], [source.portrait], label="No files at hand?",
                example_labels=["Take the sample portrait"], cache_examples=False, api_visibility="private",
            )  # fmt: skip
        with gr.Column(elem_classes="beside"):
            actions = action_row(*BUTTONS)
            result = result_column()
    with dragging:
        strokes_panel(jobs, limits, source, result)
    driver.change(_switch, driver, [driving, expression], queue=False, show_progress="hidden", api_visibility="private")

    def make_clip(
        kind: str = PORTRAIT, portrait: str | None = None, video: str | None = None, face: int | None = None,
        driver: str = VIDEO, driving: str | None = None, expression: str | None = None, *values: Any,
    ) -> Clip:  # fmt: skip
        given = dict(zip(names, values, strict=True))
        if driver == VIDEO and driving is None:
            raise InputError("choose a driving video first")
        if driver == PICTURE and expression is None:
            raise InputError("choose a picture of an expression first")
        avatar = read_avatar(kind, portrait, video, face, limits)
        motion = limits.check_video(driving) if driver == VIDEO else Path(str(expression))
        if driver == PICTURE:
            limits.picture(expression)
        adapted = read_domain(given["domain"], given["domain_file"], given["prior_strength"], jobs, given["prior"])
        placed = {**parts.read(given, limits), **stage.read(given, limits)}
        return avatar.animate(motion, **{**options.read(given), **more.read(given), **placed, **adapted})

    parameters = [*options.parameters, *PARAMETERS, *more.parameters, PRIOR_PARAMETER, *parts.parameters]
    parameters += stage.parameters
    names = [each.name for each in parameters]
    inputs = [
        *source.inputs, driver, driving, expression, *options.inputs, *domain.inputs, *more.inputs, domain.prior,
        *parts.inputs, *stage.inputs,
    ]  # fmt: skip
    connect(jobs, actions, result, inputs, with_parameters(make_clip, *parameters), "animate")


def _switch(driver: str) -> tuple[Any, Any]:
    return gr.update(visible=driver == VIDEO), gr.update(visible=driver == PICTURE)
