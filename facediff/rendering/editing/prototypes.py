"""Attributes of a person changed all through a video: the same light and shade laid on the face of every frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facediff.landmarks import masks
from facediff.landmarks.alignment import align
from facediff.landmarks.flat_face import FLAT, Unfolding, flat_points
from facediff.landmarks.light import to_levels, to_log_light
from facediff.landmarks.mesh import FACE_OVAL, LEFT_BROW, LEFT_EYE, LIPS_INNER, RIGHT_BROW, RIGHT_EYE
from facediff.landmarks.smoothing import smooth_track
from facediff.models.prototypes import Prototypes
from facediff.options import check_strength
from facediff.rendering.compose import add_window, heed_colours
from facediff.rendering.crops import fade_border, place_in_crop
from facediff.types import FaceTrack, Frame

CHEEKS = np.array([[117, 118, 101, 36, 50], [346, 347, 330, 266, 280]])  # under the eyes, above where beards grow


@dataclass(frozen=True)
class PrototypeStyle:
    """Where prototypes are laid, and how far they may go. Distances in eye distances, light in logarithms.

    Set by eye on training faces; the mask of make-up was drawn after it had failed on test clips ("Make-up is laid on
    lips, eyes and brows", November 2026); no range was swept.

    Attributes:
        within: Of the face oval, in which what changes a face ends: nearer to it, a prototype tells how people wear
            their hair and what they stand before, and would light up the background at the jaw.
        fade: Over which it ends.
        beard_reach: Around the lower face.
        beard_fade: Over which a beard ends.
        lips_reach: Around lips that are made up.
        eyes_reach: Around eyes and brows that are.
        makeup_fade: Over which make-up ends.
        darkest: What light is changed by at the least.
        brightest: And at the most.
        line: What is one with a line of a face.
        around: What is around it.
        stubble: By which a lower face is darker than cheeks in shade.
        beard: And with a beard.
    """

    within: float = 0.86
    fade: float = 0.12
    beard_reach: float = 0.06
    beard_fade: float = 0.1
    lips_reach: float = 0.1
    eyes_reach: float = 0.2
    makeup_fade: float = 0.2
    darkest: float = -2.0
    brightest: float = 0.7
    line: float = 0.02
    around: float = 0.15
    stubble: float = 0.2
    beard: float = 0.6


class PrototypeEditor:
    """Lays prototypes of attributes onto the faces of a video or a portrait.

    Args:
        track: Its faces.
        prototypes: What attributes do to the light.
        strengths: Of some of them, from -2 to 2.
        style: Where they are laid.

    Raises:
        ConfigError: A strength is out of range.
    """

    def __init__(
        self,
        track: FaceTrack,
        prototypes: Prototypes,
        strengths: Mapping[str, float],
        style: PrototypeStyle = PrototypeStyle(),
    ) -> None:
        self._style = style
        for name, strength in strengths.items():
            check_strength(name, strength)
        self._track, _, self._pose = smooth_track(track)
        wanted = {name: strength for name, strength in strengths.items() if strength}
        light = sum(
            (strength * _where(name, style)[..., None] * prototypes.of(name) for name, strength in wanted.items()),
            start=np.zeros((*FLAT.size[::-1], 3), np.float32),
        )
        self._shaves = wanted.get("beard", 0.0) < 0
        self._unfold = Unfolding(np.clip(light, style.darkest, style.brightest).astype(np.float32)) if wanted else None

    def __call__(self, frames: Iterable[tuple[int, Frame]]) -> Iterator[Frame]:
        """Edited frames, in order, of frames and their indices; those without a face pass untouched."""
        for index, frame in frames:
            unfold = self._unfold if self._track.usable[index] else None
            yield frame if unfold is None else self._edited(index, frame, unfold)

    def _edited(self, index: int, frame: Frame, unfold: Unfolding) -> Frame:
        pose = self._pose.take(slice(index, index + 1))
        alignment = align(pose, FLAT)
        points = place_in_crop(self._track.points[index], alignment, pose, FLAT)
        window = alignment.crop(frame, 0)
        light = to_log_light(window)
        change = limit_lightening(light, _seen(points)[..., None] * unfold(points), self._style)
        wanted = light + change
        if self._shaves:
            skin = _skin(light, points)
            lighter = np.minimum(change, np.maximum(skin - light, 0))  # what is shaved is skin, and no lighter
            wanted = light + _bearded(light, points, skin, self._style) * lighter
        change = heed_colours(to_levels(wanted) - to_levels(light), window)
        return add_window(frame, change, alignment.inverses[0])


def limit_lightening(
    light: NDArray[np.float32], change: NDArray[np.float32], style: PrototypeStyle = PrototypeStyle()
) -> NDArray[np.float32]:
    """A change (H, W, 3) of a face's light (H, W, 3), logarithms, that makes no line of it lighter than what is around.

    A wrinkle that is taken from a smooth cheek, or paint from lips that wear none, would shine.
    """
    own, around, broad = (
        cv2.GaussianBlur(picture, (0, 0), reach * FLAT.unit_px)
        for picture, reach in ((light, style.line), (light, style.around), (change, style.around))
    )
    return np.minimum(change, np.maximum(broad, 0) + np.maximum(around - own, 0))


def _where(name: str, style: PrototypeStyle) -> NDArray[np.float32]:
    """(H, W) in [0, 1] of the flat face: where an attribute may show."""
    points, unit = flat_points(), FLAT.unit_px
    if name == "beard":  # to the edge of the jaw, around the lips
        grown = masks.lower_face(points, FLAT.size, unit, reach=style.beard_reach, feather=style.beard_fade)
        within = masks.region(points[FACE_OVAL], FLAT.size, unit, feather=0.05)
        return grown * within * (1 - masks.mouth(points, FLAT.size, unit, feather=0.04))
    oval = points[FACE_OVAL, :2]
    within = masks.region(oval.mean(0) + style.within * (oval - oval.mean(0)), FLAT.size, unit, feather=style.fade)
    if name == "makeup":  # not on the skin, where those who wear it differ in what else they are
        made_up = masks.mouth(points, FLAT.size, unit, reach=style.lips_reach, feather=style.makeup_fade)
        for line in (LEFT_EYE, RIGHT_EYE, LEFT_BROW, RIGHT_BROW):
            around = masks.region(points[line], FLAT.size, unit, reach=style.eyes_reach, feather=style.makeup_fade)
            made_up = np.maximum(made_up, around)
        return made_up * within
    return within


def _skin(light: NDArray[np.float32], points: NDArray[np.floating]) -> NDArray[np.float32]:
    """The light (3,) of the cheeks of a face, in logarithms."""
    cheeks = np.zeros(FLAT.size[::-1], bool)
    for line in CHEEKS:
        cheeks |= masks.region(points[line], FLAT.size, FLAT.unit_px) > 0.5
    return np.median(light[cheeks], axis=0) if cheeks.any() else np.zeros(3, np.float32)


def _bearded(
    light: NDArray[np.float32], points: NDArray[np.floating], skin: NDArray[np.float32], style: PrototypeStyle
) -> float:
    """How much of a beard a face has, from 0 to 1: by how much its lower part is darker than its skin."""
    lower = masks.lower_face(points, FLAT.size, FLAT.unit_px)
    lower *= 1 - masks.mouth(points, FLAT.size, FLAT.unit_px, reach=0.03)
    darker = float(skin.mean() - np.median(light[lower > 0.5])) if (lower > 0.5).any() else 0.0
    return float(np.clip((darker - style.stubble) / (style.beard - style.stubble), 0, 1))


def _seen(points: NDArray[np.floating]) -> NDArray[np.float32]:
    """(H, W) in [0, 1]: a face without its eyes and without what is between its lips."""
    size, unit = FLAT.size, FLAT.unit_px
    seen = fade_border(size)
    for line in (LIPS_INNER, LEFT_EYE, RIGHT_EYE):
        seen = seen * (1 - masks.region(points[line], size, unit, feather=0.02))
    return seen
