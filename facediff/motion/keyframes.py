"""What a face is to do when, as people write it: at 3 s look left, at 5 s nod, from 7 to 9 s smile.

A file is JSON, a list of objects, or CSV with the same names in its first row:

    [{"at": 3, "do": "look left"}, {"at": 5, "do": "nod"}, {"at": 7, "to": 9, "do": "smile", "strength": 0.8},
     {"at": 10, "yaw": 12, "pitch": -4}]

Head and gaze are met at their moments, and a motion model goes there and back as people do; expressions are added.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facediff.errors import ConfigError, InputError
from facediff.motion import coefficients
from facediff.motion.expressions import expression, expressions

FPS = coefficients.MOTION_FPS
NECK = {"yaw": 60.0, "pitch": 40.0, "roll": 40.0}  # most degrees of a head; above 0 left, down, clockwise
EASE_S = 0.3  # in which an expression comes and goes
_FIELDS = ("at", "to", "do", "strength", *NECK)
_LOOK_DEG, _LOOK_EYES = 8.0, 0.06  # of head and gaze, in degrees and eye widths: a glance goes with both
# Gestures: seconds after the beginning, and yaw, pitch and roll in degrees there at strength 1.
GESTURES: dict[str, tuple[tuple[float, tuple[float, float, float]], ...]] = {
    "nod": ((0.0, (0, 0, 0)), (0.2, (0, 6, 0)), (0.44, (0, -1, 0)), (0.6, (0, 0, 0))),
    "shake": ((0.0, (0, 0, 0)), (0.2, (6, 0, 0)), (0.48, (-6, 0, 0)), (0.72, (3, 0, 0)), (0.92, (0, 0, 0))),
}
POSES: dict[str, tuple[tuple[float, float, float], tuple[float, float]]] = {  # angles, and the gaze right and down
    "look left": ((_LOOK_DEG, 0, 0), (_LOOK_EYES, 0)),
    "look right": ((-_LOOK_DEG, 0, 0), (-_LOOK_EYES, 0)),
    "look up": ((0, -_LOOK_DEG, 0), (0, -_LOOK_EYES)),
    "look down": ((0, _LOOK_DEG, 0), (0, _LOOK_EYES)),
    "look ahead": ((0, 0, 0), (0, 0)),
    "turn left": ((15, 0, 0), (0, 0)),
    "turn right": ((-15, 0, 0), (0, 0)),
    "tilt left": ((0, 0, -10), (0, 0)),
    "tilt right": ((0, 0, 10), (0, 0)),
}


@dataclass(frozen=True, kw_only=True)
class Keyframe:
    """One wish.

    Attributes:
        at: Seconds from the beginning.
        to: Until when it is held; None for a moment, or, of an expression, for a second.
        do: A pose, a gesture or an expression, by name; None where angles are given.
        strength: Of what is done.
        angles: Yaw, pitch and roll in degrees; None where something is done.
    """

    at: float
    to: float | None = None
    do: str | None = None
    strength: float = 1.0
    angles: tuple[float, float, float] | None = None

    @property
    def end(self) -> float:
        """Seconds at which it is over."""
        if self.do in GESTURES:
            return self.at + GESTURES[self.do][-1][0]
        if self.to is None:
            return self.at + (1.0 if self.do in expressions() else 0.0)
        return self.to


@dataclass(frozen=True)
class KeyedMotion:
    """Keyframes as a masked denoiser takes them.

    Attributes:
        given: (T, 31) motion where ``mask`` (T, 31) is 1.
        mask: See ``given``.
        added: (T, 31) expressions, to be added to what the face does.
    """

    given: NDArray[np.float32]
    mask: NDArray[np.float32]
    added: NDArray[np.float32]


def read_keyframes(path: str | Path) -> tuple[Keyframe, ...]:
    """The keyframes of a file, JSON or CSV by its name.

    Raises:
        InputError: It is not there, or not such a file.
        ConfigError: A keyframe makes no sense.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"there are no keyframes at {path}")
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows = json.loads(text) if path.suffix.lower() == ".json" else _read_table(text)
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no text in UTF-8, so it holds no keyframes: JSON or CSV is wanted") from error
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"{path} holds no keyframes: JSON or CSV is wanted, {error}") from error
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise InputError(f'{path} holds no keyframes; a list is wanted, as [{{"at": 3, "do": "look left"}}]')
    return parse_keyframes(rows)


def _read_table(text: str) -> list[dict[str, Any]]:
    """The rows of a table, whose cells a comma parts, or a semicolon or a tab, as in much of Europe."""
    names = text.partition("\n")[0]
    separator = next((one for one in ";\t" if "at" in map(str.strip, names.split(one))), ",")
    return list(csv.DictReader(text.splitlines(), delimiter=separator))


