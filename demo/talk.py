"""The tab Talk: a face says what is heard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from facediff.clip import Clip
from facediff.demo.actions import action_row
from facediff.demo.controls import controls, parameter, with_parameters
from facediff.demo.direction import part_uploads
from facediff.demo.domain import PARAMETERS, PRIOR_PARAMETER, domain_options, read_domain
from facediff.demo.jobs import Jobs
from facediff.demo.limits import Limits
from facediff.demo.result import BUTTONS, connect, result_column
from facediff.demo.source import PORTRAIT, read_avatar, source_column
from facediff.demo.staging import surroundings
from facediff.demo.uploads import Sound
from facediff.errors import InputError
from facediff.options import TalkOptions

LETTERS_PER_S = 16  # of a voice in no hurry


def talk_tab(jobs: Jobs, limits: Limits, portrait: Path, speech: Path) -> None:
    """Adds the tab's content to the page.

    Args:
        jobs: Runs the renderings.
        limits: What an upload may be.
        portrait: The sample picture.
        speech: The sample sentence.
    """
    with gr.Row():
        with gr.Column():
            source = source_column(limits, "talk_faces")
            heard = Sound(
                type="filepath", sources=["upload", "microphone"], label="Speech", buttons=[], elem_classes="small"
            )
            said = gr.Textbox("", label="Or a text that is said", max_length=round(LETTERS_PER_S * limits.seconds))
            with gr.Accordion("Options", open=False):
                options = controls(TalkOptions, more=False)
                domain = domain_options()
                with gr.Accordion("More", open=False):
                    more = controls(TalkOptions, more=True)
                    stage = surroundings()
                    parts = part_uploads(TalkOptions)
            gr.Examples(
                [[str(portrait), str(speech)]], [source.portrait, heard], label="No files at hand?",
                example_labels=["Take the sample portrait and sentence"], cache_examples=False,
                api_visibility="private",
            )  # fmt: skip
        with gr.Column(elem_classes="beside"):
            actions = action_row(*BUTTONS)
            result = result_column()

    def make_clip(
        kind: str = PORTRAIT, portrait: str | None = None, video: str | None = None, face: int | None = None,
        speech: str | None = None, *values: Any,
    ) -> Clip:  # fmt: skip
        given = dict(zip(names, values, strict=True))
        shown = more.read(given)
        text = (given["say"] or "").strip() or None
        if text is None and speech is None:
            raise InputError("record or upload some speech first, or type a text")
        heard = None if speech is None else limits.check_sound(speech)
        avatar = read_avatar(kind, portrait, video, face, limits)
        adapted = read_domain(given["domain"], given["domain_file"], given["prior_strength"], jobs, given["prior"])
        placed = {**parts.read(given, limits), **stage.read(given, limits)}
        return avatar.talk(heard, say=text, **{**options.read(given), **shown, **placed, **adapted})

    parameters = [*options.parameters, *PARAMETERS, *more.parameters, parameter("say", ""), PRIOR_PARAMETER]
    parameters += [*parts.parameters, *stage.parameters]
    names = [each.name for each in parameters]
    inputs = [*source.inputs, heard, *options.inputs, *domain.inputs, *more.inputs, said, domain.prior]
    inputs += [*parts.inputs, *stage.inputs]
    connect(jobs, actions, result, inputs, with_parameters(make_clip, *parameters), "talk")
