"""Fits prototypes of attributes: a regression of the light of many faces, laid flat, on their labels.

Source: Rowland and Perrett, "Manipulating facial appearance through shape and color", IEEE CG&A 1995, with a regression
in the place of the difference of two means, so that what an attribute does is told from what goes with it: bearded
people are men, but men are not bearded.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facediff.datasets.recordings import Recording
from facediff.errors import ConfigError
from facediff.landmarks import masks
from facediff.landmarks.alignment import align
from facediff.landmarks.canonical import canonicalise
from facediff.landmarks.flat_face import FLAT, flat_points, flatten_face
from facediff.landmarks.light import to_log_light
from facediff.landmarks.mesh import FACE_OVAL, LEFT_BROW, LEFT_EYE, RIGHT_BROW, RIGHT_EYE
from facediff.media import VideoReader, read_image
from facediff.models.prototypes import Prototypes
from facediff.motion.coefficients import lip_opening
from facediff.training.attributes import complete_labels, find_label
from facediff.training.faces import is_frontal, read_tracks

NEEDED = ("age", "male")  # labels without which a face tells nothing of the others
SMALLEST_PX, MAX_YAW_DEG = 60.0, 23.0
INNER = 0.85  # of the face oval, short of hair
DECAY = 1.0  # of the squared effects, in people
NOSE = 2  # the landmark under it: what is above tells the light
ROWS = 16  # of a picture that are fitted at once, for memory
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FlatFace:
    """A labelled face, laid flat.

    Attributes:
        light: (448, 448, 3) float16, logarithms less the light that falls on the face.
        labels: From 0 to 1; what cannot be seen is missing.
        identity: Whose.
        opening: Of the lips, in eye distances.
    """

    light: NDArray[np.float16]
    labels: Mapping[str, float]
    identity: str
    opening: float


def collect_flat_faces(
    clips: Iterable[Recording], labels: Mapping[str, Mapping[str, float]], tracks: Path
) -> list[FlatFace]:
    """One face of every labelled file: the one that looks into the camera with its mouth most shut.

    Args:
        clips: Portraits and videos.
        labels: As ``read_labels`` gives them.
        tracks: Folder of the cache of tracks.
    """
    found = []
    for clip in clips:
        told = find_label(clip, labels)
        if told is None or not set(NEEDED) <= set(told):
            continue
        track = read_tracks(clip, tracks)
        if track is None or not track.usable.any():
            continue
        canonical, pose = canonicalise(track.points)
        openings = np.nan_to_num(lip_opening(canonical), nan=9.0)
        row = int(np.argmax(np.nan_to_num(pose.rotation[:, 2, 2]) - 2 * openings))
        if not is_frontal(pose, MAX_YAW_DEG)[row] or pose.scale[row] < SMALLEST_PX:
            continue
        if clip.kind == "still":
            frame = read_image(clip.path)
        else:
            frame = next(f for index, f in enumerate(VideoReader(clip.path)) if index == row)
        alignment = align(pose.take(slice(row, row + 1)), FLAT)
        depth = track.points[row, :, 2:] * (FLAT.unit_px / pose.scale[row])
        points = np.concatenate([alignment.to_crop(track.points[row], 0), depth], axis=1)
        light = remove_lighting(to_log_light(flatten_face(alignment.crop(frame, 0), points)))
        found.append(FlatFace(light.astype(np.float16), told, clip.identity, float(openings[row])))
        log.info("%s: %d faces", clip.name, len(found))
    return found


def remove_lighting(light: NDArray[np.float32]) -> NDArray[np.float32]:
    """A flat face (448, 448, 3) less what light falls on its forehead, nose and cheeks from the side and in all.

    Not on the rest, where beards grow; nor is how it falls from above told from there.
    """
    points = flat_points()
    oval = points[FACE_OVAL, :2]
    skin = masks.region(oval.mean(0) + INNER * (oval - oval.mean(0)), FLAT.size, FLAT.unit_px)
    for line in (LEFT_EYE, RIGHT_EYE, LEFT_BROW, RIGHT_BROW):
        skin *= 1 - masks.region(points[line], FLAT.size, FLAT.unit_px, reach=0.05)
    skin[int(points[NOSE, 1]) :] = 0
    x = np.broadcast_to(np.arange(FLAT.size[0], dtype=np.float32) / FLAT.unit_px, FLAT.size[::-1])
    basis = np.stack([np.ones_like(x), x], axis=-1)
    chosen = skin > 0.5
    slope = np.linalg.lstsq(basis[chosen][::7], light[chosen][::7], rcond=None)[0]
    return light - basis @ slope


def fit_prototypes(faces: Sequence[FlatFace], names: Sequence[str], kept: Sequence[str]) -> Prototypes:
    """What each attribute does to the light of a face, all others alike, at the difference between labels 0 and 1.

    Args:
        faces: Of many people; a person with many faces weighs as the root of their number.
        names: Of the attributes that are told apart; so is how far lips are open.
        kept: Those of them that are wanted.

    Raises:
        ConfigError: There are too few faces, or an attribute is the same in all of them.
    """
    if len(faces) <= len(names) + 2:
        raise ConfigError(
            f"{len(faces)} of the faces are labelled with {' and '.join(NEEDED)}; {len(names)} attributes want "
            f"{len(names) + 3} at least"
        )
    table = np.array([[face.labels.get(name, np.nan) for name in names] + [face.opening] for face in faces])
    count = Counter(face.identity for face in faces)
    weights = np.array([count[face.identity] for face in faces], np.float64) ** -0.5
    # What is unknown of men are beards, and of women make-up. With the mean of everybody in their place, men would have
    # too few beards, and what is left of these would be taken for what it is to be male.
    table = complete_labels(table, table[:, np.isfinite(table).all(axis=0)], weights)
    for name, column in zip(names, table.T, strict=False):
        if np.ptp(column) < 0.1:
            raise ConfigError(f"all labelled faces are alike in {name!r}")
    root = np.sqrt(weights)[:, None]
    told = np.column_stack([np.ones(len(faces)), table - table.mean(axis=0)]) * root
    decay = np.diag([1e-3, *[DECAY] * table.shape[1]])
    solve = np.linalg.solve(told.T @ told + decay, told.T)[[1 + list(names).index(name) for name in kept]]
    light = np.zeros((len(kept), *faces[0].light.shape), np.float32)
    for top in range(0, light.shape[1], ROWS):
        rows = np.stack([face.light[top : top + ROWS] for face in faces]).astype(np.float32)
        light[:, top : top + ROWS] = np.tensordot(solve * root[:, 0], rows, 1)
    return Prototypes(tuple(kept), ((light + light[:, :, ::-1]) / 2).astype(np.float32))
