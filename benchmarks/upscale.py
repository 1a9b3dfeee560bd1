"""What enlarged pictures and videos are worth, beside bicubic and Lanczos enlargement.

    python benchmarks/upscale.py [--catalog CLIPS.csv | --stills PICTURE ...] [--clips CLIP.mp4 ...] [--model base]

Pictures are halved in several ways and enlarged again: PSNR in dB against the picture, and the sharpness of eyes and
mouth over the picture's, as the mean gradient of boxes around them (Tenengrad); fine: the variance of their Laplacian,
of which grain and noise make most. Noise is added to the halves, 0.1 of pictures in [-1, 1]: how many dB less there are
where it is told, and where it is not, as to a network that learnt from clean pictures alone. Frames of clips are halved
and enlarged, as clips and each by itself: PSNR, and flicker over the clip's own, of all that is seen. Of a catalogue
its portraits for testing are taken.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import sample
import table
import torch
from numpy.typing import NDArray

from facediff.datasets.recordings import read_recordings
from facediff.errors import NoFaceFound
from facediff.evaluation.fidelity import detail, psnr
from facediff.landmarks.mesh import OUTER_EYES
from facediff.landmarks.tracker import track_still
from facediff.media import VideoReader, VideoWriter, read_image
from facediff.motion.coefficients import EYES
from facediff.pipelines.loading import load_super_resolver
from facediff.rendering.enlarging import Enlarger
from facediff.training.super_resolution import compress, halve
from facediff.types import Frame

LEAST_SIDE = 400  # of a picture that has detail to lose
NOISE, QUALITY, CRF, FRAMES = 0.1, 80, 23, 50
LIPS = [61, 291, 0, 17]  # corners, and the middle of the upper and of the lower edge
CLIP_KEYS = ("ours", "alone", "bicubic", "lanczos", "flicker", "flicker alone", "flicker bicubic")
KEYS = ("ours", "bicubic", "lanczos", "eyes", "mouth", "plain eyes", "plain mouth", "fine eyes", "fine mouth")
Enlarge = Callable[[Frame], Frame]


def plain(how: int) -> Enlarge:
    return lambda frame: np.asarray(cv2.resize(frame, None, fx=2, fy=2, interpolation=how), np.uint8)


def average_mirrored(enlarge: Enlarge) -> Enlarge:
    """The mean of what is made of a picture and of its mirror image: geometric self-ensemble (Lim et al. 2017)."""

    def both(frame: Frame) -> Frame:
        made = enlarge(frame).astype(np.uint16) + enlarge(np.ascontiguousarray(frame[:, ::-1]))[:, ::-1]
        return ((made + 1) // 2).astype(np.uint8)

    return both


def halves(picture: Frame) -> dict[str, Frame]:
    """A picture in half its size, by the name of the way in which it became so."""
    area, bicubic = halve(picture, "area"), halve(picture, "bicubic")
    return {"area": area, "bicubic": bicubic, "linear": halve(picture, "linear"), "jpeg": compress(area, QUALITY)}


def boxes(picture: Frame) -> dict[str, tuple[slice, slice]]:
    """Where eyes and mouth are; nothing where there is no face, or several."""
    try:
        points = track_still(picture, "largest").points[0, :, :2]
    except NoFaceFound:
        return {}
    unit = float(np.linalg.norm(np.diff(points[list(OUTER_EYES)], axis=0)))
    irises = [point for _, _, iris, _ in EYES for point in iris]
    return {"eyes": _around(points[[*irises, *OUTER_EYES]], 0.12 * unit), "mouth": _around(points[LIPS], 0.08 * unit)}


def _around(points: NDArray, margin: float) -> tuple[slice, slice]:
    (left, top), (right, bottom) = points.min(axis=0) - margin, points.max(axis=0) + margin
    return slice(max(0, int(top)), int(bottom) + 1), slice(max(0, int(left)), int(right) + 1)


def measure_still(picture: Frame, ours: Enlarge) -> dict[str, dict[str, float]]:
    """Figures of a picture, by how it was halved."""
    bicubic, lanczos, parts, rows = plain(cv2.INTER_CUBIC), plain(cv2.INTER_LANCZOS4), boxes(picture), {}
    for how, half in halves(picture).items():
        made, wide = ours(half), bicubic(half)
        row = {"ours": psnr(made, picture), "bicubic": psnr(wide, picture), "lanczos": psnr(lanczos(half), picture)}
        for name, box in parts.items():
            own = gradient(picture[box]) + 1e-9
            row |= {name: gradient(made[box]) / own, f"plain {name}": gradient(wide[box]) / own}
            row[f"fine {name}"] = detail(made[box]) / (detail(picture[box]) + 1e-9)
        rows[how] = row
    return rows


def gradient(patch: Frame) -> float:
    """The mean strength of the gradient of a patch's grey levels."""
    grey = cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return float(np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)).mean())


def lose(picture: Frame, told: Enlarge, clean: Enlarge) -> float:
    """How many dB noise costs."""
    half = halve(picture, "area")
    grain = 127.5 * NOISE * np.random.default_rng(0).standard_normal(half.shape)
    noisy = np.clip(np.rint(half + grain), 0, 255).astype(np.uint8)
    return psnr(clean(half), picture) - psnr(told(noisy), picture)


def flicker(frames: list[Frame]) -> float:
    """Mean absolute second difference over time, of levels."""
    kept = np.stack(frames).astype(np.float32)
    return float(np.abs(kept[:-2] - 2 * kept[1:-1] + kept[2:]).mean())


