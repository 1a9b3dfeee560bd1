"""The tab Adapt: a domain model is learnt from videos of one presenter."""

from __future__ import annotations

import time
from typing import Any

import gradio as gr
from diffusers.utils import is_peft_available

from facediff.demo.actions import CANCELLED, Start, action_row, connect_actions
from facediff.demo.archive import NEEDED
from facediff.demo.jobs import Jobs, Stopped
from facediff.demo.learning import learn
from facediff.demo.limits import Limits
from facediff.demo.uploads import Upload
from facediff.demo.words import duration, plain_errors
from facediff.pipelines.domains import DomainCard
from facediff.training.adaptation import LEARNING_RATES, AdaptRecipe

LEAD = (
    "Learns how one presenter's mouth looks, from a few videos: minutes of them are better than seconds. You get a "
    "file; give it to Talk or Animate, under their options, and mouths are painted as in the videos."
)
MOST_SEED = 2**32 - 1  # of NumPy
HINT = "This takes minutes. It shows how far it is, and can be cancelled; keep the page open meanwhile."


def adapt_tab(jobs: Jobs, limits: Limits) -> None:
    """Adds the tab's content to the page.

    Args:
        jobs: Runs the learning.
        limits: What an upload may be.
    """
    methods = [method for method in NEEDED if method != "lora" or is_peft_available()]
    with gr.Row():
        with gr.Column():
            gr.Markdown(LEAD, elem_classes="between")
            footage = Upload(
                file_count="multiple", file_types=["video"], label=f"Videos, up to {limits.videos}", height=220
            )
            name = gr.Textbox(label="Name", placeholder="Of the presenter", max_length=60)
            with gr.Accordion("Options", open=False):
                steps = gr.Slider(1, 5000, value=1500, step=1, label="Steps", info="Fewer than 100 are only a trial.")
                seed = gr.Number(
                    0, precision=0, minimum=0, maximum=MOST_SEED, label="Seed", info="Equal seeds give equal models."
                )
                method = gr.Dropdown(
                    methods, value=methods[0], label="Method", visible=len(methods) > 1,
                    info="small: beside the large model; lora: changes in it.",
                )  # fmt: skip
        with gr.Column(elem_classes="beside"):
            actions = action_row("Learn")
            preview = gr.Video(
                label="Preview", interactive=False, autoplay=True, buttons=["download"], height=420,
                elem_classes="result",
            )  # fmt: skip
            model = gr.File(label="Domain model", interactive=False, visible=False)
            status = gr.Markdown(HINT, elem_classes="status")

    bar = gr.Progress()

    async def work(
        footage: list[str] | None = None, name: str | None = None, steps: int = 1500, seed: int | None = 0,
        method: str | None = methods[0], request: gr.Request = None, progress: gr.Progress = bar,  # type: ignore[assignment]
    ) -> tuple[Any, Any, str]:  # fmt: skip
        uploads, how, started = footage or [], method or methods[0], time.monotonic()
        with plain_errors(*uploads, private=jobs.folder):
            recipe = AdaptRecipe(method=how, steps=int(steps), seed=seed or 0, learning_rate=LEARNING_RATES[how])
            try:
                learnt = await jobs.run(
                    lambda report: learn(uploads, name or "", recipe, limits, jobs.new_path("learnt").parent, report),
                    progress, request.session_hash, doing="Checking the videos",
                )  # fmt: skip
            except Stopped:
                return gr.skip(), gr.skip(), CANCELLED
        told = describe(learnt.card, time.monotonic() - started)
        if learnt.preview is None:
            told += " There is no preview: no video with sound could be dubbed."
        return learnt.preview, gr.update(value=str(learnt.archive), visible=True), told

    start = Start(actions.starting[0], work, "adapt", "Learns a domain model from videos.")
    connect_actions(jobs, actions, [start], [footage, name, steps, seed, method], [preview, model, status], "adapt")


def describe(card: DomainCard, seconds: float) -> str:
    """What was learnt, in a few words."""
    videos = "a video" if card.clips == 1 else f"{card.clips} videos"
    parts = [f"Learnt from {card.seconds:g} s of {videos} in {duration(seconds)}."]
    own, alone = "lora", {"of the large model alone": "prior"}
    if card.method == "small":
        parts.append(f"The prior's strength, the share of the large model, is {card.prior_strength:g} from now on.")
        own = f"strength {card.prior_strength:g}"
        alone = {"of what was learnt alone": "strength 0", "of the large model alone": "strength 1"}
    errors = {what: f"{error:.4f}" for what, error in card.figures.items() if error == error}  # which NaN does not
    if own in errors:
        others = ", ".join(f"{errors[figure]} {whose}" for whose, figure in alone.items() if figure in errors)
        parts.append(f"Error on footage held out: {errors[own]}; {others}.")
    else:
        parts.append("There was too little footage to measure it on.")
    return " ".join(parts)