def parse_keyframes(rows: Iterable[Mapping[str, Any]]) -> tuple[Keyframe, ...]:
    """Keyframes from objects with the names of a file's.

    Raises:
        ConfigError: One has unknown names or words, angles that no neck can turn, no time, or comes before another.
    """
    made = tuple(_parse(number, row) for number, row in enumerate(rows, 1))
    for number, (before, after) in enumerate(zip(made, made[1:], strict=False), 2):
        if after.at < before.at:
            raise ConfigError(
                f"keyframe {number} is at {after.at:g} s, before the one above it at {before.at:g} s: sort them"
            )
    return made


def _parse(number: int, row: Mapping[str, Any]) -> Keyframe:
    filled = {name: value for name, value in row.items() if value not in (None, "")}
    for name in filled:
        if name not in _FIELDS:
            raise ConfigError(f"keyframe {number} has {name!r}; there are {', '.join(_FIELDS)}")
    if "at" not in filled:
        raise ConfigError(f"keyframe {number} does not say when: give it an 'at' in seconds")
    numbers = {name: _number(number, name, filled[name]) for name in filled if name != "do"}
    turned = {name: numbers[name] for name in NECK if name in numbers}
    if ("do" in filled) == bool(turned):
        raise ConfigError(f"keyframe {number} says either what to do or angles ({', '.join(NECK)})")
    for name, value in turned.items():
        if abs(value) > NECK[name]:
            raise ConfigError(f"keyframe {number}: no neck turns a {name} of {value:g} degrees; {NECK[name]:g} at most")
    do = None if turned else " ".join(str(filled["do"]).lower().replace("_", "-").split())
    if do is not None and do not in (*POSES, *GESTURES, *expressions()):
        raise ConfigError(f"keyframe {number}: nobody knows how to {do!r}; there are {', '.join(known_words())}")
    strength = numbers.get("strength", 1.0)
    if not 0 <= strength <= 2:
        raise ConfigError(f"keyframe {number}: its strength is from 0 to 2, not {strength:g}")
    at, to = numbers["at"], numbers.get("to")
    if at < 0 or (to is not None and to < at):
        raise ConfigError(f"keyframe {number} goes from {at:g} to {at if to is None else to:g} s; times rise from 0")
    angles = tuple(turned.get(name, 0.0) for name in NECK) if turned else None
    return Keyframe(at=at, to=to, do=do, strength=strength, angles=angles)  # type: ignore[arg-type]


def known_words() -> tuple[str, ...]:
    """What may be done."""
    return (*POSES, *GESTURES, *expressions())


def key_motion(keyframes: Iterable[Keyframe], frames: int, *, head: float = 1.0) -> KeyedMotion:
    """Keyframes over so many frames of 25 a second.

    Args:
        keyframes: In order.
        frames: Of the clip.
        head: What angles are multiplied by afterwards, of which they are to be free.

    Raises:
        ConfigError: One begins beyond the end, or turns a head that is held still.
    """
    keyed = KeyedMotion(*(np.zeros((frames, coefficients.DIMENSIONS), np.float32) for _ in range(3)))
    for one in keyframes:
        if one.end * FPS > frames - 1 + 1e-6:
            raise ConfigError(
                f"a keyframe ends at {one.end:g} s, and the clip after {frames / FPS:g} s: move it forward"
            )
        if one.do in expressions():
            _add(keyed, one)
        elif head <= 0:
            raise ConfigError("keyframes turn the head, and it is held still: leave one of them out")
        elif one.do in GESTURES:
            for after, angles in GESTURES[one.do]:
                _give(keyed, one.at + after, one.at + after, one.strength * np.array(angles) / head)
        else:
            angles, gaze = (one.angles, None) if one.angles is not None else POSES[one.do or ""]
            looks = None if gaze is None else one.strength * np.array(gaze)
            _give(keyed, one.at, one.end, one.strength * np.array(angles) / head, looks)
    return keyed


def _give(
    keyed: KeyedMotion,
    start: float,
    stop: float,
    angles: NDArray[np.floating],
    gaze: NDArray[np.floating] | None = None,
) -> None:
    rows = slice(round(start * FPS), round(stop * FPS) + 1)
    keyed.given[rows, coefficients.ANGLES], keyed.mask[rows, coefficients.ANGLES] = angles, 1.0
    if gaze is not None:
        keyed.given[rows, coefficients.GAZE], keyed.mask[rows, coefficients.GAZE] = gaze, 1.0


def _add(keyed: KeyedMotion, one: Keyframe) -> None:
    moment = np.arange(len(keyed.added)) / FPS
    share = np.clip(
        np.minimum(moment - one.at, one.end - moment) / min(EASE_S, max((one.end - one.at) / 2, 1e-3)), 0, 1
    )
    keyed.added[:] += (share * share * (3 - 2 * share))[:, None] * expression({one.do or "": one.strength})


def _number(number: int, name: str, value: Any) -> float:
    try:
        found = float(value.replace(",", ".") if isinstance(value, str) else value)  # the comma is Europe's point
    except (TypeError, ValueError):
        found = math.nan
    if not math.isfinite(found) or isinstance(value, bool):
        raise ConfigError(f"keyframe {number}: its {name} is a number, not {value!r}")
    return found
