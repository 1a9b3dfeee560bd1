"""Parts of a motion from sources of their own: each condition moves its channels, and none of the others'."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from facediff.errors import ConfigError
from facediff.motion import coefficients
from facediff.motion.driver import Driver, limit_softly, read_driver
from facediff.motion.emotions import ShapeTrack, check_emotion, find_emotion
from facediff.motion.expressions import expressions
from facediff.motion.eye_contact import STYLE, add_to_lids
from facediff.options.performance import Condition, Performance

PARTS: dict[str, tuple[slice, ...]] = {
    "lips": (coefficients.LIPS, coefficients.OPENING),
    "head": (coefficients.ANGLES, coefficients.SHIFT),
    "gaze": (coefficients.GAZE,),
    "lids": (coefficients.LIDS,),
    "brows": (coefficients.BROWS,),
}
SHOWN_BY_STILLS = ("brows", "expression")  # the others are motion, of which a picture shows none
EASE_S = 0.4  # over which a condition comes and goes, inside its range; by eye
MANNER_S = 0.4  # deviation of the Gaussian that leaves of a video's expression what is held beneath speech; by eye


@dataclass(frozen=True)
class Direction:
    """What conditions make of a motion.

    Attributes:
        share: (T, 31) how much of each channel is a source's, from 0 to 1.
        wanted: (T, 31) what it does there.
        added: (T, 31) what is added to the sum.
        shapes: What emotions do beyond coefficients; None without one.
    """

    share: NDArray[np.float32]
    wanted: NDArray[np.float32]
    added: NDArray[np.float32]
    shapes: ShapeTrack | None = None

    @property
    def touched(self) -> NDArray[np.bool_]:
        """(31,) the channels that change in any frame."""
        return (self.share != 0).any(axis=0) | (self.added != 0).any(axis=0)

    def __call__(self, rows: NDArray[np.floating]) -> NDArray[np.float32]:
        """The motion (T, 31) that comes of another one; what is not touched stays bit for bit."""
        out = np.asarray(rows, np.float32).copy()
        mixed = (1 - self.share) * out + self.share * self.wanted
        lids = add_to_lids(mixed[:, coefficients.LIDS], self.added[:, coefficients.LIDS])
        mixed += self.added
        mixed[:, coefficients.LIDS] = lids
        out[:, self.touched] = mixed[:, self.touched]
        return out


def direct(performance: Performance, count: int, fps: Fraction) -> Direction:
    """The direction of a clip of so many frames.

    Raises:
        ConfigError: There is no emotion of a name, a range lies outside the clip, or a source lacks the part.
        MediaError, NoFaceFound, SeveralFaces, InputError: As for ``facediff.motion.driver.read_driver``.
    """
    shape = (count, coefficients.DIMENSIONS)
    share, wanted, added = (np.zeros(shape, np.float32) for _ in range(3))
    weights, shapes = [], []
    for cue in performance.emotion:
        check_emotion(cue.source, cue.strength)
    read = cache(read_driver)  # of one file for several parts
    for part, condition in performance.named():
        envelope = measure_envelope(condition, count, fps)
        if part == "emotion":
            emotion = find_emotion(condition.source)
            weights.append(condition.strength * envelope)
            shapes.append(emotion.shape)
            added += weights[-1][:, None] * emotion.row
        elif part == "expression":
            held = _hold_expression(_read(part, condition, read), envelope, fps)
            added += condition.strength * held
        else:
            rows = _play(_read(part, condition, read), envelope, fps)
            if part == "gaze":
                rows = bridge_blinks(rows)
            if part in ("head", "lids"):
                rows = limit_softly(rows)
            for channels in PARTS[part]:
                share[:, channels] = envelope[:, None]
                wanted[:, channels] = condition.strength * rows[:, channels]
    track = ShapeTrack(np.stack(weights, axis=1), np.stack(shapes)) if np.any(shapes) else None
    return Direction(share, wanted, added, track)


def measure_envelope(condition: Condition, count: int, fps: Fraction) -> NDArray[np.float32]:
    """(T,) how much a condition holds in each frame, from 0 to 1; it comes and goes inside its range, eased.

    What begins with the clip is there at once, and what ends with it stays.

    Raises:
        ConfigError: Its range lies outside the clip.
    """
    length = float(count / fps)
    end = length if condition.end is None else condition.end
    if condition.start >= length or end > length + 1 / float(fps):
        raise ConfigError(
            f"{condition} asks for what lies outside the clip, which lasts {length:.2f} s; change its range"
        )
    at = np.arange(count) / float(fps)
    ease = min(EASE_S, (end - condition.start) / 2)
    come = np.ones(count) if condition.start == 0 else (at - condition.start) / ease
    go = np.ones(count) if end >= length - 1 / float(fps) else (end - at) / ease
    ramp = np.clip(np.minimum(come, go), 0, 1)
    return (ramp * ramp * (3 - 2 * ramp)).astype(np.float32)


def refuse_parts(performance: Performance, parts: Iterable[str], why: str) -> None:
    """Refuses a performance that gives any of some parts.

    Raises:
        ConfigError: It does; ``why`` says what has the part.
    """
    for part in parts:
        if part in performance.files:
            raise ConfigError(f"{part} comes from {performance.files[part]}, but {why}; leave it out")


def _read(part: str, condition: Condition, read: Callable[[str], Driver]) -> Driver:
    driver = read(condition.source)
    if driver.is_still and part not in SHOWN_BY_STILLS:
        raise ConfigError(f"{condition.source} is a picture, which shows no motion of the {part}; give a video")
    return driver


def _play(driver: Driver, envelope: NDArray[np.float32], fps: Fraction) -> NDArray[np.float32]:
    """A driver's motion (T, 31) from where its range begins; a shorter one goes back and forth, a still is held."""
    count = len(envelope)
    if driver.is_still:
        return np.repeat(driver.template.motion[:1], count, axis=0)
    rows = driver.template.at(fps).motion
    last = len(rows) - 1
    place = np.arange(count) - int(np.argmax(envelope > 0))
    if last < 1:
        return np.repeat(rows[:1], count, axis=0)
    return rows[last - np.abs(place % (2 * last) - last)]


