"""One sentence says what to do: what is amiss comes before what costs."""

from __future__ import annotations

from facediff.cli.findings import Finding, advise

FINE = Finding("room", "disk", "9 GB")
DEAR = Finding("surroundings", "cores", "1 usable of 1", cost="half the speed")
AMISS = Finding("codecs", "aac encoder", "missing", False)


def test_what_is_amiss_comes_first():
    assert advise([DEAR, FINE, AMISS]) == "Mend this first: aac encoder: missing."
    assert advise([AMISS, AMISS]) == "Mend this first: aac encoder: missing (1 more above)."


def test_then_what_costs():
    assert advise([FINE, DEAR]) == "All works; what costs most is cores (1 usable of 1): half the speed."


def test_else_nothing():
    assert advise([FINE]) == "All works, and nothing needs to be done."
