"""What an examination finds, and the one thing to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        group: ``libraries``, ``devices``, ``surroundings``, ``landmarks``, ``models``, ``codecs``, ``files``, ``room``
            or ``self test``.
        name: What was looked at.
        found: What was found, in words.
        is_well: False if facediff cannot work with it.
        cost: What it costs the user, in words; empty where it costs nothing.
    """

    group: str
    name: str
    found: str
    is_well: bool = True
    cost: str = ""


def advise(findings: Iterable[Finding]) -> str:
    """The one sentence to act on: what is amiss first, else what costs first, else that there is nothing to do."""
    findings = list(findings)
    amiss = [finding for finding in findings if not finding.is_well]
    if amiss:
        more = f" ({len(amiss) - 1} more above)" if len(amiss) > 1 else ""
        return f"Mend this first: {amiss[0].name}: {amiss[0].found}{more}."
    for finding in findings:
        if finding.cost:
            return f"All works; what costs most is {finding.name} ({finding.found}): {finding.cost}."
    return "All works, and nothing needs to be done."
