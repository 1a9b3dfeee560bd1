"""Boxes and key points of the faces in a picture, from what a detecting network gives for its anchors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.networks import inference, load_network
from facediff.landmarks.regions import crop_region, to_signed, whole_picture
from facediff.types import Frame

SAME_FACE = 0.3  # boxes that overlap more, as a part of what both cover, are of one face


class Detection(NamedTuple):
    """A face, in pixels of the picture: corners (2,) of its box, and key points (6, 2), of which the eyes come first.

    The box reaches from the brows to the chin.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    points: NDArray[np.float64]
    score: float


class FaceDetector:
    """One of the detecting networks, with what follows it in MediaPipe.

    Args:
        network: ``short_range`` or ``full_range``.
        confidence: Least score of a face, in [0, 1].
    """

    def __init__(self, network: str, confidence: float) -> None:
        self._network = load_network(network)
        self._confidence = confidence
        self._side, grids = self._network.module.side, self._network.module.grids
        self._anchors = make_anchors(grids)  # type: ignore[arg-type]

    def __call__(self, image: Frame) -> list[Detection]:
        """The faces in an RGB picture, the surest first."""
        place, side = whole_picture(image), int(self._side)  # type: ignore[arg-type]
        with inference():
            boxes, logits = self._network(to_signed(crop_region(image, place, side, replicate=False)))
        scores = 1 / (1 + np.exp(-np.clip(logits.numpy().astype(np.float64), -100, 100)))
        sure = np.flatnonzero(scores >= self._confidence)
        values = boxes.numpy()[sure].astype(np.float64).reshape(-1, 8, 2) / side
        values[:, [0, *range(2, 8)]] += self._anchors[sure, None]
        middle, size = values[:, 0], values[:, 1]
        values[:, 0], values[:, 1] = middle - size / 2, middle + size / 2
        corner = np.array([place.x, place.y]) - place.side / 2
        merged = merge_boxes(values.reshape(-1, 16) * place.side + np.tile(corner, 8), scores[sure])
        return [Detection(row[:2], row[2:4], row[4:].reshape(6, 2), score) for row, score in merged]


def make_anchors(grids: tuple[tuple[int, int], ...]) -> NDArray[np.float64]:
    """(N, 2): where boxes are counted from, in sides of the picture (SsdAnchorsCalculator).

    Args:
        grids: Of each, places along a side, and anchors at each place.
    """
    anchors = []
    for places, times in grids:
        steps = (np.arange(places) + 0.5) / places
        grid = np.stack(np.meshgrid(steps, steps), -1).reshape(-1, 2)
        anchors.append(np.repeat(grid, times, axis=0))
    return np.concatenate(anchors)


def merge_boxes(rows: NDArray[np.float64], scores: NDArray[np.float64]) -> list[tuple[NDArray[np.float64], float]]:
    """One box for each face: the mean of those that overlap the surest, by their scores (NonMaxSuppressionCalculator).

    Args:
        rows: (N, 4 + K): corners of boxes, low and high, and what else is to be averaged.
        scores: (N,) in [0, 1].
    """
    left = np.argsort(-scores, kind="stable")
    merged = []
    while len(left):
        near = _overlaps(rows[left[0], :4], rows[left, :4]) > SAME_FACE
        near[0] = True
        weights = scores[left[near], None]
        merged.append(((rows[left[near]] * weights).sum(0) / weights.sum(), float(scores[left[0]])))
        left = left[~near]
    return merged


def _overlaps(box: NDArray[np.float64], boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shared parts of a box (4,) and others (N, 4), of what both cover."""
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    shared = np.clip(high - low, 0, None).prod(1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    return shared / np.maximum((box[2:] - box[:2]).prod() + areas - shared, 1e-12)
