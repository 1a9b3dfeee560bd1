"""How near the pixels of a face are to those of the truth, or of a portrait, measured on an aligned crop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

from facediff.evaluation.faces import similarity
from facediff.evaluation.frame_choice import read_chosen, thin
from facediff.evaluation.registry import Best, Curve, Need, metric
from facediff.landmarks.mesh import OUTER_EYES
from facediff.types import FaceTrack, Frame

if TYPE_CHECKING:
    from facediff.evaluation.cases import Case

SIZE = 256
EYES_AT: NDArray[np.float64] = np.array([[0.30, 0.40], [0.70, 0.40]]) * float(
    SIZE
)  # where the crop shows the outer corners of the eyes
MOUTH_BOX = slice(int(0.60 * SIZE), int(0.92 * SIZE)), slice(int(0.27 * SIZE), int(0.73 * SIZE))
UPPER_FACE = slice(int(0.15 * SIZE), int(0.55 * SIZE)), slice(int(0.15 * SIZE), int(0.85 * SIZE))
PAIRS, LIKENESSES = 100, 50  # about so many frames are looked at, evenly spread over a clip


class Fidelity(NamedTuple):
    """How near a video is to its truth, as means over frames.

    Attributes:
        psnr: In dB, on the aligned face.
        psnr_mouth: Likewise, on its mouth.
        ssim: Of the aligned face, 1 where they are equal.
        sharpness: Of the mouth, over the truth's, as a median; 1 is as sharp, less is blurred.
    """

    psnr: float
    psnr_mouth: float
    ssim: float
    sharpness: float


class Likeness(NamedTuple):
    """How like a video is to the picture that it was made of.

    Attributes:
        upper_face: Mean SSIM of brows, eyes and nose, which speech leaves alone; 1 where they are equal.
        sharpness: Of the mouth, over the picture's; see ``Fidelity``.
    """

    upper_face: float
    sharpness: float


def face_crop(frame: Frame, points: NDArray[np.floating]) -> Frame:
    """The face (256, 256, 3) with the outer eye corners at a fixed place: upright, and as large in every video."""
    matrix = similarity(points[list(OUTER_EYES), :2], EYES_AT)
    return cv2.warpAffine(frame, matrix, (SIZE, SIZE), flags=cv2.INTER_LINEAR)


def psnr(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Peak signal to noise ratio in dB; where there is no difference at all, 138."""
    error = cv2.norm(one, other, cv2.NORM_L2SQR) / one.size
    return float(10 * np.log10(255**2 / (error + 1e-9)))


