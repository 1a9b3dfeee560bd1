"""A motion as curves over time."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from facediff.errors import InputError
from facediff.motion import coefficients
from facediff.motion.template import MotionTemplate
from facediff.system.files import atomic_write

PLOT_SUFFIXES = (".png", ".svg", ".pdf")
_START = {name: getattr(coefficients, name).start for name in ("OPENING", "LIDS", "GAZE", "ANGLES", "SHIFT", "BROWS")}
# Title of a panel, its unit, and its curves: name and channel.
PANELS: tuple[tuple[str, str, tuple[tuple[str, int], ...]], ...] = (
    ("lips", "opening, eye distances", (("opening", _START["OPENING"]),)),
    ("lids", "closure, 1 is shut", (("right lid", _START["LIDS"]), ("left lid", _START["LIDS"] + 1))),
    ("gaze", "eye widths", (("gaze right", _START["GAZE"]), ("gaze down", _START["GAZE"] + 1))),
    ("brows", "deviations", tuple((f"brows {k + 1}", _START["BROWS"] + k) for k in range(4))),
    ("head", "degrees", tuple((name, _START["ANGLES"] + k) for k, name in enumerate(("yaw", "pitch", "roll")))),
    ("shift", "eye distances", (("right", _START["SHIFT"]), ("down", _START["SHIFT"] + 1))),
)


def measure_ranges(template: MotionTemplate) -> list[tuple[str, float, float]]:
    """Name, least and greatest value of what a person would name."""
    return [
        (f"{name} ({unit})", float(template.motion[:, k].min()), float(template.motion[:, k].max()))
        for _, unit, curves in PANELS
        for name, k in curves
    ]


def plot_motion(template: MotionTemplate, path: str | Path) -> Path:
    """Draws a motion over time; stretches without a face are grey.

    Raises:
        InputError: The name ends in something else than ``PLOT_SUFFIXES``.
        OutputError: The place cannot be written to.
    """
    from matplotlib.figure import Figure

    path = Path(path)
    if path.suffix.lower() not in PLOT_SUFFIXES:
        raise InputError(f"{path} must end in one of {', '.join(PLOT_SUFFIXES)}")
    figure = Figure(figsize=(10, 1.6 * len(PANELS)), layout="constrained")
    panels = figure.subplots(len(PANELS), 1, sharex=True)
    time = np.arange(len(template)) / float(template.fps)
    for panel, (title, unit, curves) in zip(panels, PANELS, strict=True):
        for name, k in curves:
            panel.plot(time, template.motion[:, k], label=name, linewidth=1.2)
        panel.fill_between(time, 0, 1, where=~template.present, transform=panel.get_xaxis_transform(), color="0.85")
        panel.set_title(title, loc="left", fontsize=9)
        panel.set_ylabel(unit, fontsize=7)
        panel.tick_params(labelsize=7)
        panel.legend(loc="upper right", fontsize=7, ncols=4, frameon=False)
        panel.margins(x=0)
    panels[-1].set_xlabel("seconds", fontsize=8)
    with atomic_write(path) as partial:
        figure.savefig(partial, dpi=120)
    return path
