"""How far made videos are from real ones as a whole: distances of distributions, over all clips of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from facediff.errors import InputError
from facediff.evaluation.feature_cache import Arrays
from facediff.evaluation.frame_choice import read_chosen, thin
from facediff.evaluation.frechet import FrechetSpace, crps, frechet_distance, inception_score, polynomial_distance
from facediff.evaluation.frechet import run_features as runs_of
from facediff.evaluation.looks import face_looks, mouth_looks, see_face, see_mouth
from facediff.evaluation.registry import Best, Entry, Need, metric
from facediff.models.attributes import AttributeClassifier
from facediff.models.checkpoints import open_network

if TYPE_CHECKING:
    from facediff.evaluation.cases import Case

FRAMES = 100  # of a clip that stand for its pictures, evenly spread
SAMPLED_S, SAMPLED, SAMPLED_SIDE = 0.2, 16, 32  # CRPS: seconds between frames, how many, and their size


def _stacked(entries: Sequence[Entry]) -> tuple[NDArray, NDArray]:
    """Features of all clips, and of all truths, each truth once."""
    truths = {entry.truth: entry.true for entry in entries if entry.true is not None}
    if not truths:
        raise InputError("a distance of distributions needs truths; give --truth")
    return np.concatenate([entry.made for entry in entries]), np.concatenate(list(truths.values()))


def _distance(entries: Sequence[Entry]) -> float:
    made, true = _stacked(entries)
    return FrechetSpace.of(true).distance(made, true)


def frame_features(case: Case) -> NDArray[np.float32]:
    """(N, D) of some 100 frames: the codec's latents of the face, their mean and deviation in each of 4x4 cells."""
    looks = face_looks(case)
    rows = sorted(thin(np.isfinite(looks.mean).all(axis=(1, 2)), FRAMES))
    return np.concatenate([looks.mean[rows], looks.deviation[rows]], axis=1).reshape(len(rows), -1)


def run_features(case: Case) -> NDArray[np.float32]:
    """(N, D) of runs of eight frames; see ``facediff.evaluation.frechet.run_features``."""
    return runs_of(face_looks(case))


def mouth_runs(case: Case) -> NDArray[np.float32]:
    """As ``run_features``, of the mouth."""
    return runs_of(mouth_looks(case))


@metric("fid_facediff", best=Best.LOW, needs=Need.TRUTH, features=frame_features, views=see_face)
def _fid(entries: Sequence[Entry]) -> float:
    """Fréchet distance of the faces in single frames from the truths', by our codec: FID-facediff.

    Formula: |μ - ν|² + tr(Σ + Τ - 2 (ΣΤ)^½) over 24 directions in which the truths' features vary most, each of
    deviation 1 before, over 24; features are the codec's latents of the face, mean and deviation in 4x4 cells
    Source: Heusel et al. (NeurIPS 2017), equation 6, with an embedded network: never to be set beside a published FID
    Range: 0 and more; falls with the number of frames, so compare only sets as large
    """
    return _distance(entries)


@metric("fvd_facediff", best=Best.LOW, needs=Need.TRUTH, features=run_features, views=see_face)
def _fvd(entries: Sequence[Entry]) -> float:
    """Fréchet distance of runs of eight frames from the truths', by our codec: FVD-facediff.

    Formula: as fid_facediff, over means of eight frames, and how the latents change from one to the next
    Source: Unterthiner et al., "Towards Accurate Generative Models of Video" (2018), with an embedded network
    Range: 0 and more; as fid_facediff
    """
    return _distance(entries)


@metric("fvd_facediff_mouth", best=Best.LOW, needs=Need.TRUTH, features=mouth_runs, views=see_mouth)
def _fvd_mouth(entries: Sequence[Entry]) -> float:
    """Likewise, of the mouth.

    Formula: as fvd_facediff, in 4x5 cells of the mouth's window
    Source: as fvd_facediff
    Range: 0 and more
    """
    return _distance(entries)


@metric("kvd_facediff", best=Best.LOW, needs=Need.TRUTH, features=run_features, views=see_face)
def _kvd(entries: Sequence[Entry]) -> float:
    """Kernel distance of those runs: KVD-facediff.

    Formula: unbiased squared MMD with the kernel (x·y / D + 1)³ over the features of fvd_facediff, each brought to mean
    0 and deviation 1 over the truths
    Source: Bińkowski et al. (ICLR 2018), Unterthiner et al. (2018), with an embedded network
    Range: about 0 and more; may be a little below 0
    """
    made, true = _stacked(entries)
    if min(len(made), len(true)) < 2:
        raise InputError("a kernel distance needs two runs of eight frames at least")
    mean, deviation = true.mean(axis=0), true.std(axis=0) + 1e-6
    return polynomial_distance((made - mean) / deviation, (true - mean) / deviation)


def attribute_chances(case: Case) -> NDArray[np.float64]:
    """(N, 2^A) how likely each combination of our attributes is in some 100 frames, taken as independent."""
    looks, reader = face_looks(case), open_network(AttributeClassifier, case.kit.model, "edit/attributes")
    rows = sorted(thin(np.isfinite(looks.identity).all(axis=1), FRAMES))
    with torch.inference_mode():
        each = torch.sigmoid(reader(torch.from_numpy(looks.identity[rows]))).double().numpy()
    joint = np.ones((len(rows), 1))
    for chance in each.T[..., None]:
        joint = np.concatenate([joint * chance, joint * (1 - chance)], axis=1)
    return joint


