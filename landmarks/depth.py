"""A face's structure as pictures: its depth, and itself as an untextured mesh in light; and how much of it is told."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from facediff.errors import ConfigError, InputError
from facediff.landmarks.mesh import CHIN, FOREHEAD, MESH_POINTS
from facediff.landmarks.triangles import cell_centres, rasterise_triangles, trace_back
from facediff.landmarks.warp import face_triangles, sort_by_depth

MOST_DETAIL_LOST = 7  # t_s of Gen-1
FAR = 0.1  # of what is furthest of a face; what is no face is 0
_LIGHT = np.array([-0.3, -0.5, -0.81])  # from the upper left, in front


def draw_depth(points: NDArray[np.floating], size: tuple[int, int]) -> NDArray[np.float32]:
    """How near each pixel of a face is, (H, W): 1 where it is nearest, less behind it, 0 around the face.

    A face's height further back it would be 0; of a face nothing is below 0.1. So depth is that of the face, not of the
    picture: it does not change where a head only moves.

    Args:
        points: Landmarks (478, 3) in pixels, z away from the viewer.
        size: Width and height.

    Raises:
        InputError: The landmarks have no depth.
    """
    points = _check(points)
    height = np.linalg.norm(points[CHIN] - points[FOREHEAD])
    near = np.clip(1 - (points[:, 2] - points[:, 2].min()) / max(height, 1e-6), FAR, 1)
    return _draw(points, near, size)


def draw_mesh(points: NDArray[np.floating], size: tuple[int, int]) -> NDArray[np.float32]:
    """A face as a grey surface in light, (H, W) from 0 to 1, 0 around it: an untextured mesh.

    Args:
        points: As of ``draw_depth``.
        size: Width and height.

    Raises:
        InputError: The landmarks have no depth.
    """
    points = _check(points)
    corners = points[face_triangles()]
    faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])  # as long as they are large
    normals = np.zeros((MESH_POINTS, 3))
    for corner in range(3):
        np.add.at(normals, face_triangles()[:, corner], faces)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    normals *= -np.sign(np.median(normals[:, 2]))  # towards the viewer, whatever the sense of rotation
    lit = np.clip(normals @ (_LIGHT / np.linalg.norm(_LIGHT)), 0, 1)
    return _draw(points, 0.15 + 0.85 * lit, size)


def soften_structure(structure: NDArray[np.floating], level: int) -> NDArray[np.float32]:
    """Structure (H, W) or (H, W, C) with less detail: halved and blurred so many times, and enlarged again.

    Args:
        structure: Depth, say.
        level: t_s, from 0, all of it, to 7, hardly more than where something is.

    Raises:
        ConfigError: The level is out of range.

    Source: Esser et al., "Structure and Content-Guided Video Synthesis with Diffusion Models" (Gen-1, ICCV 2023),
    section 3.3.
    """
    if not 0 <= level <= MOST_DETAIL_LOST:
        raise ConfigError(f"structure loses detail by a level from 0 to {MOST_DETAIL_LOST}, not {level}")
    made = np.asarray(structure, np.float32)
    sizes = []
    for _ in range(level):
        sizes.append(made.shape[1::-1])
        made = cv2.pyrDown(made, borderType=cv2.BORDER_REPLICATE) if min(made.shape[:2]) > 1 else made
    for size in reversed(sizes):
        made = cv2.resize(made, size, interpolation=cv2.INTER_LINEAR)
    return made


def _check(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """The points of the mesh, (468, 3)."""
    points = np.asarray(points, np.float64)
    if points.ndim != 2 or len(points) < MESH_POINTS or points.shape[1] != 3:
        raise InputError(f"depth is of landmarks (478, 3), not {points.shape}; give those of a mesh, with z")
    return points[:MESH_POINTS]


def _draw(points: NDArray[np.float64], values: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.float32]:
    """Values (468,) of a mesh's points between them, (H, W), nearer triangles over those behind."""
    triangles = face_triangles()[sort_by_depth(points)]
    target, told = points[triangles, :2], np.repeat(values[triangles][..., None], 2, axis=2)
    owner = rasterise_triangles(target, size, 1.0)
    drawn = trace_back(told, target, owner, cell_centres(owner.shape, 1.0), 0.0)[..., 0]
    return np.where(owner >= 0, drawn, 0).astype(np.float32)
