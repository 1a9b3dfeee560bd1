"""Eyeglasses, drawn: a frame of a fixed shape, worn on the nose, seen as the head of each frame is turned.

Glasses are no shade of a face. Of many people's the mean is a ghost of many rims, so these are made, not learnt.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.alignment import FACE, CropTemplate, align
from facediff.landmarks.canonical import from_canonical
from facediff.landmarks.eye_window import CORNERS
from facediff.landmarks.smoothing import smooth_track
from facediff.options import STRONGEST, check_strength
from facediff.rendering.compose import add_window, heed_colours
from facediff.rendering.crops import choose_drawing_unit, fade_border, place_in_crop
from facediff.types import FaceTrack, Frame, Points

NAME = "eyeglasses"
LEAST, MOST = 0.0, STRONGEST  # they can be put on, not taken off
FINEST = 288  # pixels to an eye distance in which they are drawn
OVERSAMPLED = 2
NOSE_BRIDGE = 168


@dataclass(frozen=True)
class GlassesStyle:
    """A frame of glasses, and how it is lit. In eye distances, the canonical face's axes: x right, y down, z away.

    Set by eye on training portraits ("eyeglasses are drawn", November 2026); no range was swept.

    Attributes:
        lens: Half width and half height of the inside of a rim.
        roundness: Of its outline; 2 is an ellipse.
        rim: Thickness, half as much again along the top.
        apart: Of a lens's middle from the middle of the face.
        lower: Below the line of the eyes.
        before: Before the nose's bridge.
        wrap: How far rims curve back, over the square of x.
        bridge: Points of the line between the lenses.
        hinge: Where a temple begins, x and y.
        ear: Where it ends, x, y and z.
        temple_seen: Of a temple's length, over which it goes into hair.
        colour: In levels.
        sheen: How much lighter the top is, in levels.
        shadow: How dark what is thrown on skin is, from 0 to 1.
        shadow_below: How far below the frame it lies.
        shadow_wide: Over which it fades.
        glare: Of white on the upper outer part of a lens.
    """

    lens: tuple[float, float] = (0.275, 0.215)
    roundness: float = 2.9
    rim: float = 0.026
    apart: float = 0.375
    lower: float = 0.055
    before: float = 0.1
    wrap: float = 0.28
    bridge: tuple[tuple[float, float], ...] = ((-0.105, -0.03), (-0.05, -0.075), (0.05, -0.075), (0.105, -0.03))
    hinge: tuple[float, float] = (0.665, -0.07)
    ear: tuple[float, float, float] = (0.79, 0.0, 0.8)
    temple_seen: float = 0.55
    colour: tuple[float, float, float] = (34.0, 30.0, 29.0)
    sheen: float = 46.0
    shadow: float = 0.28
    shadow_below: float = 0.035
    shadow_wide: float = 0.03
    glare: float = 0.07


class GlassesEditor:
    """Puts eyeglasses on the faces of a video or a portrait.

    Args:
        track: Its faces.
        strength: From 0, none, to 1; more is 1.
        style: What they look like.

    Raises:
        ConfigError: The strength is negative: glasses cannot be taken off.
    """

    def __init__(self, track: FaceTrack, strength: float, style: GlassesStyle = GlassesStyle()) -> None:
        check_strength(NAME, strength, LEAST, MOST)
        self._track, canonical, self._pose = smooth_track(track)
        self._strength, self._style = min(strength, 1.0), style
        self._worn = place_glasses(np.nanmedian(canonical[track.usable], axis=0), style)

    def __call__(self, frames: Iterable[tuple[int, Frame]]) -> Iterator[Frame]:
        """Frames with glasses, in order, of frames and their indices; those without a face pass untouched."""
        for index, frame in frames:
            yield self._edited(index, frame) if self._strength and self._track.usable[index] else frame

    def _edited(self, index: int, frame: Frame) -> Frame:
        pose = self._pose.take(slice(index, index + 1))
        unit = choose_drawing_unit(float(pose.scale[0]), FINEST)
        template = _template(unit)
        alignment = align(pose, template)
        lines = {name: from_canonical(line, pose)[0] for name, line in self._worn.items()}
        parts = {name: place_in_crop(line, alignment, pose, template) for name, line in lines.items()}
        window = alignment.crop(frame, 0).astype(np.float32)
        change = self._strength * (draw_glasses(window, parts, unit, self._style) - window)
        change = heed_colours(change, window) * fade_border(template.size)[..., None]
        return add_window(frame, change, alignment.inverses[0])


def _template(unit: float) -> CropTemplate:
    """The upper part of the face, out to the ears."""
    size = (round(2.1 * unit), round(1.1 * unit))
    return replace(FACE, size=size, unit_px=unit, anchor=(0.0, 0.05, -0.1), anchor_px=(size[0] / 2, size[1] / 2))


def place_glasses(face: NDArray[np.floating], style: GlassesStyle = GlassesStyle()) -> dict[str, Points]:
    """Lines (N, 3) of glasses on a canonical face (478, 3): rims inside and out, bridge and temples."""
    eyes = np.array([face[list(pair)].mean(axis=0) for pair in CORNERS])
    middle, level = float(eyes[:, 0].mean()), float(eyes[:, 1].mean()) + style.lower
    front = float(face[NOSE_BRIDGE, 2]) - style.before

    def at(x: NDArray[np.floating], y: NDArray[np.floating]) -> Points:
        return np.stack([middle + x, level + y, front + style.wrap * x**2], axis=-1).astype(np.float32)

    parts: dict[str, Points] = {}
    for name, side in (("right", -1), ("left", 1)):
        for edge, thicker in (("inside", 0.0), ("outside", style.rim)):
            x, y = _superellipse(style.lens[0] + thicker, style.lens[1] + thicker, style.roundness)
            y = np.where(y < 0, y - 0.5 * (thicker > 0) * style.rim, y)
            parts[f"{name} {edge}"] = at(side * style.apart + x, y)
        hinge = at(np.array([side * style.hinge[0]]), np.array([style.hinge[1]]))[0]
        ear = np.array([middle + side * style.ear[0], level + style.ear[1], front + style.ear[2]], np.float32)
        parts[f"{name} temple"] = hinge + np.linspace(0, 1, 24, dtype=np.float32)[:, None] * (ear - hinge)
    parts["bridge"] = at(*np.array(style.bridge).T)
    return parts


def _superellipse(a: float, b: float, roundness: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    turn = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    cos, sin = np.cos(turn), np.sin(turn)
    power = 2 / roundness
    return a * np.sign(cos) * np.abs(cos) ** power, b * np.sign(sin) * np.abs(sin) ** power


def draw_glasses(
    window: NDArray[np.float32], parts: dict[str, Points], unit: float, style: GlassesStyle = GlassesStyle()
) -> NDArray[np.float32]:
    """A window (H, W, 3), in levels, with glasses in it.

    Args:
        window: The face, upright.
        parts: As ``place_glasses`` gives them, in pixels of the window.
        unit: Pixels to an eye distance.
        style: What they look like.
    """
    size = window.shape[1], window.shape[0]
    solid, lenses = _solid(parts, size, unit, style), _filled(parts, ("right inside", "left inside"), size)
    moved = np.array([[1.0, 0, 0], [0, 1, style.shadow_below * unit]])
    shadow = cv2.GaussianBlur(cv2.warpAffine(solid, moved, size), (0, 0), style.shadow_wide * unit)
    made = window * (1 - style.shadow * shadow)[..., None]
    made += (style.glare * lenses * _glare(parts, size))[..., None] * (255 - made)
    lit = np.clip(cv2.GaussianBlur(solid, (0, 0), 0.008 * unit) - np.roll(solid, round(0.01 * unit), axis=0), 0, 1)
    colour = np.array(style.colour, np.float32) + style.sheen * lit[..., None]
    return made + solid[..., None] * (colour - made)


def _solid(parts: dict[str, Points], size: tuple[int, int], unit: float, style: GlassesStyle) -> NDArray[np.float32]:
    """(H, W) in [0, 1]: rims, bridge, and what is seen of the temples."""
    solid = _filled(parts, ("right outside", "left outside"), size) - _filled(
        parts, ("right inside", "left inside"), size
    )
    np.maximum(solid, _stroke([(parts["bridge"], 1.0)], size, 1.3 * style.rim * unit), out=solid)
    centre = (parts["right inside"][:, 0].mean() + parts["left inside"][:, 0].mean()) / 2
    for name in ("right temple", "left temple"):
        line = parts[name]
        if (line[-1, 0] - line[0, 0]) * (line[0, 0] - centre) <= 0:
            continue  # behind the face
        shares = np.linspace(0, 1, len(line) - 1)
        seen = np.clip(1 - shares / style.temple_seen, 0, 1)
        pieces = [(line[k : k + 2], float(share)) for k, share in enumerate(seen)]
        np.maximum(solid, _stroke(pieces, size, 1.2 * style.rim * unit), out=solid)
    return np.clip(solid, 0, 1)


def _filled(parts: dict[str, Points], names: tuple[str, ...], size: tuple[int, int]) -> NDArray[np.float32]:
    mask = np.zeros((OVERSAMPLED * size[1], OVERSAMPLED * size[0]), np.uint8)
    for name in names:
        cv2.fillPoly(mask, [_fine(parts[name])], 255, shift=4)
    return cv2.resize(mask, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def _stroke(pieces: list[tuple[Points, float]], size: tuple[int, int], width: float) -> NDArray[np.float32]:
    mask = np.zeros((OVERSAMPLED * size[1], OVERSAMPLED * size[0]), np.uint8)
    for line, share in pieces:
        if share > 0:
            thickness = max(1, round(OVERSAMPLED * width))
            cv2.polylines(mask, [_fine(line)], False, round(255 * share), thickness, cv2.LINE_AA, shift=4)
    return cv2.resize(mask, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def _fine(line: Points) -> NDArray[np.int32]:
    """Points in sixteenths of the pixels of an oversampled mask."""
    return np.rint((OVERSAMPLED * (line[:, :2] + 0.5) - 0.5) * 16).astype(np.int32)


def _glare(parts: dict[str, Points], size: tuple[int, int]) -> NDArray[np.float32]:
    """(H, W) in [0, 1]: lighter towards the upper corner of each lens."""
    y, x = np.mgrid[0 : size[1], 0 : size[0]].astype(np.float32)
    glare = np.zeros(size[::-1], np.float32)
    for name in ("right inside", "left inside"):
        low, high = parts[name][:, :2].min(axis=0), parts[name][:, :2].max(axis=0)
        u, v = (x - low[0]) / max(high[0] - low[0], 1), (y - low[1]) / max(high[1] - low[1], 1)
        inside = (u >= 0) & (u <= 1)
        np.maximum(glare, np.where(inside, np.clip(1 - 0.7 * u - v, 0, 1), 0), out=glare)
    return np.sqrt(glare)
