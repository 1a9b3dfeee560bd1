"""The page, and the server that shows it."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import tempfile
from collections.abc import Iterator
from importlib.resources import as_file, files
from pathlib import Path

import gradio as gr
from skimage.data import astronaut
from starlette.middleware import Middleware

from facediff.demo.adapt import adapt_tab
from facediff.demo.animate import animate_tab
from facediff.demo.calls import PLACE, Calls, LiveRoutes, live_app
from facediff.demo.edit import edit_tab
from facediff.demo.guard import Guard
from facediff.demo.jobs import Jobs
from facediff.demo.limits import Limits
from facediff.demo.looks import looks_tab
from facediff.demo.style import CSS, theme
from facediff.demo.talk import talk_tab
from facediff.media import write_image

KEPT_S = 3600  # uploads and results are removed after an hour, and all of them when the server stops
SWEEP_S = 600
CACHE = "GRADIO_TEMP_DIR"  # where Gradio keeps uploads and results
_LIVE = (
    f'<iframe src=".{PLACE}/" title="Live" allow="microphone; camera; autoplay" loading="lazy" '
    'style="width: 100%; height: 760px; border: 0"></iframe>'
)
QUEUE = 16  # who would wait behind more than these is turned away


def build(jobs: Jobs, limits: Limits, folder: Path, *, is_live: bool = False) -> gr.Blocks:
    """The page.

    Args:
        jobs: Runs the renderings.
        limits: What an upload may be.
        folder: For the sample portrait.
        is_live: Whether the live page is served beside it.
    """
    portrait = folder / "astronaut.png"
    write_image(portrait, astronaut())
    with gr.Blocks(title="facediff", analytics_enabled=False, delete_cache=(SWEEP_S, KEPT_S)) as page:
        gr.Markdown(
            "# facediff\nA portrait speaks, a video is dubbed, a face moves as another does, or smiles.",
            elem_id="title",
        )
        with as_file(files("facediff") / "samples" / "hello.flac") as speech, gr.Tabs():
            with gr.Tab("Talk"):
                talk_tab(jobs, limits, portrait, speech)
            with gr.Tab("Animate"):
                animate_tab(jobs, limits, portrait)
            with gr.Tab("Edit"):
                edit_tab(jobs, limits, portrait)
            with gr.Tab("Style"):
                looks_tab(jobs, limits, portrait)
            with gr.Tab("Adapt"):
                adapt_tab(jobs, limits)
            if is_live:
                with gr.Tab("Live"):
                    gr.HTML(_LIVE)
        gr.Markdown(
            f"Up to {limits.seconds:g} s and {limits.megapixels:g} megapixels. Files stay on the machine that serves "
            "this page and are removed after an hour. Videos are marked as AI-made. People are real: ask before you "
            "make somebody speak.",
            elem_id="foot",
        )

        def leave(request: gr.Request) -> None:
            jobs.stop(request.session_hash)

        page.unload(leave)
    return page.queue(max_size=QUEUE)


@contextlib.contextmanager
def running(host: str = "127.0.0.1", port: int | None = None, limits: Limits | None = None) -> Iterator[str]:
    """The address of a server that runs until this context ends; its files go with it.

    Args:
        host: Whom to listen to: this machine alone, unless told otherwise.
        port: Where; the first free one from 7860 on by default.
        limits: What an upload may be.

    Raises:
        OSError: The port is taken.
    """
    limits = limits or Limits()
    with tempfile.TemporaryDirectory(prefix="facediff-demo-", ignore_cleanup_errors=True) as name:
        before, os.environ[CACHE] = os.environ.get(CACHE), name
        jobs = Jobs(Path(name) / "results")
        is_live = importlib.util.find_spec("aiortc") is not None
        calls = Calls(astronaut(), limits)
        beside = [Middleware(LiveRoutes, live=live_app(calls))] if is_live else []
        page = build(jobs, limits, Path(name), is_live=is_live)
        try:
            _, address, _ = page.launch(
                server_name=host, server_port=port, share=False, prevent_thread_lock=True, quiet=True,
                max_file_size=round(limits.megabytes * 1e6), theme=theme(), css=CSS, ssr_mode=False, footer_links=[],
                app_kwargs={"middleware": [Middleware(Guard, limits=limits, folder=Path(name)), *beside]},
            )  # fmt: skip
            yield address
        finally:
            calls.stop()
            page.close(verbose=False)
            jobs.close()
            if before is None:
                del os.environ[CACHE]
            else:
                os.environ[CACHE] = before
