"""Draws the pictures of docs/direct.md: parts, emotions, eye contact, stages, strokes and performers, on one portrait.

    python docs/draw_direct.py

The portrait is scikit-image's astronaut (NASA, public domain); what moves it is written down here.
"""

from __future__ import annotations

import tempfile
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from draw_modes import SIZE, draw_driver
from numpy.typing import NDArray
from PIL import Image
from skimage.data import astronaut

from facediff.avatar import Avatar
from facediff.media import VideoWriter, write_image
from facediff.motion import coefficients
from facediff.motion.emotions import EMOTIONS, NEUTRAL
from facediff.motion.template import MotionTemplate
from facediff.options.style import StyleOptions
from facediff.tasks.style import make_style
from facediff.types import Frame

OUT = Path(__file__).parent
PART = slice(0, 250), slice(101, 351)  # rows and columns of the portrait that show her head
LONG = (0.88, 1.08)  # a face's width and height over the mean face's
SIDE, BAR, INK = 220, 26, (31, 39, 51)
STROKES = {  # a landmark, and by how much it is moved
    "mouth corner": (291, -6, 4),
    "lower lip": (17, 0, 8),
    "chin": (152, 0, 9),
    "brow": (334, 1, -7),
    "lid": (386, 0, 4),
    "iris": (473, 3.5, 0),
    "nose": (1, 16, 3),
}
SILENCE: NDArray[np.float32] = np.zeros(3200, np.float32)  # 0.2 s: lips rest


def label(picture: Frame, text: str, part: tuple[slice, slice] = PART) -> Frame:
    """The head with words above it."""
    head = cv2.resize(picture[part], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    bar = np.full((BAR, SIDE, 3), 255, np.uint8)
    cv2.putText(bar, text, (6, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.46, INK, 1, cv2.LINE_AA)
    return np.concatenate([bar, head])


def write(name: str, panels: list[Frame]) -> None:
    """A row of panels as a JPEG."""
    Image.fromarray(np.concatenate(panels, axis=1)).save(OUT / name, quality=86, optimize=True)


def last(avatar: Avatar, **options: object) -> Frame:
    """The last frame of a silent talk."""
    clip = avatar.talk(SILENCE, still="head_from" not in options, **options)
    return next(clip.frames(len(clip) - 1))


def draw_stages(avatar: Avatar) -> None:
    """What may be behind her."""
    y, x = np.mgrid[0:512, 0:512] // 16 % 2
    board = np.repeat((225 + 30 * (x ^ y))[..., None], 3, axis=2)
    clear = last(avatar, background="transparent")
    opacity = clear[..., 3:] / 255
    shown = [label(last(avatar), "as she was filmed")]
    shown += [label(last(avatar, background=one), f"--background {one}") for one in ("blur", "00b140")]
    shown.append(label(np.rint(clear[..., :3] * opacity + board * (1 - opacity)).astype(np.uint8), "transparent"))
    write("direct-stages.jpg", shown)


def draw_strokes(avatar: Avatar) -> None:
    """What a stroke each makes of her."""
    shown = [label(astronaut(), "as she is")]
    for name, (point, x, y) in STROKES.items():
        start = avatar.track.points[0, point, :2]
        end = start + (x, y)
        clip = avatar.drag(strokes=f"{start[0]:.1f},{start[1]:.1f}:{end[0]:.1f},{end[1]:.1f}", hold=0.0)
        head = label(next(clip.frames(len(clip) - 1)), name)
        grown = SIDE / (PART[0].stop - PART[0].start)
        corner = np.array([PART[1].start, PART[0].start])
        a, b = (np.rint((one - corner) * grown + (0, BAR)).astype(int).tolist() for one in (start, end))
        cv2.arrowedLine(head, a, b, (0, 220, 0), 1, cv2.LINE_AA, tipLength=0.4)
        shown.append(head)
    half = len(shown) // 2
    Image.fromarray(np.concatenate([np.concatenate(row, axis=1) for row in (shown[:half], shown[half:])])).save(
        OUT / "direct-strokes.jpg", quality=86, optimize=True
    )


def draw_performers(folder: Path) -> None:
    """Her, performing a video, with her own face's shape, half of that in the video, and all of it.

    The video is of her as well: mirrored, grey, and her face as long as that of a mesh that she follows.
    """
    frames, at = draw_driver(LONG)
    mesh, video, picture = folder / "mesh.mp4", folder / "me.mp4", folder / "portrait.png"
    save_frames(mesh, frames)
    grey = np.repeat(astronaut()[:, ::-1].mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    acted = list(Avatar.from_image(np.ascontiguousarray(grey)).animate(mesh, face_shape=1.0))
    save_frames(video, acted)
    write_image(picture, astronaut())
    shown = at[2]  # turned, with brows up
    panels = [label(acted[shown], "me.mp4", (PART[0], slice(512 - PART[1].stop, 512 - PART[1].start)))]
    panels.append(label(astronaut(), "--like portrait.jpg"))
    for share in (0.0, 0.5, 1.0):
        clip = make_style(video, StyleOptions(like=picture, face_shape=share))
        panels.append(label(next(clip.frames(shown, shown + 1)), f"--face-shape {share:g}"))
    write("direct-like.jpg", panels)


def save_frames(path: Path, frames: list[Frame]) -> None:
    """Frames as a video."""
    with VideoWriter(path, SIZE, Fraction(25)) as writer:
        for frame in frames:
            writer.write(frame)


def main() -> None:
    """Draws all of them."""
    avatar = Avatar.from_image(astronaut())
    motion = np.zeros((5, coefficients.DIMENSIONS), np.float32)
    motion[:, coefficients.ANGLES] = -12.0, 5.0, 6.0
    motion[:, coefficients.GAZE] = 0.12, 0.0
    motion[:, coefficients.LIDS] = 0.95
    motion[:, coefficients.BROWS.start] = 4.5
    with tempfile.TemporaryDirectory() as folder:
        driver = Path(folder) / "me.safetensors"
        MotionTemplate(motion, np.ones(5, bool), np.eye(3, dtype=np.float32), Fraction(25)).save(driver)
        parts = [label(last(avatar), "as she is")]
        for name in ("head_from", "gaze_from", "lids_from", "brows_from"):
            parts.append(label(last(avatar, **{name: driver}), f"--{name.replace('_', '-')} me.mp4"))
        write("direct-parts.jpg", parts)
        draw_performers(Path(folder))
    draw_stages(avatar)
    draw_strokes(avatar)
    shown = [label(last(avatar, emotion=f"{name}=1"), f"{name}=1") for name in EMOTIONS]
    write("direct-emotions.jpg", [label(last(avatar, emotion=NEUTRAL), NEUTRAL), *shown[:6]])
    aside = last(avatar, emotion="gaze-right=-0.9")
    again = Avatar.from_image(aside)
    looks = [label(aside, "looking aside")]
    looks += [label(last(again, eye_contact=share), f"--eye-contact {share:g}") for share in (0.5, 1.0)]
    write("direct-eyes.jpg", looks)


if __name__ == "__main__":
    main()
