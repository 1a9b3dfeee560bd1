"""Lips of a stream beside those of a whole file, both of the first frame of a clip that says what the clip says.

    python benchmarks/streaming.py [--clips CLIP.mp4 ...] [--keep FOLDER]

Without clips it runs on clips rendered from the sample portrait. A stream is rendered as a live session shows it whose
machine keeps up: sound comes in packets of 20 ms at real time, no frame knows more than the look-ahead, and each is
painted. What is printed is how the opening of the lips follows that of the clip's own (``aperture_corr``).
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import sample
from table import heading, row

from facediff.avatar import Avatar
from facediff.evaluation.cases import Kit
from facediff.evaluation.report import evaluate
from facediff.media import VideoReader, write_image

KEYS = ("whole", "stream", "less by")


def measure(clip: Path, folder: Path, kit: Kit) -> dict[str, float]:
    """``aperture_corr`` of both ways."""
    sound = clip.with_suffix(".flac") if clip.with_suffix(".flac").is_file() else clip
    picture = folder / f"{clip.stem}.png"
    reader = VideoReader(clip)
    write_image(picture, next(iter(reader)))
    avatar, fps = Avatar.from_image(picture, face="largest"), float(reader.info.fps)
    ways = {"whole": avatar.talk(sound, fps=fps), "stream": avatar.stream(sound, fps=fps)}
    got = {}
    for name, made in ways.items():
        out = folder / f"{clip.stem}-{name}.mp4"
        made.save(out)
        got[name] = evaluate(out, truth=clip, speech=sound, names=("lips",), kit=kit).to_dict()["aperture_corr"]
    return {**got, "less by": got["whole"] - got["stream"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, nargs="*", default=[])
    parser.add_argument("--keep", type=Path, help="folder for what is rendered")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        if not args.clips:
            print(sample.NOTE)
            args.clips = sample.clips(folder, 1)
        kit, table = Kit(), []
        print(heading("aperture_corr", KEYS))
        for clip in args.clips:
            table.append(measure(clip, folder, kit))
            print(row(clip.stem, table[-1], KEYS), flush=True)
        for name, of in (("median", np.median), ("mean", np.mean)):
            print(row(name, {key: float(of([got[key] for got in table])) for key in KEYS}, KEYS))


if __name__ == "__main__":
    main()
