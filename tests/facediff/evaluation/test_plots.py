from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from facediff.evaluation.cases import Case, Item
from facediff.evaluation.plots import plot_curves, plot_medians, worst_frames, worst_moments
from facediff.evaluation.report import Report


def told(name: str = "a.mp4", truth: Report | None = None, **curves: list) -> Report:
    figures = {one: 1.0 for one in curves}
    return Report(name=name, frames=72, fps=25.0, seconds=2.88, size=(192, 192), figures=figures, curves=curves,
                  truth=truth)  # fmt: skip


@pytest.fixture(scope="module")
def report() -> Report:
    """Worst in frame 40 by the landmarks, and in frames 41, which is near, and 10 by the pixels."""
    apart, near = np.ones(72), np.full(72, 30.0)
    apart[40], near[41], near[10] = 9, 3, 5
    return told(lmd_mouth=apart.tolist(), psnr_mouth=[None, *near.tolist()[1:]])


def test_the_worst_frames_are_the_largest_or_smallest_as_the_figure_has_it_and_not_neighbours(report) -> None:
    assert worst_frames(report) == [("lmd_mouth", 40, 9.0), ("psnr_mouth", 10, 5.0)]


def test_a_moment_shows_the_video_beside_its_truth(report, spoilt, kit) -> None:
    moments = worst_moments(Case(Item(made=spoilt["stranger"], truth=spoilt["plain"]), kit), report)
    picture = np.array(Image.open(io.BytesIO(base64.b64decode(moments[0].picture.partition(",")[2]))))
    assert picture.shape == (180, 360, 3)
    assert np.abs(picture[:, :180].astype(int) - picture[:, 180:]).mean() > 10
    (alone, _) = worst_moments(Case(Item(made=spoilt["plain"]), kit), report)
    assert np.array(Image.open(io.BytesIO(base64.b64decode(alone.picture.partition(",")[2])))).shape == (180, 180, 3)


def test_curves_are_drawn_with_the_truths_and_nothing_where_there_are_none(report) -> None:
    alone, both = plot_curves(report), plot_curves(told(truth=report, lmd_mouth=[1.0, 2.0]))
    assert alone.startswith("<svg") and "lmd_mouth" in alone and "psnr_mouth" in alone
    assert "#c0632b" in both and "#c0632b" not in alone
    assert plot_curves(told(lmd_mouth=[None, 1.0])) == ""


def test_several_videos_are_drawn_together(report) -> None:
    assert plot_medians([report]) == ""
    assert "lmd_mouth" in plot_medians([report, report])
