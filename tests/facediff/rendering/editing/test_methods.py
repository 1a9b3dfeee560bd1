"""Codings by name; what they do to frames is tested with the editor."""

from __future__ import annotations

import pytest

from facediff.errors import ConfigError
from facediff.rendering.editing.methods import GAIN, LEVELS, DeltaMethod, InversionMethod, delta_levels, make_method


def test_codings_have_names_and_steps_of_their_own() -> None:
    assert make_method("delta", None) == DeltaMethod(None, LEVELS, GAIN, 0)
    assert make_method("inversion", None, steps=7) == InversionMethod(None, 7)
    assert len(make_method("delta", None, steps=5, seed=2).levels) == 5
    with pytest.raises(ConfigError, match="delta, inversion"):
        make_method("magic", None)


def test_what_codes_depend_on_tells_codings_apart() -> None:
    made = [make_method("delta", None), make_method("delta", None, seed=1), make_method("delta", None, steps=2)]
    made += [make_method("inversion", None), make_method("inversion", None, steps=5)]
    assert len({one.key for one in made}) == len(made)


@pytest.mark.parametrize("count", [1, 2, 3, 9])
def test_levels_spread_over_the_range(count: int) -> None:
    levels = delta_levels(count)
    assert len(levels) == count and min(levels) >= LEVELS[0] and max(levels) <= LEVELS[-1]
    assert list(levels) == sorted(levels)
