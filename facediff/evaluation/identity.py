"""Whose face it is, measured: against a portrait, frame by frame against the truth, and against itself in time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from facediff.errors import InputError
from facediff.evaluation.frame_choice import read_chosen, thin
from facediff.evaluation.looks import face_looks, neighbour_cosines, see_face
from facediff.evaluation.networks import embedded
from facediff.evaluation.registry import Best, Curve, Need, metric
from facediff.motion import coefficients
from facediff.motion.rig import encode_motion
from facediff.types import Frame, Points

if TYPE_CHECKING:
    from facediff.evaluation.cases import Case

FRAMES = 24  # about so many are shown to a network from outside
EXPRESSION = slice(coefficients.LIPS.start, coefficients.LIDS.stop)


class Coherence(NamedTuple):
    """How alike the faces of a video are.

    Attributes:
        local: Mean cosine of neighbouring frames.
        overall: Mean cosine of all pairs of frames.
    """

    local: float
    overall: float


def coherence(vectors: NDArray[np.floating]) -> Coherence:
    """How alike identity vectors (T, D) of length 1 are; rows of NaN are left out.

    Raises:
        InputError: There are fewer than two.
    """
    known = np.isfinite(vectors).all(axis=1)
    if known.sum() < 2:
        raise InputError(f"a face is seen in {known.sum()} frames; identity over time needs two at least")
    there = np.asarray(vectors[known], np.float64)
    pairs = (np.square(there.sum(axis=0).T).sum() - len(there)) / (len(there) * (len(there) - 1))
    return Coherence(float(np.nanmean(neighbour_cosines(vectors))), float(pairs))


Encode = Callable[[Frame, Points], NDArray[np.floating]]


def _vectors(case: Case, name: str, load: Callable[[Case], Encode]) -> NDArray[np.float32]:
    """Identity vectors (T, D) of length 1 by a network from outside, in some frames; NaN in the others."""

    def find() -> dict[str, NDArray]:
        encode, found = load(case), {}
        for row, frame in read_chosen(thin(case.track.seen, FRAMES), case.frames):
            vector = encode(frame, case.track.points[row])
            found[row] = vector / np.linalg.norm(vector)
        vectors = np.full((len(case.track), len(next(iter(found.values()), ()))), np.nan, np.float32)
        vectors[list(found)] = list(found.values())
        return {"vectors": vectors}

    return case.arrays(f"identity {name} {case.kit.weights.get(name, '')}", find)["vectors"]


def _reference(case: Case, encode: Encode) -> NDArray[np.floating]:
    if case.model is None:
        raise InputError(f"{case.name} has no portrait and no truth to be like; give one")
    vector = encode(*case.model)
    return vector / np.linalg.norm(vector)


def _own(case: Case) -> Encode:
    codec, who = embedded.load_codec(case.kit.model), embedded.load_identity(case.kit.model)
    return lambda picture, points: embedded.picture_identity(picture, points, codec, who)


def _dlib(case: Case) -> Encode:
    from facediff.evaluation.networks.dlib_faces import DlibFaces

    return case.kit.network("dlib", lambda _: DlibFaces())


def _arcface(case: Case) -> Encode:
    from facediff.evaluation.networks.arcface import ArcFace

    return case.kit.network("arcface", ArcFace)


def _dlib_vectors(case: Case) -> NDArray[np.float32]:
    return _vectors(case, "dlib", _dlib)


def _arcface_vectors(case: Case) -> NDArray[np.float32]:
    return _vectors(case, "arcface", _arcface)


def _similar(vectors: NDArray[np.floating], reference: NDArray[np.floating]) -> Curve:
    return Curve.mean(np.asarray(vectors, np.float64) @ reference)


def _apart(made: NDArray[np.floating], true: NDArray[np.floating]) -> Curve:
    count = min(len(made), len(true))
    return Curve.mean(np.linalg.norm(made[:count] - true[:count], axis=1))


@metric("csim_facediff", best=Best.HIGH, needs=Need.PICTURE, views=see_face)
def _csim(case: Case) -> Curve:
    """How like the face is to the portrait's, or the truth's first frame's, by our identity encoder: CSIM-facediff.

    Formula: mean over frames of the cosine of identity vectors
    Source: as csim, with an embedded network that is trained on few people: it tells strangers, and is no ArcFace
    Range: -1 to 1; one person reaches 0.8 and more
    """
    return _similar(face_looks(case).identity, _reference(case, _own(case)))


@metric(
    "csim_dlib", best=Best.HIGH, needs=Need.PICTURE, views=_dlib_vectors, library=("face_recognition_models", "dlib")
)
def _csim_dlib(case: Case) -> Curve:
    """Likewise, by dlib's face network.

    Formula: as csim_facediff, over some 24 frames; faces are aligned by our landmarks
    Source: King, dlib (CC0 weights of the package face-recognition-models); one person is told from 0.92 on, as
    distances below 0.6 of vectors of length about 1.45 say
    Range: -1 to 1
    """
    return _similar(case.once(_dlib_vectors), _reference(case, _dlib(case)))


@metric("csim", best=Best.HIGH, needs=Need.PICTURE, views=_arcface_vectors, weights="arcface")
def _csim_arcface(case: Case) -> Curve:
    """Likewise, by ArcFace.

    Formula: as csim_dlib; faces are aligned to 112x112 by five of our landmarks, as insightface does by its own
    Source: Deng et al., "ArcFace" (CVPR 2019); weights of insightface, which are not for commerce
    Range: -1 to 1
    """
    return _similar(case.once(_arcface_vectors), _reference(case, _arcface(case)))


@metric("aed_id_facediff", best=Best.LOW, needs=Need.TRUTH, views=see_face)
def _aed(case: Case) -> Curve:
    """Average Euclidean distance, of identities: AED-id, by our identity encoder.

    Formula: mean over frames of |v - v'|, v of the frame and v' of the truth's, of length 1
    Source: Siarohin et al., "First Order Motion Model" (NeurIPS 2019), who take OpenFace
    Range: 0 to 2
    """
    return _apart(face_looks(case).identity, face_looks(case.against()).identity)


@metric(
    "aed_id_dlib", best=Best.LOW, needs=Need.TRUTH, views=_dlib_vectors, library=("face_recognition_models", "dlib")
)
def _aed_dlib(case: Case) -> Curve:
    """Likewise, by dlib's face network.

    Formula: as aed_id_facediff, over some 24 frames
    Source: as csim_dlib
    Range: 0 to 2
    """
    return _apart(case.once(_dlib_vectors), case.against().once(_dlib_vectors))


@metric("aed_exp_facediff", best=Best.LOW, needs=Need.TRUTH)
def _aed_exp(case: Case) -> Curve:
    """Average expression distance: AED-exp, by our coefficients of lips, brows and lids.

    Formula: mean over frames of |e - e'|, 22 coefficients, each of deviation 1 over real speech, lids from 0 to 1
    Source: as in later work (PIRenderer, ICCV 2021, and after it), who take coefficients of a 3DMM
    Range: 0 and more; its own spread over a film is some 4
    """
    pair, rows = (case, case.against()), []
    count = min(len(one.track) for one in pair)
    both = np.logical_and(*(one.track.seen[:count] for one in pair))
    if not both.any():
        return Curve.mean([])
    for one in pair:
        rows.append(encode_motion(one.track.points[:count][both])[:, EXPRESSION])
    found = np.full(count, np.nan)
    found[both] = np.linalg.norm(rows[0] - rows[1], axis=1)
    return Curve.mean(found)


def _coherences(case: Case) -> tuple[Coherence, Coherence]:
    return tuple(coherence(face_looks(one).identity) for one in (case, case.against()))  # type: ignore[return-value]


@metric("tl_id_facediff", best=Best.ONE, needs=Need.TRUTH, views=see_face)
def _tl_id(case: Case) -> float:
    """How alike neighbouring frames' faces are, over the truth's: TL-ID, by our identity encoder.

    Formula: mean cosine of identity vectors of neighbouring frames / the truth's
    Source: Tzaban et al., "Stitch it in Time" (SIGGRAPH Asia 2022), who take ArcFace
    Range: about 1; 1 is as steady as the truth
    """
    made, true = case.once(_coherences)
    return made.local / true.local


@metric("tg_id_facediff", best=Best.ONE, needs=Need.TRUTH, views=see_face)
def _tg_id(case: Case) -> float:
    """How alike the faces of all frames are, over the truth's: TG-ID, by our identity encoder.

    Formula: mean cosine of identity vectors of all pairs of frames / the truth's
    Source: as tl_id_facediff
    Range: about 1
    """
    made, true = case.once(_coherences)
    return made.overall / true.overall
