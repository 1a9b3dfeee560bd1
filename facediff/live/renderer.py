"""Shots of a portrait to marked pictures, a few at a time: what does not change with time is made ready once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.alignment import MOUTH, align
from facediff.live.shots import MOST_AT_ONCE, Shot
from facediff.pipelines.difftalk import DiffTalkSampler
from facediff.provenance.marker import FrameMarker
from facediff.rendering.compose import add_window
from facediff.rendering.frame import WarpedFace, WarpedFrame, add_matte
from facediff.rendering.painting.mouth import HeardFrame, MouthPainter, PaintSettings
from facediff.rendering.painting.painter import View
from facediff.types import Frame

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


class _KeepingPainter(MouthPainter):
    """Paints mouths, and keeps what painting changed in the crop at last, to be pasted onto other frames."""

    def __init__(self, pipeline: DiffTalkSampler, settings: PaintSettings) -> None:
        super().__init__(pipeline, settings)
        self.last: NDArray[np.float32] | None = None

    def _change(self, view: View, made: NDArray[np.float32], round_trip: NDArray[np.float32]) -> NDArray[np.float32]:
        self.last = super()._change(view, made, round_trip)
        return self.last


class LiveRenderer:
    """Pictures of one portrait.

    Args:
        inpaint: Makes what the portrait does not show between its lips; see ``WarpedFace.inpaint``.
        painting: What paints mouths; None where none is painted.
        marker: What marks each frame.
        steps: Denoising steps where nothing is given up.
        seed: Of the noise that all frames share.
    """

    def __init__(
        self,
        inpaint: Callable[[Frame, WarpedFace], Frame],
        painting: DiffTalkSampler | None,
        marker: FrameMarker,
        *,
        steps: int = 1,
        seed: int = 0,
    ) -> None:
        self._inpaint, self._marker = inpaint, marker
        self.levels = levels(steps, painting is not None)
        self._painters = {
            level.steps: _KeepingPainter(painting, PaintSettings(num_inference_steps=level.steps, seed=seed))
            for level in self.levels
            if painting is not None and level.steps
        }
        self._rest: NDArray[np.float32] | None = None  # what painting changes at rest, in the crop
        self._still: list[HeardFrame] = []

    def prepare(self, still: Shot) -> Frame:
        """The first frame, marked, of a shot at rest; all networks have run then."""
        self._still = [self._heard(still)]
        for painter in reversed(self._painters.values()):
            painter.paint(self._still)
            self._rest = painter.last
        return self.finish([still], self.levels[0])[0]

    def rehearse(self) -> None:
        """Paints as many frames at once as there will be, in the thread that will, once all is prepared.

        Torch makes a layer ready for each number of frames in each thread anew, which takes as long as two frames last.
        """
        for painter in self._painters.values():
            for count in range(MOST_AT_ONCE, 0, -1):
                painter.paint(self._still * count)

    def finish(self, shots: list[Shot], level: Level) -> list[Frame]:
        """Marked pictures of shots; by any number of threads at once.

        Args:
            shots: What is to be painted, together.
            level: What is done for each.
        """
        painter, finished = self._painters.get(level.steps), [shot.frame.picture for shot in shots]
        heard = [self._heard(shot) for shot in shots]
        speaks = [k for k, shot in enumerate(shots) if painter is not None and shot.opening > _RESTS]
        if painter is not None and speaks:
            painted = painter.paint([heard[k] for k in speaks])
            for k, picture in zip(speaks, painted, strict=True):
                finished[k] = picture
        if self._painters:
            for k in set(range(len(shots))) - set(speaks):
                finished[k] = self._paste_rest(heard[k].frame, 1 - shots[k].opening)
        marked = (self._marker.mark(picture) for picture in finished)
        return [add_matte(picture, shot.frame.matte) for picture, shot in zip(marked, shots, strict=True)]

    def _heard(self, shot: Shot) -> HeardFrame:
        """A shot as painters take it."""
        frame = shot.frame
        if frame.face is not None:
            frame = replace(frame, face=replace(frame.face, inpaint=self._inpaint))
        return HeardFrame(frame, shot.window)

    def _paste_rest(self, frame: WarpedFrame, share: float) -> Frame:
        """A frame with the mouth that was painted at rest, as far as it rests, and what opens drawn and refined."""
        if frame.face is None:
            return frame.picture
        picture = frame.picture
        if self._rest is not None and share > 0:
            inverse = align(frame.face.pose, MOUTH).inverses[0]
            picture = add_window(picture, np.float32(share) * self._rest, inverse)
        return frame.face.inpaint_mouth(picture)
