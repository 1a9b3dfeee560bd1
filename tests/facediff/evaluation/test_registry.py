from __future__ import annotations

import numpy as np
import pytest

from facediff.errors import ConfigError
from facediff.evaluation import registry
from facediff.evaluation.registry import Best, Curve, Need, metric, metrics, select_metrics


def test_every_metric_says_what_it_is_by_what_formula_whose_and_in_what_range() -> None:
    found = metrics()
    assert len(found) > 50
    for one in found.values():
        assert all(len(text) > 4 for text in (one.says, one.formula, one.source, one.range)), one.name


def test_what_takes_the_place_of_a_published_network_says_so_in_its_name() -> None:
    """A published name is had with published weights alone."""
    published = {"fid", "is", "fvd", "kvd", "lpips", "csim", "lse_c", "lse_d", "clip_score", "clip_consistency"}
    published |= {f"{name}_face_api" for name in ("csim", "expression", "age", "male")}
    assert {name for name, one in metrics().items() if one.weights is not None} == published
    for name in ("fid", "fvd", "kvd", "is", "lpips", "csim", "lse_c", "lse_d"):
        assert metrics()[f"{name}_facediff"].weights is None


def test_a_metric_is_registered_where_it_is_written(monkeypatch) -> None:
    monkeypatch.setattr(registry, "_METRICS", {})

    @metric("width", best=Best.TRUE, needs=Need.TRUTH)
    def width(case) -> float:
        """How wide it is.

        Formula: w,
        in pixels
        Source: a ruler
        Range: 1 and more
        """
        return 3.0

    one = registry._METRICS["width"]
    assert (one.says, one.formula, one.source, one.range) == ("How wide it is", "w, in pixels", "a ruler", "1 and more")
    assert one.group == "test_registry" and not one.is_of_one and not one.is_of_sets


def test_one_that_does_not_say_its_range_is_refused() -> None:
    with pytest.raises(ConfigError, match="does not say its range"):

        @metric("depth", best=Best.TRUE)
        def depth(case) -> float:
            """How deep it is.

            Formula: d
            Source: a ruler
            """
            return 3.0


def test_metrics_are_chosen_by_name_and_by_group() -> None:
    assert [one.name for one in select_metrics(["psnr", "temporal"])] == [
        "psnr",
        "flicker",
        "warping_error",
        "av_gap_ms",
    ]
    assert all(one.weights is None for one in select_metrics())
    assert "clip_score" in {one.name for one in select_metrics(weights=["clip"])}
    with pytest.raises(ConfigError, match=r"no metric or group 'psrn'; groups are beats, distributions"):
        select_metrics(["psrn"])
    with pytest.raises(ConfigError, match=r"fvd needs the published weights 'i3d'; give --weights i3d=PATH"):
        select_metrics(["fvd"])


def test_a_curve_of_nothing_has_no_figure() -> None:
    assert Curve.mean([1.0, np.nan, 3.0]).figure == 2
    assert Curve.mean([np.nan]).figure is None
