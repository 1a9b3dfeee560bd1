"""Trains the temporal layer of the network that makes pictures twice as large, on moments of clips and their halves."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from facediff.datasets.recordings import Recording, Source, read_recordings
from facediff.errors import InputError, MediaError
from facediff.media import VideoReader, VideoWriter
from facediff.models.checkpoints import open_network
from facediff.models.super_resolver import FOLD, MOST_CHANGE, MOST_NOISE, NeighbourDetail, SuperResolver
from facediff.rendering.enlarging import Enlarger, Look, find_change
from facediff.system.device import choose_device, choose_dtype
from facediff.training.loop import Batch, LoopConfig, fit
from facediff.training.stages import save_network
from facediff.training.super_resolution import LEAST_SIDE, halve
from facediff.types import Frame

CHANNELS = 48  # of the layer
PLACES = 36  # on a side of a patch: four pixels of an enlarged frame each
PIXELS = FOLD * SuperResolver.scale * PLACES
EDGE = 10  # pixels of a patch at which errors do not count, where a convolution sees no picture
RUNS = 300  # that are looked at, in all, of each clip in turn
RUN, LEAD = 8, 8  # frames of one, of which the inner ones are learnt from; coded before it, as a codec takes to settle
PATCHES, TRIED = 6, 15  # that are kept of a frame, those that lack most of so many
SIDE = 640  # pixels of what is cut out of larger frames
SCALES = (1.0, 0.75, 0.5)  # at which clips are seen: the first at which they have detail to teach
SOFT = 46.0  # dB by which a frame comes back from bicubic halves that has none
HALVED = ("area", "bicubic", "linear")
WAYS, SHARES = (*HALVED, "coded", "noisy"), (0.32, 0.22, 0.08, 0.26, 0.12)
CRF = (16, 31)  # of what is coded
ALONE = 0.06  # of patches for each neighbour, which then is not there
_STEPS = 127 / MOST_CHANGE
_KINDS = {"features": np.float16, "changes": np.int8, "lacking": np.float16}
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Moments:
    """Patches of frames as they are enlarged by themselves, beside their neighbours.

    Attributes:
        features: (N, F, 36, 36) float16, what the network knows of each.
        changes: (N, 144, 144, 6) int8, what both neighbours have more, in 127ths of ``MOST_CHANGE``.
        lacking: (N, 144, 144, 3) float16, what the enlarged frame lacks of the true one, for pictures in [-1, 1].
    """

    features: NDArray[np.float16]
    changes: NDArray[np.int8]
    lacking: NDArray[np.float16]


class MomentDraw:
    """Draws batches of patches; time runs either way in them, and some have one neighbour or none.

    Args:
        moments: What there is.
        batch_size: Patches to a step.

    Raises:
        InputError: There are fewer patches than a step takes.
    """

    def __init__(self, moments: Moments, batch_size: int = 12) -> None:
        if len(moments.changes) < batch_size:
            raise InputError(f"there are {len(moments.changes)} patches to learn from; a step takes {batch_size}")
        self._moments, self._size = moments, batch_size

    def __call__(self, rng: np.random.Generator) -> Batch:
        rows = np.sort(rng.choice(len(self._moments.changes), self._size, replace=False))
        changes = self._moments.changes[rows].astype(np.float32) / np.float32(_STEPS)
        sides = np.split(changes, 2, axis=3)
        for side in sides:
            side[rng.random(self._size) < ALONE] = 0
        is_reversed = (rng.random(self._size) < 0.5)[:, None, None, None]
        changes = np.where(is_reversed, np.concatenate(sides[::-1], axis=3), np.concatenate(sides, axis=3))
        return {
            "features": torch.from_numpy(self._moments.features[rows].astype(np.float32)),
            "changes": _as_channels(changes),
            "lacking": _as_channels(self._moments.lacking[rows].astype(np.float32)),
        }


def _as_channels(patches: NDArray[np.float32]) -> Tensor:
    return torch.from_numpy(patches).permute(0, 3, 1, 2).contiguous()


def recalling_loss(model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
    """Root mean square error of enlarged patches; in the log, the dB that the layer gains over none."""
    error = _rms(batch["lacking"] - model(batch["features"], batch["changes"]).float())
    gain = 20 * (_rms(batch["lacking"]) / error.detach()).log10().mean()
    return error.mean(), {"gain": float(gain)}


def _rms(errors: Tensor) -> Tensor:
    """The root of the mean square of each patch (B,)."""
    return (errors[..., EDGE:-EDGE, EDGE:-EDGE].square().mean((1, 2, 3)) + 1e-7).sqrt()


def build_moments(clips: list[Recording], network: SuperResolver, folder: Path, *, seed: int = 0) -> Moments:
    """Moments of all clips that are large and sharp enough; made once, mapped from disk.

    Args:
        clips: Videos.
        network: Makes frames larger, each by itself.
        folder: Of the cache.
        seed: Of what is looked at.

    Raises:
        InputError: No clip is large and sharp enough, or the moments that are there are of other clips.
    """
    listed = folder / "clips.txt"
    names = [clip.name for clip in clips]
    if listed.is_file():
        total, *known = listed.read_text(encoding="utf-8").split("\n")
        if known != names:
            raise InputError(f"{folder} holds moments of other clips; give another --cache, or remove it")
        return Moments(*(np.load(folder / f"{kind}.npy", mmap_mode="r")[: int(total)] for kind in _KINDS))
    seen = [(clip, scale) for clip in clips if (scale := _choose_scale(clip)) is not None]
    if not seen:
        raise InputError(
            f"none of {len(clips)} clips has {LEAST_SIDE} pixels on its shorter side and detail in all of them"
        )
    folder.mkdir(parents=True, exist_ok=True)
    most = RUNS * (RUN - 2) * PATCHES
    shapes = ((network.config["channels"], PLACES, PLACES), (PIXELS, PIXELS, 6), (PIXELS, PIXELS, 3))
    kept = [
        np.lib.format.open_memmap(folder / f"{kind}.npy", "w+", dtype, (most, *shape))
        for (kind, dtype), shape in zip(_KINDS.items(), shapes, strict=True)
    ]
    count = 0
    for number in range(RUNS):
        clip, scale = seen[number % len(seen)]
        for patch in _look_at_run(clip, scale, network, np.random.default_rng([seed, number])):
            for array, values in zip(kept, patch, strict=True):
                array[count] = values
            count += 1
        if (number + 1) % 20 == 0:
            log.info("%d of %d runs, %d patches", number + 1, RUNS, count)
    for array in kept:
        array.flush()
    listed.write_text("\n".join([str(count), *names]), encoding="utf-8")
    return build_moments(clips, network, folder, seed=seed)


def _choose_scale(clip: Recording) -> float | None:
    """The largest scale at which a clip has detail that its half lacks; None where there is none, or it is small."""
    video = VideoReader(clip.path)
    if min(video.info.width, video.info.height) < LEAST_SIDE:
        return None
    total = _count(video)
    for _, frame in video.take({total // 2}):
        for scale in SCALES:
            seen = _shrink(frame, scale)
            wide = cv2.resize(halve(seen, "area"), None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
            if min(seen.shape[:2]) >= 4 * PIXELS // 3 and cv2.PSNR(wide, seen) < SOFT:
                return scale
    return None


def _count(video: VideoReader) -> int:
    return max(1, int(video.info.seconds * float(video.info.fps)))


def _shrink(frame: Frame, scale: float) -> Frame:
    """A frame at a scale, of sides that can be halved twice."""
    if scale < 1:
        frame = np.asarray(cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    height, width = (side // 4 * 4 for side in frame.shape[:2])
    return np.ascontiguousarray(frame[:height, :width])


def _look_at_run(
    clip: Recording, scale: float, network: SuperResolver, rng: np.random.Generator
) -> Iterator[tuple[NDArray, NDArray, NDArray]]:
    """Patches of a few frames in a row, from anywhere in a clip, halved in one of the ways: as ``Moments`` has them."""
    video, way = VideoReader(clip.path), rng.choice(WAYS, p=SHARES)
    lead = LEAD if way == "coded" else 0
    first = int(rng.integers(0, max(1, _count(video) - RUN - lead)))
    frames = [_shrink(frame, scale) for _, frame in video.take(range(first, first + RUN + lead))]
    if len(frames) < lead + 3:
        return
    top, left = (int(rng.integers(0, max(0, side - SIDE) // 4 + 1)) * 4 for side in frames[0].shape[:2])
    frames = [np.ascontiguousarray(frame[top : top + SIDE, left : left + SIDE]) for frame in frames]
    how = str(way if way in HALVED else rng.choice(HALVED[:2]))
    small = [halve(frame, how) for frame in frames]
    if way == "coded":
        small = _code(small, int(rng.integers(*CRF)))
    noise = float(rng.uniform(0.01, MOST_NOISE)) if way == "noisy" else 0.0
    enlarger, looks = Enlarger(network, noise=noise), []
    for half in small[lead:]:
        grain = 127.5 * noise * rng.standard_normal(half.shape)
        looks.append(enlarger.look(np.clip(np.rint(half + grain), 0, 255).astype(np.uint8)))
    for place, frame in list(enumerate(frames[lead:]))[1:-1]:
        yield from _cut(looks[place - 1], looks[place], looks[place + 1], frame, rng)


def _code(frames: list[Frame], crf: int) -> list[Frame]:
    """Frames as H.264 gives them back."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "coded.mp4"
        height, width = frames[0].shape[:2]
        with VideoWriter(path, (width, height), Fraction(25), crf=crf) as writer:
            for frame in frames:
                writer.write(frame)
        made = list(VideoReader(path))
    if len(made) != len(frames):
        raise MediaError(f"of {len(frames)} frames that were coded {len(made)} came back")
    return made


