"""Flags of a command that are the fields of records of options, and errors that speak of them with their dashes."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from enum import Enum
from functools import wraps
from typing import Annotated, Any

import typer

from facediff.errors import ConfigError
from facediff.options import Checked, Option, options_of

_REFUSES = r"(?= (?:is|was|must be|\d+ was) )"


def flags(command: Callable[..., None]) -> Callable[..., None]:
    """The command with a flag for each field of the records among its parameters, which it is given made.

    Raises:
        ConfigError: When the command is run: a value is refused by its record.
    """
    parameters: list[inspect.Parameter] = []
    records: dict[str, type[Checked]] = {}
    # Not get_type_hints: where the default is None, Python 3.10 wraps what is annotated, and typer misses its flags.
    for parameter in inspect.signature(command, eval_str=True).parameters.values():
        kind = parameter.annotation
        if isinstance(kind, type) and issubclass(kind, Checked):
            records[parameter.name] = kind
            parameters += map(_flag, options_of(kind).values())
        else:
            parameters.append(parameter.replace(annotation=kind, kind=parameter.KEYWORD_ONLY))

    @wraps(command)
    def run(**given: Any) -> None:
        made = {}
        for name, record in records.items():
            made[name] = record(
                **{field: _value(option, given.pop(field)) for field, option in options_of(record).items()}
            )
        command(**given, **made)

    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def flag_names(option: Option) -> list[str]:
    """How an option is typed; what is on by default has a flag that turns it off."""
    name, *short = (option.opt.flag or f"--{option.name.replace('_', '-')}").split()
    return [f"{name}/--no-{name.removeprefix('--')}" if option.default is True else name, *short]


def _flag(option: Option) -> inspect.Parameter:
    names = flag_names(option)
    kind: Any = option.type
    default: Any = option.default
    help = f"{option.opt.help} May be repeated." if option.opt.repeated else option.opt.help
    if int in option.kinds and str in option.kinds:
        kind = str | None
    elif option.opt.choices:
        choice: Any = Enum("choice", {one: one for one in option.opt.choices}, type=str)  # type: ignore[misc]
        kind, default = (choice | None, None) if default is None else (choice, choice(default))
    elif str in option.kinds:
        kind = str if default is not None else str | None
    if option.opt.repeated or option.opt.names_files:  # the last of several would be taken without a word
        kind = list[str] | None
    return inspect.Parameter(
        option.name, inspect.Parameter.KEYWORD_ONLY, default=default,
        annotation=Annotated[kind, typer.Option(*names, help=help)],
    )  # fmt: skip


def _value(option: Option, given: Any) -> Any:
    if isinstance(given, list) and option.opt.names_files and not option.opt.repeated:
        if len(given) > 1:
            raise ConfigError(f"{option.name} is given twice; keep one of {', '.join(given)}")
        return given[0] if given else None
    if isinstance(given, list):
        return ", ".join(given) or None
    return given.value if isinstance(given, Enum) else given


def dashed(message: str, command: Any = None) -> str:
    """A message of the library in which a command's options stand as they are typed: ``seed is`` as ``--seed is``.

    The library begins a refusal with an option's name, writes ``name=value`` for what to give instead, and any name
    with an underscore is an option's.
    """
    commands = () if command is None else (command, *getattr(command, "commands", {}).values())
    for parameter in (one for each in commands for one in each.params if one.param_type_name == "option"):
        flag, name = max(parameter.opts, key=len), re.escape(str(parameter.name))
        message = re.sub(rf"(?<![\w.-]){name}=(['\"]?)([^\s'\"]+)\1", rf"{flag} \2", message)
        message = re.sub(rf"^{name}{_REFUSES}", flag, message)
        if "_" in name:
            message = re.sub(rf"(?<![\w./-]){name}(?![\w./-])", flag, message)
    return message
