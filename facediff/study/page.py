"""The page of a study, and the server that shows it."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import gradio as gr
import uvicorn
from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from facediff.study.answers import Answers
from facediff.study.plan import ANSWERS, CHOICE, SIDES, VIDEOS, Question, Study
from facediff.study.stage import CSS, HEAD, KEEP_LINK, SCORES, draw_end, draw_question

CLIPS = "/clips"
_START_S = 30
_BUTTONS = 5


class Session:
    """What raters are asked next, and what becomes of what they answer.

    Args:
        study: What is asked.
        answers: Where answers are kept.
    """

    def __init__(self, study: Study, answers: Answers) -> None:
        self.study, self.answers = study, answers

    def enter(self, rater: str) -> str:
        """The rater of a link, or a new one where the link has none that is known."""
        return rater if rater and self.answers.knows(rater) else self.answers.begin()

    def next(self, rater: str) -> tuple[Question, bool] | None:
        """The first question that is not answered, and whether a is on the right; none at the end."""
        done = self.answers.answered(rater)
        return next(((one, swapped) for one, swapped in self.study.ordered(rater) if one.name not in done), None)

    def take(self, rater: str, name: str, number: int, seconds: float) -> None:
        """Keeps the answer of a button, if it is one to the question that is open; else it is of a second click."""
        coming = self.next(rater)
        if not self.answers.knows(rater) or coming is None or coming[0].name != name:
            return
        question, is_swapped = coming
        if not 1 <= number <= len(question.answers):
            return
        answer = question.answers[number - 1]
        if question.kind == CHOICE and is_swapped:
            answer = SIDES[2 - number]
        self.answers.keep(rater, name, answer, swapped=is_swapped, seconds=seconds)


def build(session: Session) -> gr.Blocks:
    """The page."""
    total = len(session.study.questions)

    def show(rater: str) -> list[Any]:
        coming = session.next(rater)
        if coming is None:
            return [rater, "", time.time(), draw_end(total), *(gr.update(visible=False) for _ in range(_BUTTONS))]
        question, is_swapped = coming
        done = len(session.answers.answered(rater))
        drawn = draw_question(question, is_swapped, session.study.texts, done, total, CLIPS)
        words = (
            ("Video 1", "Video 2")
            if question.kind == CHOICE
            else tuple(f"{k} {word}" for k, word in enumerate(SCORES, 1))
        )
        buttons = [gr.update(visible=k < len(words), value=words[k] if k < len(words) else "") for k in range(_BUTTONS)]
        return [rater, question.name, time.time(), drawn, *buttons]

    def enter(request: gr.Request) -> list[Any]:
        return show(session.enter(str(request.query_params.get("rater", ""))))

    with gr.Blocks(title="Which is better?", analytics_enabled=False) as page:
        rater, name, since = gr.Textbox(visible=False), gr.Textbox(visible=False), gr.State(0.0)
        stage = gr.HTML(elem_id="stage")
        with gr.Row(elem_id="answers"):
            buttons = [
                gr.Button("", elem_id=f"answer-{k}", visible=False, variant="primary") for k in range(1, _BUTTONS + 1)
            ]
        shown = [rater, name, since, stage, *buttons]
        page.load(enter, None, shown, show_progress="hidden").then(None, rater, None, js=KEEP_LINK)
        for number, button in enumerate(buttons, start=1):

            def answer(rater: str, name: str, since: float, number: int = number) -> list[Any]:
                session.take(rater, name, number, time.time() - since)
                return show(rater)

            button.click(answer, [rater, name, since], shown, show_progress="hidden", api_name=f"answer_{number}")
    return page


@contextlib.contextmanager
def serving(study: Study, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """The address of a server that runs until this context ends.

    Args:
        study: What is asked.
        host: Whom to listen to.
        port: Where; a free one if 0.

    Raises:
        OSError: The port is taken, or the server does not start.
    """
    page = build(Session(study, Answers(study.folder / ANSWERS)))
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.mount(CLIPS, StaticFiles(directory=study.folder / VIDEOS))
    gr.mount_gradio_app(
        app, page.queue(), path="/", css=CSS, head=HEAD, footer_links=[], ssr_mode=False, theme=_theme()
    )
    with socket.socket() as place:
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        place.bind((host, port))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2))
        runner = threading.Thread(target=server.run, kwargs={"sockets": [place]}, daemon=True)
        runner.start()
        try:
            begun = time.monotonic()
            while not server.started:
                if not runner.is_alive() or time.monotonic() - begun > _START_S:
                    raise OSError(f"the server of the study did not start on {host}")
                time.sleep(0.05)
            yield f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{place.getsockname()[1]}/"
        finally:
            server.should_exit = True
            runner.join(timeout=10)
            page.close(verbose=False)


def _theme() -> gr.themes.Base:
    fonts = ("ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")
    base = gr.themes.Base(primary_hue="teal", neutral_hue="slate", font=fonts, font_mono=("ui-monospace", "monospace"))
    return base.set(
        button_primary_background_fill="*primary_700", button_primary_background_fill_hover="*primary_800",
        button_primary_text_color="white",
    )  # fmt: skip
