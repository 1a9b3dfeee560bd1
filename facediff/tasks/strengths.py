"""What is wished of a face, as it is typed: ``smile=0.6, eyeglasses=0.3``."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from facediff.errors import ConfigError

_WISH = re.compile(r"\s*([A-Za-z][\w-]*)\s*=\s*([^\s,;]+)\s*")


def read_strengths(text: str | None, named: Mapping[str, float] | None = None) -> dict[str, float]:
    """Strengths by name.

    Args:
        text: Pairs ``name=strength``, with commas or semicolons in between.
        named: More of them; ``mouth_open`` is ``mouth-open``.

    Raises:
        ConfigError: It does not read so, or a name comes twice.
    """
    strengths: dict[str, float] = {}
    for part in filter(str.strip, re.split(r"[,;]", text or "")):
        found = _WISH.fullmatch(part)
        if found is None:
            raise ConfigError(f"a wish reads as in 'smile=0.6', not {part.strip()!r}")
        _add(strengths, found[1], found[2])
    for name, value in (named or {}).items():
        _add(strengths, name, value)
    return strengths


def write_strengths(strengths: Mapping[str, float]) -> str:
    """The text that ``read_strengths`` reads."""
    return ", ".join(f"{name}={strength:g}" for name, strength in strengths.items())


def _add(strengths: dict[str, float], name: str, value: str | float) -> None:
    name = name.replace("_", "-").lower()
    try:
        strength = float(value)
    except (TypeError, ValueError):
        strength = math.nan
    if not math.isfinite(strength):
        raise ConfigError(f"{name} is a number, as in '{name}=0.6', not {value!r}")
    if name in strengths:
        raise ConfigError(f"{name} is wished for twice")
    strengths[name] = strength
