"""Whether somebody stays who they are: frames made from the first one, beside frames each made from the one before.

    python benchmarks/identity_drift.py [--clips CLIP.mp4 ...] [--frames 250]

Without clips it runs on one rendered from the sample portrait. The first frame of a clip is carried to the landmarks of
each of its frames, and refined, as ``facediff animate`` does; but for the correction of what the warp misses, which
looks at all frames beforehand. So VIDM makes videos: a first frame says who it is, and each other one is made from it
(Mei and Patel, "VIDM", AAAI 2023). Beside it, each frame is made from the made one before. Printed are, of the cosine
of identity vectors with the first frame (as ``csim_facediff``), the mean over the last tenth of the frames, and the
slope by least squares, for 100 frames; those of the filmed frames too, as a head that turns looks less like itself. And
calls of the denoiser a frame, and the most memory that the process has had after these frames and after four times as
many, made in one stream, the clip played back and forth.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
from collections.abc import Iterable, Iterator
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import sample
import torch
from table import heading, row

from facediff.evaluation.networks import embedded
from facediff.landmarks.smoothing import smooth_track
from facediff.landmarks.tracker import track_face
from facediff.media import VideoReader
from facediff.rendering.frame import WarpedFrame
from facediff.rendering.painting.face import FaceRefiner, RefineSettings
from facediff.rendering.source import Source
from facediff.rendering.warping.portrait import PortraitWarper
from facediff.system.weights import EMBEDDED
from facediff.tasks.model_choice import ModelChoice
from facediff.types import FaceTrack, Frame, Points

KEYS = ("filmed", "from the first", "from the last")
MODELS = ModelChoice(EMBEDDED, "cpu")


def carry(picture: Frame, track: FaceTrack, wanted: Points) -> Iterator[WarpedFrame]:
    """A picture of a face, which has a track of one row, with that face at each of the landmarks (T, 478, 3)."""
    warper = PortraitWarper(Source(picture, track, ""), MODELS.load_inpainter())
    return warper.reach(wanted, is_corrected=False)(slice(0, len(wanted)))


def from_first(picture: Frame, track: FaceTrack) -> Iterator[Frame]:
    """Frames each of which is made from the picture."""
    return FaceRefiner(MODELS.load_refiner(), RefineSettings())(carry(picture, track.take([0]), track.points))


def from_last(picture: Frame, track: FaceTrack) -> Iterator[Frame]:
    """Frames each of which is made from the one before, of which a picture is the first."""
    refiner = FaceRefiner(MODELS.load_refiner(), RefineSettings())
    yield picture
    for before, now in pairwise(range(len(track))):
        (picture,) = refiner(carry(picture, track.take([before]), track.points[[now]]))
        yield picture


def likeness(frames: Iterable[Frame], track: FaceTrack) -> np.ndarray:
    """The cosine (T,) of the identity in each frame with that in the first."""
    codec, encoder = embedded.load_codec(EMBEDDED), embedded.load_identity(EMBEDDED)
    pairs = zip(frames, track.points, strict=False)
    vectors = np.array([embedded.picture_identity(frame, points, codec, encoder) for frame, points in pairs])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors @ vectors[0]


def read(clip: Path, count: int) -> FaceTrack:
    """The face of the first frames of a clip, as far as all of them show it."""
    reader = VideoReader(clip)
    track = smooth_track(track_face(islice(reader, count), float(reader.info.fps)))[0]
    return track.take(slice(0, int(np.append(track.usable, False).argmin())))


def measure(clip: Path, track: FaceTrack) -> tuple[dict[str, float], dict[str, float]]:
    """By way, how like the first frame the last ones are, and the slope."""
    picture = next(iter(VideoReader(clip)))
    ways = dict(zip(KEYS, (VideoReader(clip), from_first(picture, track), from_last(picture, track)), strict=True))
    like = {way: likeness(frames, track) for way, frames in ways.items()}
    ends = {way: float(curve[-max(1, len(curve) // 10) :].mean()) for way, curve in like.items()}
    return ends, {way: float(100 * np.polyfit(np.arange(len(curve)), curve, 1)[0]) for way, curve in like.items()}


def count_calls(clip: Path, track: FaceTrack) -> tuple[float, float, float]:
    """Calls of the denoiser a frame, and the most memory in MiB after all frames, and after four times as many."""
    last, calls, peaks = len(track) - 1, 0, []

    def count(_: torch.nn.Module, args: tuple[torch.Tensor, ...]) -> None:
        nonlocal calls
        calls += len(args[0])

    hook = MODELS.load_refiner().unet.register_forward_pre_hook(count)
    played = track.take(last - np.abs(np.arange(4 * len(track)) % (2 * last) - last))
    for done, _ in enumerate(from_first(next(iter(VideoReader(clip))), played), 1):
        if done in (len(track), len(played)):
            peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    hook.remove()
    return calls / len(played), *peaks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, nargs="*", default=[])
    parser.add_argument("--frames", type=int, default=250)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if not args.clips:
            print(sample.NOTE)
            args.clips = sample.clips(Path(folder), 1, seconds=1.0)
        tracks = [read(clip, args.frames) for clip in args.clips]
        calls, before, after = count_calls(args.clips[0], tracks[0])
        count = len(tracks[0])
        print(f"calls of the denoiser a frame: {calls:.2f}")
        print(f"memory at most after {count} frames: {before:.0f} MiB, after {4 * count}: {after:.0f} MiB\n")
        names, table = ("at the end", "slope"), []
        print(heading("", KEYS))
        for clip, track in zip(args.clips, tracks, strict=True):
            table.append(measure(clip, track))
            for name, figures in zip(names, table[-1], strict=True):
                print(row(f"{clip.stem[:14]} {len(track)} {name}", figures, KEYS), flush=True)
        for place, name in enumerate(names):
            means = {way: float(np.mean([found[place][way] for found in table])) for way in KEYS}
            print(row(f"mean {name}", means, KEYS))


if __name__ == "__main__":
    main()
