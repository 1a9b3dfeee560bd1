"""Options as controls of the page: what a record says of its fields, made into components and read from them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from facediff.options import Checked, Option, options_of

USUAL = "usual"  # in a list of choices: what is usual
_ORDER = ("dropdown", "slider", "checkbox", "number", "text")
_MADE_ELSEWHERE = "own"


@dataclass(frozen=True)
class Controls:
    """Components for some options of a record, by the options' names.

    Attributes:
        record: The record.
        components: In the order in which programs send their values.
    """

    record: type[Checked]
    components: Mapping[str, gr.components.Component]

    @property
    def inputs(self) -> list[gr.components.Component]:
        """What ``read`` takes, in its order."""
        return list(self.components.values())

    @property
    def parameters(self) -> list[inspect.Parameter]:
        """What programs are told: names, and defaults of the record."""
        options = options_of(self.record)
        return [parameter(name, _default(options[name])) for name in self.components]

    def read(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Keywords for the method that takes the record's fields; an empty control is its default.

        Args:
            values: Of components by name; others are left alone.
        """
        options = options_of(self.record)
        return {name: _read(options[name], values[name]) for name in self.components}


def controls(record: type[Checked], *, more: bool) -> Controls:
    """Adds controls to the page for the options that it shows, or for those that it folds away.

    Args:
        record: A task's.
        more: Whether the latter.
    """
    shown = [o for o in options_of(record).values() if o.opt.page not in (None, _MADE_ELSEWHERE) and o.opt.more == more]
    made = {o.name: _control(o) for o in sorted(shown, key=lambda o: _ORDER.index(str(o.opt.page)))}
    return Controls(record, {option.name: made[option.name] for option in shown})


def parameter(name: str, default: Any) -> inspect.Parameter:
    """What programs may send."""
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default)


def with_parameters(make: Callable[..., Any], *more: inspect.Parameter) -> Callable[..., Any]:
    """A function whose last parameter takes all values that follow, with a name for each, for Gradio to read."""
    *own, _ = inspect.signature(make).parameters.values()
    make.__signature__ = inspect.Signature([*own, *more])  # type: ignore[attr-defined]
    return make


def label_of(option: Option) -> str:
    """What an option is called on the page."""
    return option.opt.label or option.name.replace("_", " ").capitalize()


def with_labels(message: str, *records: type[Checked]) -> str:
    """A message of the library in which the records' options, ``name=value``, are called what the page calls them."""
    for option in (one for record in records for one in options_of(record).values() if one.opt.page is not None):
        message = re.sub(rf"(?<![\w.-]){option.name}=(?=\w)", f"{label_of(option)}: ", message)
    return message


def _control(option: Option) -> gr.components.Component:
    opt = option.opt
    default: Any = option.default
    told: dict[str, Any] = {"label": label_of(option), "info": opt.help}
    if opt.page == "number" and default is None:
        told["info"] += " 0 is the usual."
    if opt.page == "slider":
        return gr.Slider(
            opt.low or 0, opt.page_high or opt.high or 1, value=default, step=1 if int in option.kinds else 0.05, **told
        )
    if opt.page == "checkbox":
        return gr.Checkbox(default, **told)
    if opt.page == "dropdown":
        choices = opt.choices or opt.examples
        return gr.Dropdown([USUAL, *choices] if default is None else list(choices), value=_default(option), **told)
    if opt.page == "text":
        return gr.Textbox(default or "", max_length=200, **told)
    low = None if default is None else opt.low  # an empty number is sent as 0
    return gr.Number(default, precision=0 if int in option.kinds else None, minimum=low, **told)


def _default(option: Option) -> Any:
    return USUAL if option.opt.page == "dropdown" and option.default is None else option.default


def _read(option: Option, value: Any) -> Any:
    low = option.opt.low
    is_empty = value is None or value == "" or (option.default is None and (value == USUAL or (low and value == 0)))
    if is_empty:
        return option.default
    return int(value) if int in option.kinds and isinstance(value, float) and value.is_integer() else value
