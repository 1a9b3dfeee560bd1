"""Rows of motion to marked pictures, a few at a time: all that does not change with time is made ready once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Condition

import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.alignment import MOUTH, align
from facediff.motion import coefficients
from facediff.pipelines.difftalk import DiffTalkPipeline
from facediff.provenance.marker import FrameMarker
from facediff.rendering.compose import add_window, keep_detail
from facediff.rendering.frame import WarpedFrame
from facediff.rendering.painting.mouth import HeardFrame, MouthPainter, PaintSettings
from facediff.rendering.painting.painter import View
from facediff.rendering.warping.portrait import PortraitWarper
from facediff.types import Frame

MOST_AT_ONCE = 4
_RESTS = 0.02  # of what lips do, below which they are painted as they were at rest
_KEPT = 8  # changes that are remembered
_WAITS_S = 0.08  # for a mouth that another thread is painting


@dataclass(frozen=True)
class Level:
    """How much is done for a frame.

    Attributes:
        name: What it is called where it is spoken of.
        steps: Denoising steps of a mouth; 0 for none painted.
        every: One frame in so many is rendered.
        paints_every: The mouth of one frame in so many is painted; the others are given what that changed.
    """

    name: str
    steps: int
    every: int = 1
    paints_every: int = 1


def levels(steps: int, paint: bool) -> tuple[Level, ...]:
    """What is given up where a machine cannot keep up, in this order: steps, painting, frame rate."""
    found: list[Level] = []
    while paint and steps >= 1:
        found.append(Level("all" if not found else f"{steps} step{'s' if steps > 1 else ''}", steps))
        steps //= 2
    if found:
        found.append(Level("every other mouth", found[-1].steps, paints_every=2))
    found.append(Level("not painted" if found else "all", 0))
    return (*found, Level("half the frames", 0, 2), Level("a quarter of the frames", 0, 4))


@dataclass(frozen=True)
class Shot:
    """A frame that is warped and still to be painted.

    Attributes:
        frame: See ``WarpedFrame``.
        window: (columns, dim) what is heard.
        opening: How much lips do, from 0, at rest, to 1; those that rest are not painted anew.
        index: Of the frame.
    """

    frame: WarpedFrame
    window: NDArray[np.floating]
    opening: float
    index: int = 0


@dataclass(frozen=True)
class _NumberedFrame(HeardFrame):
    """A frame to be painted, and its index."""

    index: int = 0


class _KeepingPainter(MouthPainter):
    """Paints mouths, and keeps what painting changed in the crop, to be pasted onto other frames."""

    def __init__(self, pipeline: DiffTalkPipeline, settings: PaintSettings) -> None:
        super().__init__(pipeline, settings)
        self._changes: dict[int, NDArray[np.float32]] = {}
        self._begun: set[int] = set()
        self._news = Condition()

    def begin(self, indices: list[int]) -> None:
        """Says that frames are about to be painted."""
        with self._news:
            self._begun.update(indices)

    def knows(self, index: int) -> bool:
        """Whether what painting changes in a frame is known, or about to be."""
        with self._news:
            return index in self._changes or index in self._begun

    def change(self, index: int, wait_s: float = 0.0) -> NDArray[np.float32] | None:
        """What painting changed in a frame, waited for as long as said; None where it is not known."""
        with self._news:
            self._news.wait_for(lambda: index in self._changes, wait_s)
            return self._changes.get(index)

    def _paste(
        self, frame: HeardFrame, view: View, made: NDArray[np.float32], round_trip: NDArray[np.float32]
    ) -> Frame:
        change = keep_detail(made, view.crop.astype(np.float32), round_trip, view.paste, view.fresh)
        assert isinstance(frame, _NumberedFrame)
        with self._news:
            self._changes[frame.index] = change
            self._begun.discard(frame.index)
            while len(self._changes) > _KEPT:
                del self._changes[next(iter(self._changes))]
            self._news.notify_all()
        return add_window(frame.picture, change, view.alignment.inverses[0])


class LiveRenderer:
    """Pictures of one portrait.

    Args:
        warper: The portrait.
        painting: What paints mouths; None where none is painted.
        marker: What marks each frame.
        steps: Denoising steps where nothing is given up.
        seed: Of the noise that all frames share.
    """

    def __init__(
        self,
        warper: PortraitWarper,
        painting: DiffTalkPipeline | None,
        marker: FrameMarker,
        *,
        steps: int = 1,
        seed: int = 0,
    ) -> None:
        warper.prepare()
        self._rows = np.zeros((MOST_AT_ONCE, coefficients.DIMENSIONS), np.float32)
        self._warp = warper.follow(self._rows)  # reads a row when its frame is asked for
        self._marker = marker
        self.levels = levels(steps, painting is not None)
        self._painters = {
            level.steps: _KeepingPainter(painting, PaintSettings(num_inference_steps=level.steps, seed=seed))
            for level in self.levels
            if painting is not None and level.steps
        }
        self._rest: NDArray[np.float32] | None = None  # what painting changes at rest, in the crop

    def prepare(self, window: NDArray[np.float32]) -> Frame:
        """The first frame, at rest, with a window (columns, 80) of silence; all networks have run then."""
        rest = np.zeros((1, coefficients.DIMENSIONS), np.float32)
        if self._painters:
            self._rows[:1] = rest
            (frame,) = self._warp(slice(0, 1))
            for painter in reversed(self._painters.values()):
                painter.paint([_NumberedFrame(frame, window)])
                self._rest = painter.change(0)
        return self.render(rest, window[None], np.zeros(1, np.float32), self.levels[0])[0]

    def render(
        self,
        rows: NDArray[np.float32],
        windows: NDArray[np.floating],
        opening: NDArray[np.float32],
        level: Level,
    ) -> list[Frame]:
        """Marked pictures of rows (n, 31), n ≤ 4; see ``warp`` and ``finish``."""
        return self.finish(self.warp(rows, windows, opening), level)

    def warp(
        self,
        rows: NDArray[np.float32],
        windows: NDArray[np.floating],
        opening: NDArray[np.float32],
        indices: Sequence[int] | None = None,
    ) -> list[Shot]:
        """Shots of rows (n, 31), n ≤ 4; by one thread at a time.

        Args:
            rows: Motion.
            windows: (n, columns, dim) what is heard.
            opening: (n,) how much lips do.
            indices: Of the frames; from 0 by default.
        """
        self._rows[: len(rows)] = rows
        warped = self._warp(slice(0, len(rows)))
        numbers = range(len(rows)) if indices is None else indices
        return [Shot(*told) for told in zip(warped, windows, opening.tolist(), numbers, strict=True)]

    def finish(self, shots: list[Shot], level: Level) -> list[Frame]:
        """Marked pictures of shots; by any number of threads at once.

        Args:
            shots: What is to be painted, together.
            level: What is done for each.
        """
        painter, finished = self._painters.get(level.steps), [shot.frame.picture for shot in shots]
        speaks, paints = [], []
        if painter is not None:
            latest = [shot.index - shot.index % level.paints_every for shot in shots]
            speaks = [k for k, shot in enumerate(shots) if shot.opening > _RESTS]
            chosen = [k for k in speaks if shots[k].index == latest[k]]
            painter.begin([shots[k].index for k in chosen])
            paints = [k for k in speaks if k in chosen or not painter.knows(latest[k])]
        if painter is not None and paints:
            heard: list[HeardFrame] = [_NumberedFrame(shots[k].frame, shots[k].window, shots[k].index) for k in paints]
            for k, picture in zip(paints, painter.paint(heard), strict=True):
                finished[k] = picture
        for k in set(range(len(shots))) - set(paints):
            change, share = self._rest, 1 - shots[k].opening
            if painter is not None and k in speaks:
                change, share = painter.change(latest[k], _WAITS_S), 1.0
            finished[k] = _paste_change(shots[k].frame, change, share)
        return [self._marker.mark(picture) for picture in finished]


def _paste_change(frame: WarpedFrame, change: NDArray[np.float32] | None, share: float) -> Frame:
    """A frame with what painting changed in another, as far as a share says."""
    face = frame.face
    if face is None or change is None or share <= 0:
        return frame.picture
    inverse = align(face.pose, MOUTH).inverses[0]
    return face.inpaint_mouth(add_window(frame.picture, np.float32(share) * change, inverse))