def _cut(
    before: Look, now: Look, after: Look, frame: Frame, rng: np.random.Generator
) -> Iterator[tuple[NDArray, NDArray, NDArray]]:
    """Patches of a frame, of those that lack most of it; none at a cut."""
    changes = [find_change(now, other) for other in (before, after)]
    if any(change is None for change in changes):
        return
    both = np.concatenate([np.asarray(change) for change in changes], axis=2)
    lacking = frame.astype(np.float32) / np.float32(127.5) - 1 - now.made
    fold = FOLD * SuperResolver.scale
    tops, lefts = (rng.integers(0, side // fold - PLACES + 1, TRIED) for side in frame.shape[:2])
    found = []
    for top, left in zip(tops.tolist(), lefts.tolist(), strict=True):
        box = slice(fold * top, fold * top + PIXELS), slice(fold * left, fold * left + PIXELS)
        places = slice(top, top + PLACES), slice(left, left + PLACES)
        found.append((float(np.abs(lacking[box]).mean()), places, box))
    for _, places, box in sorted(found, key=lambda one: -one[0])[:PATCHES]:
        known = now.features[0][(slice(None), *places)].float().cpu().numpy()
        yield known, np.rint(both[box] * np.float32(_STEPS)), lacking[box]


def run_super_resolution_time(
    catalog: Path | Source,
    cache: Path,
    model: Path,
    config: LoopConfig,
    *,
    licence: str = "permissive",
    start: str | None = None,
) -> None:
    """Trains a temporal layer and writes it, in the network that it belongs to, to ``model/super_resolution``.

    The network itself stays as it is.

    Args:
        catalog: CSV as ``read_recordings`` wants it.
        cache: Folder for moments; filled at the first run.
        model: Model folder to write to.
        config: How long, how fast.
        licence: As in ``read_recordings``.
        start: The model whose network gets the layer; ``model`` itself where it has one, else the embedded one.

    Raises:
        InputError: No clip is large and sharp enough.
    """
    of = start or (str(model) if (model / "super_resolution").is_dir() else "base")
    network = open_network(SuperResolver, of, "super_resolution")
    clips = read_recordings(catalog, kinds=("av", "silent"), licence=licence)
    place = choose_device()
    looking = deepcopy(network).to(place, choose_dtype(place))
    moments = build_moments(clips, looking, cache / "moments", seed=config.seed)
    train_temporal(network, moments, config)
    save_network(network, model / "super_resolution")


def train_temporal(network: SuperResolver, moments: Moments, config: LoopConfig) -> NeighbourDetail:
    """Trains a fresh temporal layer of a network, which then has it, and returns the layer.

    Raises:
        InputError: There are fewer patches than a step takes.
    """
    draw = MomentDraw(moments)
    torch.manual_seed(config.seed)
    layer = network.add_temporal(CHANNELS)
    fit(layer.train(), draw, recalling_loss, config)
    layer.eval()
    return layer
