"""Moments of a face that never was filmed."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.data import astronaut

from facediff.landmarks.alignment import align
from facediff.landmarks.canonical import canonicalise, from_canonical
from facediff.landmarks.tracker import track_still
from facediff.landmarks.warp import MeshWarp
from facediff.motion import coefficients
from facediff.motion.rig import move_head
from facediff.training.faces import WIDE, FaceCrops


@pytest.fixture(scope="module")
def crops() -> FaceCrops:
    """One face, then the same with its mouth open and its head moved, in a clip; and a portrait on its own."""
    points = track_still(astronaut()).points
    canonical, pose = canonicalise(points)
    alignment = align(pose, WIDE)
    first = alignment.crop(astronaut(), 0)
    here = np.concatenate([alignment.to_crop(points[0], 0), points[0, :, 2:] * WIDE.unit_px / pose.scale], axis=1)
    motion = np.zeros((1, coefficients.DIMENSIONS), np.float32)
    motion[0, coefficients.ANGLES] = 6, 4, 5
    shape, at_rest = canonicalise(here[None])
    there = from_canonical(shape + 0.15 * coefficients.basis().opening, move_head(at_rest, motion))[0]
    frames = np.stack([first, MeshWarp(first, here)(there), first])
    return FaceCrops(
        frames=frames,
        points=np.stack([here, there, here]).astype(np.float32),
        rotation=np.repeat(pose.rotation, 3, axis=0),
        clip=np.array([0, 0, 1]),
        time=np.array([0, 0.04, 0], np.float32),
        source_unit_px=np.array([144, 144, 144], np.float32),
        names=np.array(["a", "b"]),
        identities=np.array(["x", "x"]),
        kinds=np.array(["silent", "still"]),
    )
