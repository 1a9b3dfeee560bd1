"""Emotions over time: out of a table, or heard in a sound.

A table is CSV; its first column is ``time``, in seconds of the clip, and each other one an emotion or an expression:

    time,happy,surprised
    0,0,0
    1.5,0.8,0
    4,0.2,0.6
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from facediff.audio.emotion_reader import HeardEmotions, load_emotion_reader
from facediff.audio.wave import SAMPLE_RATE, load_wave
from facediff.errors import ConfigError, InputError
from facediff.motion.emotions import check_emotion
from facediff.types import Wave

TABLES = (".csv", ".tsv", ".txt")
TIME = "time"
MOST_ROWS = 100_000
STEADY_S = 0.3  # deviation of the Gaussian over what is heard, which changes its mind every half second; by eye


@dataclass(frozen=True)
class EmotionCurve:
    """How strong emotions are when.

    Attributes:
        times: (K,) seconds, rising.
        names: Of (E) emotions or expressions.
        strengths: (K, E) at these times; straight in between, and as the first and the last one beyond.
        steady_s: Deviation of a Gaussian over all, in seconds; 0 for none.
    """

    times: NDArray[np.float64]
    names: tuple[str, ...]
    strengths: NDArray[np.float32]
    steady_s: float = 0.0

    def __post_init__(self) -> None:
        """Takes lists, too."""
        object.__setattr__(self, "times", np.asarray(self.times, np.float64))
        object.__setattr__(self, "strengths", np.asarray(self.strengths, np.float32))

    def at(self, count: int, fps: Fraction) -> NDArray[np.float32]:
        """How strong each is (count, E) in frames that are ``1 / fps`` apart, from 0 s on."""
        moments = np.arange(count) / float(fps)
        tracks = [np.interp(moments, self.times, column) for column in self.strengths.T]
        out = np.stack(tracks, axis=1)
        if self.steady_s:
            out = gaussian_filter1d(out, self.steady_s * float(fps), axis=0, mode="nearest")
        return out.astype(np.float32)

    def save(self, path: str | Path) -> None:
        """Writes a table, for people to change."""
        lines = [",".join((TIME, *self.names))]
        lines += [
            ",".join(f"{value:.3f}" for value in (time, *row))
            for time, row in zip(self.times, self.strengths, strict=True)
        ]
        Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_emotion_curve(source: str | Path, reader: str | Path | None = None) -> EmotionCurve:
    """The emotions of a table, or those that a network hears in a sound or a film.

    Args:
        source: A table (``.csv``, ``.tsv``, ``.txt``), or anything with sound.
        reader: Of a sound, what hears: see ``facediff.audio.emotion_reader.load_emotion_reader``.

    Raises:
        InputError: There is no such table, or it is none.
        ConfigError: It names something that is no emotion, a strength or a time is out of range, a table was to be
            heard, or nothing is there to hear a sound with.
        AudioError, WeightsError: As for the reader.
    """
    if Path(source).suffix.lower() in TABLES:
        return _read_table(Path(source))
    if reader is None:
        raise ConfigError(
            f"emotion_from hears what {source} sounds like by a network of a hub: give it as emotion_reader, or give a "
            "table in its place"
        )
    return hear_emotions(load_wave(source), load_emotion_reader(reader))


def measure_length(source: str | Path) -> float:
    """Seconds to the end of a table, or of a sound.

    Raises:
        InputError, ConfigError, AudioError: It is neither.
    """
    if Path(source).suffix.lower() in TABLES:
        return float(_read_table(Path(source)).times[-1])
    return len(load_wave(source)) / SAMPLE_RATE


def hear_emotions(wave: Wave, reader: Callable[[Wave], HeardEmotions]) -> EmotionCurve:
    """What a wave, (N,) at 16 kHz, sounds like, made steady."""
    heard = reader(wave)
    return EmotionCurve(heard.times, heard.names, heard.strengths, STEADY_S)


def _read_table(path: Path) -> EmotionCurve:
    if not path.is_file():
        raise InputError(f"there are no emotions at {path}")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no text in UTF-8, so it holds no emotions: a table is wanted") from error
    head = text.partition("\n")[0]
    separator = next((one for one in ";\t" if one in head), ",")
    rows = [row for row in csv.reader(text.splitlines(), delimiter=separator) if any(cell.strip() for cell in row)]
    names = [name.strip() for name in rows[0]] if rows else []
    if len(rows) < 2 or len(names) < 2 or names[0].lower() != TIME or len(rows) > MOST_ROWS:
        raise InputError(
            f"{path} holds no emotions: its first row is as 'time,happy,sad', and below it are one at least and "
            f"{MOST_ROWS - 1:,} at most"
        )
    if len(set(names)) < len(names):
        raise ConfigError(f"{path} has two columns of one name; keep one")
    table = np.array([_read_row(path, number, row, len(names)) for number, row in enumerate(rows[1:], 2)])
    if table[0, 0] < 0 or (np.diff(table[:, 0]) <= 0).any():
        raise ConfigError(f"{path} has times that do not rise from 0; sort them")
    for name, column in zip(names[1:], table.T[1:], strict=True):
        for extreme in (column.min(), column.max()):
            check_emotion(name, float(extreme))
    return EmotionCurve(table[:, 0], tuple(names[1:]), table[:, 1:].astype(np.float32))


def _read_row(path: Path, number: int, row: list[str], width: int) -> list[float]:
    try:
        values = [float(cell.strip().replace(",", ".")) for cell in row]  # the comma is Europe's point
    except ValueError:
        values = []
    if len(values) != width or not all(map(math.isfinite, values)):
        raise ConfigError(f"{path} has {width} columns, and its row {number} is not {width} numbers")
    return values
