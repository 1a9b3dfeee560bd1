"""Single actions of a face as shifts of its mesh, of which emotions are put together.

Each is what one muscle, or a pair of them, does to the skin over it, drawn on the mean face as a hill that falls off to
all sides; both sides of the face do the same. Names and places follow Ekman and Friesen, "Facial Action Coding System",
1978; the number of an action there is given beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.canonical import fit_pose, mean_face
from facediff.landmarks.mesh import FACE_OVAL, LEFT_EYE, LIPS_INNER, LIPS_OUTER, MESH_POINTS, RIGHT_EYE
from facediff.motion import coefficients
from facediff.motion.coefficients import lip_opening
from facediff.motion.direction import close_lips
from facediff.motion.expressions import expressions
from facediff.motion.rig import FaceRig

UP, DOWN = (0.0, -1.0), (0.0, 1.0)
OUT, IN = (1.0, 0.0), (-1.0, 0.0)  # of the face's middle
# Name: place (x from the middle, y), widths of the hill to the sides, above and below, where it goes. Eye distances.
HILLS: dict[str, tuple[tuple[float, float], tuple[float, float, float], tuple[float, float]]] = {
    "inner-brows-up": ((0.17, -0.26), (0.13, 0.22, 0.07), UP),  # 1
    "outer-brows-up": ((0.50, -0.28), (0.17, 0.22, 0.07), UP),  # 2
    "brows-down": ((0.22, -0.26), (0.22, 0.16, 0.08), DOWN),  # 4
    "brows-together": ((0.16, -0.24), (0.12, 0.13, 0.10), IN),  # 4
    "cheeks-up": ((0.42, 0.28), (0.17, 0.14, 0.14), UP),  # 6
    "lower-lids-up": ((0.36, 0.05), (0.15, 0.06, 0.08), UP),  # 7
    "nose-up": ((0.16, 0.42), (0.10, 0.16, 0.07), UP),  # 9
    "upper-lip-up": ((0.13, 0.64), (0.13, 0.12, 0.09), UP),  # 10
    "corners-up": ((0.29, 0.77), (0.11, 0.12, 0.12), UP),  # 12
    "corners-down": ((0.29, 0.78), (0.10, 0.09, 0.12), DOWN),  # 15
    "chin-up": ((0.0, 0.98), (0.16, 0.16, 0.12), UP),  # 17
    "corners-out": ((0.29, 0.77), (0.14, 0.12, 0.12), OUT),  # 12, 20
}
ACTIONS = (*HILLS, "lips-pressed")  # 23, 24
MOUTH_Y, LIP_REACH = 0.78, 0.10
UPPER_Y = 0.0  # below it brows move nothing


@cache
def actions() -> dict[str, NDArray[np.float32]]:
    """Shift of each point of the mean face (478, 3), in eye distances, where an action is one of them at its place."""
    made = {name: _draw_hill(*hill) for name, hill in HILLS.items()}
    face = mean_face()[:MESH_POINTS]
    eyes = np.concatenate([RIGHT_EYE, LEFT_EYE])
    # Brows pull at the skin over the lids, and leave the lids, which are a matter of closure, where they are.
    for name in ("inner-brows-up", "outer-brows-up", "brows-down", "brows-together"):
        made[name][eyes] = 0.0
    upper = [point for point in eyes if face[point, 1] < _line_of_corners(face[point, 0])]
    made["lower-lids-up"][upper] = 0.0
    made["lips-pressed"] = _press_lips()
    for shift in made.values():
        shift[FACE_OVAL] *= 0.5  # what is around the face goes with its outline
        shift[MESH_POINTS:] = 0.0
    return made


@dataclass(frozen=True)
class Recipe:
    """What an emotion is made of at strength 1.

    Attributes:
        strengths: Of ``Ingredients``, of the closure of the lids, and of folds, ``fold:NAME``.
        parting: Eye distances by which lips are apart that rest.
    """

    strengths: Mapping[str, float]
    parting: float = 0.0


# Found by ``facediff.training.emotion_search``, then looked at and rounded. By eye are lids and folds of happiness,
# brows and mouths of anger, surprise and disgust that the judge would have farther, and folds of disgust and fear.
RECIPES = {
    "happy": Recipe({
        "smile": 1.1, "lids": 0.04, "cheeks-up": 0.05, "lower-lids-up": 0.015, "corners-up": 0.075, "corners-out": 0.05,
        "lips-pressed": 0.015, "fold:cheek": 0.8, "fold:under-eye": 0.6,
    }),
    "sad": Recipe({
        "lids": 0.023, "inner-brows-up": 0.1, "outer-brows-up": -0.055, "brows-together": 0.043, "corners-down": 0.06,
        "chin-up": 0.055, "lips-pressed": 0.015, "corners-out": -0.008,
    }),
    "angry": Recipe({
        "lids": 0.02, "brows-down": 0.072, "brows-together": 0.055, "outer-brows-up": -0.01, "lower-lids-up": 0.03,
        "lips-pressed": 0.035, "corners-out": -0.035, "nose-up": 0.02, "upper-lip-up": 0.007, "corners-down": 0.035,
        "chin-up": 0.05, "fold:frown": 0.9, "fold:brow-shadow": 0.18,
    }),
    "surprised": Recipe({
        "lids": -0.27, "inner-brows-up": 0.03, "outer-brows-up": 0.05, "lower-lids-up": -0.027, "corners-out": -0.045,
        "lips-pressed": -0.028,
    }, parting=0.12),
    "disgusted": Recipe({
        "lids": 0.06, "brows-down": 0.055, "brows-together": 0.02, "nose-up": 0.05, "upper-lip-up": 0.075,
        "corners-down": 0.04, "corners-out": -0.028, "cheeks-up": 0.055, "lower-lids-up": 0.022, "chin-up": 0.024,
        "lips-pressed": -0.03, "fold:nose": 0.5, "fold:cheek": 0.65, "fold:frown": 0.4,
    }),
    "fearful": Recipe({
        "lids": -0.32, "inner-brows-up": 0.115, "outer-brows-up": -0.025, "brows-together": 0.05, "corners-down": 0.06,
        "lips-pressed": -0.014, "fold:inner-forehead": 0.3,
    }, parting=0.05),
}  # fmt: skip


class Ingredients:
    """What an emotion can be mixed of, by name: ``smile``, and ``actions``; lids and folds move no skin.

    Lips are left as far apart as they were by each of them.
    """

    def __init__(self) -> None:
        self.opening = (coefficients.basis().opening / measure_parting(coefficients.basis().opening)).astype(np.float32)
        self._shapes = {**actions(), "smile": _smile()}

    def shape(self, name: str) -> NDArray[np.float32]:
        """The shift (478, 3) that one of them is at strength 1."""
        if name == "lids" or name.startswith("fold:"):
            return np.zeros((478, 3), np.float32)
        return self._together(self._shapes[name])

    def mix(self, strengths: Mapping[str, float]) -> NDArray[np.float32]:
        """The shift (478, 3) of some of them together."""
        shifts = [strength * self.shape(name) for name, strength in strengths.items()]
        return self._together(np.sum(shifts, axis=0))

    def _together(self, shift: NDArray[np.floating]) -> NDArray[np.float32]:
        return (shift - measure_parting(shift) * self.opening).astype(np.float32)


def measure_parting(shift: NDArray[np.floating]) -> float:
    """By how much a shift (478, 3) of the mean face parts its lips."""
    rest = mean_face()
    small = 1e-3
    return float(lip_opening((rest + small * shift)[None])[0] - lip_opening(rest[None])[0]) / small


def _smile() -> NDArray[np.float32]:
    """What a smile does to the mean face (478, 3), lips together, but for the lids."""
    row = close_lips(expressions()["smile"])
    row[coefficients.LIDS] = 0.0
    return FaceRig.from_shape(mean_face(), fit_pose(mean_face()[None])).express(row[None])[0] - mean_face()


def _line_of_corners(x: float) -> float:
    """Height of the line from the inner to the outer corner of an eye."""
    return float(np.interp(abs(x), (0.195, 0.5), (0.013, 0.0)))


def _draw_hill(
    place: tuple[float, float], widths: tuple[float, float, float], way: tuple[float, float]
) -> NDArray[np.float32]:
    x, y = mean_face()[:, 0].astype(np.float64), mean_face()[:, 1].astype(np.float64)
    side, above, below = widths
    down = y - place[1]
    height = np.exp(-0.5 * (down / np.where(down < 0, above, below)) ** 2)
    right, left = (np.exp(-0.5 * ((x - sign * place[0]) / side) ** 2) * height for sign in (-1, 1))
    shift = np.zeros((len(x), 3), np.float32)
    shift[:, 0] = way[0] * (left - right)
    # Where both hills meet, the middle, they are not twice as high.
    shift[:, 1] = way[1] * np.maximum(left, right)
    return shift


def _press_lips() -> NDArray[np.float32]:
    """Red of the lips that vanishes: their outlines go to where they meet, their inner lines stay."""
    face = mean_face().astype(np.float64)
    x, y = face[:, 0], face[:, 1]
    from_mouth = y - MOUTH_Y
    width = np.clip(1 - (np.abs(x) / 0.34) ** 2, 0, 1)
    shift = np.zeros((len(x), 3), np.float32)
    shift[:, 1] = -np.sign(from_mouth) * width * np.exp(-0.5 * ((np.abs(from_mouth) - 0.15) / LIP_REACH) ** 2)
    shift[LIPS_INNER] = 0.0
    corners = LIPS_OUTER[[0, 10]]
    shift[corners] = 0.0
    return shift
