"""How near whole pictures are to the truth's, and a square around the head, as tables of papers have it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

from facediff.evaluation.fidelity import psnr
from facediff.evaluation.frame_choice import read_chosen, thin
from facediff.evaluation.registry import Best, Curve, Need, metric
from facediff.landmarks.canonical import canonicalise
from facediff.landmarks.mesh import MESH_POINTS
from facediff.types import FaceTrack

if TYPE_CHECKING:
    from facediff.evaluation.cases import Case

FRAMES = 50  # about so many are looked at, evenly spread
SIDE = 256  # pixels of the square around the head
WIDTH = 3.6  # eye distances that it is wide


def head_square(track: FaceTrack) -> NDArray[np.float64]:
    """The similarity (2, 3) from frame pixels to a square around the head that stays where it is."""
    points = track.points[track.seen]
    zoom = SIDE / (WIDTH * float(np.median(canonicalise(points)[1].scale)))
    centre = np.median(points.mean(axis=1), axis=0)[:2]
    return np.array([[zoom, 0, SIDE / 2 - zoom * centre[0]], [0, zoom, SIDE / 2 - zoom * centre[1]]])


def _frames(case: Case) -> NDArray[np.float64]:
    """PSNR and SSIM (T, 2) of whole frames."""
    truth = case.against()
    count = min(case.length, truth.length)
    found = np.full((count, 2), np.nan)
    for row, ours, theirs in read_chosen(thin(np.ones(count, bool), FRAMES), case.frames, truth.frames):
        if ours.shape != theirs.shape:
            ours = cv2.resize(ours, theirs.shape[1::-1], interpolation=cv2.INTER_AREA)
        shrink = min(1.0, SIDE / max(theirs.shape[:2]))
        small = [cv2.resize(one, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA) for one in (ours, theirs)]
        found[row] = psnr(ours, theirs), structural_similarity(*small, channel_axis=2)
    return found


@metric("psnr_frame", best=Best.HIGH, needs=Need.TRUTH, views=_frames)
def _psnr_frame(case: Case) -> Curve:
    """PSNR of whole frames, in dB.

    Formula: 10 log10(255² / mean squared difference); a video of another size is resized to the truth's
    Source: as published, where sizes and cuts are the same
    Range: 0 to 138, where nothing differs
    """
    return Curve.mean(case.once(_frames)[:, 0])


@metric("ssim_frame", best=Best.HIGH, needs=Need.TRUTH, views=_frames)
def _ssim_frame(case: Case) -> Curve:
    """SSIM of whole frames, at most 256 pixels long.

    Formula: as ssim
    Source: Wang et al., "Image Quality Assessment" (IEEE TIP 2004), by scikit-image
    Range: -1 to 1
    """
    return Curve.mean(case.once(_frames)[:, 1])


def _heads(case: Case) -> NDArray[np.float64]:
    """L1, PSNR, SSIM and AKD (T, 4) on the square around the truth's head."""
    truth = case.against()
    square, count = head_square(truth.track), min(len(case.track), len(truth.track))
    both = case.track.seen[:count] & truth.track.seen[:count]
    found = np.full((count, 4), np.nan)
    size = np.array(truth.track.size) / np.array(case.track.size)
    for row, ours, theirs in read_chosen(thin(both, FRAMES), case.frames, truth.frames):
        if ours.shape != theirs.shape:
            ours = cv2.resize(ours, theirs.shape[1::-1], interpolation=cv2.INTER_AREA)
        pair = [cv2.warpAffine(one, square, (SIDE, SIDE), flags=cv2.INTER_AREA) for one in (ours, theirs)]
        points = [case.track.points[row, :MESH_POINTS, :2] * size, truth.track.points[row, :MESH_POINTS, :2]]
        apart = np.linalg.norm(points[0] - points[1], axis=1).mean() * square[0, 0]
        l1 = np.abs(np.subtract(*pair, dtype=np.float64)).mean() / 255
        found[row] = l1, psnr(*pair), structural_similarity(*pair, channel_axis=2), apart
    return found


@metric("l1_head", best=Best.LOW, needs=Need.TRUTH, views=_heads)
def _l1_head(case: Case) -> Curve:
    """Mean absolute difference on a square around the head, of levels in [0, 1].

    Formula: mean |a - b|, square of 256 pixels, 3.6 eye distances wide, in the middle of the truth's face
    Source: as in the tables of FOMM (NeurIPS 2019) and FADM (CVPR 2023), whose cuts are others
    Range: 0 to 1; papers report 0.04 on VoxCeleb
    """
    return Curve.mean(case.once(_heads)[:, 0])


@metric("psnr_head", best=Best.HIGH, needs=Need.TRUTH, views=_heads)
def _psnr_head(case: Case) -> Curve:
    """PSNR on that square, in dB.

    Formula: as psnr_frame
    Source: as l1_head
    Range: 0 to 138; papers report 24 on VoxCeleb
    """
    return Curve.mean(case.once(_heads)[:, 1])


@metric("ssim_head", best=Best.HIGH, needs=Need.TRUTH, views=_heads)
def _ssim_head(case: Case) -> Curve:
    """SSIM on that square.

    Formula: as ssim
    Source: as l1_head
    Range: -1 to 1; papers report 0.78 on VoxCeleb
    """
    return Curve.mean(case.once(_heads)[:, 2])


@metric("akd", best=Best.LOW, needs=Need.TRUTH, views=_heads)
def _akd(case: Case) -> Curve:
    """Average keypoint distance on that square, in pixels of 256.

    Formula: mean |p - q| over 468 landmarks, head motion included
    Source: Siarohin et al., "First Order Motion Model" (NeurIPS 2019); they take 68 points of another detector
    Range: 0 and more; papers report 1.3 on VoxCeleb
    """
    return Curve.mean(case.once(_heads)[:, 3])
