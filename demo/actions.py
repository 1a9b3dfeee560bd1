"""The buttons beside the inputs: what they start, shows how far it is, and can be cancelled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import gradio as gr

from facediff.demo.jobs import Jobs

CANCELLED = "Cancelled."
# On a phone the result is below the buttons, out of sight.
TO_RESULT = """() => {
  const shown = [...document.querySelectorAll('.status')].find(e => e.offsetParent);
  shown?.scrollIntoView({block: 'nearest', behavior: 'smooth'});
  return [];
}"""


@dataclass(frozen=True)
class Actions:
    """The buttons of a tab.

    Attributes:
        starting: Each starts something.
        cancel: Ends it.
    """

    starting: tuple[gr.Button, ...]
    cancel: gr.Button

    def busy(self) -> list[Any]:
        """Only cancelling is offered."""
        return [gr.update(visible=False) for _ in self.starting] + [gr.update(visible=True)]

    def idle(self) -> list[Any]:
        """All but cancelling is offered."""
        return [gr.update(visible=True) for _ in self.starting] + [gr.update(visible=False)]

    @property
    def all(self) -> list[gr.Button]:
        """The buttons in the order of ``busy`` and ``idle``."""
        return [*self.starting, self.cancel]


class Start(NamedTuple):
    """What a button starts, as an action with a name for programs, and what they are told about it."""

    button: gr.Button
    work: Callable[..., Any]
    api_name: str
    told: str


def action_row(*labels: str) -> Actions:
    """Adds buttons to the page, of which the last stands out, and one that cancels."""
    with gr.Row(elem_classes="actions"):
        starting = tuple(
            gr.Button(label, variant="primary" if label == labels[-1] else "secondary", min_width=120)
            for label in labels
        )
        cancel = gr.Button("Cancel", variant="stop", visible=False, min_width=120)
    return Actions(starting, cancel)


def connect_actions(
    jobs: Jobs,
    actions: Actions,
    starts: list[Start],
    inputs: list[gr.components.Component],
    outputs: list[gr.components.Component],
    name: str,
) -> None:
    """Makes the buttons work; cancelling is the action ``name_cancel``.

    Args:
        jobs: Runs the work.
        actions: The buttons.
        starts: What they start.
        inputs: The components whose values it takes.
        outputs: Where to show what comes of it; the last says how far it is.
        name: Of the tab.
    """
    status = outputs[-1]

    def cancel(request: gr.Request) -> str:
        """Stops what this session is waiting for."""
        jobs.stop(request.session_hash)
        return CANCELLED

    working = []
    for start in starts:
        pressed = start.button.click(
            lambda: [*actions.busy(), ""], None, [*actions.all, status], queue=False, show_progress="hidden",
            api_visibility="private", js=TO_RESULT,
        )  # fmt: skip
        work = pressed.then(
            start.work, inputs, outputs, api_name=start.api_name, api_description=start.told,
            show_progress_on=[status], concurrency_id="render", concurrency_limit=1,
        )  # fmt: skip
        for ended in (work.success, work.failure):  # ``then`` is not called after an error
            ended(actions.idle, None, actions.all, queue=False, show_progress="hidden", api_visibility="private")
        working.append(work)
    pressed = actions.cancel.click(
        cancel, None, status, queue=False, show_progress="hidden", api_name=f"{name}_cancel", cancels=working
    )
    pressed.then(actions.idle, None, actions.all, queue=False, show_progress="hidden", api_visibility="private")
