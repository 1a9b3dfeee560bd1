"""Strokes to motion: what a whole face does when some of its points are taken elsewhere (MCDiff, Chen et al., 2023).

Sparse strokes become a dense motion, and that becomes frames, as there. Here the first step is the posterior mean under
a Gaussian prior: a motion in the usual coefficients, whose covariance people's faces have, and on top of it offsets
of the mesh that are thin and smooth, a Gaussian process, for what coefficients do not hold (Rasmussen and Williams,
Gaussian Processes for Machine Learning, 2006, section 2.7). Faces are not linear in their motion, so the mean is found
in a few Gauss-Newton steps. No stroke, no motion.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from facediff.errors import WeightsError
from facediff.landmarks.canonical import from_canonical, mean_face
from facediff.landmarks.mesh import (
    FACE_OVAL,
    LEFT_EYE,
    LEFT_IRIS,
    LIP_PAIRS,
    MESH_POINTS,
    OUTER_EYES,
    RIGHT_EYE,
    RIGHT_IRIS,
)
from facediff.landmarks.warp import face_triangles, measure_areas
from facediff.motion import coefficients
from facediff.motion.coefficients import lip_opening
from facediff.motion.rig import LIPS_TOUCH, invert_directions
from facediff.system.weights import EMBEDDED, find_model_with, model_folder
from facediff.types import RigidPose


def _channels(*parts: slice) -> NDArray[np.intp]:
    return np.concatenate([np.arange(coefficients.DIMENSIONS)[part] for part in parts])


RIM = 0.1  # eye distances beside a face at which its rim is meant
COMPONENT = "strokes"

_HEAD = _channels(coefficients.ANGLES, coefficients.SHIFT)
PARTS = (  # of a face, whose motions need not go together: brows that are raised do not open the mouth
    _channels(coefficients.LIPS, coefficients.OPENING), _channels(coefficients.BROWS),
    _channels(coefficients.LIDS, coefficients.GAZE), _HEAD,
)  # fmt: skip

Place: TypeAlias = Callable[[NDArray[np.float32]], tuple[NDArray[np.float32], RigidPose]]
"""Canonical faces (B, 478, 3) and head poses (B) of rows (B, 31) that are added to what a face does."""


@dataclass(frozen=True)
class StrokeStyle:
    """How strokes are believed.

    ``firm``, ``offset`` and ``reach`` were chosen on training clips: half of the people told
    the prior, and what strokes of the others' motion made of their faces was compared with what these did.

    Attributes:
        firm: How many times as far as all else a head moves the points by which it is meant: noses and foreheads are
            such, lips and brows are not, though heads move these more than anything. Else heads stay.
        firm_together: The same of all strokes together, where there are several and a face that holds its head would be
            strained.
        strained: Deviations of a stroke, on average, from which it would be. Brows that are raised far and mouths that
            open wide, by two strokes, have 3.2 at most; by eye, on strokes that made mouths crooked.
        spoken: Share of the variance of lips that is taken from the prior, whose people talk: who is dragged does not.
        offset: Share of the deviation of what coefficients leave.
        reach: Over which offsets are alike, in eye distances.
        noise_px: By which points may miss where they are put.
        steps: Of Gauss and Newton.
        furthest: Deviations from where a point is that it can be taken.
        folds: Triangles of the mesh that may turn over meanwhile; a few do where lips meet, and lids.
        most_formed: Of any coefficient of lips, counted from the mean face: who smiles already has less left. Strokes
            of one point to the farthest of forty true moments, 178 of them, have 6.6 at most; mouths were seen to break
            from 8.9 on.
        most_turned: Degrees about an axis by which a head may turn.
        most_shifted: Eye distances by which it may; beyond, hair over it is drawn out into a cone, and its neck too.
        most_opened: Eye distances by which lips may part, or part further. These five are by eye: ``furthest`` of 10
            let upper lips over chins, and lids need 7 to shut; shifts of 0.1 to 1 and openings of 0.05 to 0.8 were
            looked at in three training portraits.
    """

    firm: float = 14.0
    firm_together: float = 4.0
    strained: float = 3.5
    spoken: float = 0.35
    offset: float = 0.5
    reach: float = 0.2
    noise_px: float = 0.1
    steps: int = 8
    furthest: float = 7.5
    folds: int = 40
    most_turned: float = 30.0
    most_shifted: float = 0.35
    most_opened: float = 0.45
    most_formed: float = 8.0


STYLE = StrokeStyle()


@dataclass(frozen=True)
class StrokePrior:
    """What faces do within some two seconds.

    Attributes:
        covariance: (31, 31) of changes of a motion; none between ``PARTS``.
        offset: (478,) deviation, in eye distances and each way, of what a change of the coefficients leaves of a
            change of the face.
    """

    covariance: NDArray[np.float64]
    offset: NDArray[np.float64]


class Grip(NamedTuple):
    """A point of a face that is held: corners (3,) of the mesh and their weights (3,); or an iris, which turns."""

    corners: NDArray[np.intp]
    weights: NDArray[np.float64]
    is_iris: bool = False


@dataclass(frozen=True)
class DraggedFace:
    """What a face does that is dragged.

    Attributes:
        row: The motion (31,) that is added.
        weights: (2 K,) of ``FaceStrokes.shapes``, which are what is added beyond it.
        strain: How unusual that is, in deviations.
    """

    row: NDArray[np.float32]
    weights: NDArray[np.float32]
    strain: float


@lru_cache(maxsize=4)
def load_stroke_prior(model: str | Path = EMBEDDED) -> StrokePrior:
    """The prior of a model; that of the embedded model where a folder was trained without one.

    Raises:
        WeightsError: There is no such model, or its files are damaged.
    """
    folder = model_folder(find_model_with(model, COMPONENT), COMPONENT)
    try:
        kept = load_file(folder / "prior.safetensors")
        return StrokePrior(kept["covariance"].astype(np.float64), kept["offset"].astype(np.float64))
    except (OSError, SafetensorError, KeyError) as error:
        raise WeightsError(f"the prior of strokes in {folder} is missing or damaged; train it again") from error


def find_grip(points: NDArray[np.floating], at: tuple[float, float]) -> Grip | None:
    """What is held of a face (478, 3) at a point of its picture; None beside it.

    An iris is held where it is seen between the lids; elsewhere the nearest triangle of the mesh, and just beside the
    face its rim.
    """
    where = np.array(at, np.float64)
    for eye, iris in ((RIGHT_EYE, RIGHT_IRIS), (LEFT_EYE, LEFT_IRIS)):
        radius = np.linalg.norm(points[iris[1:], :2] - points[iris[0], :2], axis=1).mean()
        if np.linalg.norm(where - points[iris[0], :2]) <= radius and _is_inside(points[eye, :2], where):
            return Grip(np.repeat(iris[:1], 3), np.array([1.0, 0.0, 0.0]), is_iris=True)
    triangles = face_triangles()
    corners = np.asarray(points, np.float64)[triangles]
    (ax, ay), (bx, by) = ((corners[:, k, :2] - corners[:, 0, :2]).T for k in (1, 2))
    px, py = (where - corners[:, 0, :2]).T
    area = ax * by - ay * bx
    area = np.where(np.abs(area) < 1e-9, np.inf, area)
    second, third = (px * by - py * bx) / area, (ax * py - ay * px) / area
    weights = np.stack([1 - second - third, second, third], axis=1)
    inside = np.flatnonzero((weights >= -1e-6).all(axis=1) & np.isfinite(area))
    if not len(inside):
        rim = points[FACE_OVAL, :2]
        unit, away = np.linalg.norm(np.subtract(*points[[*OUTER_EYES], :2])), np.linalg.norm(rim - where, axis=1)
        if away.min() > RIM * unit:
            return None
        return Grip(np.repeat(FACE_OVAL[[away.argmin()]], 3).astype(np.intp), np.array([1.0, 0.0, 0.0]))
    nearest = inside[np.argmin((weights * corners[:, :, 2]).sum(axis=1)[inside])]
    return Grip(triangles[nearest].astype(np.intp), weights[nearest])


def _is_inside(polygon: NDArray[np.floating], where: NDArray[np.floating]) -> bool:
    """Whether a point lies in a polygon (N, 2): how often a ray from it crosses the edge."""
    a, b = np.asarray(polygon, np.float64), np.roll(polygon, -1, axis=0).astype(np.float64)
    crosses = (a[:, 1] > where[1]) != (b[:, 1] > where[1])
    step = np.where(crosses, b[:, 1] - a[:, 1], 1.0)
    across = a[:, 0] + (where[1] - a[:, 1]) / step * (b[:, 0] - a[:, 0])
    return bool((crosses & (where[0] < across)).sum() % 2)


class FaceStrokes:
    """A face that is held at some points, and what it does when these are taken elsewhere.

    Args:
        place: Where motions put the face; that of no motion is the face as it is.
        grips: What is held.
        prior: What faces do.
        style: How strokes are believed.
    """

    def __init__(self, place: Place, grips: Sequence[Grip], prior: StrokePrior, style: StrokeStyle = STYLE) -> None:
        self._place, self._grips, self._style = place, grips, style
        quiet = np.ones(len(prior.covariance))
        quiet[PARTS[0]] = np.sqrt(style.spoken)
        self._covariance = prior.covariance * quiet[:, None] * quiet
        self._possible = prior.covariance  # what people do who talk, too
        self._scale = np.sqrt(np.diag(prior.covariance))
        self._rest, pose = place(np.zeros((1, coefficients.DIMENSIONS), np.float32))
        self.starts = self._read(*place(np.zeros((1, coefficients.DIMENSIONS), np.float32)))[0]  # (K, 2) in pixels
        self.unit_px = float(pose.scale[0])
        self._formed = (self._rest[0] - mean_face()).reshape(-1) @ invert_directions(coefficients.basis().lips)
        # Offsets move skin: eyes turn by gaze alone.
        home, deviation = mean_face()[:, :2].astype(np.float64), style.offset * prior.offset
        deviation[MESH_POINTS:] = 0.0
        held = np.array([grip.weights @ home[grip.corners] for grip in grips]).reshape(-1, 2)
        strong = np.array([0.0 if grip.is_iris else grip.weights @ deviation[grip.corners] for grip in grips])
        apart = np.linalg.norm(home[:, None] - held[None], axis=-1) / style.reach
        self._alike = deviation[:, None] * np.exp(-(apart**2) / 2) * strong  # (478, K)
        between = np.linalg.norm(held[:, None] - held[None], axis=-1) / style.reach
        self._held_alike = strong[:, None] * np.exp(-(between**2) / 2) * strong  # (K, K)

    def locate(self, points: NDArray[np.floating]) -> NDArray[np.floating]:
        """Where held points (K, 2) are on landmarks (478, 3)."""
        return np.array([grip.weights @ points[grip.corners, :2] for grip in self._grips]).reshape(-1, 2)

    @property
    def shapes(self) -> NDArray[np.float32]:
        """(2 K, 478, 3) in canonical space: what a point's offset takes along, to the right and down."""
        out = np.zeros((len(self._grips), 2, len(self._alike), 3), np.float32)
        out[:, 0, :, 0] = out[:, 1, :, 1] = self._alike.T
        return out.reshape(-1, *out.shape[2:])

    def choose(self, targets: NDArray[np.floating]) -> FaceStrokes:
        """The same, told whether the head is meant: where a stroke would strain all else too much, or all do together.

        Args:
            targets: Where points are put in the end, (K, 2).
        """
        still = copy(self)
        still._covariance, still._possible = self._covariance.copy(), self._possible.copy()
        for covariance in (still._covariance, still._possible):
            covariance[_HEAD] = covariance[:, _HEAD] = 0.0
        rest = np.zeros(coefficients.DIMENSIONS)
        _, slope, _ = self._linearise(rest)
        noise, moved = self._offset_covariance(rest, 0), (np.asarray(targets) - self.starts).reshape(-1)
        each = [slice(2 * k, 2 * k + 2) for k in range(len(self._grips))]

        def strain(part: slice, covariance: NDArray[np.float64]) -> float:
            spread = slope @ covariance @ slope.T + noise
            return float(moved[part] @ np.linalg.solve(spread[part, part], moved[part]))

        for part in (*each, slice(None)):
            if strain(part, still._possible) > self._style.firm**2 * strain(part, self._possible):
                return self
        held, free = (strain(slice(None), covariance) for covariance in (still._covariance, self._covariance))
        is_strained = len(each) > 1 and held > self._style.strained**2 * len(moved)
        return self if is_strained and held > self._style.firm_together**2 * free else still

    def drag(self, targets: NDArray[np.floating], start: NDArray[np.floating] | None = None) -> DraggedFace:
        """What the face does, so that its held points are at ``targets`` (K, 2) in pixels.

        Args:
            targets: Where points are put.
            start: A row (31,) from which the search begins; that of a moment before makes motion smooth.
        """
        row = np.zeros(coefficients.DIMENSIONS) if start is None else np.asarray(start, np.float64)
        aim = np.asarray(targets, np.float64).reshape(-1)
        if not len(aim):
            return DraggedFace(row.astype(np.float32), np.zeros(0, np.float32), 0.0)
        shut: NDArray[np.bool_] = np.zeros(len(LIP_PAIRS), bool)
        for _ in range(self._style.steps):
            reached, slope, gaps = self._linearise(row)
            shut |= gaps[0] < self._least_gaps - 1e-4
            known, slopes = [aim - reached], [slope]
            if shut.any():  # lips that meet push one another; they do not pass
                known.append(self.unit_px * (self._least_gaps - gaps[0])[shut])
                slopes.append(self.unit_px * gaps[1][shut])
            offset = self._offset_covariance(row, int(shut.sum()))
            joint = np.concatenate(slopes)
            spread = joint @ self._covariance @ joint.T + offset
            left = np.concatenate(known) + joint @ row
            row = self._within(self._covariance @ joint.T @ np.linalg.solve(spread, left))
        strain = left @ np.linalg.solve(joint @ self._possible @ joint.T + offset, left)
        return self._finish(row, aim, float(np.sqrt(max(strain, 0.0))))

    def is_possible(self, made: DraggedFace) -> bool:
        """Whether a face can do so, and its picture be warped so: no further than faces go, and not turned over."""
        if made.strain > self._style.furthest * np.sqrt(max(1, 2 * len(self._grips))):
            return False
        shift = np.tensordot(made.weights, self.shapes, 1)
        before, after = (
            measure_areas(shape[face_triangles(), :2].astype(np.float64))
            for shape in (self._rest[0], self._place(made.row[None])[0][0] + shift)
        )
        facing = np.sign(np.median(before))
        folds = ((facing * before > 0) & (facing * after < 0)).sum()
        turned = np.abs(made.row[coefficients.ANGLES]).max()
        shifted, opened = np.linalg.norm(made.row[coefficients.SHIFT]), made.row[coefficients.OPENING].max()
        formed = np.abs(self._formed + made.row[coefficients.LIPS]).max()
        return bool(
            folds <= self._style.folds
            and turned <= self._style.most_turned
            and shifted <= self._style.most_shifted
            and opened <= self._style.most_opened
            and formed <= self._style.most_formed
        )

    def _finish(self, row: NDArray[np.float64], aim: NDArray[np.float64], strain: float) -> DraggedFace:
        """The row with its lips' opening, and the offsets that do the rest."""
        canonical, pose = self._place(row[None].astype(np.float32))
        missed = aim - self._read(canonical, pose)[0].reshape(-1)
        weights = np.linalg.solve(self._offset_covariance(row, 0), missed).reshape(-1, 2)
        weights = weights @ (pose.scale[0] * pose.rotation[0][:2, :2].astype(np.float64))
        shift = np.tensordot(weights.reshape(-1), self.shapes, 1)
        opened = lip_opening(canonical + shift)[0] - lip_opening(self._rest)[0]
        row = row.copy()
        row[coefficients.OPENING] = opened
        return DraggedFace(row.astype(np.float32), weights.reshape(-1).astype(np.float32), strain)

    @property
    def _least_gaps(self) -> NDArray[np.float64]:
        """Between upper and lower lips: where they touch, or where they are if that is nearer."""
        return np.minimum(_lip_gaps(self._rest)[0], LIPS_TOUCH)

    def _within(self, row: NDArray[np.float64]) -> NDArray[np.float64]:
        """The row with lids no further than they go."""
        row[coefficients.LIDS] = np.clip(row[coefficients.LIDS], -0.3, 1.0)
        return row

    def _linearise(
        self, row: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Where held points are (2 K,) and how they move (2 K, 31); lips' gaps (P,) and how these do (P, 31)."""
        steps = 1e-2 * np.diag(self._scale)
        rows = np.concatenate([row[None], row + steps, row - steps]).astype(np.float32)
        canonical, pose = self._place(rows)
        points = self._read(canonical, pose).reshape(len(rows), -1).astype(np.float64)
        gaps, count = _lip_gaps(canonical), coefficients.DIMENSIONS
        apart = (rows[1 : count + 1] - rows[count + 1 :]).astype(np.float64).diagonal()
        slopes = [
            ((told[1 : count + 1] - told[count + 1 :]) / np.maximum(apart, 1e-9)[:, None]).T for told in (points, gaps)
        ]
        return points[0], slopes[0], (gaps[0], slopes[1])

    def _read(self, canonical: NDArray[np.float32], pose: RigidPose) -> NDArray[np.floating]:
        """Where held points are, (B, K, 2) in pixels, of faces (B, 478, 3)."""
        held = [np.einsum("c,bci->bi", grip.weights, canonical[:, grip.corners]) for grip in self._grips]
        shape = np.stack(held, axis=1) if held else np.zeros((len(canonical), 0, 3))
        return from_canonical(shape, pose)[..., :2]

    def _offset_covariance(self, row: NDArray[np.float64], more: int) -> NDArray[np.float64]:
        """Of offsets of held points in pixels (2 K, 2 K), with noise; and of as many gaps, which have noise alone."""
        _, pose = self._place(row[None].astype(np.float32))
        turn = pose.scale[0] * pose.rotation[0][:2, :2].astype(np.float64)
        count = 2 * len(self._grips)
        out = np.zeros((count + more, count + more))
        out[:count, :count] = np.kron(self._held_alike, turn @ turn.T)
        return out + self._style.noise_px**2 * np.eye(len(out))


def _lip_gaps(canonical: NDArray[np.floating]) -> NDArray[np.float64]:
    """How far lower lips are below upper ones, (B, P) in eye distances."""
    return np.stack([canonical[:, low, 1] - canonical[:, up, 1] for up, low in LIP_PAIRS], axis=1).astype(np.float64)
