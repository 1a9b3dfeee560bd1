"""Logos, names, clocks and others' marks that a program drew into a film: beside a head, or over its edge.

A head moves and they do not. Nor does the wall behind it; but they are letters and signs. Their edges are steep, run in
all directions, and each has one near it that runs the other way, so that together they cancel. Edges are summed over
time as vectors: what stands adds up, also where it is half transparent before something that moves, or comes and goes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.mesh import FACE_OVAL, OUTER_EYES
from facediff.types import Frame

HEAD = [33, 133, 168, 362, 263, 6, 4]  # corners of the eyes and the nose: they move with the head, not with speech


@dataclass(frozen=True, kw_only=True)
class LogoStyle:
    """When edges are those of a logo. Levels are those of grey, 0 to 255; distances are in eye distances.

    Fit by: 76 logos, names, clocks and marks drawn into training clips at six places, opaque, half transparent,
    blinking and fading, against 75 clips as they are: 62 are found (opaque ones 33 of 36, half transparent 15 of 24),
    and beside three captions that the clips have, one shelf of books. Most of what stands there and is none falls short
    of ``opposed``, the rest of ``round``.

    Attributes:
        unit: Pixels between the eyes to which a picture is made smaller, at the most.
        reach: How far around a face's oval it is looked, in its own size about its centre: what may bend.
        travel: Distance by which a head moves about its mean place at least, or is taken to rest; and ``travel_px``.
        travel_px: See ``travel``.
        contrast: Levels to a pixel by which edges are steep, at least.
        weak: Likewise, of edges that belong to such.
        strong: Likewise, of the upper two fifths of a logo's; and ``strong_at_rest`` where the head rests.
        strong_at_rest: See ``strong``.
        clear: Likewise, of those that are told however the head moves and whatever way they run.
        far: How far a head moves, by which weaker ones are told.
        together: How much of the edges' length is left when they are summed over time.
        side: Of the square in which edges are counted, and ``dense`` their share there.
        dense: See ``side``.
        opposed: How much of their length edges there lose when they are summed.
        opposed_over: Likewise, before what moves.
        lively: Change, in levels, of what moves behind a thing, where the head moves by ``far_over``.
        far_over: See ``lively``.
        round: How much of them runs along the lesser axis, of what runs along the greater; ``round_clear`` if clear.
        round_clear: See ``round``.
        least: How many there are, per squared eye distance.
        bridged: Gaps between edges of one thing.
        around: How far from its seeds a thing has weak edges.
        shown: Share of a logo's own strength from which it is there, where its looks are learnt.
        gone: Likewise, up to which it is gone; a face never is.
        seen: Likewise, from which a frame shows it.
        steady: How much edges may differ from one moment to the next, of their strength.
        fewest: Frames in which it is there.
        within: Share of a thing within the face, up to which it lies beside it.
        rim: How far a thing goes beyond its steady edges.
        next: How far a line of letters goes on: the seconds of a clock do not stand.
    """

    unit: float = 60.0
    reach: float = 2.1
    travel: float = 0.012
    travel_px: float = 1.0
    contrast: float = 20.0
    weak: float = 16.0
    strong: float = 30.0
    strong_at_rest: float = 55.0
    clear: float = 45.0
    far: float = 0.03
    together: float = 0.85
    side: float = 0.25
    dense: float = 0.12
    opposed: float = 0.78
    opposed_over: float = 0.7
    lively: float = 7.0
    far_over: float = 0.05
    round: float = 0.58
    round_clear: float = 0.45
    least: float = 0.05
    bridged: float = 0.2
    around: float = 0.3
    shown: float = 0.5
    gone: float = 0.2
    seen: float = 0.15
    steady: float = 0.35
    fewest: int = 8
    within: float = 0.05
    rim: float = 0.1
    next: float = 0.2


_STYLE = LogoStyle()


class Surroundings:
    """What is around a face (T, 478, 3) in some frames, made smaller, in grey.

    Args:
        points: Landmarks in these frames.
        shape: Of the frames.
        style: How far it goes, and how small it is made.
    """

    def __init__(self, points: NDArray[np.floating], shape: tuple[int, ...], style: LogoStyle = _STYLE) -> None:
        flat = points[..., :2]
        self.unit = float(np.linalg.norm(flat[:, OUTER_EYES[0]] - flat[:, OUTER_EYES[1]], axis=1).mean())
        oval = flat[:, FACE_OVAL]
        centre = oval.mean(axis=1, keepdims=True)
        ring = centre + (oval - centre) * style.reach
        height, width = shape[:2]
        low = np.clip(np.floor(ring.min(axis=(0, 1))), 0, [width - 1, height - 1]).astype(int)
        high = np.clip(np.ceil(ring.max(axis=(0, 1))) + 1, low + 1, [width, height]).astype(int)
        self.box = (slice(low[1], high[1]), slice(low[0], high[0]))
        zoom = min(1.0, style.unit / self.unit)
        self.size = (max(1, round(zoom * (high[0] - low[0]))), max(1, round(zoom * (high[1] - low[1]))))
        scale = np.array(self.size) / (high - low)
        self.unit, self.zoom = zoom * self.unit, zoom
        self.flat = (flat - low + 0.5) * scale - 0.5
        self.ring = (ring - low + 0.5) * scale - 0.5

    def __call__(self, frame: Frame) -> NDArray[np.uint8]:
        """The part of a frame, (h, w)."""
        part = np.ascontiguousarray(frame[self.box])
        return np.asarray(cv2.resize(cv2.cvtColor(part, cv2.COLOR_RGB2GRAY), self.size, interpolation=cv2.INTER_AREA))

    def enlarge(self, things: NDArray[np.uint8], shape: tuple[int, ...]) -> NDArray[np.uint8]:
        """Things (h, w) in a whole frame (H, W)."""
        whole = np.zeros(shape[:2], np.uint8)
        rows, columns = self.box
        size = (columns.stop - columns.start, rows.stop - rows.start)
        whole[self.box] = cv2.resize(things, size, interpolation=cv2.INTER_NEAREST)
        return np.asarray(cv2.dilate(whole, np.ones((3, 3), np.uint8))) if self.zoom < 1 else whole


@dataclass(frozen=True)
class Logo:
    """Something drawn into a film.

    Attributes:
        things: (h, w), 1 where it is.
        is_before: Whether it reaches over the face, and so lies before it.
        is_fleeting: Whether some frames do not show it.
        edges: (h, w) where its edges are.
        across: Of its edges, the change to the right, per unit of ``presence``; ``down`` likewise.
        down: See ``across``.
    """

    things: NDArray[np.uint8]
    is_before: bool
    is_fleeting: bool
    edges: NDArray[np.bool_]
    across: NDArray[np.floating]
    down: NDArray[np.floating]

    def is_shown(self, grey: NDArray[np.uint8]) -> bool:
        """Whether a moment (h, w) shows it."""
        return not self.is_fleeting or self.presence(grey) > _STYLE.seen

    def presence(self, grey: NDArray[np.uint8]) -> float:
        """How much of it a moment (h, w) shows, 1 where it is as strong as in most of those that show it."""
        across, down = _slopes(grey)
        there = across[self.edges] @ self.across + down[self.edges] @ self.down
        return float(there / (self.across @ self.across + self.down @ self.down))


def find_logos(greys: NDArray[np.uint8], around: Surroundings, style: LogoStyle = _STYLE) -> Iterator[Logo]:
    """What is drawn into a film around a face.

    Args:
        greys: (T, h, w), what is around the face in some frames.
        around: Where the face is.
        style: When edges are those of a logo.
    """
    if len(greys) < style.fewest:
        return
    edges = _StandingEdges(greys, around, style)
    radius = max(1, round(style.bridged * around.unit / 2))
    gap = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    count, labels = cv2.connectedComponents(cv2.morphologyEx(edges.seeds.astype(np.uint8), cv2.MORPH_CLOSE, gap))
    radius = max(1, round(style.around * around.unit))
    near = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    for label in range(1, count):
        seeds = (labels == label) & edges.seeds
        if seeds.sum() < style.least * around.unit**2:
            continue
        thing = seeds | (edges.weak & (cv2.dilate(seeds.astype(np.uint8), near) > 0))
        logo = edges.read(seeds, thing, gap)
        if logo is not None:
            yield logo


class _StandingEdges:
    """Edges of some moments (T, h, w) that add up, and what they make."""

    def __init__(self, greys: NDArray[np.uint8], around: Surroundings, style: LogoStyle) -> None:
        self._around, self._style = around, style
        self._flat = around.flat[: len(greys)]  # a film may break off
        across, down = np.empty(greys.shape, np.float32), np.empty(greys.shape, np.float32)
        for k, grey in enumerate(greys):
            across[k], down[k] = _slopes(grey)
        self._across, self._down = across, down
        lengths = np.hypot(across, down)
        summed = lengths.sum(axis=0)
        self._mean = across.mean(axis=0), down.mean(axis=0)
        mean = np.hypot(*self._mean)
        stands = len(greys) * mean > style.together * summed
        steep = (lengths**2).sum(axis=0) / np.maximum(summed, 1e-3)  # weighs moments that show them
        self.weak = stands & (steep > style.weak) & (mean > style.weak / 4)
        edges = (stands & (steep > style.contrast) & (mean > style.contrast / 4)).astype(np.float32)
        side = 2 * round(style.side * around.unit / 2) + 1
        left = np.hypot(*(cv2.boxFilter(part * edges, -1, (side, side)) for part in self._mean))
        self._opposed = 1 - left / np.maximum(cv2.boxFilter(mean * edges, -1, (side, side)), 1e-3)
        self._change = cv2.boxFilter(greys.std(axis=0, dtype=np.float32), -1, (side, side))
        dense = cv2.boxFilter(edges, -1, (side, side)) > style.dense
        self.seeds = (edges > 0) & dense & (self._opposed > style.opposed - 0.28)
        faces = [fill_face(face, mean.shape) for face in self._flat]
        self._ever = np.bitwise_or.reduce(faces) > 0
        self._ring = np.zeros(mean.shape, np.uint8)
        for ring in around.ring:
            cv2.fillPoly(self._ring, [np.rint(ring).astype(np.int32)], 1)

    def read(self, seeds: NDArray[np.bool_], thing: NDArray[np.bool_], gap: NDArray[np.uint8]) -> Logo | None:
        """The logo that has some edges (h, w), ``seeds`` among them; None if they are not those of one."""
        style, unit = self._style, self._around.unit
        across, down = self._across[:, thing], self._down[:, thing]
        mean_across, mean_down = across.mean(axis=0), down.mean(axis=0)
        there = (across @ mean_across + down @ mean_down) / (mean_across @ mean_across + mean_down @ mean_down)
        top = float(np.quantile(there, 0.9))
        shown = there > style.shown * top
        if top <= 0 or shown.sum() < style.fewest:
            return None
        share = there[shown, None] / top
        own = [(share * part[shown]).sum(axis=0) / (share**2).sum() for part in (across, down)]
        rest = [part[shown] - share * mine for part, mine in zip((across, down), own, strict=True)]
        length = np.hypot(*own)
        steady = (length > style.weak) & (np.sqrt((rest[0] ** 2 + rest[1] ** 2).mean(axis=0)) < style.steady * length)
        kept = np.zeros(thing.shape, bool)
        kept[thing] = steady
        if not self._is_logo(seeds, kept, length[steady & seeds[thing]], shown):
            return None
        within = float((kept & self._ever).sum() / kept.sum())
        moves = self._travel(shown) >= max(style.travel_px * self._around.zoom, style.travel * unit)
        goes = (there < style.gone * top).sum() >= style.fewest
        if not moves and not goes and within > style.within:
            return None  # a face that rests may have such edges, and what reaches over it would be torn
        things = _fill(cv2.morphologyEx(kept.astype(np.uint8), cv2.MORPH_CLOSE, gap), round(style.rim * unit))
        left, top_row, width, height = cv2.boundingRect(things)
        if width > 2 * height:
            side = 2 * round(style.next * unit) + 1
            things |= cv2.dilate(things, np.ones((1, side), np.uint8)) & ~self._ever
        is_fleeting = bool((there < 0.75 * top).any())
        return Logo(things, within > style.within, is_fleeting, kept, own[0][steady], own[1][steady])

    def _is_logo(
        self, seeds: NDArray[np.bool_], kept: NDArray[np.bool_], lengths: NDArray[np.floating],
        shown: NDArray[np.bool_],
    ) -> bool:  # fmt: skip
        """Whether edges are those of a logo, by how strong their seeds are (N,), and how they run."""
        style, unit = self._style, self._around.unit
        least = style.least * unit**2
        beside = (kept & (self._ring > 0) & ~self._ever).sum()
        if (lengths > style.contrast).sum() < least or 4 * beside < least:
            return False
        strong, travel = float(np.quantile(lengths, 0.6)), self._travel(shown)
        rests = travel < max(style.travel_px * self._around.zoom, style.travel * unit)
        if strong < (style.strong_at_rest if rests else style.contrast):
            return False
        is_over = np.median(self._change[seeds]) > style.lively and travel >= style.far_over * unit
        is_clear = strong >= style.clear or is_over
        if not is_clear and (travel < style.far * unit or strong < style.strong):
            return False
        along = sorted((part[seeds] ** 2).sum() for part in self._mean)
        is_round = along[0] >= (style.round_clear if is_clear else style.round) * along[1]
        return bool(is_round and np.median(self._opposed[seeds]) >= (style.opposed_over if is_over else style.opposed))

    def _travel(self, shown: NDArray[np.bool_]) -> float:
        """How far the head is from its mean place, in pixels, in some of the moments."""
        head = self._flat[shown][:, HEAD].mean(axis=1)
        return float(np.sqrt(((head - head.mean(axis=0)) ** 2).sum(axis=1).mean()))


def fill_face(points: NDArray[np.floating], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """1 where (H, W) a face (478, 2 or more) is."""
    here = np.zeros(shape, np.uint8)
    return np.asarray(cv2.fillPoly(here, [np.rint(points[FACE_OVAL, :2]).astype(np.int32)], 1))


def _fill(things: NDArray[np.uint8], margin: int) -> NDArray[np.uint8]:
    """Things (h, w), what lies between their edges, and a margin in pixels: rims before what moves are unsteady."""
    outlines, _ = cv2.findContours(things, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    hulls = [cv2.convexHull(outline) for outline in outlines]
    filled = cv2.drawContours(np.zeros_like(things), hulls, -1, 1, cv2.FILLED)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * margin + 1, 2 * margin + 1))
    return np.asarray(cv2.dilate(filled, disc))


def _slopes(grey: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Levels to a pixel (h, w) by which a picture changes to the right and downwards."""
    across, down = (cv2.Scharr(grey, cv2.CV_32F, *order, scale=1 / 32) for order in ((1, 0), (0, 1)))
    return np.asarray(across, np.float32), np.asarray(down, np.float32)
