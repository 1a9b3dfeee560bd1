"""Names that moved: their old modules give them for one release, with a warning that says where they are."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from importlib import import_module
from typing import Any


def find_moved(name: str, old: str, new: str, renamed: Mapping[str, str] | None = None) -> Any:
    """The value of a name that moved, for the ``__getattr__`` (PEP 562) of its old module; warns the caller's caller.

    The new module is imported by its name when somebody asks, so that a low room can point at a higher one without
    depending on it.

    Args:
        name: What is asked for.
        old: The module that is asked; it goes with the release after the one in which it moved.
        new: The module that has it.
        renamed: Old names to where they are now, dotted in full, where that is not ``new`` and the name.

    Raises:
        AttributeError: The new module has no such name either.
    """
    place, _, now = (renamed or {}).get(name, f"{new}.{name}").rpartition(".")
    if name.startswith("__"):  # what the import system asks for is the old module's own
        raise AttributeError(f"module {old!r} has no attribute {name!r}")
    try:
        value = getattr(import_module(place), now)
    except AttributeError:
        raise AttributeError(f"module {old!r} has no attribute {name!r}; it moved to {new}") from None
    message = f"{old}.{name} is now {place}.{now}; the old name goes with the next release"
    warnings.warn(message, DeprecationWarning, stacklevel=3)
    return value
