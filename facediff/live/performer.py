"""What the face does in each frame: it idles, speaks, follows somebody, and goes over without a jump."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from facediff.audio.features import COLUMN_RATE, SILENCE
from facediff.audio.wave import SAMPLE_RATE
from facediff.audio.whisper import EmbeddedWhisper
from facediff.audio.window_ear import TICK, WindowEar
from facediff.live.planner import LOOK_AHEAD_S, TOGETHER, Plan
from facediff.motion import coefficients
from facediff.motion.idle import IdleMotion
from facediff.pipelines.running_finisher import RunningFinisher
from facediff.pipelines.running_heads import RunningHeads
from facediff.pipelines.speech_motion import MotionSampler
from facediff.pipelines.streaming_motion import StreamingMotion

_KEPT = 64  # rows that can be gone back to
_LIPS_S, _HEAD_S = 0.2, 0.8  # in which what would have been a jump is walked off
_FOLLOW_S, _GONE_S = 0.4, 0.5  # in which somebody who is followed takes over; after which they are gone


@dataclass(frozen=True)
class Performed:
    """What some frames show.

    Attributes:
        rows: (n, 31) motion.
        windows: (n, columns, 80) log-mel around each frame, for what paints.
        opening: (n,) how much lips do, from 0, at rest, to 1.
    """

    rows: NDArray[np.float32]
    windows: NDArray[np.float32]
    opening: NDArray[np.float32]

    @classmethod
    def join(cls, parts: Sequence[Performed]) -> Performed:
        """Frames of several, one after the other."""
        return cls(
            *(np.concatenate([getattr(part, name) for part in parts]) for name in ("rows", "windows", "opening"))
        )

    def take(self, chosen: Sequence[int]) -> Performed:
        """Some of the frames."""
        which = list(chosen)
        return Performed(self.rows[which], self.windows[which], self.opening[which])


class Performer:
    """Motion for plans in order; nothing in it grows with time.

    Args:
        pipeline: The motion model.
        encoder: What it hears with.
        fps: Frames per second.
        seed: Of all that is by chance.
        lips: Strength of the lower face.
        head: Of the head while it speaks.
        idle: Of sway and gaze.
        columns: Width of the windows.
        motion_steps: Network calls of the motion model.
    """

    def __init__(
        self,
        pipeline: MotionSampler,
        encoder: EmbeddedWhisper,
        *,
        fps: Fraction = Fraction(25),
        seed: int = 0,
        lips: float = 1.0,
        head: float = 1.0,
        idle: float = 1.0,
        columns: int = 32,
        motion_steps: int = 4,
    ) -> None:
        self._fps, self._columns, self._motion_steps = fps, columns, motion_steps
        self._pipeline, self._encoder = pipeline, encoder
        self._ear = WindowEar(encoder)
        self._sampler = StreamingMotion(pipeline, seed=seed, num_inference_steps=motion_steps)
        heads = None if pipeline.filler is None else RunningHeads(pipeline.filler, seed=seed)
        self._finisher = RunningFinisher(lips=lips, head=head, heads=heads)
        self._idle = IdleMotion(seed=seed, strength=idle)
        self._said = np.zeros(0, np.float32)  # samples that are in no tick yet
        self._tick = 0  # the next one
        self._spoken: dict[int, NDArray[np.float32]] = {}  # rows of the last ticks
        self._attention: dict[int, float] = {}  # of the last ticks: how far eyes look as somebody's who speaks
        self._shown: dict[int, NDArray[np.float32]] = {}  # rows of the last frames
        self._offset, self._since = np.zeros(coefficients.DIMENSIONS, np.float32), 10**6
        self._driven: NDArray[np.float32] | None = None
        self._follows, self._unseen = 0.0, 10**6
        self._linger = _linger()

    def prepare(self) -> None:
        """Hears and moves a second of noise that leaves no trace: networks then know each length of what is held."""
        ear, sampler = WindowEar(self._encoder), StreamingMotion(self._pipeline, num_inference_steps=self._motion_steps)
        noise = np.random.default_rng(0).normal(0, 0.1, 40 * TICK).astype(np.float32)
        ahead = round(LOOK_AHEAD_S * SAMPLE_RATE)
        for begin in range(0, 30 * TICK, TOGETHER * TICK):
            end = begin + TOGETHER * TICK
            sampler.sample(ear.hear(noise[begin:end], noise[end : end + ahead]))

    def perform(self, plans: Sequence[Plan]) -> Performed:
        """What the frames of some plans show, the next ones in order."""
        first = plans[0]
        if first.is_cut:
            self._cut(first.index)
        self._said = np.concatenate([self._said, *(plan.said for plan in plans)])
        mel, origin = self._hear(plans)
        rows, windows = [], []
        for plan in plans:
            row = self._row(plan.index)
            if plan.index == first.index and first.is_cut and first.index - 1 in self._shown:
                self._offset, self._since = self._shown[first.index - 1] - row, 0
            self._since += 1
            share = np.clip(1 - self._since / (self._linger * float(self._fps)), 0, 1)
            row = (row + self._offset * share * share * (3 - 2 * share)).astype(np.float32)
            self._shown[plan.index] = row
            rows.append(row)
            windows.append(self._window(mel, plan.index, origin))
        for index in [index for index in self._shown if index < plans[-1].index - _KEPT]:
            del self._shown[index]
        made = np.stack(rows)
        return Performed(made, np.stack(windows), _lips_share(made))

    def follow(self, row: NDArray[np.floating]) -> None:
        """Somebody who is followed makes this motion (31,) now."""
        row = np.asarray(row, np.float32)
        self._driven = row if self._driven is None or self._unseen > 25 else 0.4 * self._driven + 0.6 * row
        self._unseen = 0

    def _hear(self, plans: Sequence[Plan]) -> tuple[NDArray[np.float32], int]:
        """Ticks up to the last plan's, heard and spoken; the log-mel around them, and the column that it begins at."""
        last = Fraction(plans[-1].index) * 25 / self._fps
        stop = int(last) + (1 if last.denominator == 1 else 2)
        due = stop - self._tick
        if due <= 0:
            return self._mel
        known = np.concatenate([self._said, plans[-1].ahead])
        said = _padded(known[: due * TICK], due * TICK)
        heard = self._ear.hear(said, known[due * TICK :])
        spoken = self._finisher.push(*self._sampler.sample(heard))
        for k, (row, share) in enumerate(zip(spoken, self._finisher.shares, strict=True)):
            self._spoken[self._tick + k], self._attention[self._tick + k] = row, float(share)
        origin = self._tick * 4 - heard.mel_start
        self._tick += due
        self._said = self._said[due * TICK :]
        for tick in [tick for tick in self._spoken if tick < self._tick - _KEPT]:
            del self._spoken[tick], self._attention[tick]
        self._mel = heard.mel, origin
        return self._mel

    _mel: tuple[NDArray[np.float32], int] = (np.full((80, 1), SILENCE, np.float32), 0)

    def _row(self, index: int) -> NDArray[np.float32]:
        """What a frame shows, before jumps are walked off."""
        at = Fraction(index) * 25 / self._fps
        low, share = int(at), float(at - int(at))
        rest = np.zeros(coefficients.DIMENSIONS, np.float32)
        here = self._spoken.get(low, rest)
        spoken = here if not share else here * (1 - share) + self._spoken.get(low + 1, here) * share
        idle = self._idle.rows(float(at), 1)[0]
        idle[coefficients.GAZE] *= 1 - self._attention.get(low, 0.0)
        self._unseen += 1
        target = 1.0 if self._driven is not None and self._unseen <= _GONE_S * self._fps else 0.0
        step = 1 / (_FOLLOW_S * float(self._fps))
        self._follows += float(np.clip(target - self._follows, -step, step))
        if not self._follows or self._driven is None:
            return idle + spoken
        driven = self._driven.copy()
        speaks = _lips_share(spoken[None])[0]
        for part in (coefficients.LIPS, coefficients.OPENING):
            driven[part] *= 1 - speaks
        return spoken + (1 - self._follows) * idle + self._follows * driven

    def _window(self, mel: NDArray[np.float32], index: int, origin: int) -> NDArray[np.float32]:
        """Log-mel (columns, 80) around a frame."""
        centre = round(Fraction(index) * COLUMN_RATE / self._fps) - origin
        start = centre - self._columns // 2
        out = np.full((self._columns, len(mel)), SILENCE, np.float32)
        low, high = max(0, start), min(mel.shape[1], start + self._columns)
        if high > low:
            out[low - start : high - start] = mel[:, low:high].T
        return out

    def _cut(self, index: int) -> None:
        """Frames from this one on were not shown."""
        tick = int(Fraction(index) * 25 / self._fps)
        gone = max(0, self._tick - tick)
        begin = round(index * SAMPLE_RATE / self._fps)
        self._ear.cut()
        self._sampler.cut(gone)
        self._tick -= gone
        # What was said of the frame's own tick before it, which a rate other than 25 leaves, is gone as well.
        self._said = np.zeros(max(0, begin - self._tick * TICK), np.float32)
        self._spoken = {k: row for k, row in self._spoken.items() if k < self._tick}
        self._attention = {k: share for k, share in self._attention.items() if k < self._tick}
        self._shown = {k: row for k, row in self._shown.items() if k < index}


def _padded(samples: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    return samples if len(samples) >= count else np.pad(samples, (0, count - len(samples)))


def _lips_share(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much lips do (n,), from 0, at rest, to 1."""
    return np.clip(np.abs(rows[:, coefficients.LIPS]).max(axis=1) / 0.3, 0, 1).astype(np.float32)


def _linger() -> NDArray[np.float64]:
    """Seconds (31,) in which each channel walks off a jump."""
    seconds = np.full(coefficients.DIMENSIONS, _LIPS_S)
    for part in (coefficients.ANGLES, coefficients.SHIFT, coefficients.BROWS):
        seconds[part] = _HEAD_S
    seconds[coefficients.LIDS] = 0.1
    return seconds
