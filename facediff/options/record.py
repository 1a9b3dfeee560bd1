"""What an option is: a field of a record, with all that every surface is to know about it. Knows no task.

A refusal begins with the option's name, and speaks of others by theirs; the command line adds dashes.
"""

from __future__ import annotations

import dataclasses
import math
import os
import re
from dataclasses import dataclass
from functools import cache
from numbers import Integral, Real
from typing import Any, get_args, get_origin, get_type_hints

from facediff.errors import ConfigError

Scalar = str | int | float | bool | None

STRONGEST = 2.0  # of an expression or an attribute, either way
_SCALARS = (bool, int, float, str, type(None))
_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}


@dataclass(frozen=True)
class Opt:
    """What every surface is to know about an option, beside its name, its type and its default.

    Attributes:
        help: What it does, in one sentence for Python, the command line, the page and the docs.
        low: The least that is taken, if it is a number; ``high`` the most.
        high: See ``low``.
        what: What a number is called in a refusal: ``strength``, ``share``; by default what its type is.
        says: All of a refusal between "is" and "not", where that cannot be made of the above.
        choices: The texts that are taken; any if there are none.
        examples: Of any text, those that a page offers.
        names_model: Whether it may be a folder; records keep no more than its last name.
        names_files: Whether it is a source of a performance, or a whole one: records keep the names of its files.
        recorded: Whether a clip's record has it among its options, where it differs from the default.
        flag: The command line's own name for it, and a short one: ``--attribute -a``.
        repeated: Whether the flag may be repeated; its values are joined with commas.
        page: Its control on the page: ``slider``, ``number``, ``checkbox``, ``dropdown``, ``text``, ``own`` where it
            takes more than one; none where it is not there.
        label: Its name on the page, where that is not its own.
        page_high: The end of its slider, where that is not ``high``.
        more: Whether the page folds it away.
    """

    help: str
    low: float | None = None
    high: float | None = None
    what: str | None = None
    says: str | None = None
    choices: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    names_model: bool = False
    names_files: bool = False
    recorded: bool = True
    flag: str | None = None
    repeated: bool = False
    page: str | None = None
    label: str | None = None
    page_high: float | None = None
    more: bool = False


@dataclass(frozen=True)
class Option:
    """One field of a record of options.

    Attributes:
        name: The keyword.
        type: As it is annotated.
        default: Its value where none is given.
        opt: What else there is to know.
    """

    name: str
    type: Any
    default: Scalar
    opt: Opt

    @property
    def kinds(self) -> tuple[type, ...]:
        """The types it takes, out of bool, int, float, str and NoneType."""
        kinds = get_args(self.type) if get_origin(self.type) is not None else (self.type,)
        return tuple(kind for kind in kinds if kind in _SCALARS)

    @property
    def meaning(self) -> str:
        """What it is, in words: ``a strength from 0 to 3``."""
        opt = self.opt
        if opt.says is not None:
            return opt.says
        if opt.choices:
            return f"one of {', '.join(opt.choices)}"
        kinds = " or ".join(said for kind, said in _WORDS.items() if kind in self.kinds)
        words = f"a {opt.what}" if opt.what else kinds
        return words if opt.low is None or opt.high is None else f"{words} from {opt.low:g} to {opt.high:g}"

    def check(self, value: Any) -> Scalar:
        """The value as a scalar of Python's own; NaN is in no range.

        Raises:
            ConfigError: It is of another type, out of range, or none of the choices.
        """
        plain = self._plain(value)
        opt = self.opt
        is_refused = type(plain) not in self.kinds
        if isinstance(plain, str):
            is_refused |= bool(opt.choices) and plain not in opt.choices
        elif isinstance(plain, int | float) and not isinstance(plain, bool):
            low, high = (-math.inf if opt.low is None else opt.low), (math.inf if opt.high is None else opt.high)
            is_refused |= not low <= plain <= high
        if is_refused:
            raise ConfigError(f"{self.name} is {self.meaning}, not {_shown(plain)}")
        return value if isinstance(value, int) and float in self.kinds else plain

    def _plain(self, value: Any) -> Any:
        kinds = self.kinds
        if bool in kinds and not isinstance(value, str | float) and value in (0, 1):
            return bool(value)
        if isinstance(value, bool):
            return value
        if int in kinds and isinstance(value, Integral):
            return int(value)
        if float in kinds and isinstance(value, Real):
            return float(value)
        if str in kinds and isinstance(value, str | os.PathLike):
            text = os.fspath(value)
            return int(text) if int in kinds and re.fullmatch(r"-?\d{1,9}", text) else str.__str__(text)
        if str in kinds and hasattr(value, "to_json"):
            return value.to_json()
        return value


def _shown(value: object) -> str:
    text = f"{value:g}" if isinstance(value, float) else repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def options_of(record: Any) -> dict[str, Option]:
    """The options of a record by name, in order."""
    return _options_of(record)


@cache
def _options_of(record: Any) -> dict[str, Option]:
    hints = get_type_hints(record, include_extras=True)
    found = {}
    for field in dataclasses.fields(record):
        kind, opt, *_ = get_args(hints[field.name])
        default: Any = field.default
        found[field.name] = Option(field.name, kind, default, opt)
    return found


def check_strength(name: str, strength: float, low: float = -STRONGEST, high: float = STRONGEST) -> None:
    """Refuses a strength that an expression or an attribute cannot have; NaN is in no range.

    Raises:
        ConfigError: It is out of range.
    """
    if not low <= strength <= high:
        why = "" if low < 0 else ": it can be put on, not taken off"
        raise ConfigError(f"{name} is a strength from {low:g} to {high:g}, not {strength:g}{why}")


class Checked:
    """A record whose fields are checked when it is made."""

    def __post_init__(self) -> None:
        """Checks each field.

        Raises:
            ConfigError: One is of another type, out of range, or none of the choices.
        """
        for name, option in options_of(type(self)).items():
            object.__setattr__(self, name, option.check(getattr(self, name)))

    def recorded(self) -> dict[str, Scalar]:
        """What a clip's record keeps: options that differ from their defaults."""
        return {
            name: value
            for name, option in options_of(type(self)).items()
            if option.opt.recorded and (value := getattr(self, name)) != option.default
        }
