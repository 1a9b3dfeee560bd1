"""Fits the mean look of a shut eye: how light it is over the skin around, lash line upon lash line."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from facediff.datasets.recordings import Recording
from facediff.errors import ConfigError
from facediff.landmarks.alignment import warp_affine
from facediff.landmarks.canonical import canonicalise
from facediff.landmarks.eye_window import SIZE, WIDTH, align_eye, fit_light_around, grid
from facediff.landmarks.light import to_log_light
from facediff.media import VideoReader
from facediff.motion import coefficients
from facediff.motion.rig import encode_motion
from facediff.training.faces import is_frontal, read_tracks
from facediff.types import Frame

SHUT = 0.84  # closure of both lids from which an eye is
SMALLEST_PX = 80.0  # outer-eye distance
MAX_YAW_DEG = 25.0
PER_CLIP, CLIPS = 4, 3  # frames of a clip, and clips of a person
LOOKED_AT = 0.33  # eye widths: half the height of what is laid over one another
log = logging.getLogger(__name__)


def collect_shut_eyes(
    clips: Iterable[Recording], tracks: Path, *, closure: float = SHUT
) -> dict[str, list[NDArray[np.float32]]]:
    """For each person, windows (80, 144, 3) of shut eyes, in logarithms over the light of the skin around.

    Args:
        clips: In which people blink.
        tracks: Folder of the cache of tracks.
        closure: Of both lids, from which eyes are shut.
    """
    found: dict[str, list[NDArray[np.float32]]] = defaultdict(list)
    count: dict[str, int] = defaultdict(int)
    u, v = grid()
    ellipse = (u / 0.68) ** 2 + ((v + 0.08) / 0.36) ** 2
    ring = (ellipse > 1) & (ellipse < 1.9) & (v > -0.33)
    for clip in clips:
        if count[clip.identity] == CLIPS:
            continue
        taken = False
        for frame, points in _find_blinks(clip, tracks, closure):
            taken = True
            for side in range(2):
                light = to_log_light(warp_affine(frame, align_eye(points, side), SIZE))
                found[clip.identity].append((light - fit_light_around(light, ring, spread=False)).astype(np.float32))
        count[clip.identity] += taken
        log.info("%s: shut eyes of %d people", clip.name, len(found))
    return dict(found)


def _find_blinks(clip: Recording, tracks: Path, least: float) -> Iterator[tuple[Frame, NDArray[np.float32]]]:
    track = read_tracks(clip, tracks)
    if track is None or not track.usable.any():
        return
    _, pose = canonicalise(track.points)
    closure = np.nan_to_num(encode_motion(track.points)[:, coefficients.LIDS].min(axis=1), nan=-1.0)
    fit = (closure > least) & is_frontal(pose, MAX_YAW_DEG) & (np.nan_to_num(pose.scale) > SMALLEST_PX)
    chosen = {int(row) for row in np.argsort(-closure)[:PER_CLIP] if fit[row]}
    if chosen:
        yield from ((frame, track.points[row]) for row, frame in enumerate(VideoReader(clip.path)) if row in chosen)


def fit_lid(people: Iterable[list[NDArray[np.float32]]], *, rounds: int = 4) -> dict[str, NDArray[np.float16]]:
    """The tensor ``light`` (80, 144, 3) of ``facediff.rendering.inpainting.lids``: people's mean shut eye.

    Each is moved up or down, and bent, until it lies on the mean of all, as lash lines hang differently. A person
    counts once.

    Args:
        people: For each, windows as ``collect_shut_eyes`` gives them.
        rounds: How often all are moved.

    Raises:
        ConfigError: There is nobody.
    """
    known = [windows for windows in people if windows]
    if not known:
        raise ConfigError(
            "nobody in these clips shuts their eyes near enough to the camera; give clips of people who blink"
        )
    looks = [look for windows in known for look in windows]
    share = np.array([1 / (len(known) * len(windows)) for windows in known for _ in windows])
    u, v = grid()
    weight = np.exp(-((u / 0.5) ** 4) - ((v - 0.03) / (LOOKED_AT / 2)) ** 2)
    bent = np.zeros((len(looks), 2))
    moved = np.stack(looks)
    for turn in range(rounds):
        mean = np.tensordot(share, moved, 1).mean(axis=2)
        for row, look in enumerate(looks):
            tries = [
                bent[row] + np.array([shift, bow]) / (1 + turn)
                for shift in np.linspace(-0.05, 0.05, 11)
                for bow in np.linspace(-0.12, 0.12, 7)
            ]
            grey = look.mean(axis=2)
            bent[row] = min(
                tries, key=lambda way: float((weight * (_bend(grey, way) - mean) ** 2).sum() + 3 * abs(way[0]))
            )
        bent -= share @ bent
        moved = np.stack([_bend(look, way) for look, way in zip(looks, bent, strict=True)])
        log.info("round %d of %d", turn + 1, rounds)
    return {"light": np.tensordot(share, moved, 1).astype(np.float16)}


def _bend(look: NDArray[np.float32], way: NDArray[np.float64]) -> NDArray[np.float32]:
    """A window moved down by ``way[0]`` eye widths, and bowed by ``way[1]`` times the square of what is across."""
    u, _ = grid()
    x, y = np.meshgrid(np.arange(SIZE[0], dtype=np.float32), np.arange(SIZE[1], dtype=np.float32))
    y = y + WIDTH * (way[0] + way[1] * u**2) * np.clip(1.6 - 1.4 * np.abs(u), 0, 1)
    return cv2.remap(look, x, y.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
