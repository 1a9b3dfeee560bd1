"""The tab Style: a video, performed by the face of a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from facediff.clip import Clip
from facediff.demo.actions import action_row
from facediff.demo.controls import controls, with_parameters
from facediff.demo.jobs import Jobs
from facediff.demo.limits import Limits
from facediff.demo.result import BUTTONS, connect, result_column
from facediff.demo.source import HEIGHT
from facediff.demo.uploads import Film, Picture
from facediff.errors import InputError
from facediff.options.style import StyleOptions


def looks_tab(jobs: Jobs, limits: Limits, portrait: Path) -> None:
    """Adds the tab's content to the page.

    Args:
        jobs: Runs the renderings.
        limits: What an upload may be.
        portrait: The sample picture.
    """
    with gr.Row():
        with gr.Column():
            video = Film(sources=["upload", "webcam"], label="Video, whose performance is kept", height=HEIGHT)
            like = Picture(
                type="filepath", image_mode=None, sources=["upload", "webcam", "clipboard"],
                label="Picture of who is to be seen", height=HEIGHT,
            )  # fmt: skip
            options = controls(StyleOptions, more=False)
            gr.Examples(
                [[str(portrait)]], [like], label="No picture at hand?", example_labels=["Take the sample portrait"],
                cache_examples=False, api_visibility="private",
            )  # fmt: skip
        with gr.Column(elem_classes="beside"):
            actions = action_row(*BUTTONS)
            result = result_column()

    def make_clip(video: str | None = None, like: str | None = None, *values: Any) -> Clip:
        from facediff.tasks.style import make_style

        given = dict(zip(options.components, values, strict=True))
        film = limits.check_video(video)
        if like is None:
            raise InputError("choose a picture of who is to be seen first")
        limits.picture(like)
        return make_style(film, StyleOptions(like=like, **options.read(given)))

    made = with_parameters(make_clip, *options.parameters)
    connect(jobs, actions, result, [video, like, *options.inputs], made, "style")
