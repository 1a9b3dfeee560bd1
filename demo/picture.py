"""An upload of a picture that Gradio does not open."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import gradio as gr


class Picture(gr.Image):
    """Hands a picture over as a file, so that it is checked before anything opens it, and refused in plain words."""

    is_template = True  # shown as its parent is

    def preprocess(self, payload: Any) -> str | None:
        """The path of the file."""
        return None if payload is None else payload.path


with contextlib.suppress(OSError):  # Gradio writes a stub beside each component class, which would shadow this file
    Path(__file__).with_suffix(".pyi").unlink()
