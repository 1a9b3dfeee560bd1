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
from facediff.demo.controls import Controls, controls, with_labels
from facediff.demo.jobs import Jobs, Report, Stopped
from facediff.demo.words import duration, noted, plain_errors, sentence
from facediff.options import AnimateOptions, EditOptions, TalkOptions
from facediff.options.marks import MarkOptions

BUTTONS = ("Preview", "Make video")
HINT = "A preview is one frame and takes seconds. A video shows how far it is, and can be cancelled."


@dataclass(frozen=True)
class Result:
    """The components of the right column: what comes of it, and how that is marked."""

    video: gr.Video
    picture: gr.Image
    status: gr.Markdown
    marks: Controls


def result_column() -> Result:
    """Adds the components to the page."""
    video = gr.Video(
        label="Result", interactive=False, autoplay=True, buttons=["download"], height=420, elem_classes="result"
    )
    picture = gr.Image(label="Preview", interactive=False, visible=False, format="png", buttons=["download"])
    status = gr.Markdown(HINT, elem_classes="status")
    with gr.Accordion("Label", open=False):
        marks = controls(MarkOptions, more=False)
    return Result(video, picture, status, marks)


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
    render = _rendering(jobs, result.marks, make_clip, name)
    preview = _previewing(jobs, result.marks, make_clip, name)
    one, whole = actions.starting
    starts = [
        Start(whole, _taking_the_inputs_of(make_clip, result.marks, render), name, "Renders the video."),
        Start(
            one,
            _taking_the_inputs_of(make_clip, result.marks, preview),
            f"{name}_preview",
            "Renders one frame of the video.",
        ),
    ]
    inputs = [*inputs, *result.marks.inputs]
    connect_actions(jobs, actions, starts, inputs, [result.video, result.picture, result.status], name)


def _rendering(jobs: Jobs, marks: Controls, make_clip: Callable[..., Clip], name: str) -> Callable[..., Any]:
    """What ``Make video`` does."""

    async def render(*arguments: Any) -> tuple[Any, Any, str]:
        *values, request, progress = arguments
        values, marked = _apart(values, marks)
        started = time.monotonic()

        def work(report: Report) -> tuple[Path, int, list[str]]:
            with noted() as notes:
                clip = make_clip(*values)
                report(0, len(clip))
                kind = "webm" if clip.is_transparent else "mp4"
                path = clip.save(jobs.new_path(f"facediff-{name}.{kind}"), progress=report, **marked)
            return path, len(clip), notes

        with plain_errors(*_paths(values), private=jobs.folder):
            try:
                path, count, notes = await jobs.run(work, progress, request.session_hash)
            except Stopped:
                return gr.skip(), gr.skip(), CANCELLED
        took = duration(time.monotonic() - started)
        told = _told(f"{count} frames, made in {took}.", notes, values, jobs)
        return gr.update(value=path, visible=True), gr.update(visible=False), told

    return render


def _previewing(jobs: Jobs, marks: Controls, make_clip: Callable[..., Clip], name: str) -> Callable[..., Any]:
    """What ``Preview`` does."""

    async def preview(*arguments: Any) -> tuple[Any, Any, str]:
        *values, request, progress = arguments
        values, marked = _apart(values, marks)

        def work(report: Report) -> tuple[Path, list[str]]:
            with noted() as notes:
                clip = make_clip(*values)
                report(0, 1)
                path = clip.save_frame(jobs.new_path(f"facediff-{name}.png"), **marked)
            return path, notes

        with plain_errors(*_paths(values), private=jobs.folder):
            try:
                path, notes = await jobs.run(work, progress, request.session_hash)
            except Stopped:
                return gr.skip(), gr.skip(), CANCELLED
        told = _told("One frame of the video to come.", notes, values, jobs)
        return gr.update(visible=False), gr.update(value=path, visible=True), told

    return preview


def _told(what: str, notes: list[str], values: list[Any], jobs: Jobs) -> str:
    """What was made, and below it what was warned of, each once, without where files lie."""
    shown = (with_labels(note, TalkOptions, AnimateOptions, EditOptions) for note in notes)
    lines = dict.fromkeys(sentence(note, *_paths(values), private=jobs.folder) for note in shown)
    return "\n\n".join([what, *lines])


def _apart(values: list[Any], marks: Controls) -> tuple[list[Any], dict[str, Any]]:
    """What ``make_clip`` takes, and what marks its clip."""
    count = len(values) - len(marks.inputs)
    return values[:count], marks.read(dict(zip(marks.components, values[count:], strict=True)))


def _taking_the_inputs_of(
    make_clip: Callable[..., Clip], marks: Controls, action: Callable[..., Any]
) -> Callable[..., Any]:
    """The action with a signature for Gradio to read: the parameters of ``make_clip``, marks, request, progress."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    own = [p.replace(annotation=inspect.Parameter.empty) for p in inspect.signature(make_clip).parameters.values()]
    added = [
        inspect.Parameter("request", kind, default=None),
        inspect.Parameter("progress", kind, default=gr.Progress()),
    ]
    action.__signature__ = inspect.Signature([*own, *marks.parameters, *added])  # type: ignore[attr-defined]
    action.__annotations__ = {"request": gr.Request}
    return action


def _paths(values: list[Any]) -> list[str]:
    """The uploads among the values of components, to be named in errors."""
    return [value for value in values if isinstance(value, str) and Path(value).is_absolute()]
