"""Who is shown: a portrait or a video, and which of its faces."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import gradio as gr

from facediff.avatar import Avatar
from facediff.demo import faces
from facediff.demo.limits import Limits
from facediff.demo.uploads import Film, Picture
from facediff.demo.words import plain_errors
from facediff.errors import InputError, NoFaceFound

PORTRAIT, VIDEO = "Portrait", "Video"
HEIGHT = 210  # of an upload, in pixels: two of them, and what is below, are one screen


@dataclass(frozen=True)
class Source:
    """The components that say who is shown.

    Attributes:
        kind: ``Portrait`` or ``Video``.
        portrait: A picture file.
        video: A video file.
        face: Index of the face from the left; empty for the largest.
    """

    kind: gr.Radio
    portrait: Picture
    video: Film
    face: gr.Number

    @property
    def inputs(self) -> list[gr.components.Component]:
        """What ``read_avatar`` takes, in its order."""
        return [self.kind, self.portrait, self.video, self.face]


def source_column(limits: Limits, api_name: str) -> Source:
    """Adds the components to the page, with a face picker that shows where there are several faces.

    Args:
        limits: What an upload may be.
        api_name: Of the action that finds the faces.
    """
    kind = gr.Radio([PORTRAIT, VIDEO], value=PORTRAIT, show_label=False, container=False, elem_classes="choice")
    portrait = Picture(
        type="filepath", image_mode=None, sources=["upload", "webcam", "clipboard"], label="Portrait", height=HEIGHT
    )
    video = Film(sources=["upload", "webcam"], label="Video", height=HEIGHT, visible=False)
    numbered = gr.Image(
        label="Several faces: click one",
        interactive=False,
        visible=False,
        format="webp",
        buttons=[],
        height=260,
        elem_classes="picker",
    )
    face = gr.Number(
        label="Face", info="0 is the leftmost", value=None, minimum=0, maximum=31, precision=0, visible=False
    )
    source = Source(kind, portrait, video, face)
    gr.on(
        [kind.change], _switch, kind, [portrait, video], queue=False, show_progress="hidden", api_visibility="private"
    )

    def find_faces(kind: str = PORTRAIT, portrait: str | None = None, video: str | None = None) -> tuple[Any, Any]:
        """Shows the faces of an upload, numbered from the left, if there are several."""
        path = video if kind == VIDEO else portrait
        if path is None:
            return gr.update(value=None, visible=False), gr.update(value=None, visible=False)
        with plain_errors(path):
            seen = faces.look(path, kind == VIDEO, limits)
            if not seen.boxes:
                what = "video" if kind == VIDEO else "picture"
                raise NoFaceFound(f"no human face was found; give a {what} with a face seen from the front")
        several = len(seen.boxes) > 1
        shown = faces.annotate(seen, seen.largest) if several else None
        return gr.update(value=shown, visible=several), gr.update(value=seen.largest, visible=several)

    gr.on(
        [kind.change, portrait.change, video.change], find_faces, [kind, portrait, video], [numbered, face],
        api_name=api_name, show_progress="minimal", concurrency_limit=1, trigger_mode="always_last",
    )  # fmt: skip

    _connect_picker(source, numbered, limits)
    return source


def _connect_picker(source: Source, numbered: gr.Image, limits: Limits) -> None:
    """Marks the face whose index is typed, and takes the one that is clicked at."""

    def mark(kind: str, portrait: str | None, video: str | None, face: int | None) -> Any:
        path = video if kind == VIDEO else portrait
        if path is None or face is None:
            return gr.skip()
        return faces.annotate(faces.look(path, kind == VIDEO, limits), face)

    def choose(kind: str, portrait: str | None, video: str | None, click: gr.SelectData) -> tuple[int, Any]:
        path = video if kind == VIDEO else portrait
        if path is None:
            return gr.skip(), gr.skip()
        seen = faces.look(path, kind == VIDEO, limits)
        index = faces.nearest(seen, *click.index)
        return index, faces.annotate(seen, index)

    for event, fn, inputs, outputs in (
        (source.face.input, mark, source.inputs, numbered),
        (numbered.select, choose, source.inputs[:3], [source.face, numbered]),
    ):  # by default a click during the one before it would be lost
        event(fn, inputs, outputs, show_progress="hidden", trigger_mode="multiple", api_visibility="private")


def _switch(kind: str) -> tuple[Any, Any]:
    return gr.update(visible=kind == PORTRAIT), gr.update(visible=kind == VIDEO)


def read_avatar(kind: str, portrait: str | None, video: str | None, face: int | None, limits: Limits) -> Avatar:
    """The avatar of an upload; of the same upload it is the same.

    Raises:
        InputError: It cannot be used.
    """
    path = video if kind == VIDEO else portrait
    if path is None:
        raise InputError(f"choose a {kind.lower()} first")
    return _avatar(path, kind == VIDEO, face, limits)


@lru_cache(maxsize=4)
def _avatar(path: str, is_video: bool, face: int | None, limits: Limits) -> Avatar:
    chosen = "largest" if face is None else int(face)
    if is_video:
        return Avatar.from_video(limits.check_video(path), face=chosen)
    return Avatar.from_image(limits.picture(path), face=chosen)
