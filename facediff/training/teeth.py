"""Fits the mean upper teeth: smiles laid over one another, tooth upon tooth.

Source: Learned-Miller, "Data Driven Image Models through Continuous Joint Alignment", PAMI 2006 (congealing); here a
shift and a size are sought for each picture, against the mean of the others.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter1d, maximum_filter1d

from facediff.datasets.recordings import Recording
from facediff.errors import ConfigError
from facediff.landmarks import masks
from facediff.landmarks.alignment import MOUTH, align
from facediff.landmarks.canonical import canonicalise
from facediff.landmarks.mesh import LIPS_INNER
from facediff.media import read_image
from facediff.motion.coefficients import lip_opening
from facediff.training.faces import is_frontal, read_tracks

UNIT_PX = 288.0  # pixels to an eye distance
FINE = replace(MOUTH, size=(320, 256), unit_px=UNIT_PX, anchor_px=(160.0, 108.0))
OPEN, SHARP_PX, MAX_YAW_DEG = 0.07, 200.0, 25.0  # smiles that are wide, near and frontal
INNER_PX = 7  # of the edge of lips, which belong to no tooth
BRIGHT = 85  # percentile of what a smile shows that is its light
SLOW_PX = 14.0  # teeth are told by what is finer
CANVAS, ORIGIN = (400, 200), (200.0, 60.0)  # where smiles are laid, by the middle of the mouth and of the upper lip
ROUNDS, COARSE = 7, 4  # all sizes and shifts are tried in the first ones
SIZES, REACH_PX, OVERLAP = (0.82, 1.22), 26, 0.7
FADE_PX = 14.0  # at the edge of what a smile shows, so that none leaves a seam
KNOWN = 0.06  # of the most weight, from which a mean is trusted
PLATE = (193, 56)  # what is kept
GUMS = 12  # rows above teeth
SIDES, ENDS = 16.0, 2.5  # columns and rows over which teeth end
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Smile:
    """What a smile shows.

    Attributes:
        picture: (256, 320, 3) float32 over its own light.
        shown: (256, 320) float32, 1 between the lips.
        middle: (x, y) of the mouth's corners, and of the upper lip.
    """

    picture: NDArray[np.float32]
    shown: NDArray[np.float32]
    middle: tuple[float, float]


def collect_smiles(clips: Iterable[Recording], tracks: Path) -> list[Smile]:
    """The wide, near and frontal smiles among portraits.

    Args:
        clips: Stills.
        tracks: Folder of the cache of tracks.
    """
    found = []
    for clip in clips:
        track = read_tracks(clip, tracks)
        if track is None:
            continue
        canonical, pose = canonicalise(track.points)
        if lip_opening(canonical)[0] < OPEN or pose.scale[0] < SHARP_PX or not is_frontal(pose, MAX_YAW_DEG)[0]:
            continue
        alignment = align(pose, FINE)
        window = alignment.crop(read_image(clip.path), 0)
        smile = cut_smile(window, alignment.to_crop(track.points[0], 0))
        if smile is not None:
            found.append(smile)
            log.info("%s: %d smiles", clip.name, len(found))
    return found


def cut_smile(window: NDArray[np.uint8], points: NDArray[np.floating]) -> Smile | None:
    """The smile of a window (256, 320, 3), landmarks (478, 2) in its pixels; None where it shows too little."""
    picture = window.astype(np.float32)
    between = masks.region(points[LIPS_INNER], FINE.size, UNIT_PX)
    shown = (cv2.erode(between, np.ones((INNER_PX, INNER_PX))) > 0.5).astype(np.float32)
    if shown.sum() < 800:
        return None
    grey = picture.mean(axis=2)
    bright = float(np.percentile(grey[shown > 0], BRIGHT))
    middle = (float(points[[78, 308], 0].mean()), float(points[13, 1]))
    return Smile(picture / bright, shown, middle)


def fit_teeth(found: list[Smile], *, rounds: int = ROUNDS) -> dict[str, NDArray[np.floating]]:
    """The tensors of ``facediff.rendering.inpainting.mouth``: ``picture`` (56, 193, 4), ``unit_px`` and ``edge_row``.

    Args:
        found: Smiles of many people.
        rounds: How often each is laid anew.

    Raises:
        ConfigError: There are fewer than two.
    """
    if len(found) < 2:
        raise ConfigError(
            f"{len(found)} of the portraits smile widely, near and into the camera; give two of kind still at least"
        )
    ways, alike = [(1.0, 0.0, 0.0)] * len(found), np.ones(len(found))
    for turn in range(rounds):
        spread = (alike - np.median(alike)) / (alike.std() + 1e-6)
        weights = np.exp(1.2 * np.clip(spread, -1, 2))
        laid = [(_lay(s.picture, s, way), _lay(s.shown, s, way)) for s, way in zip(found, ways, strict=True)]
        total = sum(w * shown[..., None] * picture for w, (picture, shown) in zip(weights, laid, strict=True))
        weight = sum(w * shown for w, (_, shown) in zip(weights, laid, strict=True))
        for row, (smile, (picture, shown)) in enumerate(zip(found, laid, strict=True)):
            others = weight - weights[row] * shown
            mean = (total - weights[row] * shown[..., None] * picture) / np.maximum(others, 1e-6)[..., None]
            known = (others > 0.05 * weight.max()).astype(np.float32)
            ways[row], alike[row] = _search(
                smile, ways[row], _high_pass(mean.mean(axis=2), known), known, turn < COARSE
            )
        log.info("round %d of %d: alike to %.2f", turn + 1, rounds, alike.mean())
    mean, weight = _average(found, ways, np.exp(6 * (alike - np.median(alike))))
    picture, edge_row = _cut_plate(*_symmetrise(mean, weight))
    unit = UNIT_PX * float(np.mean([size for size, _, _ in ways]))
    return {
        "picture": picture.astype(np.float16),
        "unit_px": np.array(unit, np.float32),
        "edge_row": np.array(edge_row, np.float32),
    }


Way = tuple[float, float, float]  # size, and a shift across and down, in pixels


def _lay(image: NDArray[np.float32], smile: Smile, way: Way) -> NDArray[np.float32]:
    size, across, down = way
    (x, y), (ox, oy) = smile.middle, ORIGIN
    return cv2.warpAffine(image, np.array([[size, 0, ox - size * x + across], [0, size, oy - size * y + down]]), CANVAS)


def _high_pass(grey: NDArray[np.floating], shown: NDArray[np.float32]) -> NDArray[np.float32]:
    """What is finer than ``SLOW_PX`` in what is shown."""
    grey = grey.astype(np.float32)
    slow = cv2.GaussianBlur(grey * shown, (0, 0), SLOW_PX) / np.maximum(cv2.GaussianBlur(shown, (0, 0), SLOW_PX), 1e-3)
    return (grey - slow) * shown


def _search(
    smile: Smile, way: Way, wanted: NDArray[np.float32], known: NDArray[np.float32], coarse: bool
) -> tuple[Way, float]:
    """The way in which a smile lies best on what is wanted, and their correlation there."""
    sizes = np.linspace(*SIZES, 11) if coarse else way[0] * np.linspace(0.95, 1.05, 7)
    reach, (across, down) = (REACH_PX, (0.0, 0.0)) if coarse else (8, way[1:])
    best, found = -np.inf, (way, 0.0)
    for size in sizes:
        shown = _lay(smile.shown, smile, (float(size), across, down))
        rows, columns = np.nonzero(shown > 0.5)
        if len(rows) < 200:
            continue
        top, left, height, width = rows.min(), columns.min(), np.ptp(rows) + 1, np.ptp(columns) + 1
        box = slice(top, top + height), slice(left, left + width)
        fine = _high_pass(_lay(smile.picture.mean(axis=2), smile, (float(size), across, down)), shown)[box]
        for dy, dx in product(range(-reach, reach + 1, 2), range(-reach // 2, reach // 2 + 1, 2)):
            if min(top + dy, left + dx) < 0 or top + dy + height > CANVAS[1] or left + dx + width > CANVAS[0]:
                continue
            there = slice(top + dy, top + dy + height), slice(left + dx, left + dx + width)
            both = known[there] * shown[box]
            if both.sum() < OVERLAP * shown[box].sum():
                continue
            a, b = wanted[there] * both, fine * both
            alike = float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum() + 1e-9))
            unlikely = 2 * (size - 1) ** 2 + 2e-4 * (across + dx) ** 2 + 2.5e-5 * (down + dy) ** 2
            if alike - unlikely > best:
                best, found = alike - unlikely, ((float(size), across + dx, down + dy), alike)
    return found


def _average(
    found: list[Smile], ways: list[Way], weights: NDArray[np.floating]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The mean (H, W, 3) of smiles as they are laid, and the weight (H, W) that it has."""
    total, weight = np.zeros((*CANVAS[::-1], 3), np.float32), np.zeros(CANVAS[::-1], np.float32)
    for smile, way, share in zip(found, ways, weights, strict=True):
        depth = cv2.distanceTransform((smile.shown > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
        shown = _lay((share * np.clip(depth / FADE_PX, 0, 1) ** 2).astype(np.float32), smile, way)
        total += shown[..., None] * _lay(smile.picture, smile, way)
        weight += shown
    return (total / np.maximum(weight, 1e-6)[..., None]).astype(np.float32), weight


def _symmetrise(
    mean: NDArray[np.float32], weight: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32], int]:
    """The mean of a mean and its mirror image, its weight, and the column that is its axis."""
    tries = []
    for axis in range(CANVAS[0] // 2 - 10, CANVAS[0] // 2 + 11):
        flip = np.array([[-1.0, 0, 2 * axis], [0, 1, 0]])
        mirrored, its_weight = cv2.warpAffine(mean, flip, CANVAS), cv2.warpAffine(weight, flip, CANVAS)
        both = np.minimum(weight, its_weight)
        error = float((((mean - mirrored) ** 2).mean(axis=2) * both).sum() / max(float(both.sum()), 1e-6))
        tries.append((error, axis, mirrored, its_weight))
    _, axis, mirrored, its_weight = min(tries, key=lambda one: one[0])
    total = weight + its_weight
    return (
        (mean * weight[..., None] + mirrored * its_weight[..., None]) / np.maximum(total, 1e-6)[..., None],
        total,
        axis,
    )


def _cut_plate(mean: NDArray[np.float32], weight: NDArray[np.float32], axis: int) -> tuple[NDArray[np.float32], float]:
    """Teeth (56, 193, 4), the last channel 0 below them and at their sides; and the row at which incisors end."""
    width, height = PLATE
    columns = slice(axis - width // 2, axis - width // 2 + width)
    known = weight[:, columns] > KNOWN * weight.max()
    whole = mean[:, columns]
    ends = _find_ends(whole.mean(axis=2), known)
    edge = ends[width // 2 - 12 : width // 2 + 13].mean()
    top = max(0, round(edge) - round(0.84 * height))
    nearest = distance_transform_edt(~known, return_distances=False, return_indices=True)
    colour = whole[tuple(nearest)][top : top + height]
    colour[:GUMS] = colour[GUMS]  # what a few smiles show of gums has no sharp mean
    below = np.arange(height)[:, None] + top - ends[None]
    solid = masks.smoothstep(0.5 - below / ENDS)
    beside = np.abs(np.arange(width) - width // 2)
    solid *= np.clip((width // 2 - 2 - beside) / SIDES, 0, 1)
    return np.concatenate([colour, solid[..., None]], axis=2), float(edge - top)


def _find_ends(grey: NDArray[np.float32], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(W,) the row at which the tooth of each column ends: the first that is no longer nearly as light as it is."""
    shown = np.where(known, grey, 0)
    light = shown > 0.74 * maximum_filter1d(shown.max(axis=0), 25)
    brightest = np.where(light.any(axis=0), light.argmax(axis=0), 0)
    rows = np.arange(len(grey))[:, None]
    ends = np.where(~light & (rows > brightest), rows, len(grey)).min(axis=0).astype(np.float64)
    ends = maximum_filter1d(ends, 11)  # gaps are dark all the way up
    beside = np.abs(np.arange(len(ends)) - len(ends) // 2)
    middle = float(np.median(ends[beside < 20]))
    # Behind the canines a mean is dim: there teeth are taken to follow the arch that the front ones have.
    arch = middle - 3.5 - 15 * (beside / 90) ** 2
    return gaussian_filter1d(np.clip(ends, arch, arch + 5), 1.6)
