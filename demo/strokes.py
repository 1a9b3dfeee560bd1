"""Strokes on the page: two clicks on the picture are one, and all of a face follows; folded away on the tab Animate."""

from __future__ import annotations

import re
from collections import deque
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image, ImageDraw

from facediff.clip import Clip
from facediff.demo.actions import action_row
from facediff.demo.controls import controls, parameter, with_parameters
from facediff.demo.faces import ACCENT, QUIET, SHOWN_PX
from facediff.demo.jobs import Jobs
from facediff.demo.limits import Limits
from facediff.demo.result import BUTTONS, Result, connect
from facediff.demo.source import PORTRAIT, VIDEO, Source, read_avatar
from facediff.demo.staging import surroundings
from facediff.demo.words import plain_errors
from facediff.errors import ConfigError, InputError
from facediff.media import VideoReader
from facediff.options import DragOptions
from facediff.options.strokes import read_pins, read_strokes
from facediff.types import Frame

_OPEN = re.compile(r"(?:^|[,;\s])([\d.]+),([\d.]+):\s*$")  # a stroke that lacks its end


def strokes_panel(jobs: Jobs, limits: Limits, source: Source, result: Result) -> None:
    """Adds the panel to the page.

    Args:
        jobs: Runs the renderings.
        limits: What an upload may be.
        source: Whose face.
        result: Where to show what comes of it.
    """
    with gr.Accordion("Drag points instead", open=False) as panel:
        canvas = gr.Image(
            label="Click a point of the face, then where it goes", interactive=False, format="webp", buttons=[],
            height=300, elem_classes="picker",
        )  # fmt: skip
        strokes = gr.Textbox("", label="Strokes", info="X,Y:X,Y in pixels of the picture", max_length=4000)
        with gr.Row():
            undo = gr.Button("Take one back", size="sm")
            clear = gr.Button("Clear", size="sm")
        with gr.Accordion("Options", open=False):
            options = controls(DragOptions, more=False)
            pins = gr.Textbox("", label="Pins", info="Points of the face that stay, X,Y", max_length=4000)
            more = controls(DragOptions, more=True)
            stage = surroundings()
        actions = action_row(*BUTTONS)
    frame: Any = options.components["frame"]

    def show(kind: str, portrait: str | None, video: str | None, frame: int | None, text: str, pinned: str) -> Any:
        path = video if kind == VIDEO else portrait
        if path is None:
            return None
        with plain_errors(path):
            return draw(_read_frame(path, kind == VIDEO, int(frame or 0), limits), text, pinned)

    def click(
        kind: str, portrait: str | None, video: str | None, frame: int | None, text: str, at: gr.SelectData
    ) -> str:
        path = video if kind == VIDEO else portrait
        if path is None:
            return text
        shrink = measure_shrink(_read_frame(path, kind == VIDEO, int(frame or 0), limits))
        return add_click(text, at.index[0] / shrink, at.index[1] / shrink)

    told: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    shown = [source.kind, source.portrait, source.video, frame, strokes, pins]
    canvas.select(click, shown[:5], strokes, trigger_mode="multiple", **told)
    undo.click(remove_last, strokes, strokes, **told)
    clear.click(lambda: "", None, strokes, **told)
    gr.on([panel.expand, strokes.change, pins.change, frame.change], show, shown, canvas, **told)
    for upload in (source.kind, source.portrait, source.video):  # points of another picture mean nothing
        # In the browser: a click that comes before the server's answer would be wiped out by it.
        upload.change(None, None, [strokes, pins], js="() => ['', '']", **told)
        upload.change(show, [*shown[:4], *shown[4:]], canvas, trigger_mode="always_last", **told)

    def make_clip(
        kind: str = PORTRAIT, portrait: str | None = None, video: str | None = None, face: int | None = None,
        *values: Any,
    ) -> Clip:  # fmt: skip
        given = dict(zip(names, values, strict=True))
        if not (given["strokes"] or "").strip():
            raise InputError("click a point of the face and then where it goes: nothing is moved yet")
        if _OPEN.search(given["strokes"].strip()):
            raise InputError("click where the last point goes, or take it back")
        wanted = {**options.read(given), **more.read(given), **stage.read(given, limits)}
        avatar = read_avatar(kind, portrait, video, face, limits)
        return avatar.drag(strokes=given["strokes"], pins=given["pins"] or None, **wanted)

    parameters = [parameter("strokes", ""), parameter("pins", ""), *options.parameters, *more.parameters]
    parameters += stage.parameters
    names = [each.name for each in parameters]
    inputs: list[Any] = [*source.inputs, strokes, pins, *options.inputs, *more.inputs, *stage.inputs]
    connect(jobs, actions, result, inputs, with_parameters(make_clip, *parameters), "drag")


def add_click(text: str | None, x: float, y: float) -> str:
    """Strokes with a click more: the beginning of one, or the end of the one that was begun."""
    text = (text or "").strip()
    point = f"{x:.0f},{y:.0f}"
    if _OPEN.search(text):
        return f"{text}{point}"
    return f"{text}, {point}:" if text else f"{point}:"


def remove_last(text: str | None) -> str:
    """Strokes without the last one, or without its beginning where it has no end."""
    text = (text or "").strip()
    if (begun := _OPEN.search(text)) is not None:
        return text[: begun.start()].rstrip(", ;")
    try:
        return ", ".join(map(str, read_strokes(text)[:-1]))
    except ConfigError:
        return ""


def measure_shrink(picture: Frame) -> float:
    """How much smaller a picture is shown than it is."""
    return min(1.0, SHOWN_PX / max(picture.shape[:2]))


def draw(picture: Frame, text: str | None, pinned: str | None = None) -> Frame:
    """A picture as it is shown, with arrows for its strokes and dots for pins and what is begun."""
    shrink, text = measure_shrink(picture), (text or "").strip()
    image = Image.fromarray(picture)
    size = (max(1, round(picture.shape[1] * shrink)), max(1, round(picture.shape[0] * shrink)))
    image = image.resize(size, Image.Resampling.LANCZOS) if shrink < 1 else image
    pen, width = ImageDraw.Draw(image), max(2, max(size) // 250)
    begun = _OPEN.search(text)
    try:
        strokes = read_strokes(text[: begun.start()] if begun else text)
        pins = read_pins(pinned)
    except ConfigError:  # half a number, while somebody types
        return np.asarray(image)
    for stroke in strokes:
        points = [(shrink * x, shrink * y) for x, y in stroke.points]
        pen.line(points, QUIET, width + 2)
        pen.line(points, ACCENT, width)
        _dot(pen, points[-1], 2 * width)
    for x, y in (*pins, *([(float(begun[1]), float(begun[2]))] if begun else [])):
        _dot(pen, (shrink * x, shrink * y), 2 * width)
    return np.asarray(image)


def _dot(pen: ImageDraw.ImageDraw, at: tuple[float, float], radius: int) -> None:
    x, y = at
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), ACCENT, QUIET)


@lru_cache(maxsize=4)
def _read_frame(path: str, is_video: bool, index: int, limits: Limits) -> Frame:
    """The picture that strokes are drawn on; of a video the last one where it has not so many."""
    if not is_video:
        return limits.picture(path)
    last = deque(islice(VideoReader(limits.check_video(path)), index + 1), maxlen=1)
    if not last:
        raise InputError(f"{Path(path).name} has no frames")
    return last[0]
