from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest

from facediff.evaluation.cases import Item
from facediff.evaluation.registry import select_metrics
from facediff.evaluation.report import Report
from facediff.evaluation.scoring import Evaluation, score
from facediff.evaluation.sheets import format_figure, one_to_json, to_csv, to_json, write_sheets


@pytest.fixture(scope="module")
def evaluation(spoilt, kit) -> Evaluation:
    items = [Item(made=spoilt[name], truth=spoilt["plain"]) for name in ("soft", "late")]
    return score(items, select_metrics(["lmd_mouth", "pose_std_deg", "crps"]), kit)


def test_figures_have_four_digits() -> None:
    assert format_figure(0.123456) == "0.1235" and format_figure(None) == ""
    assert format_figure((1.0, 22.22222, 3)) == "1 22.22 3" and format_figure(12345.6) == "12350"


def test_a_line_a_video_with_the_truths_own_figures(evaluation) -> None:
    soft, late = csv.DictReader(io.StringIO(to_csv(evaluation)))
    assert soft["name"] == "soft.mp4" and float(late["lmd_mouth"]) > float(soft["lmd_mouth"])
    assert float(soft["truth_pose_std_deg_1"]) == evaluation.reports[0].truth.pose_std_deg[1]


def test_json_holds_each_video_and_what_they_have_together(evaluation) -> None:
    told = json.loads(to_json(evaluation))
    assert [video["name"] for video in told["videos"]] == ["soft.mp4", "late.mp4"]
    assert told["together"] == evaluation.figures and "curves" not in told["videos"][0]
    assert len(json.loads(to_json(evaluation, with_curves=True))["videos"][0]["curves"]["lmd_mouth"]) == 72
    assert json.loads(one_to_json(evaluation))["truth"]["pose_std_deg"]


def test_the_page_needs_nothing_but_itself(evaluation, kit, tmp_path) -> None:
    page = write_sheets(evaluation, tmp_path / "report", kit)[2].read_text(encoding="utf-8")
    assert not re.findall(r"""(?:src|href)=["'](?!data:|#)""", page) and "<script" not in page
    assert page.count("<figure>") == 2 and page.count("data:image/jpeg") == 2
    assert page.count("<svg") >= 3
    assert {file.name for file in (tmp_path / "report").iterdir()} == {
        "evaluation.json", "evaluation.csv", "index.html",
    }  # fmt: skip


def test_names_of_files_are_text_on_the_page_and_nothing_else(tmp_path) -> None:
    report = Report(name="<b>&.mp4", frames=1, fps=25.0, seconds=0.04, size=(2, 2), notes={"psnr": "a < b"})
    evaluation = Evaluation(items=[Item(made=Path("x.mp4"))], reports=[report], failed={"<i>.mp4": "no"})
    page = write_sheets(evaluation, tmp_path)[2].read_text(encoding="utf-8")
    assert "&lt;b&gt;&amp;.mp4" in page and "<b>" not in page and "<i>" not in page and "a &lt; b" in page
