"""Runs: some frames of a clip in a row, through the mouth window, ready for a denoiser of clips.

A run is made of pairs (see ``facediff.training.pairs``) that share their reference moment, their place and the reach of
their mask, as the frames of a rendered clip do. Each clip's runs lie in a folder of their own, made once.
"""

from __future__ import annotations

import logging
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from facediff.audio.encoder import AudioEncoder
from facediff.audio.wave import load_wave
from facediff.datasets.recordings import Recording
from facediff.errors import InputError
from facediff.landmarks.alignment import MOUTH, align
from facediff.landmarks.canonical import canonicalise
from facediff.media import VideoReader
from facediff.models.codec import FaceCodec
from facediff.training.faces import WIDE, Moment, is_frontal, place_points, read_tracks, tick_frames
from facediff.training.latents import to_pictures
from facediff.training.loop import Batch
from facediff.training.pairs import Pair, pair_moments
from facediff.types import FaceTrack

FRAMES = 8  # of a run: what is painted at once
REFERENCES = 24  # moments of a clip that may be shown as a reference
MIN_UNIT_PX = 30.0  # smaller faces teach blur
LATENTS = ("target", "masked", "reference")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ClipRuns:
    """The runs of a clip, N of F frames, mapped from disk.

    Attributes:
        target: Latents (N, F, L, h, w) of what is to be made; ``masked`` without the mouth; ``reference`` warped to the
            target's landmarks.
        masked: See ``target``.
        reference: See ``target``.
        mask: (N, F, 1, h, w) uint8, 255 where to paint.
        lips: (N, F, 2, 4h, 4w) uint8 maps.
        points: Landmarks (N, F, 478, 3) in eye distances from the window's anchor.
        rotation: (N, F, 3, 3) of the head.
        window: Speech features (N, F, columns, dim).
        start: (N,) index of a run's first frame.
    """

    target: NDArray[np.float16]
    masked: NDArray[np.float16]
    reference: NDArray[np.float16]
    mask: NDArray[np.uint8]
    lips: NDArray[np.uint8]
    points: NDArray[np.float16]
    rotation: NDArray[np.float32]
    window: NDArray[np.float16]
    start: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.start)

    def rows(self, rows: slice) -> ClipRuns:
        """Some of them, still mapped."""
        return ClipRuns(**{name: getattr(self, name)[rows] for name in ClipRuns.__annotations__})

    def batch(self, rows: Sequence[int]) -> Batch:
        """Some of them, in floating point, frames first: (B·F, ...)."""
        names = (*LATENTS, "mask", "lips", "points", "rotation", "window")
        parts = {name: torch.from_numpy(getattr(self, name)[rows]).float().flatten(0, 1) for name in names}
        return {name: part / 255 if name in ("mask", "lips") else part for name, part in parts.items()}


def build_runs(
    clips: Sequence[Recording],
    cache: Path,
    codec: FaceCodec,
    encoder: AudioEncoder,
    *,
    per_identity: int | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, ClipRuns]:
    """The runs of all clips by their names; made once, continued where a run was cut off.

    Args:
        clips: Videos; those that show no face for long enough, or only a small one, are left out with a warning.
        cache: Folder for tracks and runs.
        codec: Pictures to latents.
        encoder: Speech to features.
        per_identity: Most runs of a person; every frame is in about one run by default.
        seed: Of places, masks and references.
        progress: Called with how many clips are done and how many there are, often: what it raises ends the work.
    """
    share: dict[str, int] = {}
    for clip in clips:
        share[clip.identity] = share.get(clip.identity, 0) + 1
    known = {}
    for number, clip in enumerate(clips):
        most = None if per_identity is None else max(1, per_identity // share[clip.identity])
        folder = cache / "runs" / clip.name.replace("/", "__")
        tick = None if progress is None else partial(progress, number, len(clips))
        if not folder.is_dir():
            _make(clip, folder, cache / "tracks", codec, encoder, most, [seed, number], tick)
        made = ClipRuns(**{name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in ClipRuns.__annotations__})
        if len(made):
            known[clip.name] = made
        if progress is not None:
            progress(number + 1, len(clips))
    return known


def _make(
    clip: Recording,
    folder: Path,
    tracks: Path,
    codec: FaceCodec,
    encoder: AudioEncoder,
    most: int | None,
    seed: list[int],
    tick: Callable[[], None] | None,
) -> None:
    """Writes a clip's runs beside their folder, then names it: what is cut off is begun anew."""
    rows: dict[str, list[NDArray]] = {name: [] for name in ClipRuns.__annotations__}
    track = read_tracks(clip, tracks, tick)
    starts = np.zeros(0, int) if track is None else _starts(track, most, np.random.default_rng(seed))
    if track is not None and len(starts):
        heard = None
        if clip.sound is not None:
            heard = encoder.encode(load_wave(clip.sound), track.fps, len(track))
        for start, pairs, rotations in _cut(clip, track, starts, seed, tick):
            made = _encode(pairs, codec)
            made["rotation"] = rotations
            silence = np.zeros((FRAMES, encoder.tokens, encoder.dim), np.float16)
            made["window"] = silence if heard is None else heard[start : start + FRAMES].astype(np.float16)
            made["start"] = np.array(start)
            for name, value in made.items():
                rows[name].append(value)
    else:
        log.warning("no face for %d frames in a row in %s; left out", FRAMES, clip.name)
    unfinished = folder.with_name(folder.name + ".partial")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    for name, values in rows.items():
        np.save(unfinished / f"{name}.npy", np.stack(values) if values else np.zeros(0))
    unfinished.rename(folder)


def read_pictures(clip: Recording, cache: Path, *, most: int, seed: int) -> NDArray[np.uint8]:
    """The pictures of runs of a clip through the mouth window, (N, F, H, W, 3); made once, empty without a face."""
    path = cache / "run-pictures" / (clip.name.replace("/", "__") + ".npy")
    if not path.is_file():
        track = read_tracks(clip, cache / "tracks")
        starts = np.zeros(0, int) if track is None else _starts(track, most, np.random.default_rng(seed))
        made = np.zeros((0, FRAMES, *MOUTH.size[::-1], 3), np.uint8)
        if track is not None and len(starts):
            runs = _cut(clip, track, starts, [seed], None)
            made = np.stack([np.stack([pair.target for pair in pairs]) for _, pairs, _ in runs])
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".partial.npy")
        np.save(unfinished, made)
        unfinished.rename(path)
    return np.load(path, mmap_mode="r")


