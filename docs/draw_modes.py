"""Draws direct-modes.jpg of docs/direct.md: an untextured mesh above, the sample portrait that it drives below.

    python docs/draw_modes.py

The portrait is scikit-image's astronaut (NASA, public domain), the mesh the mean face of landmarks; what it does is
written down here.
"""

from __future__ import annotations

import tempfile
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from skimage.data import astronaut

from facediff.avatar import Avatar
from facediff.landmarks.canonical import from_canonical, mean_face
from facediff.landmarks.depth import draw_mesh
from facediff.media import VideoWriter
from facediff.motion import coefficients
from facediff.motion.rig import FaceRig
from facediff.types import Frame, RigidPose

OUT = Path(__file__).parent / "direct-modes.jpg"
PART = slice(0, 250), slice(101, 351)  # rows and columns of the portrait that show her head
SIDE, SIZE = 220, (512, 512)
AT_REST, HELD = 20, 8  # frames before it moves, and of each pose
POSES: tuple[dict[str, tuple[float, ...]], ...] = (
    {},
    {"OPENING": (0.25,), "ANGLES": (-14.0, 2.0, 0.0)},
    {"ANGLES": (12.0, -6.0, 6.0), "BROWS": (3.0, 0.0, 0.0, 0.0)},
    {"OPENING": (0.12,), "ANGLES": (0.0, 10.0, -8.0)},
)


def draw_driver(stretched: tuple[float, float] = (1.0, 1.0)) -> tuple[list[Frame], list[int]]:
    """Frames of a mesh that takes each pose and rests in between, and at which frames it does.

    Args:
        stretched: The mean face's width and height over what they are.
    """
    rows, at = [np.zeros(coefficients.DIMENSIONS, np.float32)] * AT_REST, []
    for pose in POSES:
        row = np.zeros(coefficients.DIMENSIONS, np.float32)
        for part, values in pose.items():
            row[getattr(coefficients, part)] = values
        rows += [row] * HELD + [np.zeros_like(row)] * HELD
        at.append(len(rows) - HELD - HELD // 2)
    motion = np.stack(rows)
    middle = np.array([[256.0, 236.0, 0.0]], np.float32)
    still = RigidPose(np.eye(3, dtype=np.float32)[None], np.array([150.0], np.float32), middle)
    rig = FaceRig.from_shape(mean_face() * np.float32([*stretched, 1.0]), still)
    shape = rig.express(motion) + motion[:, coefficients.OPENING][..., None] * coefficients.basis().opening
    points = from_canonical(shape.astype(np.float32), rig.move_head(motion))
    frames = []
    for face in points:
        lit = np.rint(255 * draw_mesh(face, SIZE)).astype(np.uint8)
        frames.append(np.repeat(np.where(lit > 0, lit, 60).astype(np.uint8)[..., None], 3, axis=2))
    return frames, at


def main() -> None:
    """Draws it."""
    frames, at = draw_driver()
    with tempfile.TemporaryDirectory() as folder:
        driver = Path(folder) / "mesh.mp4"
        with VideoWriter(driver, SIZE, Fraction(25)) as writer:
            for frame in frames:
                writer.write(frame)
        clip = Avatar.from_image(astronaut()).animate(driver)
        made = [next(clip.frames(index, index + 1)) for index in at]
    rows = ([frames[index] for index in at], [frame[PART] for frame in made])
    small = [[cv2.resize(one, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for one in row] for row in rows]
    Image.fromarray(np.concatenate([np.concatenate(row, axis=1) for row in small])).save(OUT, quality=86, optimize=True)


if __name__ == "__main__":
    main()
