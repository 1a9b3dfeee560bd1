"""Folds that an expression lays into skin, as soft shading along lines of the mesh: a warp only moves what it has.

A fold is a line on the mean face, tied to the triangles that it crosses, so it goes with the skin. That darkens along
it by a share of its own light, whatever its colour, and is a little lighter beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.canonical import mean_face
from facediff.landmarks.mesh import MESH_POINTS, OUTER_EYES
from facediff.landmarks.warp import face_triangles, measure_areas
from facediff.types import Frame


@dataclass(frozen=True)
class Fold:
    """A line of the right half of the mean face; the left one has its mirror image.

    Attributes:
        line: Corners (N, 2), in eye distances from the middle of the eyes, x to the image's right.
        width: Deviation of the shading to its sides, in eye distances.
        depth: Share of the light that is lost in the middle of it at strength 1.
    """

    line: tuple[tuple[float, float], ...]
    width: float
    depth: float


# Where anatomy has them, and how wide and deep, by eye on portraits of several skins.
FOLDS = {
    "frown": Fold(((-0.072, -0.33), (-0.056, -0.24), (-0.052, -0.13)), 0.013, 0.24),
    "brow-shadow": Fold(((-0.17, -0.10), (-0.26, -0.135), (-0.37, -0.14), (-0.48, -0.11)), 0.045, 0.22),
    "cheek": Fold(((-0.225, 0.44), (-0.29, 0.52), (-0.35, 0.63), (-0.375, 0.74)), 0.020, 0.20),
    "nose": Fold(((-0.055, 0.03), (-0.085, 0.09), (-0.13, 0.13)), 0.016, 0.20),
    "under-eye": Fold(((-0.20, 0.09), (-0.29, 0.125), (-0.40, 0.12), (-0.47, 0.085)), 0.018, 0.12),
    "inner-forehead": Fold(((-0.16, -0.39), (-0.08, -0.36), (0.0, -0.35)), 0.016, 0.16),
}
SEEN = (0.25, 0.6)  # share of a triangle's area on the mean face at which a fold begins to show, and shows wholly
FADE = 0.6  # of the sine along a line: the less, the longer a fold stays dark
MARGIN = 0.2  # eye distances around the mesh that folds may darken
STEPS = 12  # pieces of a line, each as dark as it is: folds come and go along their length
BESIDE, BESIDE_WIDTH = 0.3, 2.5  # light beside a fold, as shares of its depth and of its width


def shade_folds(picture: Frame, points: NDArray[np.floating], strengths: NDArray[np.floating]) -> Frame:
    """The picture (H, W, 3) uint8 with folds in its face, which is at landmarks (478, 3) in its pixels.

    Where the skin turns away from the camera they are left out.

    Args:
        picture: Of the face.
        points: Its landmarks.
        strengths: (F,) how strong each of ``FOLDS`` is, 0 is not there.
    """
    if not np.any(strengths):
        return picture
    corners = points[:MESH_POINTS, :2]
    margin = MARGIN * np.linalg.norm(points[OUTER_EYES[0]] - points[OUTER_EYES[1]])
    low = np.clip(np.floor(corners.min(axis=0) - margin), 0, picture.shape[1::-1]).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0) + margin), low, picture.shape[1::-1]).astype(int)
    if (high <= low).any():
        return picture
    light = 1 - np.tensordot(
        strengths, draw_folds(points - [*low, 0], (high[1] - low[1], high[0] - low[0]), strengths), 1
    )
    out = picture.copy()
    part = out[low[1] : high[1], low[0] : high[0]]
    part[:] = np.clip(np.rint(part * np.maximum(light, 0)[..., None]), 0, 255)
    return out


def draw_folds(
    points: NDArray[np.floating], size: tuple[int, int], strengths: NDArray[np.floating] | None = None
) -> NDArray[np.float32]:
    """Share of the light (F, H, W) that each of ``FOLDS`` at strength 1 takes from a picture; below 0 it adds some.

    Args:
        points: Landmarks (478, 3) of the face.
        size: Height and width of the picture.
        strengths: (F,) those of 0 are not drawn, and 0; all are drawn by default.
    """
    unit = float(np.linalg.norm(points[OUTER_EYES[0]] - points[OUTER_EYES[1]]))
    corners = points[:MESH_POINTS, :2]
    drawn = np.zeros((len(FOLDS), *size), np.float32)
    for number, (fold, (owners, shares)) in enumerate(zip(FOLDS.values(), _tied(), strict=True)):
        if strengths is None or strengths[number]:
            line = np.einsum("sk,skd->sd", shares, corners[face_triangles()[owners]])
            drawn[number] = fold.depth * _draw(line, _see(corners, owners, unit), fold.width * unit, size)
    return drawn


def _see(corners: NDArray[np.floating], owners: NDArray[np.intp], unit: float) -> NDArray[np.float64]:
    """How well the camera sees the skin (N,) of some triangles, from 0 to 1, by how large they are to it."""
    triangles = face_triangles()[owners]
    usual = measure_areas(mean_face()[triangles, :2].astype(np.float64))
    return np.interp(measure_areas(corners[triangles].astype(np.float64)) / (usual * unit**2), SEEN, (0, 1))


def _draw(
    line: NDArray[np.floating], seen: NDArray[np.floating], width: float, shape: tuple[int, ...]
) -> NDArray[np.float32]:
    """How dark (h, w) a fold is: 1 in the middle of its line, which is two halves of equally many corners."""
    half = len(line) // 2
    drawn = np.zeros(shape, np.uint8)
    fades = np.sin(np.pi * (np.arange(half - 1) + 0.5) / (half - 1)) ** FADE
    for start in (0, half):
        for place, fade in enumerate(fades, start):
            start_px, end_px = np.rint(line[place : place + 2] * 16).astype(int).tolist()
            cv2.line(drawn, start_px, end_px, round(255 * fade * seen[place]), 1, cv2.LINE_AA, shift=4)
    dark, beside = (
        cv2.GaussianBlur(drawn.astype(np.float32), (0, 0), sigma) * np.float32(np.sqrt(2 * np.pi) * sigma / 255)
        for sigma in (width, width * BESIDE_WIDTH)
    )
    return (1 + BESIDE) * dark - BESIDE * beside


@cache
def _tied() -> list[tuple[NDArray[np.intp], NDArray[np.float64]]]:
    """Of each fold, right and then left, the triangles (2 S,) under its corners and their shares (2 S, 3)."""
    flat = mean_face()[:MESH_POINTS, :2].astype(np.float64)
    found = []
    for fold in FOLDS.values():
        corners = np.array(fold.line)
        along = np.linspace(0, len(corners) - 1, STEPS + 1)
        right = np.stack([np.interp(along, np.arange(len(corners)), corners[:, axis]) for axis in (0, 1)], axis=1)
        both = np.concatenate([right, right * (-1, 1)])
        found.append(_find_triangles(both, flat))
    return found


def _find_triangles(
    places: NDArray[np.float64], flat: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The triangle (N,) in which each place (N, 2) of a flat mesh lies, and the shares (N, 3) of its corners."""
    a, b, c = (flat[face_triangles()[:, k]] for k in range(3))
    sides = np.linalg.inv(np.stack([b - a, c - a], axis=-1))
    towards = np.einsum("tij,ntj->nti", sides, places[:, None] - a)
    shares = np.concatenate([1 - towards.sum(axis=-1, keepdims=True), towards], axis=-1)
    owners = shares.min(axis=-1).argmax(axis=-1)
    return owners, shares[np.arange(len(places)), owners]
