"""Has meshes, puppets and sketches drive a face, and measures what of a performance is read off them.

    python benchmarks/puppet.py [--drivers D.mp4 ...] [--seconds 3] [--sheet SHEET.png]

The landmarks of each driver are drawn anew: as an untextured mesh in light, as a puppet of flat colours, and as a
sketch of lines alone. Each drawing is read as a driver of its own, and its motion correlated with the driver's: opening
of the lips, head angles, lids and brows, each the mean over its numbers. So the driver is the truth, and no rendering
comes between. Without drivers it runs on the sample portrait that speaks.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import sample
from numpy.typing import NDArray

from facediff.errors import NoFaceFound
from facediff.landmarks.depth import draw_mesh
from facediff.landmarks.mesh import (
    FACE_OVAL,
    LEFT_BROW,
    LEFT_EYE,
    LEFT_IRIS,
    LIPS_INNER,
    LIPS_OUTER,
    RIGHT_BROW,
    RIGHT_EYE,
    RIGHT_IRIS,
)
from facediff.landmarks.tracker import track_face
from facediff.media import VideoReader, VideoWriter, write_image
from facediff.motion import coefficients
from facediff.motion.driver import read_driver
from facediff.motion.template import extract
from facediff.types import FaceTrack, Frame

NOSE = np.array([168, 6, 197, 195, 5, 4]), np.array([98, 97, 2, 326, 327])
SKIN, LIP, MOUTH, BROW, WHITE, IRIS, LINE = (
    (235, 190, 150), (200, 90, 90), (60, 20, 40), (70, 50, 40), (255, 255, 255), (30, 40, 60), (200, 150, 110)
)  # fmt: skip
FILLS = (
    (FACE_OVAL, SKIN), (LIPS_OUTER, LIP), (LIPS_INNER, MOUTH), (RIGHT_EYE, WHITE), (LEFT_EYE, WHITE),
    (RIGHT_IRIS[1:], IRIS), (LEFT_IRIS[1:], IRIS), (RIGHT_BROW, BROW), (LEFT_BROW, BROW),
)  # fmt: skip
PARTS = {
    "lips": coefficients.OPENING, "head": coefficients.ANGLES, "lids": coefficients.LIDS, "brows": coefficients.BROWS
}  # fmt: skip


def draw_untextured(points: NDArray[np.floating], size: tuple[int, int]) -> Frame:
    """A grey mesh before dark grey."""
    lit = np.rint(255 * draw_mesh(points, size)).astype(np.uint8)
    return np.repeat(np.where(lit > 0, lit, 60).astype(np.uint8)[..., None], 3, axis=2)


def draw_puppet(points: NDArray[np.floating], size: tuple[int, int]) -> Frame:
    """Flat colours before white."""
    picture, flat = np.full((*size[::-1], 3), 255, np.uint8), np.rint(points[:, :2]).astype(np.int32)
    for line, colour in FILLS:
        cv2.fillPoly(picture, [flat[line]], colour, cv2.LINE_AA)
    for line in NOSE:
        cv2.polylines(picture, [flat[line]], False, LINE, max(1, size[0] // 170), cv2.LINE_AA)
    return picture


def draw_sketch(points: NDArray[np.floating], size: tuple[int, int]) -> Frame:
    """Black lines on white."""
    picture, flat = np.full((*size[::-1], 3), 255, np.uint8), np.rint(points[:, :2]).astype(np.int32)
    for line, is_closed in (*((line, True) for line, _ in FILLS), *((line, False) for line in NOSE)):
        cv2.polylines(picture, [flat[line]], is_closed, (0, 0, 0), max(1, size[0] // 256), cv2.LINE_AA)
    return picture


DRAWINGS: dict[str, Callable[[NDArray[np.floating], tuple[int, int]], Frame]] = {
    "mesh": draw_untextured, "puppet": draw_puppet, "sketch": draw_sketch
}  # fmt: skip


def place(track: FaceTrack, side: int = 512) -> NDArray[np.float64]:
    """The track's landmarks (T, 478, 3), so large and so placed that its face fills most of a square picture."""
    oval = track.points[track.usable][:, FACE_OVAL, :2]
    low, high = oval.min((0, 1)), oval.max((0, 1))
    scale = 0.8 * side / max(high - low)
    centre = np.append((low + high) / 2, track.points[track.usable][..., 2].mean())
    return (track.points - centre) * scale + np.array([side / 2, side / 2, 0.0])


def correlate(one: NDArray[np.floating], other: NDArray[np.floating], part: slice) -> float:
    """Mean correlation of some of the numbers of a motion; none where the driver does not move."""
    with np.errstate(invalid="ignore"):
        found = [np.corrcoef(one[:, row], other[:, row])[0, 1] for row in range(one.shape[1])[part]]
    return float(np.nanmean(found)) if np.isfinite(found).any() else float("nan")


def measure(driver: Path, seconds: float, folder: Path) -> tuple[dict[str, dict[str, float] | None], Frame]:
    """By drawing, by part, the correlation; None where no face is seen. And a row of what was drawn."""
    reader = VideoReader(driver)
    track = track_face(reader, float(reader.info.fps))
    track = track.take(np.flatnonzero(track.usable)[: round(seconds * track.fps)])
    true, points, found, shown = extract(track).motion, place(track), {}, []
    widest = int(true[:, coefficients.OPENING].sum(axis=1).argmax())
    for name, draw in DRAWINGS.items():
        path = folder / f"{driver.stem}-{name}.mp4"
        with VideoWriter(path, (512, 512), Fraction(track.fps).limit_denominator(1001)) as writer:
            for face in points:
                writer.write(draw(face, (512, 512)))
        shown.append(draw(points[widest], (512, 512)))
        try:
            read = read_driver(path).template.motion
        except NoFaceFound:
            found[name] = None
            continue
        found[name] = {part: correlate(read, true[: len(read)], where) for part, where in PARTS.items()}
    return found, np.concatenate(shown, axis=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--drivers", type=Path, nargs="*", default=[])
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--sheet", type=Path, help="a picture of what was drawn, where to")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if not args.drivers:
            print(sample.NOTE)
        drivers = args.drivers or sample.clips(folder, 1, args.seconds)
        print("| driver | drawn as | " + " | ".join(PARTS) + " |\n" + "|---" * (len(PARTS) + 2) + "|")
        sheets = []
        for driver in drivers:
            found, sheet = measure(driver, args.seconds, folder)
            sheets.append(sheet)
            for drawn, parts in found.items():
                told = ["no face"] * len(PARTS) if parts is None else [f"{parts[part]:.2f}" for part in PARTS]
                print(f"| {driver.stem} | {drawn} | {' | '.join(told)} |", flush=True)
        if args.sheet is not None:
            write_image(args.sheet, np.concatenate(sheets))


if __name__ == "__main__":
    main()
