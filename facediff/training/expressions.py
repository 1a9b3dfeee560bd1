"""Fits the expressions that have a name: what a smile is, over people who were asked for one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from facediff.landmarks.canonical import canonicalise, fit_pose, mean_face, to_canonical
from facediff.landmarks.folds import FOLDS
from facediff.landmarks.mesh import BROW_LINE, LEFT_EYE, MESH_POINTS, RIGHT_EYE
from facediff.motion import coefficients
from facediff.motion.emotions import EMOTIONS, NEUTRAL
from facediff.motion.rig import FaceRig, fit_neutral
from facediff.training.actions import RECIPES, Ingredients, measure_parting
from facediff.training.motion_basis import mirror_order

MOUTH_CORNERS = (61, 291)
OPENED = 0.15  # eye distances between the lips at strength 1
RAISED = 0.05  # eye distances by which brows go up at strength 1
SHOWN_FROM = 0.5  # share of the frames of a clip with an emotion that show the least of it, and do not count
# Eye corners, the bridge and the ridge of the nose, temples: what emotions leave where it is.
FIRM = np.array([33, 133, 263, 362, 168, 6, 197, 195, 5, 4, 127, 356, 234, 454])
WIDEST, NARROWEST = 0.3, 0.25  # closure by which lids are further open than usual, or less, at most
MOUTHS = {"surprised": 0.4, "fearful": 0.4}  # see ``fit_emotion``; by eye
EYES_KEEP = 0.25  # of what lids do beyond their closure: with more, narrow eyes vanish; by eye
STRONGER = 1.8  # strength 1 over the mean: by eye, so that strangers name it; at 2.4 eyes vanish under brows


def fit_smile(people: Iterable[NDArray[np.floating]]) -> NDArray[np.float32]:
    """The motion (31,) of a smile: the median, over people, of what it does to a serious face.

    Args:
        people: Landmarks (2, 478, 3) of two portraits of each person, one serious and one smiling, in either order.
    """
    changes = []
    for points in people:
        canonical, pose = canonicalise(points)
        width = np.linalg.norm(canonical[:, MOUTH_CORNERS[0]] - canonical[:, MOUTH_CORNERS[1]], axis=-1)
        serious, smiling = np.argsort(width)
        motion = FaceRig.from_shape(fit_neutral(canonical[serious][None]), pose).encode(np.asarray(points))
        changes.append(motion[smiling] - motion[serious])
    smile = np.median(changes, axis=0).astype(np.float32)
    smile[coefficients.ANGLES] = smile[coefficients.SHIFT] = smile[coefficients.GAZE] = 0.0
    smile[coefficients.LIDS] = smile[coefficients.LIDS].mean()
    return smile


def fit_mouth_open(motion: NDArray[np.floating]) -> NDArray[np.float32]:
    """The motion (31,) that parts the lips by ``OPENED``: what lips do as they part, over motions (N, 31)."""
    opening = motion[:, coefficients.OPENING] - motion[:, coefficients.OPENING].mean()
    lips = motion[:, coefficients.LIPS] - motion[:, coefficients.LIPS].mean(axis=0)
    opened = np.zeros(coefficients.DIMENSIONS, np.float32)
    opened[coefficients.LIPS] = OPENED * (opening * lips).sum(axis=0) / (opening**2).sum()
    opened[coefficients.OPENING] = OPENED
    return opened


def fit_brows_up() -> NDArray[np.float32]:
    """The motion (31,) that raises both brows by ``RAISED``, as nearly as the basis can."""
    directions = coefficients.basis().brows[:, BROW_LINE]
    wanted = np.zeros(directions.shape[1:])
    wanted[:, 1] = -RAISED
    raised = np.zeros(coefficients.DIMENSIONS, np.float32)
    flat = directions.reshape(len(directions), -1)
    raised[coefficients.BROWS] = np.linalg.lstsq(flat.T, wanted.ravel(), rcond=None)[0]
    return raised


def fit_emotion(
    people: Iterable[tuple[NDArray[np.floating], NDArray[np.floating]]], *, mouth: float = 1.0
) -> NDArray[np.float32]:
    """What an emotion does to a face that speaks, but for the closure of its lids: (478, 3), canonical.

    It is the mean over people of what their faces do in the frames that show it most, of both sides of the face alike,
    ``STRONGER`` times; where mouths do not agree, as their words differed, it is less. Lips stay as far apart as they
    were, eyes look where they did, and heads stay.

    Args:
        people: For each, landmarks (T, 478, 3) of them speaking without emotion, and of them speaking with it.
        mouth: Share of what the lower face does: of a mouth that drops open, little but a pout is left once it is shut.
    """
    changes, closures = [], []
    for plain, moved in people:
        canonical, _ = canonicalise(plain)
        shape = np.nanmedian(canonical, axis=0)
        pose = fit_pose(moved, shape)
        rig = FaceRig.fit(plain)
        shown = to_canonical(moved, pose)
        change = shown - shape
        strength = np.einsum("tni,ni->t", change, np.nanmedian(change, axis=0))
        most = strength >= np.nanquantile(strength, SHOWN_FROM)
        changes.append(np.nanmean(change[most], axis=0))
        closures.append(np.nanmedian(rig.encode(moved)[:, coefficients.LIDS]))
    order, flip = mirror_order(), np.array([-1, 1, 1], np.float32)
    even = np.stack([_without_head_motion((one + one[order] * flip) / 2) for one in changes])
    mean = STRONGER * _agreed(even) * (1 - (1 - mouth) * coefficients.basis().lower)[:, None]
    basis = coefficients.basis()
    mean -= measure_parting(mean) / measure_parting(basis.opening) * basis.opening
    eyes = np.concatenate([RIGHT_EYE, LEFT_EYE])
    mean -= _close(float(np.clip(np.mean(closures), -WIDEST, NARROWEST)))
    mean[eyes] *= EYES_KEEP
    mean[MESH_POINTS:] = 0.0
    return mean.astype(np.float32)


def split_change(change: NDArray[np.floating], lids: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A change (478, 3) of the mean face and a closure as a motion (31,), and what is beyond it (478, 3)."""
    basis = coefficients.basis()
    row = np.zeros(coefficients.DIMENSIONS, np.float32)
    for part, directions in ((coefficients.LIPS, basis.lips), (coefficients.BROWS, basis.brows)):
        row[part] = change.reshape(-1) @ np.linalg.pinv(directions.reshape(len(directions), -1))
    rest = mean_face()
    beyond = change - (FaceRig.from_shape(rest, fit_pose(rest[None])).express(row[None])[0] - rest)
    beyond[MESH_POINTS:] = 0.0
    row[coefficients.LIDS] = lids
    return row, beyond.astype(np.float32)


