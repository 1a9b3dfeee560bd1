"""Uploads as files of this machine: Gradio neither opens them nor fetches any from an address."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import gradio as gr

SCHEMES = ("http:", "https:")


def _kept_local(parent: type[gr.components.Component]) -> Callable[..., Coroutine[Any, Any, str | None]]:
    """The parent's way of taking a file in, without that of downloading one, of any size, from an address."""

    async def take(self: gr.components.Component, place: str | Path | None) -> str | None:
        if str(place).lower().startswith(SCHEMES):
            raise gr.Error("Give a file, not an address: nothing is fetched from elsewhere.", print_exception=False)
        return await parent.async_move_resource_to_block_cache(self, place)

    return take


class Picture(gr.Image):
    """Hands a picture over as a file, so that it is checked before anything opens it, and refused in plain words."""

    is_template = True  # shown as its parent is
    async_move_resource_to_block_cache = _kept_local(gr.Image)

    def preprocess(self, payload: Any) -> str | None:
        """The path of the file."""
        return None if payload is None else payload.path


class Film(gr.Video):
    """A video that was uploaded or recorded."""

    is_template = True
    async_move_resource_to_block_cache = _kept_local(gr.Video)


class Sound(gr.Audio):
    """A sound that was uploaded or recorded."""

    is_template = True
    async_move_resource_to_block_cache = _kept_local(gr.Audio)


class Upload(gr.File):
    """A file, or several, of no kind that Gradio knows; what is in them is looked at by who takes them."""

    is_template = True
    async_move_resource_to_block_cache = _kept_local(gr.File)

    def preprocess(self, payload: Any) -> Any:
        """The path of the file, or a list of paths."""
        if payload is None or self.file_count == "single":
            return None if payload is None else payload.path
        return [file.path for file in payload]


with contextlib.suppress(OSError):  # Gradio writes a stub beside each component class, which would shadow this file
    Path(__file__).with_suffix(".pyi").unlink()
