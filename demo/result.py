"""What comes of it: a preview or a video."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from facediff.clip import Clip
from facediff.demo.actions import CANCELLED, Actions, Start, connect_actions
from facediff.demo.jobs import Jobs, Report, Stopped
from facediff.demo.words import duration, plain_errors
from facediff.types import Frame

BUTTONS = ("Preview", "Make video")
HINT = "A preview is one frame and takes seconds. A video shows how far it is, and can be cancelled."


@dataclass(frozen=True)
class Result:
    """The components of the right column."""

    video: gr.Video
    picture: gr.Image
    status: gr.Markdown


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
        actions: The buttons, named as in ``BUTTONS``.
        result: Where to show what comes of it.
        inputs: The components whose values ``make_clip`` takes, in its order.
        make_clip: The clip that the values ask for.
        name: Of the action, and of the file that it makes.
    """

    async def render(*arguments: Any) -> tuple[Any, Any, str]:
        *values, request, progress = arguments
        started = time.monotonic()

        def work(report: Report) -> tuple[Path, int]:
            clip = make_clip(*values)
            report(0, len(clip))
            return clip.save(jobs.new_path(f"facediff-{name}.mp4"), progress=report), len(clip)

        with plain_errors(*_paths(values), private=jobs.folder):
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

        with plain_errors(*_paths(values), private=jobs.folder):
            try:
                frame = await jobs.run(work, progress, request.session_hash)
            except Stopped:
                return gr.skip(), gr.skip(), CANCELLED
        return gr.update(visible=False), gr.update(value=frame, visible=True), "One frame of the video to come."

    one, whole = actions.starting
    starts = [
        Start(whole, _taking_the_inputs_of(make_clip, render), name, "Renders the video."),
        Start(one, _taking_the_inputs_of(make_clip, preview), f"{name}_preview", "Renders one frame of the video."),
    ]
    connect_actions(jobs, actions, starts, inputs, [result.video, result.picture, result.status], name)


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
