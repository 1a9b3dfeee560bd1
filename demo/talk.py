"""The tab Talk: a face says what is heard."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from facediff.clip import Clip
from facediff.demo.actions import action_row
from facediff.demo.domain import BEST, NONE, domain_options, read_domain
from facediff.demo.jobs import Jobs
from facediff.demo.limits import Limits
from facediff.demo.result import BUTTONS, connect, result_column
from facediff.demo.source import PORTRAIT, read_avatar, source_column
from facediff.demo.uploads import Sound


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
            heard = Sound(type="filepath", sources=["upload", "microphone"], label="Speech", buttons=[])
            with gr.Accordion("Options", open=False):
                lips = gr.Slider(0, 3, value=1, step=0.05, label="Lips", info="Strength of lips and jaw.")
                head = gr.Slider(0, 3, value=1, step=0.05, label="Head", info="Motion of a portrait's head.")
                still = gr.Checkbox(label="Hold the head still")
                steps = gr.Slider(1, 20, value=2, step=1, label="Steps", info="More are slower.")
                seed = gr.Number(0, precision=0, minimum=0, label="Seed", info="Equal seeds give equal frames.")
                domain = domain_options()
            actions = action_row(*BUTTONS)
            gr.Examples(
                [[str(portrait), str(speech)]], [source.portrait, heard], label="No files at hand?",
                example_labels=["Take the sample portrait and sentence"], cache_examples=False,
                api_visibility="private",
            )  # fmt: skip
        with gr.Column():
            result = result_column()

    def make_clip(
        kind: str = PORTRAIT, portrait: str | None = None, video: str | None = None, face: int | None = None,
        speech: str | None = None, seed: int | None = 0, steps: int = 2, lips: float = 1, head: float = 1,
        still: bool = False, domain: str = NONE, domain_file: str | None = None,
        prior_strength: float | str = BEST,
    ) -> Clip:  # fmt: skip
        heard = limits.check_sound(speech)
        avatar = read_avatar(kind, portrait, video, face, limits)
        adapted = read_domain(domain, domain_file, prior_strength, jobs)
        return avatar.talk(heard, seed=seed or 0, steps=int(steps), lips=lips, head=head, still=still, **adapted)

    inputs = [*source.inputs, heard, seed, steps, lips, head, still, *domain.inputs]
    connect(jobs, actions, result, inputs, make_clip, "talk")