def _starts(track: FaceTrack, most: int | None, rng: np.random.Generator) -> NDArray[np.int64]:
    """Where runs begin: one after the other, or so many anywhere."""
    _, pose = canonicalise(track.points)
    good = track.usable & is_frontal(pose) & (np.nan_to_num(pose.scale) >= MIN_UNIT_PX)
    whole = np.convolve(good, np.ones(FRAMES), "valid") == FRAMES if len(good) >= FRAMES else np.zeros(0, bool)
    possible = np.flatnonzero(whole)
    chosen: list[int] = []
    for start in possible:
        if not chosen or start >= chosen[-1] + FRAMES:
            chosen.append(int(start))
    if most is not None and len(chosen) > most:
        return np.sort(rng.choice(possible, most, replace=False))
    return np.array(chosen, np.int64)


def _cut(
    clip: Recording, track: FaceTrack, starts: NDArray[np.int64], seed: list[int], tick: Callable[[], None] | None
) -> Iterator[tuple[int, list[Pair], NDArray[np.float32]]]:
    """Each run's start, pairs and head rotations (F, 3, 3), in two passes over the video: references, then frames."""
    _, pose = canonicalise(track.points)
    alignment = align(pose, WIDE)

    def moment(frame: NDArray[np.uint8], row: int) -> Moment:
        points = place_points(track, pose, alignment, row)
        return Moment(alignment.crop(frame, row), points, pose.rotation[row].astype(np.float32))

    good = np.flatnonzero(track.usable & is_frontal(pose))
    wanted = set(good[np.linspace(0, len(good) - 1, min(REFERENCES, len(good))).astype(int)])
    shown_first = enumerate(tick_frames(VideoReader(clip.path), tick))
    references = {row: moment(frame, row) for row, frame in shown_first if row in wanted}
    if not references:
        raise InputError(f"{clip.path} changed while it was read")
    needed = {start + i for start in starts for i in range(FRAMES)}
    coming, recent = deque(starts.tolist()), deque[tuple[int, Moment]](maxlen=FRAMES)
    for row, frame in enumerate(tick_frames(VideoReader(clip.path), tick)):
        if row not in needed or row >= len(track):
            continue
        recent.append((row, moment(frame, row)))
        while coming and row == coming[0] + FRAMES - 1:
            start = coming.popleft()
            rng = np.random.default_rng([*seed, start])
            far = [r for r in references if abs(r - start - FRAMES // 2) > FRAMES] or list(references)
            known, place = references[int(rng.choice(far))], int(rng.integers(2**31))
            shown = [moment for row, moment in recent if row >= start]
            pairs = [pair_moments(one, known, np.random.default_rng(place)) for one in shown]
            yield start, pairs, np.stack([one.rotation for one in shown])


@torch.no_grad()
def _encode(pairs: list[Pair], codec: FaceCodec) -> dict[str, NDArray]:
    """The fields of a run that come of its pictures and landmarks."""
    mask = np.stack([pair.mask for pair in pairs])[:, None]
    target, reference = (to_pictures(np.stack([getattr(p, name) for p in pairs])) for name in ("target", "reference"))
    hidden = target.masked_fill(torch.from_numpy(mask > 0), 0.0)
    images = torch.cat([target, hidden, reference]).contiguous(memory_format=torch.channels_last)
    latents = np.split(codec.encode(images.to(codec.dtype)).half().numpy(), len(LATENTS))
    covered = torch.nn.functional.avg_pool2d(torch.from_numpy(mask).float(), FaceCodec.stride)
    return {
        **dict(zip(LATENTS, latents, strict=True)),
        "mask": covered.round().byte().numpy(),
        "lips": np.stack([pair.lips for pair in pairs]),
        "points": MOUTH.in_units(np.stack([pair.points for pair in pairs])).astype(np.float16),
    }
