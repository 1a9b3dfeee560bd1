"""Trains domain models of one presenter, paints held-out clips with them, and prints the table.

    python benchmarks/adapt.py [--footage CLIPS/ --held-out CLIP.mp4 ... --others CLIP.mp4 ...]

Without files it learns, in a few steps, from clips rendered of the sample portrait.

Each held-out clip is made again from its first frame, with its own motion and sound, so that only the painting of the
mouth differs: by the warp alone, the prior alone, the small model alone, both composed in several ways, and the prior
with low-rank changes (LoRA) that were trained for as many FLOPs as the small model, and for longer.

``frechet`` is a Fréchet distance over features of the codec (see ``facediff.evaluation.frechet``), fitted to the
footage; its sanity checks are printed first. The other figures are those of ``facediff evaluate``.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import sample
import torch
from flop import count_flop
from table import heading, medians, row

from facediff.audio.wave import load_wave
from facediff.datasets.footage import read_footage
from facediff.diffusion.strength import limit_levels, piecewise_linear
from facediff.evaluation.cases import Kit
from facediff.evaluation.feature_cache import FeatureCache
from facediff.evaluation.frechet import FrechetSpace, mouth_features
from facediff.evaluation.report import evaluate
from facediff.landmarks.tracker import track_face
from facediff.media import VideoReader, VideoWriter
from facediff.motion.rig import encode_motion
from facediff.pipelines.adapted_talk import AdaptedTalkPipeline
from facediff.pipelines.difftalk import DiffTalkPipeline
from facediff.pipelines.domains import read_card
from facediff.pipelines.loading import load_domain_talk, load_talk
from facediff.pipelines.video_adapter import Mix
from facediff.rendering.inpainting.appearance_prior import load_appearance_prior
from facediff.rendering.inpainting.drawn import DrawnInpainter
from facediff.rendering.painting.mouth import MouthPainter, PaintSettings
from facediff.rendering.source import Source
from facediff.rendering.warping.portrait import PortraitWarper
from facediff.tasks.model_cache import load_hearing
from facediff.training.adaptation import LEARNING_RATES, AdaptRecipe, adapt
from facediff.training.runs import FRAMES
from facediff.types import FaceTrack, Frame

SAMPLE_STEPS = 60  # enough to see that it works, and far too few to learn
SAMPLE_SYSTEMS = ["warp alone", "prior alone", "small alone", "normalised", "LoRA, same FLOP"]
KEYS = ("psnr_mouth", "aperture_corr", "lmd_mouth", "sharp_ratio", "flicker", "frechet")


@dataclass(frozen=True)
class Held:
    """A clip held out: its frames, its face, and what is heard at each frame."""

    path: Path
    frames: list[Frame]
    track: FaceTrack
    windows: np.ndarray


def read(path: Path, painting: DiffTalkPipeline) -> Held:
    reader = VideoReader(path)
    track = track_face(reader, float(reader.info.fps))
    frames = list(reader)[: len(track)]
    windows = load_hearing(painting, None, "cpu").encode(load_wave(path), track.fps, len(track))
    return Held(path, frames, track, windows)


def made(held: Held, painting: DiffTalkPipeline | None) -> Iterator[Frame]:
    """The clip from its first frame with a face, moved by its own motion."""
    first = int(np.flatnonzero(held.track.usable)[0])
    motion = encode_motion(held.track.points)
    rows = np.stack([np.interp(np.arange(len(motion)), np.flatnonzero(held.track.usable), c[held.track.usable])
                     for c in motion.T], axis=1).astype(np.float32)  # fmt: skip
    picture = Source(held.frames[first], held.track.take(slice(first, first + 1)), "")
    warper = PortraitWarper(picture, DrawnInpainter(load_appearance_prior()))
    frames = warper.follow(rows, since=rows[first])(slice(0, len(rows)))
    if painting is None:
        return (frame.picture for frame in frames)
    return MouthPainter(painting, PaintSettings()).paint_clip(frames, iter(held.windows))


def write(frames: Iterator[Frame], held: Held, out: Path) -> None:
    info = VideoReader(held.path).info
    with VideoWriter(out, (info.width, info.height), info.fps) as writer:
        for frame in frames:
            writer.write(frame)


def features(paths: list[Path], codec, change: Callable[[list[Frame]], list[Frame]] = lambda f: f) -> np.ndarray:
    found = []
    for path in paths:
        reader = VideoReader(path)
        track = track_face(reader, float(reader.info.fps))
        order = np.arange(len(track))
        frames = change(list(reader))
        if change is shuffled:
            order = np.random.default_rng(0).permutation(len(track))
            track = FaceTrack(track.points[order], track.presence[order], track.size, track.fps)
        found.append(mouth_features([frames[k] for k in order], track, codec))
    return np.concatenate(found)


def shuffled(frames: list[Frame]) -> list[Frame]:
    return frames  # reordered together with the track


def blurred(sigma: float) -> Callable[[list[Frame]], list[Frame]]:
    return lambda frames: [cv2.GaussianBlur(frame, (0, 0), sigma) for frame in frames]


def sanity(space: FrechetSpace, real: np.ndarray, held: list[Path], others: list[Path], codec) -> None:
    print("Fréchet distance to the clips held out, sanity checks:")
    print(f"  every other feature to the rest  {space.distance(real[::2], real[1::2]):10.3f}")
    for sigma in (0.7, 1.5, 2.5):
        figure = space.distance(real, features(held, codec, blurred(sigma)))
        print(f"  blurred by {sigma} pixels            {figure:10.3f}")
    print(f"  frames shuffled                  {space.distance(real, features(held, codec, shuffled)):10.3f}")
    if others:
        print(f"  other people                     {space.distance(real, features(others, codec)):10.3f}")


def flops(pipeline: DiffTalkPipeline, network: torch.nn.Module) -> float:
    """Of one call of a network for one frame, in GFLOP."""
    config = pipeline.unet.config
    clip = network.__class__.__name__ == "UNetMotionModel"
    dtype = next(network.parameters()).dtype
    x = torch.zeros(1, config["in_channels"], FRAMES, 16, 20, dtype=dtype)
    tokens = torch.zeros(FRAMES, 30, config["cross_attention_dim"], dtype=dtype)
    with count_flop() as counter, torch.no_grad():
        network(x if clip else x[0].transpose(0, 1), torch.tensor(500), tokens)
    return counter.get_total_flops() / FRAMES / 1e9


def systems(args: argparse.Namespace, folder: Path) -> dict[str, DiffTalkPipeline | None]:
    """What is compared, by name; domain models are trained where they are not given."""
    small = args.small or folder / "small"
    if not small.exists():
        adapt(args.footage, small, AdaptRecipe(steps=args.steps), model=args.model)
    card = read_card(small)
    _, prior = load_talk(args.model, "cpu")
    _, mixed = load_domain_talk(args.model, small, "cpu")
    assert isinstance(mixed, AdaptedTalkPipeline)
    cost = {"small": flops(prior, mixed.small), "prior": flops(prior, prior.unet)}
    share = mixed.small.num_parameters() / mixed.unet.num_parameters()
    print(f"small: {mixed.small.num_parameters():,} parameters, {share:.1%} of the prior's; {card.seconds:g} s of "
          f"footage, {card.steps} steps, {card.minutes:g} minutes; strength {card.prior_strength:g}")  # fmt: skip
    print(f"GFLOP a call and frame: {cost}")
    best = card.prior_strength
    late = piecewise_linear([(0.5, max(0.0, best - 0.3)), (1.0, min(1.0, best + 0.3))])
    found: dict[str, DiffTalkPipeline | None] = {
        "warp alone": None,
        "prior alone": prior,
        "small alone": mixed.with_mix(Mix(strength=0.0)),
        f"normalised {best:g}": mixed.with_mix(Mix(strength=best)),
        "prior early, fading": mixed.with_mix(Mix(strength=late)),
        "prior early, rising": mixed.with_mix(Mix(strength=lambda level: 2 * best - late(level))),
        f"inverse {1 - best:g}": mixed.with_mix(Mix(strength=max(0.0, 1 - best), inverse=True)),
        "product 0.1 (paper)": mixed.with_mix(
            Mix(strength=limit_levels(0.1, 0.0, 0.99), form="product")
        ),  # not where all is noise
    }
    same_flops = max(20, round(args.steps * cost["small"] / cost["prior"]))
    for what, steps in {"LoRA, same FLOP": same_flops, "LoRA, longer": args.lora_steps}.items():
        lora = folder / f"lora-{steps}"
        if not lora.exists():
            recipe = AdaptRecipe(method="lora", steps=steps, learning_rate=LEARNING_RATES["lora"])
            adapt(args.footage, lora, recipe, model=args.model)
        told = read_card(lora)
        _, found[what] = load_domain_talk(args.model, lora, "cpu")
        print(f"{what}: {steps} steps, {told.minutes:g} minutes")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--footage", type=Path)
    parser.add_argument("--held-out", type=Path, nargs="*", default=[])
    parser.add_argument("--others", type=Path, nargs="*", default=[])
    parser.add_argument("--model", default="base")
    parser.add_argument("--small", type=Path, help="a domain model that is there already")
    parser.add_argument("--steps", type=int, help=f"{AdaptRecipe.steps}; of the sample, {SAMPLE_STEPS}")
    parser.add_argument(
        "--lora-steps", type=int, help="of the second LoRA: a third of the small one's, as many minutes"
    )
    parser.add_argument("--systems", nargs="*", help="only those whose names begin so")
    parser.add_argument("--keep", type=Path, help="folder for models and rendered clips")
    args = parser.parse_args()
    if bool(args.footage) != bool(args.held_out):
        parser.error("--footage and --held-out want each other")
    args.steps = args.steps or (AdaptRecipe.steps if args.footage else SAMPLE_STEPS)
    args.lora_steps = args.lora_steps or max(1, args.steps // 3)
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        if args.footage is None:
            print(sample.NOTE)
            args.footage = folder / "footage"
            args.footage.mkdir(exist_ok=True)
            *_, last = sample.clips(args.footage, 3, seconds=9.0)  # a Fréchet distance wants that much of each half
            args.systems = args.systems or SAMPLE_SYSTEMS
            args.held_out = [last.rename(folder / "held-out.mp4")]
        compared = systems(args, folder)
        _, painting = load_talk(args.model, "cpu")
        codec = painting.codec
        real = features(args.held_out, codec)
        space = FrechetSpace.of(features([c.path for c in read_footage(args.footage)], codec))
        sanity(space, real, args.held_out, args.others, codec)
        held = [read(path, painting) for path in args.held_out]
        kit = Kit(FeatureCache(folder / "features"))  # of truths, which all systems have
        print("\n" + heading("medians over the clips", KEYS))
        for name, system in compared.items():
            if args.systems and not name.startswith(tuple(args.systems)):
                continue
            rows, outs = [], []
            for one in held:
                outs.append(folder / f"{one.path.stem}-{name.replace(' ', '-')}.mp4")
                write(made(one, system), one, outs[-1])
                rows.append(evaluate(outs[-1], truth=one.path, names=KEYS[:-1], kit=kit).to_dict())
            figures = medians(rows, KEYS)
            figures["frechet"] = space.distance(real, features(outs, codec))
            print(row(name, figures, KEYS), flush=True)
            (folder / "table.jsonl").open("a").write(json.dumps({"system": name, **figures}) + "\n")


if __name__ == "__main__":
    main()
