"""Codings by name; what they do to frames is tested with the editor."""

from __future__ import annotations

import pytest

from facediff.errors import ConfigError
from facediff.rendering.editing.methods import GAIN, LEVELS, DeltaMethod, InversionMethod, coding, delta_levels


def test_codings_have_names_and_steps_of_their_own() -> None:
    assert coding("delta", None) == DeltaMethod(None, LEVELS, GAIN, 0)
    assert coding("inversion", None, steps=7) == InversionMethod(None, 7)
    assert len(coding("delta", None, steps=5, seed=2).levels) == 5
    with pytest.raises(ConfigError, match="delta, inversion"):
        coding("magic", None)


def test_what_codes_depend_on_tells_codings_apart() -> None:
    made = [coding("delta", None), coding("delta", None, seed=1), coding("delta", None, steps=2)]
    made += [coding("inversion", None), coding("inversion", None, steps=5)]
    assert len({one.key for one in made}) == len(made)


@pytest.mark.parametrize("count", [1, 2, 3, 9])
def test_levels_spread_over_the_range(count: int) -> None:
    levels = delta_levels(count)
    assert len(levels) == count and min(levels) >= LEVELS[0] and max(levels) <= LEVELS[-1]
    assert list(levels) == sorted(levels)
