"""Keywords of a method that are the fields of a record of options: typed, checked, and told by ``help``."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from facediff.options.record import Option, options_of

P = ParamSpec("P")
S = TypeVar("S")
A = TypeVar("A")
R = TypeVar("R")
T = TypeVar("T")
_WIDTH = 120  # of a docstring's lines


def takes(record: Callable[P, R]) -> Callable[[Callable[[S, A, R], T]], Callable[Concatenate[S, A, P], T]]:
    """Gives a method, whose last parameter ``options`` is a record, the record's fields as keywords instead."""
    return lambda method: _with_keywords(method, record)


def takes_more(record: Callable[P, R]) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """As ``takes``, for a method with keywords beside those of the record, which no checker can tell apart."""
    return lambda method: _with_keywords(method, record)


def _with_keywords(method: Callable[..., T], record: Any) -> Callable[..., T]:
    options = options_of(record)
    before: list[inspect.Parameter] = []
    after: list[inspect.Parameter] = []
    for parameter in inspect.signature(method).parameters.values():
        if parameter.name != "options":
            (after if parameter.kind is parameter.VAR_KEYWORD else before).append(parameter)
    kind = inspect.Parameter.KEYWORD_ONLY
    keywords = [inspect.Parameter(o.name, kind, default=o.default, annotation=o.type) for o in options.values()]
    signature = inspect.signature(method).replace(parameters=[*before, *keywords, *after])

    @wraps(method)
    def call(*args: Any, **given: Any) -> T:
        try:
            bound = signature.bind(*args, **given)
        except TypeError as error:
            raise TypeError(f"{method.__qualname__}() {error}") from None
        chosen = record(**{name: bound.arguments.pop(name) for name in options if name in bound.arguments})
        return method(*bound.args, **bound.kwargs, options=chosen)

    call.__signature__ = signature  # type: ignore[attr-defined]
    call.__doc__ = _documented(method.__doc__ or "", options)
    return call


def _documented(doc: str, options: dict[str, Option]) -> str:
    """A docstring in whose list of arguments the options stand in the place of ``options``."""
    line = re.search(r"^( *)options: .*\n", doc, re.MULTILINE)
    if line is None:
        return doc
    indent = line[1]
    listed = (
        textwrap.fill(f"{o.name}: {o.opt.help}", _WIDTH, initial_indent=indent, subsequent_indent=f"{indent}    ")
        for o in options.values()
    )
    return doc.replace(line[0], "".join(f"{one}\n" for one in listed))
