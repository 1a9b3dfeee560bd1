"""What lies before a face, below or beside it, without moving with it, as captions do; it stays as it is.

Where a face moves, whatever belongs to it changes from frame to frame by as much as its edges are steep. An edge within
a face that does not change, though its place on the face does, lies before it. A face that does not move says nothing,
and what moves by itself, as a hand does, is not told from it.

Below a chin a picture bends with the jaw. Edges there that do not change stay where they are, except under the face
that the picture is to show: whether a chin that comes lower passes before a collar or behind a caption is not known,
and faces are what is looked at. What is drawn beside a head is ``logos``'.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.mesh import FACE_OVAL, OUTER_EYES
from facediff.rendering.logos import HEAD, Logo, Surroundings, fill_face, find_logos
from facediff.types import FaceTrack, Frame


@dataclass(frozen=True)
class OverlayStyle:
    """When an edge lies before a face. Levels are those of grey, 0 to 255; distances are in eye distances.

    Fit by: the share of pixels found on a film with a caption against those on training clips of people alone.
    Below a chin: captions drawn into 55 training clips, all but one found, and 74 clips as they are, of which two have
    something there, a microphone in one.

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
        below: How far below a face's oval things are looked for, in its own size about its centre: what may bend.
        lettered: As ``contrast``, below a chin: letters are so steep, most collars are not.
        lettered_at_rest: Likewise, below a head that rests, where nothing else tells.
        dense_side_at_rest: As ``dense_side``, there: a collar is one line, letters are many; and ``dense_at_rest``.
        dense_at_rest: See ``dense_side_at_rest``.
        lettered_unit: Pixels between the eyes to which a picture is made smaller, at the most, to look for letters.
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
    below: float = 2.1
    lettered: float = 24.0
    lettered_at_rest: float = 40.0
    dense_side_at_rest: float = 0.25
    dense_at_rest: float = 0.2
    lettered_unit: float = 60.0
    margin: int = 2
    fade: float = 1.0


_FEWEST = 8  # frames from which a change can be judged
_MOST = 64  # frames in which logos are looked for; more tell no more of two seconds
_KNOWN = 0.5  # share of a logo that has been found already, from which it is that
_FILLED_SIDE = 160  # pixels of the longer side at which a face is made up behind what lies before it


@dataclass(frozen=True)
class DrawnLogo:
    """A logo as a video shows it.

    Attributes:
        logo: What it is.
        around: Where in a frame it was found.
        share: (H, W) in [0, 1], how much of each pixel is of it.
    """

    logo: Logo
    around: Surroundings
    share: NDArray[np.float32]

    def is_shown(self, frame: Frame) -> bool:
        """Whether a frame shows it."""
        return not self.logo.is_fleeting or self.logo.is_shown(self.around(frame))


