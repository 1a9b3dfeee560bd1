"""Fits what faces do, as strokes on them are to be understood: see ``facediff.motion.strokes``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from scipy.spatial.transform import Rotation

from facediff.datasets.recordings import Recording, Source, read_recordings
from facediff.errors import InputError
from facediff.landmarks.canonical import canonicalise, fit_pose
from facediff.motion.rig import FaceRig, fit_neutral
from facediff.motion.strokes import COMPONENT, PARTS
from facediff.training.faces import read_tracks
from facediff.training.motion_basis import mirror_order

Tracks: TypeAlias = Mapping[str, list[tuple[NDArray[np.float32], float]]]  # landmarks and frames a second, by person

LEAST, PAIRS = 60, 60  # frames from which a clip counts, and pairs of moments of each
APART_S = (0.2, 2.0)  # between the moments of a pair: what somebody means who takes a face elsewhere
MOST_TURNED = 8.0  # degrees between two portraits of one person: with more, another view looks like another expression
PORTRAITS_COUNT = 0.5  # share of portraits in what lips and brows do, since who speaks hardly smiles
MIRROR = np.array([-1, 1, 1], np.float32)


def run_strokes(
    catalog: Path | Source, cache: Path, model: Path, *, licence: str = "permissive", seed: int = 0
) -> None:
    """Fits the prior of strokes and writes it to ``model/strokes``.

    Args:
        catalog: As in ``facediff.training.stages.run_codec``, as for ``cache``, ``model`` and ``licence``.
        cache: Tracks are kept there.
        model: Model folder to write to.
        licence: Which clips.
        seed: Of the moments that are looked at.
    """
    clips = read_recordings(catalog, licence=licence)
    people = read_people((clip for clip in clips if clip.kind != "still"), cache / "tracks")
    portraits = read_portraits((clip for clip in clips if clip.kind == "still"), cache / "tracks")
    made = fit_stroke_prior(people, portraits, seed=seed)
    folder = model / COMPONENT
    folder.mkdir(parents=True, exist_ok=True)
    save_file(made, folder / "prior.safetensors")


def read_people(clips: Iterable[Recording], tracks: Path) -> dict[str, list[tuple[NDArray[np.float32], float]]]:
    """Landmarks (T, 478, 3) and frames a second of all clips in which a face is seen long enough, by who it is.

    Raises:
        InputError: There is none.
    """
    people: dict[str, list[tuple[NDArray[np.float32], float]]] = defaultdict(list)
    for clip in clips:
        track = read_tracks(clip, tracks)
        if track is not None and track.usable.sum() >= LEAST:
            people[clip.identity].append((track.points[track.usable], track.fps))
    if not people:
        raise InputError(f"no clip shows a face in {LEAST} frames or more: nothing to learn from")
    return dict(people)


def read_portraits(clips: Iterable[Recording], tracks: Path) -> dict[str, NDArray[np.float32]]:
    """Landmarks (N, 478, 3) of those of whom there are several portraits, by who they are; all of one size."""
    found: dict[str, list[Recording]] = defaultdict(list)
    for clip in clips:
        found[clip.identity].append(clip)
    people = {}
    for identity, several in found.items():
        shown = [read_tracks(clip, tracks) for clip in several if len(several) > 1]
        points = [track.points[0] for track in shown if track is not None and track.usable[0]]
        if len(points) > 1:
            people[identity] = np.stack([one / fit_pose(one[None]).scale[0] for one in points])
    return people


def fit_stroke_prior(
    people: Tracks, portraits: Mapping[str, NDArray[np.float32]] | None = None, *, seed: int = 0
) -> dict[str, NDArray[np.float32]]:
    """The tensors of ``facediff.motion.strokes.StrokePrior``, every person counting alike and both sides of faces too.

    Args:
        people: Landmarks (T, 478, 3) and frames a second of their clips.
        portraits: Landmarks (N, 478, 3) of people who make different faces.
        seed: Of the moments that are looked at.
    """
    generator = np.random.default_rng(seed)
    covariances, offsets = [], []
    for clips in people.values():
        measured = [_measure_changes(points, *choose_pairs(len(points), fps, generator)) for points, fps in clips]
        change, left = (np.concatenate(each) for each in zip(*measured, strict=True))
        covariances.append(change.T @ change / len(change))
        offsets.append((left**2).mean(axis=(0, 2)))
    covariance = np.mean(covariances, axis=0)
    faces = [each for points in (portraits or {}).values() if len(each := _measure_faces(points))]
    if faces:
        shown = np.mean([each.T @ each / len(each) for each in faces], axis=0)
        for part in PARTS[:2]:
            block = np.ix_(part, part)
            covariance[block] = (1 - PORTRAITS_COUNT) * covariance[block] + PORTRAITS_COUNT * shown[block]
    apart = np.ones_like(covariance, bool)
    for part in PARTS:
        apart[np.ix_(part, part)] = False
    covariance[apart] = 0.0
    return {
        "covariance": covariance.astype(np.float32),
        "offset": np.sqrt(np.mean(offsets, axis=0)).astype(np.float32),
    }


def _measure_changes(
    points: NDArray[np.float32], first: NDArray[np.intp], last: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Changes (2 N, 31) from some frames to others, of a face and its mirror image; what they leave (2 N, 478, 2)."""
    changes, left = [], []
    for shown in (points, points[:, mirror_order()] * MIRROR):
        canonical, pose = canonicalise(shown)
        rig = FaceRig.from_shape(fit_neutral(canonical), pose)
        motion = rig.encode(shown)
        beyond = canonical - rig.express(motion)
        changes.append(motion[last] - motion[first])
        left.append((beyond[last] - beyond[first])[..., :2])
    return np.concatenate(changes).astype(np.float64), np.concatenate(left).astype(np.float64)


def _measure_faces(points: NDArray[np.float32]) -> NDArray[np.float64]:
    """Changes (N, 31) between portraits (P, 478, 3) in which the head is turned alike."""
    _, pose = canonicalise(points)
    first, last = np.triu_indices(len(points), 1)
    turn = Rotation.from_matrix(pose.rotation[last] @ pose.rotation[first].transpose(0, 2, 1)).magnitude()
    alike = np.degrees(turn) < MOST_TURNED
    return _measure_changes(points, first[alike], last[alike])[0]


def choose_pairs(
    count: int, fps: float, generator: np.random.Generator, pairs: int = PAIRS
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Frames of so many, and for each another one a moment before or after."""
    first = generator.integers(0, count, pairs)
    away = generator.uniform(*APART_S, pairs) * fps * generator.choice([-1, 1], pairs)
    last = first + np.rint(away).astype(int)
    beyond = (last < 0) | (last >= count)
    last = np.where(beyond, first - np.rint(away).astype(int), last)
    return first, np.clip(last, 0, count - 1)
