"""Draws the picture at the top of the README: what becomes of one portrait by a talk, an animation and an edit.

    python docs/draw_examples.py [--keep FRAMES.npz]

The portrait is scikit-image's astronaut (NASA, public domain), the voice the sample in the package, the driver a motion
that is written down here; so anybody can draw it again. ``--keep`` keeps the rendered frames, to draw with them anew.
"""

from __future__ import annotations

import argparse
from fractions import Fraction
from importlib.resources import as_file, files
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from skimage.data import astronaut

from facediff.audio.wave import SAMPLE_RATE, load_wave
from facediff.avatar import Avatar
from facediff.landmarks.canonical import mean_face
from facediff.landmarks.drawing import draw_contours
from facediff.motion import coefficients
from facediff.motion.expressions import expression
from facediff.motion.rig import FaceRig, fit_neutral
from facediff.motion.template import MotionTemplate
from facediff.pipelines.loading import load_talk
from facediff.types import RigidPose

OUT = Path(__file__).parent / "examples.jpg"
PART = slice(0, 240), slice(106, 346)  # rows and columns of the portrait that show her head
SHOWN = 6  # frames of a row
SEED = 7
DRIVER = (
    {"smile": 1.3, "head-tilt": -0.5, "brows-up": 0.3},
    {"mouth-open": 1.1, "brows-up": 1.2, "head-down": -0.3},
    {"head-left": 0.8, "gaze-right": 0.8},
    {"eyes-closed": 1.0, "head-down": 0.6},
    {"head-left": -0.8, "gaze-right": -0.8, "smile": 0.8},
    {"smile": -0.7, "brows-up": -0.8, "head-tilt": 0.6},
)
EDITS = (
    ("as she is", {}),
    ("smile=-1", {"smile": -1.0}),
    ("age=1", {"age": 1.0}),
    ("eyeglasses=1", {"eyeglasses": 1.0}),
    ("makeup=1.8", {"makeup": 1.8}),
    ("male=1.5", {"male": 1.5}),
)
INK, FAINT, VOICE, FACE = "#1f2733", "#5d6b7c", "#2a6fb0", (31, 39, 51)


def choose_moments(rows: NDArray[np.float32]) -> list[int]:
    """Frames of a motion (T, 31) that show its lips in their most different shapes, the widest among them."""
    lips = rows[:, coefficients.LIPS] * np.abs(coefficients.basis().lips).mean(axis=(1, 2))
    quiet = rows[:, coefficients.LIDS].max(axis=1) > 0.3  # with a blink a mouth is looked at less
    chosen = [int(np.where(quiet, -1, rows[:, -1]).argmax())]
    while len(chosen) < SHOWN:
        apart = np.min([np.linalg.norm(lips - lips[k], axis=1) for k in chosen], axis=0)
        near = np.min([np.abs(np.arange(len(rows)) - k) for k in chosen], axis=0) < 6
        chosen.append(int(np.where(quiet | near, -1, apart).argmax()))
    return sorted(chosen)


def render() -> dict[str, NDArray]:
    """The frames of the three rows, (6, H, W, 3) each, the driver's landmarks and the moments of the talk."""
    avatar = Avatar.from_image(astronaut())
    with as_file(files("facediff") / "samples" / "hello.flac") as speech:
        wave = load_wave(speech)
        moments = choose_moments(load_talk(device="cpu")[0](wave, seed=SEED))
        talk = avatar.talk(speech, seed=SEED)
        spoken = [next(talk.frames(k, k + 1)) for k in moments]
    motion = np.stack([expression(strengths) for strengths in DRIVER])
    driver = MotionTemplate(motion, np.ones(SHOWN, bool), np.eye(3, dtype=np.float32), Fraction(25))
    edits = [next(avatar.edit(**wish).frames(49, 50)) if wish else astronaut() for _, wish in EDITS]
    pose = RigidPose(
        np.eye(3, dtype=np.float32)[None], np.array([95], np.float32), np.array([[110, 92, 0]], np.float32)
    )
    points = FaceRig.from_shape(fit_neutral(mean_face()[None]), pose).points(motion)
    return {
        "talk": np.stack(spoken), "animate": np.stack(list(avatar.animate(driver))), "edit": np.stack(edits),
        "driver": points, "moments": np.array(moments), "wave": wave,
    }  # fmt: skip


