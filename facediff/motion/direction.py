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
from facediff.motion.emotion_curve import read_emotion_curve
from facediff.motion.emotions import Emotion, ShapeTrack, check_emotion, find_emotion
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
MEETS_BELOW = 0.03  # eye distances between lips that meet
REST_S = 0.6  # lips that are shut for so long rest; those of an m are so for 0.1 s, and between words for less
GIVES_WAY_S = 0.16  # over which lips that an emotion holds apart go over to sounds; by eye
MANNER_S = 0.4  # deviation of the Gaussian that leaves of a video's expression what is held beneath speech; by eye


@dataclass(frozen=True)
class Direction:
    """What conditions make of a motion.

    Attributes:
        share: (T, 31) how much of each channel is a source's, from 0 to 1.
        wanted: (T, 31) what it does there.
        added: (T, 31) what is added to the sum.
        shapes: What emotions do beyond coefficients; None without one.
        parted: (T,) eye distances by which emotions part lips that rest; see ``part_lips``.
        fps: Frames a second.
    """

    share: NDArray[np.float32]
    wanted: NDArray[np.float32]
    added: NDArray[np.float32]
    shapes: ShapeTrack | None = None
    parted: NDArray[np.float32] | float = 0.0
    fps: Fraction = Fraction(coefficients.MOTION_FPS)

    @property
    def touched(self) -> NDArray[np.bool_]:
        """(31,) the channels that change in any frame."""
        touched = (self.share != 0).any(axis=0) | (self.added != 0).any(axis=0)
        return touched | ((_mouth_open() != 0) & bool(np.any(self.parted)))

    def __call__(self, rows: NDArray[np.floating]) -> NDArray[np.float32]:
        """The motion (T, 31) that comes of another one; what is not touched stays bit for bit."""
        out = np.asarray(rows, np.float32).copy()
        mixed = (1 - self.share) * out + self.share * self.wanted
        lids = add_to_lids(mixed[:, coefficients.LIDS], self.added[:, coefficients.LIDS])
        mixed += self.added + self.part_lips(mixed)
        mixed[:, coefficients.LIDS] = lids
        out[:, self.touched] = mixed[:, self.touched]
        return out

    def part_lips(self, rows: NDArray[np.floating]) -> NDArray[np.float32]:
        """What is added to a motion (T, 31) for its lips to be parted, as emotions want them; see ``part_lips``."""
        parted = part_lips(rows[:, coefficients.OPENING.start], self.parted, self.fps)
        return (parted[:, None] * _mouth_open()).astype(np.float32)


def direct(performance: Performance, count: int, fps: Fraction, *, emotion_reader: str | None = None) -> Direction:
    """The direction of a clip of so many frames.

    Args:
        performance: What is asked for.
        count: Frames.
        fps: Frames a second.
        emotion_reader: What hears the emotions of a sound; see ``facediff.motion.emotion_curve``.

    Raises:
        ConfigError: There is no emotion of a name, a range lies outside the clip, or a source lacks the part.
        MediaError, NoFaceFound, SeveralFaces, InputError: As for ``facediff.motion.driver.read_driver``.
        AudioError, WeightsError: As for ``facediff.motion.emotion_curve.read_emotion_curve``.
    """
    shape = (count, coefficients.DIMENSIONS)
    share, wanted, added = (np.zeros(shape, np.float32) for _ in range(3))
    cues: list[tuple[Emotion, NDArray[np.float32]]] = []  # and how strong each is, (T,)
    for cue in performance.emotion:
        check_emotion(cue.source, cue.strength)
    read = cache(read_driver)  # of one file for several parts
    for part, condition in performance.named():
        envelope = measure_envelope(condition, count, fps)
        if part == "emotion":
            cues.append((find_emotion(condition.source), condition.strength * envelope))
        elif part == "emotion_curve":
            curve = read_emotion_curve(condition.source, emotion_reader)
            strengths = condition.strength * envelope * curve.at(count, fps).T
            for name, strength in zip(curve.names, strengths, strict=True):
                for extreme in (strength.min(), strength.max()):
                    check_emotion(name, float(extreme))
            cues += zip(map(find_emotion, curve.names), strengths, strict=True)
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
    for emotion, strength in cues:
        added += strength[:, None] * emotion.row
    shown = [emotion for emotion, _ in cues]
    if not any(one.shape.any() for one in shown):
        return Direction(share, wanted, added)
    shapes, folds = np.stack([one.shape for one in shown]), np.stack([one.folds for one in shown])
    track = ShapeTrack(np.stack([strength for _, strength in cues], axis=1), shapes, folds)
    return Direction(share, wanted, added, track, track.weights @ np.array([one.parting for one in shown]), fps)


def part_lips(
    opening: NDArray[np.floating], wanted: NDArray[np.floating] | float, fps: Fraction
) -> NDArray[np.float32]:
    """By how much lips are parted (T,) beyond what they do: as is wanted where they rest, and not where they speak.

    Lips that are shut rest unless they open again soon, as those of an m, a b and a p do, and those between words. From
    rest they open straight into the first sound.

    Args:
        opening: (T,) of the lips, eye distances.
        wanted: (T,) or for all frames, eye distances.
        fps: Frames a second.
    """
    opening, at = np.asarray(opening, np.float32), np.arange(len(opening))
    shut = np.pad(opening < MEETS_BELOW, 1).astype(int)
    rests, free = np.zeros(len(opening)), np.ones(len(opening))
    for start, end in zip(np.flatnonzero(np.diff(shut) == 1), np.flatnonzero(np.diff(shut) == -1), strict=True):
        near = np.clip(1 - np.maximum(np.maximum(start - at, at - (end - 1)), 0) / (GIVES_WAY_S * float(fps)), 0, 1)
        near = near * near * (3 - 2 * near)
        if end - start >= min(REST_S * float(fps), len(opening)):
            rests = np.maximum(rests, near)
        else:
            free = np.minimum(free, 1 - near)
    return np.maximum(np.minimum(rests, free) * wanted - np.maximum(opening, 0), 0).astype(np.float32)


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


@cache
def _mouth_open() -> NDArray[np.float32]:
    """The motion (31,) that parts lips by an eye distance."""
    opened = expressions()["mouth-open"]
    return opened / opened[coefficients.OPENING]


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
