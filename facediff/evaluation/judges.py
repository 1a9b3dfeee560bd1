"""What independent networks say of a face: who it is, what it expresses, how old it is, a woman's or a man's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from facediff.errors import InputError
from facediff.evaluation.feature_cache import Arrays
from facediff.evaluation.frame_choice import read_chosen, thin
from facediff.evaluation.networks.face_api import EXPRESSIONS, FaceApi
from facediff.evaluation.registry import Best, Curve, Need, metric

if TYPE_CHECKING:
    from facediff.evaluation.cases import Case

FRAMES = 24  # about so many are judged
AGE, MALE = len(EXPRESSIONS), len(EXPRESSIONS) + 1  # columns behind the expressions


def _judged(case: Case) -> Arrays:
    """Vectors (T, 128) and judgements (T, 9) of some frames, which depend on their number alone; NaN in the others."""

    def find() -> Arrays:
        judge, count = case.kit.network("face_api", FaceApi), len(case.track)
        vectors, told = np.full((count, 128), np.nan), np.full((count, MALE + 1), np.nan)
        rows = thin(case.track.seen, FRAMES)
        for row, frame in read_chosen(rows, case.frames):
            vector, said = judge.recognise(frame, case.track.points[row]), judge.judge(frame, case.track.points[row])
            vectors[row] = vector / np.linalg.norm(vector)
            told[row] = [*said.expressions, said.age, said.male]
        return {"vectors": vectors, "told": told}

    return case.arrays("face_api 1.7.15", find)


@metric("csim_face_api", best=Best.HIGH, needs=Need.PICTURE, views=_judged, weights="face_api")
def _csim(case: Case) -> Curve:
    """How like the face is to the portrait's, or the truth's first frame's, by the recogniser of face-api.

    Formula: mean over some 24 frames of the cosine of vectors
    Source: the npm package @vladmandic/face-api 1.7.15 (MIT), whose network is dlib's in 8 bits
    Range: -1 to 1; one person is told from about 0.91 on
    """
    if case.model is None:
        raise InputError(f"{case.name} has no portrait and no truth to be like; give one")
    reference = case.kit.network("face_api", FaceApi).recognise(*case.model)
    cosines = np.asarray(case.once(_judged)["vectors"], np.float64) @ (reference / np.linalg.norm(reference))
    return Curve.mean(cosines)


def _both(case: Case) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    pair = [one.once(_judged)["told"] for one in (case, case.against())]
    count = min(map(len, pair))
    return pair[0][:count], pair[1][:count]


@metric("expression_face_api", best=Best.LOW, needs=Need.TRUTH, views=_judged, weights="face_api")
def _expression(case: Case) -> Curve:
    """How far the expression is from the truth's, of seven, by face-api.

    Formula: mean over frames of half of Σ |p - p'| of their probabilities
    Source: the npm package @vladmandic/face-api 1.7.15 (MIT)
    Range: 0 to 1; 1 is sure of others in all frames
    """
    made, true = _both(case)
    return Curve.mean(np.abs(made[:, :AGE] - true[:, :AGE]).sum(axis=1) / 2)


@metric("age_face_api", best=Best.TRUE, views=_judged, weights="face_api")
def _age(case: Case) -> float | None:
    """How old the face looks, in years, by face-api.

    Formula: median over some 24 frames
    Source: the npm package @vladmandic/face-api 1.7.15 (MIT)
    Range: 0 to about 100; misses real ages by some 5 years
    """
    return _median(case, AGE)


@metric("male_face_api", best=Best.TRUE, views=_judged, weights="face_api")
def _male(case: Case) -> float | None:
    """How likely the face is a man's, by face-api.

    Formula: median over some 24 frames
    Source: the npm package @vladmandic/face-api 1.7.15 (MIT)
    Range: 0 to 1
    """
    return _median(case, MALE)


def _median(case: Case, column: int) -> float | None:
    told = case.once(_judged)["told"][:, column]
    return float(np.nanmedian(told)) if np.isfinite(told).any() else None
