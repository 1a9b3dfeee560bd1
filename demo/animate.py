"""The tab Animate: a face moves as another one does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from facediff.clip import Clip
from facediff.demo.actions import action_row
from facediff.demo.domain import BEST, NONE, domain_options, read_domain
from facediff.demo.jobs import Jobs
from facediff.demo.limits import Limits
from facediff.demo.result import BUTTONS, connect, result_column
from facediff.demo.source import PORTRAIT, VIDEO, read_avatar, source_column
from facediff.demo.uploads import Film, Picture
from facediff.errors import InputError

PICTURE = "Picture"
REGIONS = ["all", "expression", "lips", "eyes", "brows", "pose"]


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
            gr.Markdown("Move it like", elem_classes="between")
            driver = gr.Radio([VIDEO, PICTURE], value=VIDEO, show_label=False, container=False, elem_classes="choice")
            driving = Film(sources=["upload", "webcam"], label="Driving video", height=300)
            expression = Picture(
                type="filepath", image_mode=None, sources=["upload", "webcam", "clipboard"], label="Expression",
                height=240, visible=False,
            )  # fmt: skip
            with gr.Accordion("Options", open=False):
                region = gr.Dropdown(REGIONS, value="all", label="Region", info="What is taken over.")
                lips = gr.Slider(0, 3, value=1, step=0.05, label="Lips")
                eyes = gr.Slider(0, 3, value=1, step=0.05, label="Eyes")
                brows = gr.Slider(0, 3, value=1, step=0.05, label="Brows")
                head = gr.Slider(0, 3, value=1, step=0.05, label="Head")
                sound = gr.Checkbox(label="Keep the driver's sound")
                compare = gr.Checkbox(label="Driver and source beside the result")
                steps = gr.Slider(1, 20, value=1, step=1, label="Steps", info="More are slower.")
                seed = gr.Number(0, precision=0, minimum=0, label="Seed", info="Equal seeds give equal frames.")
                domain = domain_options()
            actions = action_row(*BUTTONS)
            gr.Examples(
                [[str(portrait)]], [source.portrait], label="No files at hand?",
                example_labels=["Take the sample portrait"], cache_examples=False, api_visibility="private",
            )  # fmt: skip
        with gr.Column():
            result = result_column()
    driver.change(_switch, driver, [driving, expression], queue=False, show_progress="hidden", api_visibility="private")

    def make_clip(
        kind: str = PORTRAIT, portrait: str | None = None, video: str | None = None, face: int | None = None,
        driver: str = VIDEO, driving: str | None = None, expression: str | None = None, region: str = "all",
        lips: float = 1, eyes: float = 1, brows: float = 1, head: float = 1, sound: bool = False,
        compare: bool = False, steps: int = 1, seed: int | None = 0, domain: str = NONE,
        domain_file: str | None = None, prior_strength: float | str = BEST,
    ) -> Clip:  # fmt: skip
        if driver == VIDEO and driving is None:
            raise InputError("choose a driving video first")
        if driver == PICTURE and expression is None:
            raise InputError("choose a picture of an expression first")
        avatar = read_avatar(kind, portrait, video, face, limits)
        motion = limits.check_video(driving) if driver == VIDEO else Path(str(expression))
        if driver == PICTURE:
            limits.picture(expression)
        return avatar.animate(
            motion, region=region, lips=lips, eyes=eyes, brows=brows, head=head, sound=sound, compare=compare,
            steps=int(steps), seed=seed or 0, **read_domain(domain, domain_file, prior_strength, jobs),
        )  # fmt: skip

    inputs = [
        *source.inputs, driver, driving, expression, region, lips, eyes, brows, head, sound, compare, steps, seed,
        *domain.inputs,
    ]  # fmt: skip
    connect(jobs, actions, result, inputs, make_clip, "animate")


def _switch(driver: str) -> tuple[Any, Any]:
    return gr.update(visible=driver == VIDEO), gr.update(visible=driver == PICTURE)
