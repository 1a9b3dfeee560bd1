import pytest

from facediff.diffusion.strength import limit_levels, piecewise_linear, strength_at
from facediff.errors import ConfigError


def test_it_goes_straight_from_point_to_point_and_stays_beyond_them() -> None:
    fading = piecewise_linear([(0.2, 0.0), (0.6, 0.4), (0.8, 1.0)])
    assert [fading(level) for level in (0.0, 0.2, 0.4, 0.6, 0.7, 0.8, 1.0)] == pytest.approx(
        [0, 0, 0.2, 0.4, 0.7, 1, 1]
    )


def test_two_points_at_one_level_are_a_step() -> None:
    step = piecewise_linear([(0.5, 0.0), (0.5, 2.0)])
    assert [step(level) for level in (0.0, 0.4999, 0.5, 1.0)] == [0, 0, 2, 2]


def test_a_single_point_is_a_constant() -> None:
    assert piecewise_linear([(0.5, 0.3)])(0.9) == 0.3


def test_an_interval_holds_its_ends() -> None:
    inside = limit_levels(piecewise_linear([(0.0, 0.0), (1.0, 1.0)]), 0.25, 0.75)
    assert [inside(level) for level in (0.2, 0.25, 0.5, 0.75, 0.8)] == [0, 0.25, 0.5, 0.75, 0]


@pytest.mark.parametrize("points", [[], [(0.5, 1.0), (0.2, 0.0)], [(-0.1, 1.0)], [(0.0, 0.0), (1.1, 1.0)]])
def test_levels_that_fall_or_lie_outside_are_refused(points) -> None:
    with pytest.raises(ConfigError, match="rising levels from 0 to 1"):
        piecewise_linear(points)


def test_intervals_and_strengths_out_of_range_are_refused() -> None:
    with pytest.raises(ConfigError, match="not from 0.8 to 0.2"):
        limit_levels(1.0, 0.8, 0.2)
    with pytest.raises(ConfigError, match="at least 0, not -1"):
        strength_at(lambda level: -1.0, 0.5)
