"""Errors in plain words. Knows no page."""

from __future__ import annotations

import contextlib
import html
import logging
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import gradio as gr

from facediff.errors import FaceDiffError


@contextlib.contextmanager
def plain_errors(*uploads: str | None, private: Path | None = None) -> Iterator[None]:
    """Shows foreseen failures as one sentence; what is left is a mistake of ours, which Gradio logs.

    Args:
        uploads: Paths that a sentence may hold; only the names of their files are shown.
        private: A folder of folders of ours; what lies in those is shown without where that is.
    """
    try:
        yield
    except (FaceDiffError, OSError, MemoryError) as error:
        raise gr.Error(sentence(error, *uploads, private=private), duration=15, print_exception=False) from error


def sentence(error: BaseException | str, *uploads: str | None, private: Path | None = None) -> str:
    """What went wrong, or what was warned of, as a sentence that is safe inside HTML."""
    if isinstance(error, MemoryError):
        text = "there is not enough memory; give a smaller picture or video"
    elif isinstance(error, OSError) and not isinstance(error, FaceDiffError):
        text = error.strerror or "the disk cannot be used"  # its file name is ours, and says nothing to a visitor
    else:
        text = " ".join(str(error).split())
    text = f"{text[:1].upper()}{text[1:].rstrip('.')}."
    for upload in uploads:
        if upload is not None:
            text = text.replace(upload, Path(upload).name)
    if private is not None:
        text = re.sub(re.escape(f"{private}{os.sep}") + r"\w+[/\\]", "", text)
    return html.escape(text, quote=False)


@contextlib.contextmanager
def noted() -> Iterator[list[str]]:
    """A list that fills with what is warned of meanwhile, which who looks at a page would not see otherwise.

    Of this thread alone: others, of calls, are somebody else's.
    """
    notes: list[str] = []
    handler, thread = logging.Handler(logging.WARNING), threading.get_ident()
    handler.addFilter(lambda record: record.thread == thread)
    handler.emit = lambda record: notes.append(record.getMessage())  # type: ignore[method-assign]
    log = logging.getLogger("facediff")
    log.addHandler(handler)
    try:
        yield notes
    finally:
        log.removeHandler(handler)


def duration(seconds: float) -> str:
    """A length of time, to the second: ``42 s``, ``3 min 05 s``."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
