"""Animates first frames by the rest of their clips, and portraits by clips of other people, and prints the scores.

    python benchmarks/animate.py [--clips CLIP.mp4 ...] [--portraits P.jpg ... --drivers D.mp4 ...]

Without files it runs on the sample portrait and on clips rendered from it; the driver is its mirror image.

Of a clip, the first frame is the source and the rest drives; the refined result stands beside the coarse stage alone.
The figures of FADM's first table (VoxCeleb, same identity) are measured alike: on a square around the head, 256 pixels
wide. Their data are other clips than ours, cut and chosen otherwise, so the two say how large such figures are and no
more. Portraits are driven by other people's clips with and without head motion; correlations are of the landmarks.

Figures are those of ``facediff evaluate``.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from pathlib import Path

import numpy as np
import sample
from PIL import Image
from table import heading, medians, row

from facediff.avatar import Avatar
from facediff.evaluation.cases import Kit
from facediff.evaluation.motion import motion_correlation
from facediff.evaluation.report import evaluate
from facediff.landmarks.tracker import track_face
from facediff.media import VideoReader, VideoWriter
from facediff.types import FaceTrack

SAME = ("lmd_face", "psnr", "ssim", "psnr_mouth", "aperture_corr", "sharp_ratio", "flicker", "face_rate")
OTHER = ("lips", "brows", "lids", "yaw", "pitch", "roll", "identity_ssim", "sharp_ratio", "flicker", "face_rate")
TABLE = ("l1_head", "psnr_head", "ssim_head", "akd")
FIGURES = ("faces", "lips", "fidelity", "flicker", *TABLE)
PUBLISHED = {"FADM (VoxCeleb)": (0.0402, 24.434, 0.7841, 1.392), "FOMM (VoxCeleb)": (0.0451, 23.422, 0.7521, 1.456)}
KINDS = ("coarse", "refined")


def track(path: Path) -> FaceTrack:
    reader = VideoReader(path)
    return track_face(reader, float(reader.info.fps))


def without_first(clip: Path, folder: Path) -> tuple[Path, Path]:
    """The first frame as a picture, and the rest as a video."""
    reader = VideoReader(clip)
    picture, rest = folder / f"{clip.stem}-first.png", folder / f"{clip.stem}-rest.mp4"
    with VideoWriter(rest, (reader.info.width, reader.info.height), reader.info.fps, crf=10) as writer:
        for k, frame in enumerate(reader):
            if k:
                writer.write(frame)
            else:
                Image.fromarray(frame).save(picture)
    return picture, rest


def same(clips: list[Path], folder: Path, steps: int) -> None:
    print(heading("same person", SAME))
    table: list[dict[str, dict]] = []
    for clip in clips:
        picture, rest = without_first(clip, folder)
        avatar, kit, rows = Avatar.from_image(picture, face="largest"), Kit(), {}
        for kind in KINDS:
            out = folder / f"{clip.stem}-{kind}.mp4"
            clip_made = avatar.animate(rest, steps=steps, paint=kind == "refined")
            started = time.monotonic()
            clip_made.save(out)
            seconds = time.monotonic() - started
            rows[kind] = evaluate(out, truth=rest, names=FIGURES, kit=kit).to_dict()
            rows[kind]["fps_render"] = len(clip_made) / seconds
            print(row(f"{clip.stem[:18]} {kind}", rows[kind], SAME), flush=True)
        table.append(rows)
    print()
    for kind in KINDS:
        print(row(f"median {kind}", medians([rows[kind] for rows in table], SAME), SAME))
    for key, sign in (("lmd_face", -1), ("psnr", 1), ("psnr_mouth", 1)):
        share = np.mean([sign * rows["refined"][key] > sign * rows["coarse"][key] for rows in table])
        print(f"{key} better than the coarse stage: {share:.0%} of clips")
    print(f"frames a second, tracking aside: median {np.median([r['refined']['fps_render'] for r in table]):.1f}\n")
    print(heading("on a square around the head", TABLE))
    for kind in KINDS:
        means = {key: float(np.mean([rows[kind][key] for rows in table])) for key in TABLE}
        print(row(f"{kind} (our clips)", means, TABLE))
    print("published, of other clips, cut and chosen otherwise: how large such figures are, and no more")
    for name, figures in PUBLISHED.items():
        print(row(name, dict(zip(TABLE, figures, strict=True)), TABLE))
    print()


def other(portraits: list[Path], drivers: list[Path], folder: Path, steps: int) -> None:
    print(heading("another person", OTHER))
    table: dict[str, list[dict]] = {"all": [], "expression": []}
    for portrait, driver in zip(portraits, itertools.cycle(drivers), strict=False):
        driving = track(driver)
        for region, rows in table.items():
            out = folder / f"{portrait.stem}-by-{driver.stem}-{region}.mp4"
            Avatar.from_image(portrait, face="largest").animate(driver, region=region, steps=steps).save(out)
            known = motion_correlation(track(out), driving)
            if region == "expression":
                known.update(yaw=None, pitch=None, roll=None)
            rows.append({**evaluate(out, portrait=portrait, names=FIGURES[: -len(TABLE)]).to_dict(), **known})
            print(row(f"{portrait.stem[:16]} {region}", rows[-1], OTHER), flush=True)
    print()
    for region, rows in table.items():
        print(row(f"median {region}", medians(rows, OTHER), OTHER))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, nargs="*", default=[])
    parser.add_argument("--portraits", type=Path, nargs="*", default=[])
    parser.add_argument("--drivers", type=Path, nargs="*", default=[], help="taken in turn")
    parser.add_argument("--steps", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for the rendered clips")
    args = parser.parse_args()
    if args.portraits and not args.drivers:
        parser.error("--portraits wants --drivers")
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        if not args.clips and not args.portraits:
            print(sample.NOTE)
            own, mirrored = sample.clips(folder, 2)
            args.clips, args.portraits, args.drivers = [own], [sample.portrait(folder)], [mirrored]
        if args.clips:
            same(args.clips, folder, args.steps)
        if args.portraits:
            other(args.portraits, args.drivers, folder, args.steps)


if __name__ == "__main__":
    main()
