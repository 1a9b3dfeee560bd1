"""What clips are made of: a portrait, or a video, with the landmarks of its face."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, repeat
from pathlib import Path

import numpy as np

from facediff.audio.wave import load_sound
from facediff.audio.windows import exact_rate
from facediff.errors import ConfigError
from facediff.media import VideoReader
from facediff.rendering.pingpong import play_pingpong
from facediff.rendering.reference import Reference
from facediff.rendering.warping.video import VideoWarper
from facediff.types import FaceTrack, Frame, SoundTrack

STILL_FPS = Fraction(25)


@dataclass(frozen=True)
class Source:
    """A portrait, or a video, with the landmarks of its face. A video is read anew each time, never held.

    Attributes:
        content: The portrait (H, W, 3) uint8, or the path of the video.
        track: Its face; one row of a portrait.
        sha256: Of what it was read from, by which encodings of it are known.
        on_missing_face: See ``Avatar.from_video``.
    """

    content: Frame | Path
    track: FaceTrack
    sha256: str
    on_missing_face: str = "keep"

    @property
    def is_still(self) -> bool:
        """Whether it is a portrait."""
        return isinstance(self.content, np.ndarray)

    @property
    def is_tagged(self) -> bool:
        """Whether it says how its colours are coded; see ``Clip``."""
        return isinstance(self.content, np.ndarray) or VideoReader(self.content).info.is_tagged

    def rate(self, fps: float | None = None) -> Fraction:
        """Frames per second of a clip that is made of it.

        Args:
            fps: What is wanted of a portrait, 25 by default.

        Raises:
            ConfigError: Another rate than its own is wanted of a video.
        """
        if isinstance(self.content, np.ndarray):
            return exact_rate(STILL_FPS if fps is None else fps)
        own = VideoReader(self.content).info.fps
        if fps is not None and abs(fps - float(own)) > 0.01:
            raise ConfigError(f"a video keeps its own rate of {float(own):g} frames a second; fps is for portraits")
        return own

    def sound(self, sample_rate: int) -> SoundTrack | None:
        """Its own sound, from its first frame on; None where there is none."""
        if isinstance(self.content, np.ndarray) or not VideoReader(self.content).info.has_audio:
            return None
        return load_sound(self.content, sample_rate=sample_rate)

    def frame(self, index: int) -> Frame:
        """One of its frames."""
        return next(self.frames(index))

    def frames(self, start: int = 0) -> Iterator[Frame]:
        """Its frames from an index on."""
        if isinstance(self.content, np.ndarray):
            return iter([self.content][start:])
        return islice(iter(VideoReader(self.content)), start, len(self.track))

    def numbered(self, part: slice) -> Iterator[tuple[int, Frame]]:
        """The frames of a part with their indices."""
        return zip(range(part.start, part.stop), self.frames(part.start), strict=False)

    def played(self, part: slice) -> Iterator[tuple[int, Frame]]:
        """A part of what is seen where a portrait is held, and a video played back and forth; with indices."""
        if isinstance(self.content, np.ndarray):
            return repeat((0, self.content), part.stop - part.start)
        return islice(play_pingpong(VideoReader(self.content), len(self.track)), part.start, part.stop)

    def reference(self, shots: VideoWarper) -> Reference:
        """The moment that lends shots of it the look of the mouth."""
        best = shots.best_reference()
        return Reference(self.frame(best), shots.track.points[best])
