"""What lies before a face without moving with it: captions, logos, a microphone on its stand; it stays as it is.

Where a face moves, whatever belongs to it changes from frame to frame by as much as its edges are steep. An edge within
a face that does not change, though its place on the face does, lies before it. A face that does not move says nothing,
and what moves by itself, as a hand does, is not told from it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.mesh import FACE_OVAL, OUTER_EYES
from facediff.types import FaceTrack, Frame


@dataclass(frozen=True)
class OverlayStyle:
    """When an edge lies before a face. Levels are those of grey, 0 to 255; distances are in eye distances.

    Fit by: the share of pixels found on a film with a caption against those on training clips of people alone.

    Attributes:
        seconds: Over which edges are watched; captions come and go.
        travel: Distance by which a head moves about its mean place at least, or it tells nothing; landmarks of a face
            that rests shiver by less. And ``travel_px`` in pixels.
        travel_px: See ``travel``.
        moved: Change, in levels, that an edge of the face would make at least.
        steady: Share of that change that is left of an edge that does not move.
        noise: Change in levels that coding may make of what stands still.
        contrast: Levels to a pixel by which such edges are steep, at least; coding at low rates freezes weaker ones.
        dense_side: Side of the square in which such edges are counted, and ``dense`` their share there.
        dense: See ``dense_side``.
        least: How many there are at least, per squared eye distance.
        bridged: Gaps between edges of one thing.
        reach: How far it goes above and below what of it lies within the face, or beside that where it is below.
        margin: Around the thing that is kept with it, in pixels.
        fade: Over which it goes over into the face, in pixels.
    """

    seconds: float = 2.0
    travel: float = 0.012
    travel_px: float = 1.0
    moved: float = 8.0
    steady: float = 0.25
    noise: float = 6.0
    contrast: float = 8.0
    dense_side: float = 0.15
    dense: float = 0.12
    least: float = 0.012
    bridged: float = 0.2
    reach: float = 0.07
    margin: int = 2
    fade: float = 1.0


HEAD = [33, 133, 168, 362, 263, 6, 4]  # corners of the eyes and the nose: they move with the head, not with speech
_FEWEST = 8  # frames from which a change can be judged
_FILLED_SIDE = 160  # pixels of the longer side at which a face is made up behind what lies before it


class Overlay:
    """Something that stays where it is, before a face.

    Args:
        mask: (H, W) in [0, 1], how much of each pixel is of it.
    """

    def __init__(self, mask: NDArray[np.float32]) -> None:
        self._share = mask[..., None]
        self._hole = (mask > 0).astype(np.uint8)

    def remove(self, frame: Frame, points: NDArray[np.floating]) -> Frame:
        """A frame (H, W, 3) with a face (478, 3) made up behind it, of what is around, for the warp to take from."""
        height, width = frame.shape[:2]
        zoom = min(1.0, _FILLED_SIDE / max(height, width))
        size = (max(8, round(width * zoom)), max(8, round(height * zoom)))
        hole = (cv2.resize(self._hole.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0).astype(np.uint8)
        filled = cv2.inpaint(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), hole, 3, cv2.INPAINT_TELEA)
        within = np.zeros((height, width), np.uint8)
        cv2.fillPoly(within, [np.rint(points[FACE_OVAL, :2]).astype(np.int32)], 1)
        return np.where((self._hole & within)[..., None] > 0, cv2.resize(filled, (width, height)), frame)

    def restore(self, picture: Frame, frame: Frame) -> Frame:
        """A picture with it laid over as a frame shows it; pixels outside stay as they are, bit for bit."""
        mixed = picture + self._share * (frame.astype(np.float32) - picture)
        return np.where(self._share > 0, np.rint(mixed), picture).astype(np.uint8)


class Overlays:
    """What lies before the face of a video, found block by block as far as it is played; the video is read once.

    Args:
        frames: Gives the video's frames from the first one on.
        track: The face.
        style: When an edge lies before a face.
    """

    def __init__(
        self, frames: Callable[[], Iterator[Frame]], track: FaceTrack, style: OverlayStyle = OverlayStyle()
    ) -> None:
        self._track, self._style, self._open = track, style, frames
        self._frames: Iterator[Frame] | None = None
        count = max(1, round(len(track) / max(_FEWEST, style.seconds * track.fps)))
        self._bounds = [round(k * len(track) / count) for k in range(count + 1)]
        self._found: list[Overlay | None] = []
        self._lock = threading.Lock()

    def find(self, index: int) -> Overlay | None:
        """What lies before the face in a frame; None where nothing does."""
        block = int(np.searchsorted(self._bounds, index, side="right")) - 1
        with self._lock:
            while len(self._found) <= block:
                first, last = self._bounds[len(self._found) : len(self._found) + 2]
                self._frames = self._open() if self._frames is None else self._frames
                self._found.append(self._look(first, last, self._frames))
            return self._found[block]

    def _look(self, first: int, last: int, frames: Iterator[Frame]) -> Overlay | None:
        """What lies before the face in some frames, which are the next ones."""
        usable = self._track.usable[first:last]
        total: NDArray[np.float64] | None = None
        for is_usable, frame in zip(usable, frames, strict=False):
            if is_usable:
                grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32)
                if total is None:
                    total, squares = np.zeros(grey.shape), np.zeros(grey.shape)
                cv2.accumulate(grey, total)
                cv2.accumulateSquare(grey, squares)
        count = int(usable.sum())
        if total is None or count < _FEWEST:
            return None
        mean = total / count
        deviation = np.sqrt(np.maximum(squares / count - mean**2, 0))
        mask = find_overlay(mean, deviation, self._track.points[first:last][usable], self._style)
        return None if mask is None else Overlay(mask)


def find_overlay(
    mean: NDArray[np.floating],
    deviation: NDArray[np.floating],
    points: NDArray[np.floating],
    style: OverlayStyle = OverlayStyle(),
) -> NDArray[np.float32] | None:
    """How much (H, W) of each pixel lies before a face and does not move, in [0, 1]; None where nothing does.

    Args:
        mean: (H, W) grey levels, the mean of some frames.
        deviation: (H, W) their standard deviation.
        points: Landmarks (T, 478, 3) in these frames.
        style: When an edge lies before a face.
    """
    flat = points[..., :2]
    unit = float(np.linalg.norm(flat[:, OUTER_EYES[0]] - flat[:, OUTER_EYES[1]], axis=1).mean())
    steady = _find_steady(mean, deviation, flat, unit, style)
    within = steady & _always_face(flat, mean.shape)
    side = 2 * round(style.dense_side * unit / 2) + 1
    dense = within & (cv2.boxFilter(within.astype(np.float32), -1, (side, side)) > style.dense)
    if dense.sum() < style.least * unit**2:
        return None
    rows, columns = np.nonzero(dense)
    margin = style.reach * unit
    row, column = np.mgrid[: mean.shape[0], : mean.shape[1]]
    beside = (row >= rows.min() - margin) & (row <= rows.max() + margin)
    below = (row >= rows.min()) & (column >= columns.min() - margin) & (column <= columns.max() + margin)
    radius = max(1, round(style.bridged * unit / 2))
    around = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    joined = cv2.morphologyEx((steady & (beside | below)).astype(np.uint8), cv2.MORPH_CLOSE, around)
    _, labels = cv2.connectedComponents(joined)
    chosen = np.isin(labels, np.unique(labels[dense & (labels > 0)])) & (labels > 0)
    outlines, _ = cv2.findContours(chosen.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    mask = np.zeros(mean.shape, np.float32)
    cv2.drawContours(mask, outlines, -1, 1.0, cv2.FILLED)
    mask = cv2.dilate(mask, np.ones((2 * style.margin + 1, 2 * style.margin + 1), np.uint8))
    return cv2.GaussianBlur(mask, (5, 5), style.fade).astype(np.float32)


def _find_steady(
    mean: NDArray[np.floating],
    deviation: NDArray[np.floating],
    flat: NDArray[np.floating],
    unit: float,
    style: OverlayStyle,
) -> NDArray[np.bool_]:
    """Edges (H, W) that change by far less than if they moved as a head (T, 478, 2) does; none where it rests."""
    head = flat[:, HEAD].mean(axis=1)
    away = head - head.mean(axis=0)
    (xx, xy), (_, yy) = away.T @ away / len(away)
    if np.sqrt(xx + yy) < max(style.travel_px, style.travel * unit):
        return np.zeros(mean.shape, bool)
    across, down = (cv2.Scharr(mean, cv2.CV_64F, *order, scale=1 / 32) for order in ((1, 0), (0, 1)))
    expected = np.sqrt(np.maximum(xx * across**2 + 2 * xy * across * down + yy * down**2, 0))
    steep = np.hypot(across, down) > style.contrast
    return steep & (expected > style.moved) & (deviation < np.minimum(style.steady * expected, style.noise))


def _always_face(flat: NDArray[np.floating], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Pixels (H, W) that lie within a face (T, 478, 2) in every frame."""
    always = np.ones(shape, np.uint8)
    for oval in flat[:, FACE_OVAL]:
        here = np.zeros(shape, np.uint8)
        cv2.fillPoly(here, [np.rint(oval).astype(np.int32)], 1)
        always &= here
    return always > 0
