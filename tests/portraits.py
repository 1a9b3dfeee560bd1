"""Several people of one: portraits derived from the sample portrait, for what must hold of more than one face.

They are made when they are asked for, each time alike, by our own tools or by plain operations on pictures, since no
picture of anybody else may lie in the repository. They are stand-ins: a darker astronaut has her bones, and her light.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cache

import cv2
import numpy as np
from skimage.data import astronaut

from facediff import Avatar
from facediff.landmarks.segmentation import person_mask
from facediff.motion import coefficients
from facediff.motion.template import MotionTemplate
from facediff.types import Frame

TURN = 24.0  # degrees of yaw beyond her own few: at more, the warp has no more cheek to show


def plain() -> Frame:
    """Head and shoulders, (256, 256, 3)."""
    return np.ascontiguousarray(astronaut()[:256, 96:352])


def darker() -> Frame:
    """Of a dark brown skin."""
    return _recoloured(lightness=0.5, red=2.0, yellow=2.0)


def lighter() -> Frame:
    """Of a pale skin."""
    return _recoloured(lightness=1.12, red=-5.0, yellow=-5.0)


def bearded() -> Frame:
    """With a beard, as an edit lays one on."""
    return _edited(beard=1.5)


def spectacled() -> Frame:
    """With eyeglasses, as an edit puts them on."""
    return _edited(eyeglasses=1.0)


def turned() -> Frame:
    """With the head turned to one side, as far as the warp goes."""
    motion = np.zeros((2, coefficients.DIMENSIONS), np.float32)
    motion[1, coefficients.ANGLES.start] = TURN
    turn = MotionTemplate(motion, np.ones(2, bool), np.eye(3, dtype=np.float32), Fraction(25))
    clip = Avatar.from_image(plain(), device="cpu").animate(turn, region="pose", paint=False)
    return next(clip.frames(1))


def mirrored() -> Frame:
    """The other way round."""
    return np.ascontiguousarray(plain()[:, ::-1])


def distant() -> Frame:
    """Small in a large frame: a face of 40 pixels in (360, 640, 3)."""
    frame = np.full((360, 640, 3), 96, np.uint8)
    frame[90:218, 400:528] = cv2.resize(plain(), (128, 128), interpolation=cv2.INTER_AREA)
    return frame


def grey() -> Frame:
    """Without colour."""
    return np.repeat(cv2.cvtColor(plain(), cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)


def dim() -> Frame:
    """In low light: a fifth of it, with the noise of a small sensor."""
    light = 0.2 * (plain() / 255.0) ** 2.2
    noisy = light + np.random.default_rng(0).normal(size=light.shape) * np.sqrt(light * 2e-4 + 1e-6)
    return np.rint(255 * np.clip(noisy, 0, 1) ** (1 / 2.2)).astype(np.uint8)


PORTRAITS: dict[str, Callable[[], Frame]] = {
    make.__name__: make for make in (plain, darker, lighter, bearded, spectacled, turned, mirrored, distant, grey, dim)
}
_HEAD = (46, 41, 164)  # of all of them but the distant one: left, top, and side of a square, in pixels


@cache
def avatar(name: str) -> Avatar:
    """One of them, with its face found; the same one for all tests."""
    return Avatar.from_image(PORTRAITS[name](), device="cpu")


def head(name: str, frame: Frame, side: int) -> Frame:
    """The head in a frame that was made of one of them, (side, side, 3)."""
    left, top, size = (423, 110, 82) if name == "distant" else _HEAD
    return cv2.resize(frame[top : top + size, left : left + size], (side, side), interpolation=cv2.INTER_AREA)


def opened_mouth(frames: int = 3) -> MotionTemplate:
    """A face at rest, then with its lips parted by a quarter of an eye distance, lids half shut, looking aside."""
    basis = coefficients.basis()
    motion = np.zeros((frames, coefficients.DIMENSIONS), np.float32)
    motion[1:, coefficients.LIPS] = 0.25 * basis.opening.ravel() @ np.linalg.pinv(basis.lips.reshape(16, -1))
    motion[1:, coefficients.ANGLES.start] = 8
    motion[1:, coefficients.LIDS] = 0.6
    return MotionTemplate(motion, np.ones(frames, bool), np.eye(3, dtype=np.float32), Fraction(25))


def _recoloured(*, lightness: float, red: float, yellow: float) -> Frame:
    """Her skin made darker or lighter, where the person is and her colours are those of skin."""
    picture = plain()
    lab = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    likeness = np.exp(-(((lab[..., 1] - 14) / 12) ** 2) - ((lab[..., 2] - 13) / 12) ** 2)
    skin = cv2.GaussianBlur((likeness * person_mask(picture)).astype(np.float32), (0, 0), 1.5)[..., None]
    changed = lab * (lightness, 1, 1) + (0, red, yellow)
    lab = lab + np.clip(1.3 * skin, 0, 1) * (changed - lab)
    made = cv2.cvtColor(lab.astype(np.float32), cv2.COLOR_LAB2RGB)
    return np.rint(255 * np.clip(made, 0, 1)).astype(np.uint8)


def _edited(**strengths: float) -> Frame:
    return Avatar.from_image(plain(), device="cpu").edit(**strengths).preview()
