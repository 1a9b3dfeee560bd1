"""Examples made once."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from facediff.datasets.array_cache import fill_cache
from facediff.errors import InputError

LAYOUT = {"value": ((2,), np.float32), "label": ((), np.int64)}


def draw(rng: np.random.Generator) -> SimpleNamespace:
    return SimpleNamespace(value=rng.random(2), label=rng.integers(100))


def test_an_example_depends_on_its_seed_and_index_alone(tmp_path) -> None:
    five, nine = (fill_cache(draw, LAYOUT, tmp_path / str(n), count=n, seed=3) for n in (5, 9))
    for name in LAYOUT:
        np.testing.assert_array_equal(five[name], nine[name][:5])
    other = fill_cache(draw, LAYOUT, tmp_path / "other", count=5, seed=4)
    assert (other["value"] != five["value"]).any()


def test_a_whole_cache_is_opened_and_nothing_is_drawn(tmp_path) -> None:
    made = {name: array.copy() for name, array in fill_cache(draw, LAYOUT, tmp_path, count=4).items()}
    again = fill_cache(lambda rng: pytest.fail("drawn again"), LAYOUT, tmp_path, count=4)
    for name in LAYOUT:
        np.testing.assert_array_equal(again[name], made[name])


def test_a_run_that_is_cut_off_goes_on_and_ends_the_same(tmp_path) -> None:
    whole = fill_cache(draw, LAYOUT, tmp_path / "whole", count=450)
    left = iter(range(430))

    def dies(rng: np.random.Generator) -> SimpleNamespace:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return draw(rng)

    with pytest.raises(KeyboardInterrupt):
        fill_cache(dies, LAYOUT, tmp_path / "cut", count=450)
    drawn = []
    cut = fill_cache(lambda rng: drawn.append(1) or draw(rng), LAYOUT, tmp_path / "cut", count=450)
    assert len(drawn) == 50  # from the last state that was written, not from the start
    for name in LAYOUT:
        np.testing.assert_array_equal(cut[name], whole[name])


def test_another_runs_cache_is_refused(tmp_path) -> None:
    fill_cache(draw, LAYOUT, tmp_path, count=4)
    with pytest.raises(InputError, match=r"another run's cache; choose another folder"):
        fill_cache(draw, LAYOUT, tmp_path, count=5)