def draw(found: dict[str, NDArray]) -> Figure:
    """The whole picture."""
    matplotlib.rcParams["font.family"] = "DejaVu Sans"
    figure = Figure(figsize=(15.96, 9.1), dpi=100, facecolor="white")
    unit = figure.get_size_inches() * 100
    side, gap, left = 218, 8, 226

    def place(x: float, y: float, width: float, height: float) -> Axes:
        axes = figure.add_axes((x / unit[0], 1 - (y + height) / unit[1], width / unit[0], height / unit[1]))
        axes.set_axis_off()
        return axes

    def say(x: float, y: float, words: str, **how) -> None:
        figure.text(x / unit[0], 1 - y / unit[1], words, **{"color": INK, "va": "center", **how})

    tops = {"talk": 14, "animate": 318, "edit": 622}
    says = {"talk": "a voice\nmoves lips,\nlids and head", "animate": "a motion, hers\nor another's,\ncarried over",
            "edit": "one change,\nall through"}  # fmt: skip
    for name, top in tops.items():
        say(14, top + 70, name, fontsize=29, fontweight="bold")
        say(15, top + 98, says[name], fontsize=15.5, color=FAINT, va="top", linespacing=1.45)
        for k, frame in enumerate(found[name]):
            axes = place(left + k * (side + gap), top, side, side)
            axes.imshow(frame[PART], interpolation="lanczos")
    _draw_voice(place(left, tops["talk"] + side + 4, SHOWN * side + (SHOWN - 1) * gap, 56), found, side, gap)
    for k, (caption, _) in enumerate(EDITS):
        say(left + k * (side + gap) + side / 2, tops["edit"] + side + 24, caption, ha="center", fontsize=17)
    for k, points in enumerate(found["driver"]):
        paper = np.full((660, 660, 3), 255, np.uint8)
        mesh = draw_contours(paper, 3 * points, thickness=5)
        mesh = np.where(mesh < 250, np.array(FACE, np.uint8), mesh)
        axes = place(left + k * (side + gap) + side / 2 - 34, tops["animate"] + side + 4, 68, 68)
        axes.imshow(cv2.resize(mesh, (220, 220), interpolation=cv2.INTER_AREA), interpolation="lanczos")
    return figure


def _draw_voice(axes: Axes, found: dict[str, NDArray], side: int, gap: int) -> None:
    """The wave, and from where in it each frame is."""
    wave, count = found["wave"], 700
    level = np.abs(wave[: len(wave) // count * count]).reshape(count, -1).max(axis=1)
    x = np.linspace(0, len(wave) / SAMPLE_RATE, count)
    axes.fill_between(x, -level, level, color=VOICE, linewidth=0, alpha=0.85)
    axes.set_xlim(0, x[-1])
    high = 1.6 * level.max()
    axes.set_ylim(-1.05 * level.max(), high)
    width = SHOWN * side + (SHOWN - 1) * gap
    for k, moment in enumerate(found["moments"]):
        at, middle = moment / coefficients.MOTION_FPS, (k * (side + gap) + side / 2) / width * x[-1]
        axes.plot([middle, at, at], [high, 1.12 * level.max(), -level.max()], color=FAINT, linewidth=1.1)


def main() -> None:
    """Renders and draws."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path)
    keep = parser.parse_args().keep
    if keep is not None and keep.exists():
        found = dict(np.load(keep))
    else:
        found = render()
        if keep is not None:
            np.savez(keep, **found)
    draw(found).savefig(OUT, pil_kwargs={"quality": 90, "optimize": True})


if __name__ == "__main__":
    main()