def detail(patch: NDArray[np.uint8]) -> float:
    """How detailed a patch (H, W, 3) is: the variance of the Laplacian of its grey levels.

    Source: Pech-Pacheco et al., "Diatom Autofocusing in Brightfield Microscopy" (ICPR 2000).
    """
    return float(cv2.Laplacian(cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var())


def fidelity(made: Iterable[Frame], track: FaceTrack, truth: Iterable[Frame], true: FaceTrack) -> Fidelity | None:
    """How near a video is to its truth, frame by frame over the common length; None where never both show a face.

    Both are seen where the truth's face is, so that a face in the wrong place counts as wrong; where the two differ in
    size, each is seen where its own is.

    Args:
        made: Frames of the video.
        track: Of the face in it.
        truth: Frames of the truth, at the same rate.
        true: Of the face in it.
    """
    found = fidelities(made, track, truth, true)
    if not np.isfinite(found).any():
        return None
    whole, mouth, ssim, _ = np.nanmean(found, axis=0)
    return Fidelity(float(whole), float(mouth), float(ssim), float(np.nanmedian(found[:, 3])))


def fidelities(made: Iterable[Frame], track: FaceTrack, truth: Iterable[Frame], true: FaceTrack) -> NDArray[np.float64]:
    """``fidelity`` of each frame (T, 4); NaN where not both show a face, and in those between the ones looked at."""
    count = min(len(track), len(true))
    rows = thin(track.seen[:count] & true.seen[:count], PAIRS)
    found = np.full((count, len(Fidelity._fields)), np.nan)
    for row, ours, theirs in read_chosen(rows, made, truth):
        places = true if ours.shape == theirs.shape else track
        a, b = face_crop(ours, places.points[row]), face_crop(theirs, true.points[row])
        sharpness = detail(a[MOUTH_BOX]) / (detail(b[MOUTH_BOX]) + 1e-9)
        alike = structural_similarity(a, b, channel_axis=2)
        found[row] = psnr(a, b), psnr(a[MOUTH_BOX], b[MOUTH_BOX]), alike, sharpness
    return found


def likeness(made: Iterable[Frame], track: FaceTrack, picture: Frame, points: NDArray[np.floating]) -> Likeness | None:
    """How like a video is to a picture, over frames with a face; None where there is none.

    Args:
        made: Frames of the video.
        track: Of the face in it.
        picture: (H, W, 3), a portrait or the first frame of a truth.
        points: Landmarks (478, 3) of the face in the picture.
    """
    model = face_crop(picture, points)
    crops = [face_crop(frame, track.points[row]) for row, frame in read_chosen(thin(track.seen, LIKENESSES), made)]
    if not crops:
        return None
    alike = [structural_similarity(crop[UPPER_FACE], model[UPPER_FACE], channel_axis=2) for crop in crops]
    sharp = np.median([detail(crop[MOUTH_BOX]) for crop in crops]) / (detail(model[MOUTH_BOX]) + 1e-9)
    return Likeness(float(np.mean(alike)), float(sharp))


def _fidelities(case: Case) -> NDArray[np.float64]:
    truth = case.against()
    return fidelities(case.frames, case.track, truth.frames, truth.track)


@metric("psnr", best=Best.HIGH, needs=Need.TRUTH, views=_fidelities)
def _psnr(case: Case) -> Curve:
    """PSNR of the aligned face, in dB.

    Formula: 10 log10(255² / mean squared difference), face at 256x256 with the outer eye corners at a fixed place,
    mean over frames
    Source: facediff's crop; published PSNR is of whole pictures, see psnr_frame
    Range: 0 to 138, where nothing differs; a good dub shows 30 and more
    """
    return Curve.mean(case.once(_fidelities)[:, 0])


@metric("psnr_mouth", best=Best.HIGH, needs=Need.TRUTH, views=_fidelities)
def _psnr_mouth(case: Case) -> Curve:
    """PSNR of the mouth of that face, in dB.

    Formula: as psnr, in the box from 60 to 92 percent down and from 27 to 73 percent across
    Source: facediff
    Range: 0 to 138
    """
    return Curve.mean(case.once(_fidelities)[:, 1])


@metric("ssim", best=Best.HIGH, needs=Need.TRUTH, views=_fidelities)
def _ssim(case: Case) -> Curve:
    """SSIM of the aligned face.

    Formula: Wang's, windows of 7x7, mean over colours and frames
    Source: Wang et al., "Image Quality Assessment" (IEEE TIP 2004), by scikit-image
    Range: -1 to 1
    """
    return Curve.mean(case.once(_fidelities)[:, 2])


def _likeness(case: Case) -> Likeness | None:
    return None if case.model is None else likeness(case.frames, case.track, *case.model)


@metric("identity_ssim", best=Best.HIGH, needs=Need.PICTURE, views=_likeness)
def _identity(case: Case) -> float | None:
    """SSIM of the upper face with the portrait's, or with the truth's first frame's.

    Formula: mean SSIM of brows, eyes and nose of the aligned face
    Source: facediff
    Range: -1 to 1
    """
    found = case.once(_likeness)
    return found and found.upper_face


@metric("sharp_ratio", best=Best.ONE, needs=Need.PICTURE, views=(_fidelities, _likeness))
def _sharp(case: Case) -> float | Curve | None:
    """Detail of the mouth over the truth's, or over the portrait's.

    Formula: median over frames of the ratio of variances of the Laplacian
    Source: Pech-Pacheco et al., "Diatom Autofocusing in Brightfield Microscopy" (ICPR 2000)
    Range: 0 and more; 1 is as sharp, noise makes it more
    """
    if case.item.truth is not None:
        found = case.once(_fidelities)[:, 3]
        return Curve(float(np.nanmedian(found)) if np.isfinite(found).any() else None, found)
    like = case.once(_likeness)
    return like and like.sharpness