class Overlay:
    """Something that stays where it is, before a face, below or beside it.

    Args:
        before: (H, W) in [0, 1], how much of each pixel is of what lies before the face.
        below: Likewise of what lies below or beside it, and under it where the face comes there.
        logos: What is drawn beside it, or over its edge, and perhaps not always there.
    """

    def __init__(
        self,
        before: NDArray[np.float32],
        below: NDArray[np.float32] | None = None,
        logos: Sequence[DrawnLogo] = (),
    ) -> None:
        self._before, self._below, self._logos = before, below, tuple(logos)
        self.is_before = bool(before.any()) or any(one.logo.is_before for one in self._logos)
        self.place = "before" if self.is_before else "below" if below is not None else "beside"

    def _shares(self, frame: Frame) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """How much of each pixel of a frame is of what lies before the face, and of what lies around it."""
        before, around = self._before, self._below
        for one in self._logos:
            if one.is_shown(frame):
                around = one.share if around is None else np.maximum(around, one.share)
                before = np.maximum(before, one.share) if one.logo.is_before else before
        return before, around

    def remove(self, frame: Frame, points: NDArray[np.floating]) -> Frame:
        """A frame (H, W, 3) with a face (478, 3) made up behind it, of what is around, for the warp to take from."""
        height, width = frame.shape[:2]
        before, below = self._shares(frame)
        around = (before > 0).astype(np.uint8)
        hole = around & fill_face(points, (height, width))
        if below is not None:
            there = (below > 0.5).astype(np.uint8)
            hole, around = hole | there, around | there
        zoom = min(1.0, _FILLED_SIDE / max(height, width))
        size = (max(8, round(width * zoom)), max(8, round(height * zoom)))
        small = (cv2.resize(around.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0).astype(np.uint8)
        filled = cv2.inpaint(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), small, 3, cv2.INPAINT_TELEA)
        return np.where(hole[..., None] > 0, cv2.resize(filled, (width, height)), frame)

    def restore(self, picture: Frame, frame: Frame, points: NDArray[np.floating]) -> Frame:
        """A picture of a face (478, 3) with it laid over as a frame shows it; pixels outside stay, bit for bit."""
        share, below = self._shares(frame)
        if below is not None:
            free = 1 - cv2.GaussianBlur(fill_face(points, share.shape).astype(np.float32), (3, 3), 0)
            share = np.maximum(share, below * free)
        mixed = picture + share[..., None] * (frame.astype(np.float32) - picture)
        return np.where(share[..., None] > 0, np.rint(mixed), picture).astype(np.uint8)


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
        points = self._track.points[first:last][usable]
        total: NDArray[np.float64] | None = None
        around: Surroundings | None = None
        greys: list[NDArray[np.uint8]] = []
        step, seen = -(-len(points) // _MOST), 0
        for is_usable, frame in zip(usable, frames, strict=False):
            if is_usable:
                around = Surroundings(points[::step], frame.shape) if around is None else around
                if seen % step == 0:
                    greys.append(around(frame))
                seen += 1
                grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32)
                if total is None:
                    total, squares = np.zeros(grey.shape), np.zeros(grey.shape)
                cv2.accumulate(grey, total)
                cv2.accumulateSquare(grey, squares)
        if total is None or around is None or seen < _FEWEST:
            return None
        mean = total / seen
        deviation = np.sqrt(np.maximum(squares / seen - mean**2, 0))
        before, below = find_overlay(mean, deviation, points[:seen], self._style)
        known = np.maximum(*(np.zeros(mean.shape, np.float32) if one is None else one for one in (before, below)))
        drawn = []
        for logo in find_logos(np.stack(greys), around):
            share = _soften(around.enlarge(logo.things, mean.shape), self._style)
            if before is not None and before[share > 0].any():
                # What of it lies before the face is known more closely: its own outline bulges, and where it runs on
                # into edges of the wall on both sides, all of the mouth lies in it.
                face = np.bitwise_or.reduce([fill_face(one, mean.shape) for one in points[:seen]])
                share = np.where(face > 0, np.minimum(share, before), share)
            drawn.append(DrawnLogo(logo, around, share))
        logos = [one for one in drawn if (known > 0)[one.share > 0].mean() < _KNOWN]
        if before is None and below is None and not logos:
            return None
        return Overlay(np.zeros(mean.shape, np.float32) if before is None else before, below, logos)


def find_overlay(
    mean: NDArray[np.floating],
    deviation: NDArray[np.floating],
    points: NDArray[np.floating],
    style: OverlayStyle = OverlayStyle(),
) -> tuple[NDArray[np.float32] | None, NDArray[np.float32] | None]:
    """How much (H, W) of each pixel is of what lies before a face, and below it, and does not move; None for nothing.

    Args:
        mean: (H, W) grey levels, the mean of some frames.
        deviation: (H, W) their standard deviation.
        points: Landmarks (T, 478, 3) in these frames.
        style: When an edge lies before a face.
    """
    flat = points[..., :2]
    unit = float(np.linalg.norm(flat[:, OUTER_EYES[0]] - flat[:, OUTER_EYES[1]], axis=1).mean())
    steady = _find_steady(mean, deviation, flat, unit, style)
    before = _outline(steady, steady & _always_face(flat, mean.shape), unit, style)
    below = _find_below(mean, deviation, flat, unit, style)
    return None if before is None else _soften(before, style), below


