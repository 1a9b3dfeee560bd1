"""What comes of it: a preview or a video, progress, and the buttons that ask for them."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from facediff.clip import Clip
from facediff.demo.jobs import Jobs, Report, Stopped
from facediff.demo.words import duration, plain_errors
from facediff.types import Frame

CANCELLED = "Cancelled."
# On a phone the result is below the buttons, out of sight.
TO_RESULT = """() => {
  const shown = [...document.querySelectorAll('.status')].find(e => e.offsetParent);
  shown?.scrollIntoView({block: 'nearest', behavior: 'smooth'});
  return [];
}"""
HINT = "A preview is one frame and takes seconds. A video shows how far it is, and can be cancelled."


@dataclass(frozen=True)
class Actions:
    """The buttons under the inputs."""

    make: gr.Button
    preview: gr.Button
    cancel: gr.Button

    def busy(self) -> list[Any]:
        """Only cancelling is offered."""
        return [gr.update(visible=False), gr.update(visible=False), gr.update(visible=True)]

    def idle(self) -> list[Any]:
        """All but cancelling is offered."""
        return [gr.update(visible=True), gr.update(visible=True), gr.update(visible=False)]

    @property
    def all(self) -> list[gr.Button]:
        """The buttons in the order of ``busy`` and ``idle``."""
        return [self.make, self.preview, self.cancel]


@dataclass(frozen=True)
class Result:
    """The components of the right column."""

    video: gr.Video
    picture: gr.Image
    status: gr.Markdown


def action_row() -> Actions:
    """Adds the buttons to the page."""
    with gr.Row(elem_classes="actions"):
        preview = gr.Button("Preview", min_width=120)
        make = gr.Button("Make video", variant="primary", min_width=120)
        cancel = gr.Button("Cancel", variant="stop", visible=False, min_width=120)
    return Actions(make, preview, cancel)


def result_column() -> Result:
    """Adds the components to the page."""
    video = gr.Video(
        label="Result", interactive=False, autoplay=True, buttons=["download"], height=420, elem_classes="result"
    )
    picture = gr.Image(label="Preview", interactive=False, visible=False, format="png", buttons=["download"])
    status = gr.Markdown(HINT, elem_classes="status")
    return Result(video, picture, status)


def connect(
    jobs: Jobs,
    actions: Actions,
    result: Result,
    inputs: list[gr.components.Component],
    make_clip: Callable[..., Clip],
    name: str,
) -> None:
    """Makes the buttons work, each as an action with a name for programs: ``name``, ``name_preview``, ``name_cancel``.

    Args:
        jobs: Runs the renderings.
        actions: The buttons.
        result: Where to show what comes of it.
        inputs: The components whose values ``make_clip`` takes, in its order.
        make_clip: The clip that the values ask for.
        name: Of the action, and of the file that it makes.
    """
    outputs = [result.video, result.picture, result.status]

    async def render(*arguments: Any) -> tuple[Any, Any, str]:
        *values, request, progress = arguments
        started = time.monotonic()

        def work(report: Report) -> tuple[Path, int]:
            clip = make_clip(*values)
            report(0, len(clip))
            return clip.save(jobs.new_path(f"facediff-{name}.mp4"), progress=report), len(clip)

        with plain_errors(*_paths(values)):
            try:
                path, count = await jobs.run(work, progress, request.session_hash)
            except Stopped:
                return gr.skip(), gr.skip(), CANCELLED
        took = duration(time.monotonic() - started)
        return gr.update(value=path, visible=True), gr.update(visible=False), f"{count} frames, made in {took}."

    async def preview(*arguments: Any) -> tuple[Any, Any, str]:
        *values, request, progress = arguments

        def work(report: Report) -> Frame:
            clip = make_clip(*values)
            report(0, 1)
            return clip.preview()

        with plain_errors(*_paths(values)):
            try:
                frame = await jobs.run(work, progress, request.session_hash)
            except Stopped:
                return gr.skip(), gr.skip(), CANCELLED
        return gr.update(visible=False), gr.update(value=frame, visible=True), "One frame of the video to come."

    def cancel(request: gr.Request) -> str:
        """Stops what this session is rendering."""
        jobs.stop(request.session_hash)
        return CANCELLED

    working = []
    for button, action, api_name, told in (
        (actions.make, render, name, "Renders the video."),
        (actions.preview, preview, f"{name}_preview", "Renders one frame of the video."),
    ):
        pressed = button.click(
            lambda: [*actions.busy(), ""], None, [*actions.all, result.status], queue=False, show_progress="hidden",
            api_visibility="private", js=TO_RESULT,
        )  # fmt: skip
        work = pressed.then(
            _taking_the_inputs_of(make_clip, action), inputs, outputs, api_name=api_name, api_description=told,
            show_progress_on=[result.status], concurrency_id="render", concurrency_limit=1,
        )  # fmt: skip
        for ended in (work.success, work.failure):  # ``then`` is not called after an error
            ended(actions.idle, None, actions.all, queue=False, show_progress="hidden", api_visibility="private")
        working.append(work)
    pressed = actions.cancel.click(
        cancel, None, result.status, queue=False, show_progress="hidden", api_name=f"{name}_cancel", cancels=working
    )
    pressed.then(actions.idle, None, actions.all, queue=False, show_progress="hidden", api_visibility="private")


def _taking_the_inputs_of(make_clip: Callable[..., Clip], action: Callable[..., Any]) -> Callable[..., Any]:
    """The action with a signature for Gradio to read: the parameters of ``make_clip``, the request, the progress."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    own = [p.replace(annotation=inspect.Parameter.empty) for p in inspect.signature(make_clip).parameters.values()]
    added = [
        inspect.Parameter("request", kind, default=None),
        inspect.Parameter("progress", kind, default=gr.Progress()),
    ]
    action.__signature__ = inspect.Signature([*own, *added])  # type: ignore[attr-defined]
    action.__annotations__ = {"request": gr.Request}
    return action


def _paths(values: list[Any]) -> list[str]:
    """The uploads among the values of components, to be named in errors."""
    return [value for value in values if isinstance(value, str) and Path(value).is_absolute()]
