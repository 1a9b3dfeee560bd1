"""What every benchmark can run on: the sample portrait and the sample speech, and clips that are rendered of them.

They show that a benchmark works and what it prints. What a model is worth shows on people whom it never saw: give your
own files.
"""

from __future__ import annotations

from fractions import Fraction
from importlib.resources import files
from pathlib import Path

import numpy as np
from skimage.data import astronaut

from facediff.audio.wave import SAMPLE_RATE, load_wave
from facediff.avatar import Avatar
from facediff.media import VideoWriter, write_image

SPEECH = Path(str(files("facediff") / "samples" / "hello.flac"))
NOTE = "On clips rendered from the sample portrait, which show that this works; see --help for your own."


def portrait(folder: Path, *, mirrored: bool = False) -> Path:
    """A picture file of the sample portrait."""
    out = folder / ("mirrored.png" if mirrored else "astronaut.png")
    picture = astronaut()
    write_image(out, np.ascontiguousarray(picture[:, ::-1]) if mirrored else picture)
    return out


def speech(seconds: float, number: int = 0) -> np.ndarray:
    """So many seconds of the sample speech, over and over, another stretch of it for each number."""
    return np.resize(np.roll(load_wave(SPEECH), -SAMPLE_RATE * number), int(seconds * SAMPLE_RATE))


def clips(folder: Path, count: int, seconds: float = 4.0) -> list[Path]:
    """Videos with sound of the sample portrait speaking, every other one mirrored, none like another."""
    made = []
    for number in range(count):
        wave, mirrored = speech(seconds, 2 * number), bool(number % 2)
        clip = Avatar.from_image(portrait(folder, mirrored=mirrored)).talk(wave, seed=number)
        made.append(folder / f"sample-{number}.mp4")
        with VideoWriter(made[-1], clip.size, Fraction(clip.fps), audio=wave) as writer:
            for frame in clip:
                writer.write(frame)
    return made
