"""The options of a task, with their types, read from JSON and from text."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args

from facediff.errors import InputError

Scalar = str | int | float | bool | None

_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True)
class Option:
    """One keyword of a task.

    Attributes:
        name: The keyword.
        kinds: The types it takes, out of bool, int, float, str and NoneType.
        default: Its value where none is given.
    """

    name: str
    kinds: tuple[type, ...]
    default: Scalar

    def of_json(self, value: Any) -> Scalar:
        """A value out of JSON; whole numbers will do for numbers.

        Raises:
            InputError: It is of another type, or not finite.
        """
        kind = type(value)
        if kind is int and int not in self.kinds and float in self.kinds and abs(value) < 2**53:
            return float(value)
        if kind not in self.kinds or (kind is float and not math.isfinite(value)):
            raise self._refusal(value)
        return value

    def of_text(self, text: str) -> Scalar:
        """A value out of a table; an empty cell is the default.

        Raises:
            InputError: It does not read as any of the types.
        """
        text = text.strip()
        if not text:
            return self.default
        if bool in self.kinds and text.lower() in _TRUTHS:
            return _TRUTHS[text.lower()]
        for kind in (int, float):
            if kind in self.kinds:
                try:
                    return self.of_json(kind(text))
                except ValueError:  # InputError is one
                    continue
        if str not in self.kinds:
            raise self._refusal(text)
        return text

    def _refusal(self, value: object) -> InputError:
        wanted = " or ".join(words for kind, words in _WORDS.items() if kind in self.kinds)
        return InputError(f"{self.name} is {wanted}, not {str(value)[:80]!r}")


def options_of(function: Callable[..., Any]) -> dict[str, Option]:
    """The keyword-only parameters of a function, by name; each must be annotated with scalar types."""
    parameters = inspect.signature(function, eval_str=True).parameters.values()
    return {
        p.name: Option(p.name, get_args(p.annotation) or (p.annotation,), p.default)
        for p in parameters
        if p.kind is p.KEYWORD_ONLY
    }
