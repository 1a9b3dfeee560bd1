"""Measures between which ends the layers of the embedded networks see inputs, and writes that beside the weights.

    python benchmarks/ranges.py [--clips CLIP.mp4 ...] [--frames 40]

A back end rounds to whole numbers between these ends; see ``facediff.backends.ranges``. To be run anew whenever the
codec or a denoiser is trained anew: ranges of other weights are not used. Clips are dubbed with their own speech, or
with a .flac of their name beside them, and the first frame of each is spoken with and driven by it; without clips the
sample portrait is, and nothing is written.
"""

from __future__ import annotations

import argparse
import os
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

import sample
import torch
from skimage.data import astronaut

from facediff.audio.wave import load_wave
from facediff.avatar import Avatar
from facediff.backends.choice import TORCH, VARIABLE
from facediff.backends.ranges import FILE, record_ranges, write_ranges
from facediff.media import VideoReader
from facediff.system.weights import model_folder
from facediff.tasks import model_cache


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", nargs="*", type=Path, default=[])
    parser.add_argument("--frames", type=int, default=40, help="of each clip")
    args = parser.parse_args()
    os.environ[VARIABLE] = TORCH
    torch.set_num_threads(1)
    talking, refining = model_cache.load_talk("base", "cpu", None)[1], model_cache.load_refiner("base", "cpu", None)
    codec, measured = model_folder("base", "codec"), []
    with ExitStack() as recording:
        for file, modules in {
            codec / f"encoder-{FILE}": (talking.codec.encoder, refining.codec.encoder),
            codec / f"decoder-{FILE}": (talking.codec.decoder, refining.codec.decoder),
            model_folder("base", "difftalk") / "unet" / FILE: (talking.unet,),
            model_folder("base", "fadm") / "unet" / FILE: (refining.unet,),
        }.items():
            measured.append((file, modules, [recording.enter_context(record_ranges(module)) for module in modules]))
        for clip, wave in pairs(args.clips):
            print(clip)
            render(clip, wave, args.frames)
    for file, modules, ranges in measured:
        joined: dict[str, tuple[float, float]] = {}
        for name in ranges[0]:
            lows, highs = zip(*(each[name] for each in ranges), strict=True)
            joined[name] = (min(lows), max(highs))
        if args.clips:
            write_ranges(file, modules[0], joined)
        print(file, len(joined))


def pairs(clips: list[Path]) -> list[tuple[Path | None, Path]]:
    """Clips with their speech, or the sample portrait with its own."""
    beside = [clip.with_suffix(".flac") for clip in clips]
    spoken = [flac if flac.is_file() else clip for clip, flac in zip(clips, beside, strict=True)]
    return [*zip(clips, spoken, strict=True)] or [(None, sample.SPEECH)]


def render(clip: Path | None, speech: Path, count: int) -> None:
    portrait = astronaut() if clip is None else next(iter(VideoReader(clip)))
    still = Avatar.from_image(portrait, device="cpu")
    wave = load_wave(speech)
    made = [still.talk(wave)]
    if clip is not None:
        made += [still.animate(clip), Avatar.from_video(clip, device="cpu").talk(wave)]
    for one in made:
        for _ in islice(one, count):
            pass


if __name__ == "__main__":
    main()
