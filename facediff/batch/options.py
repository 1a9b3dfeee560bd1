"""The options of a task as fields of a job, read from JSON and from text, and how clips are cut into parts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import facediff.options
from facediff.errors import InputError
from facediff.options import Checked, Scalar

WINDOW = 1200  # frames of a part of a long clip
_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True)
class Option(facediff.options.Option):
    """One field of a job; ranges are left to the record, which is made when the job's turn comes."""

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
        return InputError(f"{self.name} is {self.meaning}, not {str(value)[:80]!r}")


def options_of(record: type[Checked]) -> dict[str, Option]:
    """The fields of a record by name."""
    return {name: Option(**vars(option)) for name, option in facediff.options.options_of(record).items()}