def bridge_blinks(rows: NDArray[np.floating]) -> NDArray[np.float32]:
    """The same motion (T, 31) with a gaze that goes straight on while lids hide it: what is read there is no gaze."""
    out = np.asarray(rows, np.float32).copy()
    seen = rows[:, coefficients.LIDS].max(axis=1) < STYLE.blink
    seen &= np.roll(seen, 1) & np.roll(seen, -1)  # a frame before and after is half hidden
    if seen.any():
        at, known = np.arange(len(rows)), np.flatnonzero(seen)
        for column in range(coefficients.DIMENSIONS)[coefficients.GAZE]:
            out[:, column] = np.interp(at, known, out[known, column])
    return out


def _hold_expression(driver: Driver, envelope: NDArray[np.float32], fps: Fraction) -> NDArray[np.float32]:
    """What a driver's expression adds (T, 31): lips that are held but not opened, lids and brows."""
    rows = _play(driver, envelope, fps)
    if not driver.is_still:
        rows = gaussian_filter1d(rows, MANNER_S * float(fps), axis=0, mode="nearest")
    rows = close_lips(rows)
    held = np.zeros_like(rows)
    for part in ("lips", "lids", "brows"):
        for channels in PARTS[part]:
            held[:, channels] = rows[:, channels]
    return (envelope[:, None] * held).astype(np.float32)


def close_lips(rows: NDArray[np.floating]) -> NDArray[np.float32]:
    """The same motion (..., 31) with lips as far apart as at rest: what is held beneath speech must not part them."""
    opened = expressions()["mouth-open"]
    share = rows[..., coefficients.OPENING] / opened[coefficients.OPENING]
    return (rows - share * opened).astype(np.float32)
