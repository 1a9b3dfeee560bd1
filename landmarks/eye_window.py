"""An eye in a window of its own: corners at fixed places, the left one mirrored, so that both look alike."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.mesh import LEFT_LIDS, RIGHT_LIDS

SIZE, WIDTH = (144, 80), 88.0  # of the window, and of the eye in it, in pixels
MIDDLE = (72.0, 48.0)  # of the eye's corners
CORNERS = ((33, 133), (263, 362))  # outer and inner, of the subject's right eye and of the left


@dataclass(frozen=True, kw_only=True)
class SkinStyle:
    """How the light of skin around an eye is told from lashes, brows and rims.

    Fit by: unknown, all of 26 November 2026, when shut eyes were first made of the training clips' mean. Seen on:
    unknown; the mean shut eye that travels in the package was fitted with ``rounds`` and ``outlying``. Range tried:
    unknown.

    Attributes:
        rounds: Of the fit to skin.
        outlying: How far, in logarithms of light, lashes, brows and rims are from it.
        spread: Eye widths over which skin tells of its surroundings.
        unsure: Weight of the plane beside what skin tells.
    """

    rounds: int = 4
    outlying: float = 0.1
    spread: float = 0.16
    unsure: float = 0.02


SKIN = SkinStyle()


def align_eye(points: NDArray[np.floating], side: int) -> NDArray[np.float64]:
    """The similarity (2, 3) from pixels of a picture to those of the window.

    Args:
        points: Landmarks (478, 3) in pixels.
        side: 0 for the subject's right eye, 1 for the left.
    """
    outer, inner = np.asarray(points, np.float64)[list(CORNERS[side]), :2]
    across = inner - outer
    down = np.array([-across[1], across[0]]) * (-1 if side else 1)
    linear = np.stack([across, down]) * (WIDTH / float(across @ across))
    return np.column_stack([linear, np.array(MIDDLE) - linear @ ((outer + inner) / 2)])


def measure_lid_gaps(points: NDArray[np.floating]) -> NDArray[np.floating]:
    """(2,) between the lids of a face (478, 3), in eye widths."""
    lids, corners = (np.asarray(points)[np.array(pairs), :2] for pairs in ((RIGHT_LIDS, LEFT_LIDS), CORNERS))
    gap, width = (np.linalg.norm(pair[:, 0] - pair[:, 1], axis=-1) for pair in (lids, corners))
    return gap / width


def to_eye_widths(pixels: NDArray[np.floating]) -> NDArray[np.float64]:
    """Places (2, ...) in the window, from its pixels to eye widths from the middle of the eye."""
    return (pixels - np.reshape(MIDDLE, (2, *[1] * (np.ndim(pixels) - 1)))) / WIDTH


def grid() -> NDArray[np.float64]:
    """(2, H, W) where the window's pixels are, across and down, in eye widths."""
    return to_eye_widths(np.mgrid[0 : SIZE[1], 0 : SIZE[0]][::-1].astype(np.float64))


def fit_light_around(
    light: NDArray[np.floating], ring: NDArray[np.bool_], *, spread: bool = True, style: SkinStyle = SKIN
) -> NDArray[np.float64]:
    """What the logarithm of light (H, W, 3) in a window would be, if all of it were as what is around the eye.

    Args:
        light: Of the window.
        ring: (H, W) the pixels around it. Lashes, brows and rims among them lie far from a plane through most and
            count little.
        spread: Whether what skin differs by from the plane counts in its surroundings.
        style: How skin is told from what is not.
    """
    u, v = grid()
    basis = np.stack([np.ones_like(u), u, v], axis=-1)
    weights = np.ones(int(ring.sum()))
    for _ in range(style.rounds):
        rows = basis[ring] * weights[:, None]
        plane: NDArray[np.float64] = basis @ np.linalg.lstsq(rows, light[ring] * weights[:, None], rcond=None)[0]
        weights = 1 / (1 + (np.abs(light - plane)[ring].mean(axis=1) / style.outlying) ** 2)
    if not spread:
        return plane
    trusted = np.zeros(ring.shape)
    trusted[ring] = weights
    near, around = (
        cv2.GaussianBlur(values, (0, 0), style.spread * WIDTH)
        for values in ((light - plane) * trusted[..., None], trusted)
    )
    return plane + near / (around + style.unsure)[..., None]