@metric("is_facediff", best=Best.TRUE, features=attribute_chances, views=see_face)
def _is(entries: Sequence[Entry]) -> float:
    """Inception Score by our reader of attributes: how sure it is of each frame, and how much frames differ.

    Formula: exp(E KL(p(y|x) || p(y))) over combinations of the attributes of our classifier
    Source: Salimans et al. (NeurIPS 2016), with an embedded network; of little meaning on faces
    Range: 1 to 8; a single face gives about 1
    """
    return inception_score(np.concatenate([entry.made for entry in entries]))


def sampled_frames(case: Case) -> NDArray[np.uint8]:
    """(N, 32, 32, 3) a frame each fifth of a second, sixteen at most."""
    rows = {round(k * SAMPLED_S * case.fps) for k in range(SAMPLED)}
    return np.array([cv2.resize(frame, (SAMPLED_SIDE,) * 2, interpolation=cv2.INTER_AREA)
                     for _, frame in read_chosen(rows, case.frames)])  # fmt: skip


@metric("crps", best=Best.LOW, needs=Need.TRUTH, features=sampled_frames, views=sampled_frames)
def _crps(entries: Sequence[Entry]) -> float | None:
    """How well several videos of one truth, as samples, foretell its pixels.

    Formula: E|X - y| - ½ E|X - X'| of each colour of 32x32 pixels in [0, 1], mean over up to 16 frames and over truths
    that have two samples or more
    Source: Gneiting and Raftery (JASA 2007); Yang et al., "Diffusion Probabilistic Modeling for Video" (2022)
    Range: 0 to 1; of one sample it is the mean absolute error
    """
    found = []
    for truth in dict.fromkeys(entry.truth for entry in entries if entry.true is not None):
        samples = [entry for entry in entries if entry.truth == truth]
        count = min(len(frames) for entry in samples for frames in (entry.made, entry.true) if frames is not None)
        if len(samples) > 1 and count:
            made = np.stack([entry.made[:count] for entry in samples]) / 255
            found.append(crps(made, samples[0].true[:count] / 255))  # type: ignore[index]
    if not found:
        raise InputError("CRPS needs two videos or more of one truth")
    return float(np.mean(found))


def _inception(case: Case) -> Arrays:
    from facediff.evaluation.networks.inception import inception_features

    return case.arrays("inception", lambda: inception_features(case))


def inception_features(case: Case) -> NDArray[np.float32]:
    """(N, 2048) of some 100 whole frames, by the Inception network of FID."""
    return case.once(_inception)["pool"]


def inception_chances(case: Case) -> NDArray[np.float32]:
    """(N, 1008) what that network takes those frames for."""
    return case.once(_inception)["chances"]


@metric("fid", best=Best.LOW, needs=Need.TRUTH, features=inception_features, views=_inception, weights="inception")
def _fid_inception(entries: Sequence[Entry]) -> float:
    """Fréchet Inception Distance of single frames from the truths'.

    Formula: |μ - ν|² + tr(Σ + Τ - 2 (ΣΤ)^½) of 2048 features of some 100 frames a clip
    Source: Heusel et al. (NeurIPS 2017), equation 6; network and weights as StyleGAN and clean-fid have them
    Range: 0 and more; biased upwards below some 10,000 frames
    """
    made, true = _stacked(entries)
    return frechet_distance(made.astype(np.float64), true.astype(np.float64))


@metric("is", best=Best.HIGH, features=inception_chances, views=_inception, weights="inception")
def _is_inception(entries: Sequence[Entry]) -> float:
    """Inception Score.

    Formula: exp(E KL(p(y|x) || p(y))), one set without splits
    Source: Salimans et al. (NeurIPS 2016); of little meaning on faces, for which the network knows no class
    Range: 1 to 1008
    """
    return inception_score(np.concatenate([entry.made for entry in entries]))


def i3d_features(case: Case) -> NDArray[np.float32]:
    """(N, 400) of runs of sixteen whole frames at 224x224, by I3D."""
    from facediff.evaluation.networks.i3d import i3d_features

    return case.arrays("i3d", lambda: {"logits": i3d_features(case)})["logits"]


@metric("fvd", best=Best.LOW, needs=Need.TRUTH, features=i3d_features, views=i3d_features, weights="i3d")
def _fvd_i3d(entries: Sequence[Entry]) -> float:
    """Fréchet Video Distance.

    Formula: as fid, of 400 logits of runs of 16 frames, one after the other
    Source: Unterthiner et al. (2018); weights are the TorchScript of StyleGAN-V
    Range: 0 and more; figures of other numbers of runs, lengths and sizes do not compare
    """
    made, true = _stacked(entries)
    return frechet_distance(made.astype(np.float64), true.astype(np.float64))


@metric("kvd", best=Best.LOW, needs=Need.TRUTH, features=i3d_features, views=i3d_features, weights="i3d")
def _kvd_i3d(entries: Sequence[Entry]) -> float:
    """Kernel Video Distance.

    Formula: unbiased squared MMD with the kernel (x·y / D + 1)³ of the features of fvd
    Source: Unterthiner et al. (2018)
    Range: about 0 and more
    """
    return polynomial_distance(*_stacked(entries))
