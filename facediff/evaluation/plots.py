"""Figures of an evaluation as pictures: what each video has, what each frame has, and the frames where it is worst."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facediff.errors import InputError, MediaError
from facediff.evaluation.frame_choice import read_chosen
from facediff.evaluation.registry import Best, metrics
from facediff.media import VideoReader

if TYPE_CHECKING:
    from facediff.evaluation.cases import Case
    from facediff.evaluation.report import Report

HEIGHT, MOMENTS = 180, 4  # pixels of a picture, and how many there are of a video
OURS, TRUE = "#1f6f78", "#c0632b"
# Whose worst frames are shown, those that tell most first; of figures without a better side, the largest is shown.
TELLING = ("lmd_mouth", "psnr_mouth", "sync_facediff", "csim_facediff", "warping_error", "flicker", "psnr_frame")


class Moment(NamedTuple):
    """A frame in which a figure is worst.

    Attributes:
        metric: Its name.
        frame: Its number, from 0.
        value: Of the figure there.
        picture: JPEG as a data URI, the video on the left, its truth on the right where there is one.
    """

    metric: str
    frame: int
    value: float
    picture: str


def worst_frames(report: Report) -> list[tuple[str, int, float]]:
    """Metric, frame and value of where a video is worst; each frame once."""
    found: list[tuple[str, int, float]] = []
    for name in TELLING:
        curve = np.array([np.nan if v is None else v for v in report.curves.get(name, ())], np.float64)
        if not np.isfinite(curve).any():
            continue
        for row in np.argsort(curve if metrics()[name].best is Best.HIGH else -curve):
            if all(abs(int(row) - frame) > report.fps / 4 for _, frame, _ in found):
                found.append((name, int(row), float(curve[row])))
                break
        if len(found) == MOMENTS:
            break
    return [one for one in found if np.isfinite(one[2])]


def worst_moments(case: Case, report: Report) -> list[Moment]:
    """The frames in which a video is worst, as pictures; none where it can no longer be read."""
    wanted = worst_frames(report)
    rows = {frame for _, frame, _ in wanted}
    if not rows:
        return []
    try:
        pictures = {row: _side_by_side(frames) for row, *frames in read_chosen(rows, *_films(case))}
    except MediaError:  # moved since
        return []
    return [Moment(name, row, value, pictures[row]) for name, row, value in wanted if row in pictures]


def _films(case: Case) -> list[VideoReader]:
    """The video, and its truth where that can be compared frame by frame."""
    try:
        return [case.reader] if case.item.truth is None else [case.reader, case.against().reader]
    except MediaError:
        raise
    except InputError:  # another rate, which the report says
        return [case.reader]


def _side_by_side(frames: Sequence[NDArray[np.uint8]]) -> str:
    shown = [
        cv2.resize(f, (max(1, round(f.shape[1] * HEIGHT / f.shape[0])), HEIGHT), interpolation=cv2.INTER_AREA)
        for f in frames
    ]
    data = io.BytesIO()
    Image.fromarray(np.concatenate(shown, axis=1)).save(data, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(data.getvalue()).decode()


def plot_curves(report: Report) -> str:
    """An SVG of what was measured frame by frame, over the time, with the truth's beside it; empty without any."""
    names = [name for name, curve in report.curves.items() if sum(v is not None for v in curve) > 1]
    if not names:
        return ""
    figure, axes = _axes(len(names))
    for name, axis in zip(names, axes, strict=True):
        true = {} if report.truth is None else report.truth.curves
        for curves, colour in ((true, TRUE), (report.curves, OURS)):
            values = np.array([np.nan if v is None else v for v in curves.get(name, ())], np.float64)
            known = np.flatnonzero(np.isfinite(values))
            axis.plot(known / report.fps, values[known], color=colour, linewidth=0.9)
        axis.set_title(name, fontsize=8, loc="left")
    return _svg(figure)


def plot_medians(reports: Sequence[Report]) -> str:
    """An SVG of each figure of all videos, a dot a video, the truth's own below; empty for fewer than two videos."""
    names = [name for name in metrics() if sum(_number(r.figures, name) is not None for r in reports) > 1]
    if len(reports) < 2 or not names:
        return ""
    figure, axes = _axes(len(names))
    for name, axis in zip(names, axes, strict=True):
        for level, colour, of in ((1, OURS, reports), (0, TRUE, [r.truth for r in reports])):
            values = [_number(r.figures, name) for r in of if r is not None]
            there = [v for v in values if v is not None]
            axis.plot(there, [level] * len(there), "|", color=colour, markersize=12)
        axis.set_title(name, fontsize=8, loc="left")
        axis.set_ylim(-0.6, 1.6)
        axis.set_yticks([])
    return _svg(figure)


def _number(figures: Mapping, name: str) -> float | None:
    value = figures.get(name)
    return None if value is None or isinstance(value, tuple) else float(value)


def _axes(count: int):
    from matplotlib.figure import Figure

    columns = 3
    rows = -(-count // columns)
    figure = Figure(figsize=(11, 1.25 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in grid:
        axis.tick_params(labelsize=6)
        axis.spines[["top", "right"]].set_visible(False)
    for axis in grid[count:]:
        axis.set_visible(False)
    return figure, grid[:count]


def _svg(figure) -> str:
    data = io.StringIO()
    figure.savefig(data, format="svg", metadata={"Date": None})
    return data.getvalue()[data.getvalue().index("<svg") :]