def _close(closure: float) -> NDArray[np.float32]:
    """What lids that are so shut change in the mean face (478, 3)."""
    row, rest = np.zeros(coefficients.DIMENSIONS, np.float32), mean_face()
    row[coefficients.LIDS] = closure
    return FaceRig.from_shape(rest, fit_pose(rest[None])).express(row[None])[0] - rest


def _agreed(changes: NDArray[np.floating]) -> NDArray[np.floating]:
    """The mean (478, 3) of changes (N, 478, 3); of the lower face the less the more people differ (James and Stein)."""
    mean = changes.mean(axis=0)
    if len(changes) == 1:
        return mean
    size = (mean**2).sum(axis=1)
    doubt = ((changes - mean) ** 2).sum(axis=(0, 2)) / (len(changes) - 1) / len(changes)
    agreed = size / (size + doubt + 1e-12)
    return mean * (1 - coefficients.basis().lower * (1 - agreed))[:, None]


def _without_head_motion(change: NDArray[np.floating]) -> NDArray[np.floating]:
    """A change (478, 3) of the mean face without what the head has in it: brows pull foreheads along, noses stay."""
    rest = mean_face().astype(np.float64)
    here, there = rest[FIRM], (rest + change)[FIRM]
    turn, _ = Rotation.align_vectors(here - here.mean(axis=0), there - there.mean(axis=0))
    return turn.apply(rest + change - there.mean(axis=0)) + here.mean(axis=0) - rest


def fit_emotions(people: Iterable[Mapping[str, NDArray[np.floating]]]) -> dict[str, NDArray[np.float16]]:
    """The tensors of ``facediff.motion.emotions``: what people did, mixed as ``RECIPES`` says; see ``make_emotion``.

    Args:
        people: For each, landmarks (T, 478, 3) of them speaking, by emotion, ``neutral`` among them.
    """
    known, made = list(people), {}
    for name in EMOTIONS:
        learnt = fit_emotion([(one[NEUTRAL], one[name]) for one in known], mouth=MOUTHS.get(name, 1.0))
        made.update(make_emotion(name, learnt))
    return made


def make_emotion(name: str, learnt: NDArray[np.floating]) -> dict[str, NDArray[np.float16]]:
    """The tensors of one emotion: ``NAME.row`` (31,), ``.shape`` (478, 3), ``.folds`` (F,) and ``.parting`` (1,).

    Args:
        name: Of the emotion.
        learnt: (478, 3) what people did who spoke with it, of ``fit_emotion``.
    """
    recipe = RECIPES[name]
    row, shape = split_change(Ingredients(learnt).mix(recipe.strengths), recipe.strengths.get("lids", 0.0))
    folds = np.array([recipe.strengths.get(f"fold:{fold}", 0.0) for fold in FOLDS])
    tensors = {"row": row, "shape": shape, "folds": folds, "parting": np.array([recipe.parting])}
    return {f"{name}.{part}": value.astype(np.float16) for part, value in tensors.items()}
