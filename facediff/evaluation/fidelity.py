"""How near the pixels of a face are to those of the truth, or of a portrait, measured on an aligned crop."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

from facediff.evaluation.faces import seen, similarity
from facediff.landmarks.mesh import OUTER_EYES
from facediff.types import FaceTrack, Frame

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
    error = np.square(np.subtract(one, other, dtype=np.float64)).mean()
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
    count = min(len(track), len(true))
    rows = _thinned(seen(track)[:count] & seen(true)[:count], PAIRS)
    found = []
    for row, ours, theirs in _chosen(rows, made, truth):
        places = true if ours.shape == theirs.shape else track
        a, b = face_crop(ours, places.points[row]), face_crop(theirs, true.points[row])
        sharpness = detail(a[MOUTH_BOX]) / (detail(b[MOUTH_BOX]) + 1e-9)
        alike = structural_similarity(a, b, channel_axis=2)
        found.append((psnr(a, b), psnr(a[MOUTH_BOX], b[MOUTH_BOX]), alike, sharpness))
    if not found:
        return None
    whole, mouth, ssim, _ = np.mean(found, axis=0)
    return Fidelity(float(whole), float(mouth), float(ssim), float(np.median([sharp for *_, sharp in found])))


def likeness(made: Iterable[Frame], track: FaceTrack, picture: Frame, points: NDArray[np.floating]) -> Likeness | None:
    """How like a video is to a picture, over frames with a face; None where there is none.

    Args:
        made: Frames of the video.
        track: Of the face in it.
        picture: (H, W, 3), a portrait or the first frame of a truth.
        points: Landmarks (478, 3) of the face in the picture.
    """
    model = face_crop(picture, points)
    crops = [face_crop(frame, track.points[row]) for row, frame in _chosen(_thinned(seen(track), LIKENESSES), made)]
    if not crops:
        return None
    alike = [structural_similarity(crop[UPPER_FACE], model[UPPER_FACE], channel_axis=2) for crop in crops]
    sharp = np.median([detail(crop[MOUTH_BOX]) for crop in crops]) / (detail(model[MOUTH_BOX]) + 1e-9)
    return Likeness(float(np.mean(alike)), float(sharp))


def _thinned(rows: NDArray[np.bool_], most: int) -> set[int]:
    """About so many of the true rows (T,), evenly spread."""
    true = np.flatnonzero(rows)
    return set(true[:: max(1, len(true) // most)].tolist())


def _chosen(rows: set[int], *videos: Iterable[Frame]) -> Iterator[tuple]:
    """Each of the rows with its frame of each video."""
    for row, frames in enumerate(zip(*videos, strict=False)):
        if row in rows:
            yield (row, *frames)
