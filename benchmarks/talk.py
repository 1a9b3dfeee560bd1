"""Dubs clips with their own speech and lets portraits speak, and prints the scores beside two baselines.

    python benchmarks/talk.py --clips CLIP.mp4 ... --scorer score_video.py [--portrait P.jpg --speech S.wav]

The baselines are the first frame, frozen, and the mesh warp without the diffusion model. The scorer is any program
that takes OUT --truth TRUTH --json, or OUT --portrait P --speech S --json, and prints one JSON object.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from facediff.avatar import Avatar
from facediff.media import VideoReader, VideoWriter

SHOWN = ("aperture_corr", "lmd_mouth", "psnr_mouth", "psnr", "sharp_ratio", "flicker", "face_rate", "sync_corr")


def freeze(clip: Path, out: Path) -> None:
    reader = VideoReader(clip)
    frames = list(reader)
    with VideoWriter(out, (reader.info.width, reader.info.height), reader.info.fps) as writer:
        for _ in frames:
            writer.write(frames[0])


def score(scorer: Path, out: Path, *more: str) -> dict:
    done = subprocess.run(
        [sys.executable, str(scorer), str(out), *more, "--json"], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def row(name: str, figures: dict) -> str:
    cells = [figures.get(key) for key in SHOWN]
    return f"{name:34}" + "".join(f"{'-' if c is None else format(c, '.3f'):>14}" for c in cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, nargs="*", default=[])
    parser.add_argument("--scorer", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--keep", type=Path, help="folder for the rendered clips")
    args = parser.parse_args()
    print(f"{'':34}" + "".join(f"{key:>14}" for key in SHOWN))
    table: dict[str, list[dict]] = {"frozen": [], "warp": [], "facediff": [], "truth": []}
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.keep or Path(scratch)
        for clip in args.clips:
            avatar = Avatar.from_video(clip)
            for kind in ("frozen", "warp", "facediff"):
                out = folder / f"{clip.stem}-{kind}.mp4"
                started = time.monotonic()
                if kind == "frozen":
                    freeze(clip, out)
                else:
                    avatar.talk(speech_of(clip), steps=args.steps, paint=kind == "facediff").save(out)
                seconds = time.monotonic() - started
                figures = score(args.scorer, out, "--truth", str(clip))
                table[kind].append(figures)
                print(row(f"{clip.stem[:20]} {kind}", figures), f"{figures['frames'] / seconds:6.1f} fps", flush=True)
            table["truth"].append(table["facediff"][-1]["truth"])
    summary(table)


def speech_of(clip: Path) -> Path:
    beside = clip.with_suffix(".flac")
    return beside if beside.is_file() else clip


def summary(table: dict[str, list[dict]]) -> None:
    print()
    for kind, rows in table.items():
        keys = [key for key in SHOWN if rows and rows[0].get(key) is not None]
        print(row(f"median {kind}", {k: float(np.median([r[k] for r in rows if r.get(k) is not None])) for k in keys}))
    for key, sign in (("lmd_mouth", -1), ("psnr_mouth", 1)):
        ours = [sign * r[key] for r in table["facediff"]]
        for kind in ("frozen", "warp"):
            theirs = [sign * r[key] for r in table[kind]]
            share = np.mean([a > b for a, b in zip(ours, theirs, strict=True)])
            print(f"{key} better than {kind}: {share:.0%} of clips")


if __name__ == "__main__":
    main()
