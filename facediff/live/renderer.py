"""Rows of motion to marked pictures, a few at a time: all that does not change with time is made ready once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.alignment import MOUTH, align
from facediff.motion import coefficients
from facediff.pipelines.difftalk import DiffTalkSampler
from facediff.provenance.marker import FrameMarker
from facediff.rendering.compose import add_window, keep_detail
from facediff.rendering.frame import WarpedFrame, add_matte
from facediff.rendering.painting.mouth import HeardFrame, MouthPainter, PaintSettings
from facediff.rendering.painting.painter import View
from facediff.rendering.warping.portrait import PortraitWarper
from facediff.types import Frame

MOST_AT_ONCE = 4
_RESTS = 0.02  # of what lips do, below which they are painted as they were at rest


@dataclass(frozen=True)
class Level:
    """How much is done for a frame.

    Attributes:
        name: What it is called where it is spoken of.
        steps: Denoising steps of a mouth; 0 for mouths that are drawn and refined alone, if any are painted.
        every: One frame in so many is rendered.
    """

    name: str
    steps: int
    every: int = 1


def levels(steps: int, paint: bool) -> tuple[Level, ...]:
    """What is given up where a machine cannot keep up, in this order: steps, painting, frame rate."""
    found: list[Level] = []
    while paint and steps >= 1:
        found.append(Level("all" if not found else f"{steps} step{'s' if steps > 1 else ''}", steps))
        steps //= 2
    found.append(Level("refined alone" if found else "all", 0))
    return (*found, Level("half the frames", 0, 2), Level("a quarter of the frames", 0, 4))


@dataclass(frozen=True)
class Shot:
    """A frame that is warped and still to be painted.

    Attributes:
        frame: See ``WarpedFrame``.
        window: (columns, dim) what is heard.
        opening: How much lips do, from 0, at rest, to 1; those that rest are not painted anew.
    """

    frame: WarpedFrame
    window: NDArray[np.floating]
    opening: float


class _KeepingPainter(MouthPainter):
    """Paints mouths, and keeps what painting changed in the crop at last, to be pasted onto other frames."""

    def __init__(self, pipeline: DiffTalkSampler, settings: PaintSettings) -> None:
        super().__init__(pipeline, settings)
        self.last: NDArray[np.float32] | None = None

    def _paste(
        self, frame: HeardFrame, view: View, made: NDArray[np.float32], round_trip: NDArray[np.float32]
    ) -> Frame:
        self.last = keep_detail(made, view.crop.astype(np.float32), round_trip, view.paste, view.fresh)
        return add_window(frame.picture, self.last, view.alignment.inverses[0])


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
        painting: DiffTalkSampler | None,
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
                painter.paint([HeardFrame(frame, window)])
                self._rest = painter.last
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
    ) -> list[Shot]:
        """Shots of rows (n, 31), n ≤ 4; by one thread at a time.

        Args:
            rows: Motion.
            windows: (n, columns, dim) what is heard.
            opening: (n,) how much lips do.
        """
        self._rows[: len(rows)] = rows
        warped = self._warp(slice(0, len(rows)))
        return [Shot(*told) for told in zip(warped, windows, opening.tolist(), strict=True)]

    def finish(self, shots: list[Shot], level: Level) -> list[Frame]:
        """Marked pictures of shots; by any number of threads at once.

        Args:
            shots: What is to be painted, together.
            level: What is done for each.
        """
        painter, finished = self._painters.get(level.steps), [shot.frame.picture for shot in shots]
        speaks = [k for k, shot in enumerate(shots) if painter is not None and shot.opening > _RESTS]
        if painter is not None and speaks:
            painted = painter.paint([HeardFrame(shots[k].frame, shots[k].window) for k in speaks])
            for k, picture in zip(speaks, painted, strict=True):
                finished[k] = picture
        if self._painters:
            for k in set(range(len(shots))) - set(speaks):
                finished[k] = self._paste_rest(shots[k].frame, 1 - shots[k].opening)
        marked = (self._marker.mark(picture) for picture in finished)
        return [add_matte(picture, shot.frame.matte) for picture, shot in zip(marked, shots, strict=True)]

    def _paste_rest(self, frame: WarpedFrame, share: float) -> Frame:
        """A frame with the mouth that was painted at rest, as far as it rests, and what opens drawn and refined."""
        if frame.face is None:
            return frame.picture
        picture = frame.picture
        if self._rest is not None and share > 0:
            inverse = align(frame.face.pose, MOUTH).inverses[0]
            picture = add_window(picture, np.float32(share) * self._rest, inverse)
        return frame.face.inpaint_mouth(picture)
