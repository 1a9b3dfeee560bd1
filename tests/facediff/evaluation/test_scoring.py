from __future__ import annotations

import json

import pytest

from facediff.evaluation.cases import Item, Kit
from facediff.evaluation.feature_cache import FeatureCache
from facediff.evaluation.registry import metrics, select_metrics
from facediff.evaluation.scoring import score

NAMES = ["face_rate", "aperture_corr", "psnr_frame", "flicker", "crps"]


@pytest.fixture(scope="module")
def chosen():
    return select_metrics(NAMES)


@pytest.fixture(scope="module")
def evaluation(spoilt, footage, kit, chosen, tmp_path_factory):
    """Two samples of a truth, one file that is no video, and one that shows nobody."""
    broken = tmp_path_factory.mktemp("scoring") / "broken.mp4"
    broken.write_bytes(b"no video")
    items = [Item(made=spoilt[name], truth=spoilt["plain"]) for name in ("soft", "late")]
    return score([*items, Item(made=broken), Item(made=footage / "coffee.mp4")], chosen, kit)


def test_a_file_that_cannot_be_read_is_told_by_name_and_the_rest_is_scored(evaluation) -> None:
    (path,) = evaluation.failed
    assert path.endswith("broken.mp4") and "broken.mp4" in evaluation.failed[path]
    assert [report.name for report in evaluation.reports] == ["soft.mp4", "late.mp4", "coffee.mp4"]
    assert [item.made.name for item in evaluation.items] == ["soft.mp4", "late.mp4", "coffee.mp4"]


def test_why_something_is_missing_is_said_once_with_the_figures(evaluation) -> None:
    (reason,) = [why for why in evaluation.reasons() if "no human face" in why]
    assert evaluation.reasons()[reason] == ["face_rate", "flicker"]


def test_videos_of_one_truth_are_samples_of_it(evaluation) -> None:
    assert 0 < evaluation.figures["crps"] < 0.1


def test_medians_are_of_each_figure_over_the_videos_that_have_it(evaluation) -> None:
    soft, late, _ = evaluation.reports
    assert evaluation.medians()["aperture_corr"] == pytest.approx((soft.aperture_corr + late.aperture_corr) / 2)
    assert evaluation.medians(of_truth=True)["flicker"] == soft.truth.flicker


def test_what_is_kept_is_not_measured_again(spoilt, chosen, tmp_path, monkeypatch) -> None:
    items = [Item(made=spoilt["soft"], truth=spoilt["plain"])]
    told = []
    before = score(items, chosen[:3], Kit(FeatureCache(tmp_path)), lambda *said: told.append(said))
    assert told == [("soft.mp4", 0, 1), ("", 1, 1)]
    monkeypatch.setattr("facediff.evaluation.scoring.measure_case", lambda *_: pytest.fail("measured again"))
    after = score(items, chosen[:3], Kit(FeatureCache(tmp_path)))
    assert json.dumps(after.reports[0].to_state()) == json.dumps(before.reports[0].to_state())


def test_one_clip_is_no_distribution_and_that_is_said(spoilt, kit) -> None:
    items = [Item(made=spoilt["shuffled"], truth=spoilt["plain"])]
    evaluation = score(items, [metrics()[name] for name in ("fid_facediff", "fvd_facediff")], kit)
    assert "single clip" in evaluation.notes["fid_facediff"] and evaluation.figures["fid_facediff"] >= 0
    assert "more than 24 features, not 17" in evaluation.notes["fvd_facediff"]
    assert "fvd_facediff" not in evaluation.figures
