"""Drags faces as they moved in truth, and measures where their points end and what else becomes of them.

    python benchmarks/strokes.py [--clips CLIP.mp4 ...] [--sheet SHEET.png]

Without clips it runs on some that are rendered from the sample portrait.

Strokes are sampled from true motion, strongest where it moves (MCDiff): of two moments of a clip, three points, each
drawn by the square of how far it moves. The first moment's picture is dragged; faces are found anew in what comes of
it. Printed are, in the median over the clips and in pixels of a picture whose longer side is 512: how far stroked
points end from where they were put; how far all 468 are from those of the second moment, root mean square, beside
those of a sparse warp alone (thin plates through the strokes and the border, of the whole picture), and of the picture
as it is; and the cosine of identity vectors of the picture and what is made of it, by the model's own encoder.

Then parts one by one, a stroke each, without the head's motion: of forty pairs of moments the one in which the point
moves most. At last what no stroke moves.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import cv2
import numpy as np
import sample
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator

from facediff.avatar import Avatar
from facediff.errors import FaceDiffError
from facediff.evaluation.networks import embedded
from facediff.landmarks.canonical import canonicalise, from_canonical
from facediff.landmarks.mesh import CHIN, LEFT_IRIS, MESH_POINTS
from facediff.landmarks.tracker import track_face, track_still
from facediff.media import VideoReader, write_image
from facediff.options import Stroke, Strokes
from facediff.types import Frame, Points

PARTS = {"mouth corner": 291, "lower lip": 17, "chin": CHIN, "brow": 334, "lid": 386, "iris": int(LEFT_IRIS[0])}
PAIRS, STROKES = 40, 3
LEAST_PX = 1.5  # motion of a part that is worth a stroke, of 512
BORDER = 9  # points to a side of the picture that a sparse warp leaves


class Case:
    """A moment of a clip, as a portrait, and other moments of it."""

    def __init__(self, clip: Path, seed: int) -> None:
        reader, self.random = VideoReader(clip), np.random.default_rng(seed)
        track = track_face(reader, float(reader.info.fps))
        usable = np.flatnonzero(track.usable)
        here = int(self.random.choice(usable))
        self.picture = next(frame for row, frame in enumerate(reader) if row == here)
        self.avatar = Avatar.from_image(self.picture, face="largest")
        self.points: Points = self.avatar.track.points[0]
        self.scale = 512 / max(self.picture.shape[:2])
        away = np.abs(usable - here) / track.fps
        near = usable[(away > 0.2) & (away < 2.0)]
        self.clip, self.rows = clip, self.random.choice(near, PAIRS)
        # Counted from the picture as it is read alone, since a track is smoother.
        self.moved = track.points[self.rows] - track.points[here] + self.points
        canonical, pose = canonicalise(np.concatenate([self.points[None], self.moved]))
        self.faces = from_canonical(canonical[1:], pose.take(np.zeros(PAIRS, int)))

    def moment(self, pair: int) -> Frame:
        """What the clip shows at another moment."""
        return next(frame for row, frame in enumerate(VideoReader(self.clip)) if row == self.rows[pair])

    def drag(self, points: NDArray[np.intp], target: Points) -> Frame:
        """The last frame with some points taken to where the target has them."""
        ends = zip(self.points[points, :2].tolist(), target[points, :2].tolist(), strict=True)
        strokes = Strokes(tuple(Stroke((tuple(start), tuple(end))) for start, end in ends))
        clip = self.avatar.drag(strokes=strokes, seconds=0.2, hold=0.0)
        return next(clip.frames(len(clip) - 1))

    def miss(self, found: Points, target: Points, rows: NDArray[np.intp] | slice) -> NDArray[np.floating]:
        """How far landmarks are from where they are wanted, in pixels of 512."""
        return self.scale * np.linalg.norm((found - target)[rows, :2], axis=-1)


def warp_sparsely(picture: Frame, start: NDArray[np.floating], end: NDArray[np.floating]) -> Frame:
    """A picture bent by thin plates through strokes and the border."""
    height, width = picture.shape[:2]
    x, y = np.linspace(0, width - 1, BORDER), np.linspace(0, height - 1, BORDER)
    rim = [np.stack([x, np.full(BORDER, edge)], 1) for edge in (0, height - 1)]
    rim += [np.stack([np.full(BORDER - 2, edge), y[1:-1]], 1) for edge in (0, width - 1)]
    fixed = np.concatenate(rim)
    back = RBFInterpolator(np.concatenate([end, fixed]), np.concatenate([start - end, 0 * fixed]), smoothing=1e-6)
    step = 4
    grid = np.stack(np.meshgrid(np.arange(0, width, step), np.arange(0, height, step)), -1).astype(np.float64)
    flow = back(grid.reshape(-1, 2)).reshape(grid.shape).astype(np.float32)
    flow = cv2.resize(flow, (width, height), interpolation=cv2.INTER_LINEAR)
    across, down = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return cv2.remap(
        picture, across + flow[..., 0], down + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )


def find(picture: Frame) -> Points:
    return track_still(picture, "largest").points[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, nargs="*", default=[])
    parser.add_argument("--sheet", type=Path, help="a picture of all of it")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        if not args.clips:
            print(sample.NOTE)
            args.clips = sample.clips(Path(scratch), 2, 3.0)
        rows, parts, likeness, panels = [], {name: [] for name in PARTS}, [], []
        codec, who = embedded.load_codec("base"), embedded.load_identity("base")
        for number, clip in enumerate(args.clips):
            case = Case(clip, number)

            def identify(picture: Frame, points: Points) -> NDArray[np.floating]:
                vector = embedded.picture_identity(picture, points, codec, who)
                return vector / np.linalg.norm(vector)

            own = identify(case.picture, case.points)
            try:
                row, shown = drag_whole(case)
                rows.append(row)
                likeness.append(float(own @ identify(shown[1], find(shown[1]))))
                panels.append(shown)
                print(f"{clip.stem[:24]:24} " + " ".join(f"{one:7.2f}" for one in (*row, likeness[-1])), flush=True)
            except FaceDiffError as error:
                print(f"{clip.stem[:24]:24} {error}", flush=True)
            for name, point in PARTS.items():
                part = drag_part(case, point)
                if part is not None:
                    parts[name].append(part[0])
                    likeness.append(float(own @ identify(part[1], find(part[1]))))
        names = ("points", "dense", "sparse: points", "dense", "as it is: dense")
        print(f"\nmedians of {len(rows)} clips, pixels of 512")
        for name, value in zip(names, np.median(rows, axis=0), strict=True):
            print(f"{name:24} {value:7.2f}")
        for name, missed in parts.items():
            told = f"{np.median(missed):7.2f} {np.mean(np.array(missed) < 2):7.0%} within 2" if missed else "no motion"
            print(f"{name:24} {told} ({len(missed)})")
        print(f"{'identity, median, least':24} {np.median(likeness):7.3f} {min(likeness):7.3f}")
        still = [one for one in case.avatar.drag(seconds=0.2, hold=0.0)]
        print(f"{'no stroke moves':24} {max(np.abs(find(one) - case.points)[:, :2].max() for one in still):7.2f}")
        if args.sheet is not None:
            write_image(args.sheet, lay_out(panels))


def drag_whole(case: Case) -> tuple[list[float], tuple[Frame, ...]]:
    """Misses of points and of all, of a drag, of a sparse warp and of the picture itself; and the pictures."""
    away = case.miss(case.moved[:, :MESH_POINTS], case.points[:MESH_POINTS], ...)
    pair = int(np.argsort(away.mean(axis=1))[3 * PAIRS // 4])  # livelier than most
    target = case.moved[pair]
    far = case.miss(target, case.points, slice(0, MESH_POINTS)) ** 2
    points = case.random.choice(MESH_POINTS, STROKES, replace=False, p=far / far.sum())
    made = case.drag(points, target)
    bent = warp_sparsely(case.picture, case.points[points, :2], target[points, :2])
    row = []
    for picture in (made, bent):
        found = find(picture)
        row += [float(np.mean(case.miss(found, target, points))), rms(case.miss(found, target, slice(0, MESH_POINTS)))]
    row.append(rms(np.sqrt(far)))
    marked = _marked(case.picture, case.points[points], target[points])
    return row, (case.picture, made, bent, marked, case.moment(pair))


def drag_part(case: Case, point: int) -> tuple[float, Frame] | None:
    """How far a point ends from where it is put, and the picture; None where it hardly moves."""
    far = case.miss(case.faces, case.points, ...)[:, point]
    if far.max() < LEAST_PX:
        return None
    target = case.faces[int(far.argmax())]
    made = case.drag(np.array([point]), target)
    return float(case.miss(find(made), target, np.array([point]))[0]), made


def rms(values: NDArray[np.floating]) -> float:
    return float(np.sqrt(np.square(values).mean()))


def _marked(picture: Frame, start: Points, end: Points) -> Frame:
    out = picture.copy()
    for a, b in zip(start, end, strict=True):
        from_px, to_px = (tuple(np.rint(one[:2]).astype(int).tolist()) for one in (a, b))
        cv2.arrowedLine(out, from_px, to_px, (0, 255, 0), max(1, picture.shape[1] // 256), cv2.LINE_AA, tipLength=0.3)
    return out


def lay_out(panels: list[tuple[Frame, ...]], side: int = 256) -> Frame:
    """A row for each clip: strokes on the picture, dragged, bent sparsely, and the other moment itself."""
    rows = []
    for picture, made, bent, marked, truth in panels:
        points = find(picture)
        low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
        reach, middle = 0.75 * (high - low).max(), (low + high) / 2
        x, y = (np.clip(((k - reach), (k + reach)), 0, None).astype(int) for k in middle)
        row = [cv2.resize(one[y[0] : y[1], x[0] : x[1]], (side, side)) for one in (marked, made, bent, truth)]
        rows.append(np.concatenate(row, axis=1))
    return np.concatenate(rows)


if __name__ == "__main__":
    main()