def _find_below(
    mean: NDArray[np.floating],
    deviation: NDArray[np.floating],
    flat: NDArray[np.floating],
    unit: float,
    style: OverlayStyle,
) -> NDArray[np.float32] | None:
    """How much (H, W) of each pixel lies below a face (T, 478, 2) and does not move; None where nothing does.

    It is looked for where eyes lie so far apart at the most that strokes of letters are as thick as edges.
    """
    zoom, whole = min(1.0, style.lettered_unit / unit), deviation.shape
    mean, deviation = (cv2.resize(x, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA) for x in (mean, deviation))
    small, shape = zoom * flat, mean.shape
    faces = [fill_face(face, shape) for face in small]
    under = _under_chin(small, shape, style.below) & (np.bitwise_or.reduce(faces) == 0)
    steady = _find_steady(mean, deviation, small, zoom * unit, replace(style, travel_px=zoom * style.travel_px))
    if steady.any():
        letters = steady & _find_letters(mean, deviation, style.lettered, style.noise)
        things = _outline(steady, letters & under, zoom * unit, style)
    else:
        letters = _find_letters(mean, deviation, style.lettered_at_rest, style.noise)
        strict = replace(style, dense_side=style.dense_side_at_rest, dense=style.dense_at_rest, reach=0)
        words = letters & _is_dense(letters, zoom * unit, strict)
        things = _outline(words, words & under, zoom * unit, strict)
        if things is not None and (things & np.bitwise_or.reduce(faces)).any():
            return None  # what reaches over a face would be torn
    if things is None:
        return None
    if zoom < 1:
        things = np.asarray(cv2.dilate(things, np.ones((3, 3), np.uint8)))  # its rim may be finer than a pixel here
    ever = np.bitwise_or.reduce([fill_face(face, whole) for face in flat])
    return _soften(cv2.resize(things, whole[::-1], interpolation=cv2.INTER_NEAREST), style) * (ever == 0)


def _outline(
    steady: NDArray[np.bool_], seeds: NDArray[np.bool_], unit: float, style: OverlayStyle
) -> NDArray[np.uint8] | None:
    """Things (H, W) that seeds among steady edges belong to, filled; None where seeds are too few or too sparse."""
    dense = seeds & _is_dense(seeds, unit, style)
    if dense.sum() < style.least * unit**2:
        return None
    rows, columns = np.nonzero(dense)
    margin = style.reach * unit
    row, column = np.mgrid[: steady.shape[0], : steady.shape[1]]
    beside = (row >= rows.min() - margin) & (row <= rows.max() + margin)
    below = (row >= rows.min()) & (column >= columns.min() - margin) & (column <= columns.max() + margin)
    radius = max(1, round(style.bridged * unit / 2))
    around = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    joined = cv2.morphologyEx((steady & (beside | below)).astype(np.uint8), cv2.MORPH_CLOSE, around)
    _, labels = cv2.connectedComponents(joined)
    chosen = np.isin(labels, np.unique(labels[dense & (labels > 0)])) & (labels > 0)
    outlines, _ = cv2.findContours(chosen.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return np.asarray(cv2.drawContours(np.zeros(steady.shape, np.uint8), outlines, -1, 1, cv2.FILLED))


def _is_dense(edges: NDArray[np.bool_], unit: float, style: OverlayStyle) -> NDArray[np.bool_]:
    """Where (H, W) edges lie close together."""
    side = 2 * round(style.dense_side * unit / 2) + 1
    return np.asarray(cv2.boxFilter(edges.astype(np.float32), -1, (side, side)) > style.dense)


def _soften(things: NDArray[np.uint8], style: OverlayStyle) -> NDArray[np.float32]:
    """How much (H, W) of each pixel is of some things, in [0, 1]."""
    side = 2 * style.margin + 1
    mask = cv2.dilate(things.astype(np.float32), np.ones((side, side), np.uint8))
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


def _find_letters(
    mean: NDArray[np.floating], deviation: NDArray[np.floating], contrast: float, noise: float
) -> NDArray[np.bool_]:
    """Edges (H, W) as steep as those of letters that do not change."""
    across, down = (cv2.Scharr(mean, cv2.CV_64F, *order, scale=1 / 32) for order in ((1, 0), (0, 1)))
    return (np.hypot(across, down) > contrast) & (deviation < noise)


def _always_face(flat: NDArray[np.floating], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Pixels (H, W) that lie within a face (T, 478, 2) in every frame."""
    return np.bitwise_and.reduce([fill_face(face, shape) for face in flat]) > 0


def _under_chin(flat: NDArray[np.floating], shape: tuple[int, ...], reach: float) -> NDArray[np.bool_]:
    """Pixels (H, W) beside the lower half of a face (T, 478, 2) or under it, as wide as that, that may bend with it."""
    oval = flat[:, FACE_OVAL].mean(axis=0)
    (left, _), (right, lowest) = oval.min(axis=0), oval.max(axis=0)
    middle = oval[:, 1].mean()
    row, column = np.mgrid[: shape[0], : shape[1]]
    within = (column > left) & (column < right)
    return np.asarray(within & (row > (middle + lowest) / 2) & (row < middle + reach * (lowest - middle)))