def even(picture: Frame, fold: int = 2) -> Frame:
    """Without the last rows or columns that are fewer than so many."""
    height, width = (side // fold * fold for side in picture.shape[:2])
    return np.ascontiguousarray(picture[:height, :width])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--catalog", type=Path)
    parser.add_argument("--stills", nargs="*", type=Path, default=[])
    parser.add_argument("--clips", nargs="*", type=Path, default=[])
    parser.add_argument("--frames", type=int, default=FRAMES, help="of each clip")
    parser.add_argument("--model", default="base")
    parser.add_argument("--mirrored", action="store_true", help="the mean with what is made of mirror images")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(args.threads)
    network = load_super_resolver(args.model, "cpu")
    enlarger = Enlarger(network)
    ours: Enlarge = enlarger.enlarge
    told: Enlarge = Enlarger(network, noise=NOISE).enlarge
    if args.mirrored:
        ours, told = average_mirrored(ours), average_mirrored(told)
    with tempfile.TemporaryDirectory() as folder:
        if not (args.catalog or args.stills or args.clips):
            print(sample.NOTE)
            args.stills, args.clips = [sample.portrait(Path(folder))], sample.clips(Path(folder), 1, 1.0)
        named = read_recordings(args.catalog, split="test", kinds=("still",)) if args.catalog else []
        pictures = [even(read_image(path)) for path in (*(one.path for one in named), *args.stills)]
        pictures = [picture for picture in pictures if min(picture.shape[:2]) >= LEAST_SIDE]
        if pictures:
            print_stills(pictures, ours, told)
        if args.clips:
            print_clips(args.clips, enlarger, args.frames)
    print_speed(enlarger)


def print_stills(pictures: list[Frame], ours: Enlarge, told: Enlarge) -> None:
    measured = [measure_still(picture, ours) for picture in pictures]
    print(table.heading(f"means of {len(pictures)} pictures", KEYS))
    for how in measured[0]:
        rows = [one[how] for one in measured]
        print(table.row(how, means(rows), KEYS))
    for name, way in (("told", told), ("not told", ours)):
        print(f"noise that is {name} costs {np.mean([lose(one, way, ours) for one in pictures]):.2f} dB")


def means(rows: list[dict[str, float]]) -> dict[str, float]:
    """Of PSNR the mean, of ratios the median."""
    found = {}
    for key in KEYS:
        if known := [row[key] for row in rows if key in row]:
            found[key] = float(np.mean(known) if key in KEYS[:3] else np.median(known))
    return found


def print_clips(clips: list[Path], enlarger: Enlarger, frames: int) -> None:
    """Of each clip, and the means over clips, by the way in which they were halved."""
    measured: dict[str, list[dict[str, float]]] = {}
    print(table.heading(f"{len(clips)} clips, {frames} frames each", CLIP_KEYS))
    for path in clips:
        own = [even(frame, 4) for _, frame in VideoReader(path).take(range(frames))]
        for how, small in half_clips(own).items():
            row = measure_clip(own, small, enlarger)
            measured.setdefault(how, []).append(row)
            print(table.row(f"{path.stem[:20]} {how}", row, CLIP_KEYS))
    for how, rows in measured.items():
        mean = {key: float(np.mean([row[key] for row in rows])) for key in CLIP_KEYS}
        print(table.row(f"mean {how}", mean, CLIP_KEYS))


def half_clips(frames: list[Frame]) -> dict[str, list[Frame]]:
    """A clip in half its size, by the name of the way in which it became so."""
    area, bicubic = ([halve(frame, how) for frame in frames] for how in ("area", "bicubic"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "coded.mp4"
        with VideoWriter(path, (area[0].shape[1], area[0].shape[0]), Fraction(25), crf=CRF) as writer:
            for frame in area:
                writer.write(frame)
        return {"area": area, "bicubic": bicubic, "H.264": list(VideoReader(path))}


def measure_clip(own: list[Frame], small: list[Frame], enlarger: Enlarger) -> dict[str, float]:
    ways = {
        "ours": list(enlarger(small)), "alone": [enlarger.enlarge(frame) for frame in small],
        "bicubic": [plain(cv2.INTER_CUBIC)(frame) for frame in small],
        "lanczos": [plain(cv2.INTER_LANCZOS4)(frame) for frame in small],
    }  # fmt: skip
    row = {name: float(np.mean([psnr(*pair) for pair in zip(made, own, strict=True)])) for name, made in ways.items()}
    for name, key in (("ours", "flicker"), ("alone", "flicker alone"), ("bicubic", "flicker bicubic")):
        row[key] = flicker(ways[name]) / flicker(own)
    return row


def print_speed(enlarger: Enlarger) -> None:
    """Of the fastest of several frames, and what they take of processors, since others work on the machine too."""
    noise = np.random.default_rng(0).integers(0, 256, (512, 512, 3), np.uint8)
    frames = [cv2.GaussianBlur(np.roll(noise, k, axis=1), (0, 0), 2) for k in range(10)]
    ways: dict[str, Iterable[Frame]] = {"in a clip": enlarger(frames), "alone": map(enlarger.enlarge, frames)}
    for name, made in ways.items():
        seconds, taken, started, used = [], [], time.perf_counter(), time.process_time()
        for _ in made:
            seconds.append(time.perf_counter() - started)
            taken.append(time.process_time() - used)
            started, used = time.perf_counter(), time.process_time()
        best, usual = 1 / min(seconds[1:-1]), 1 / np.median(seconds[1:-1])
        print(
            f"{name}: 512 to 1024 pixels, frames a second: {best:.1f} at best, {usual:.1f} in the median; of processors"
        )
        print(f"a frame takes {min(taken[1:-1]):.3f} s at best, with {torch.get_num_threads()} threads")


if __name__ == "__main__":
    main()
