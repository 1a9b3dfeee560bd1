"""What clips are made of: a portrait, or a video, with the landmarks of its face."""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from itertools import islice, repeat
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from facediff.audio.wave import load_sound
from facediff.audio.windows import exact_rate
from facediff.errors import ConfigError, NoFaceFound
from facediff.media import VideoReader
from facediff.media.notices import warn_once
from facediff.rendering.interpolation import Between, interpolate_track, place_frames
from facediff.rendering.pingpong import play_again, play_held, play_pingpong
from facediff.types import FaceTrack, Frame, SoundTrack

log = logging.getLogger(__name__)

STILL_FPS = Fraction(25)
FEW_FPS = 20  # below which lips that speak look as if they jerked
_CUT_OFF = 0.08  # share of a face's points beyond the picture; foreheads of tight portraits have less
LIPS_FPS = 24  # at which they do not
_PLAY = {"mirror": play_pingpong, "hold": play_held, "play": play_again, "cut": play_held}


INTERPOLATED_FROM = 1.1  # times a video's own rate: a rate from which on there are frames between its own
Maker: TypeAlias = Callable[[], Frame]


@dataclass(frozen=True)
class Retiming:
    """What a video shows at another rate, in an order that never goes back.

    Attributes:
        fps: Frames per second.
        rows: (N,) which of its own frames is shown, or lies before what is.
        shares: (N,) how far what is shown is on the way to the next one of its own, from 0 to 1.
    """

    fps: Fraction
    rows: NDArray[np.intp]
    shares: NDArray[np.float64]

    def play(self, video: Iterable[Frame]) -> Iterator[Maker]:
        """What makes each of the frames; one that is not called costs no more than being decoded."""
        own, index, between = iter(video), 0, None
        frame = next(own, None)
        after: Frame | None = None
        for row, share in zip(self.rows, self.shares, strict=True):
            while index < row and frame is not None:
                frame = next(own, None) if after is None else after
                index, after, between = index + 1, None, None
            if frame is None:
                return
            if share and after is None:
                after = next(own, None)
            if share and after is not None:
                between = between or Between(frame, after)
                yield partial(between.at, float(share))
            else:
                yield partial(_same, frame)


def _same(frame: Frame) -> Frame:
    return frame


@dataclass(frozen=True)
class _Makers:
    """What makes the frames of a video; every iteration reads it anew."""

    video: Iterable[Frame]
    retiming: Retiming | None

    def __iter__(self) -> Iterator[Maker]:
        if self.retiming is None:
            return (partial(_same, frame) for frame in self.video)
        return self.retiming.play(self.video)


@dataclass(frozen=True)
class Source:
    """A portrait, or a video, with the landmarks of its face. A video is read anew each time, never held.

    Attributes:
        content: The portrait (H, W, 3) uint8, or the path of the video.
        track: Its face; one row of a portrait.
        sha256: Of what it was read from, by which encodings of it are known.
        on_missing_face: See ``Avatar.from_video``.
        retimed: What is shown of a video, where that is not all of its own frames, once each.
        after: What is shown after the last frame of a video: ``mirror`` plays it back and forth, ``hold`` holds that
            frame, ``play`` starts again; ``cut`` is never asked for more.
        matte: (H, W) how much of each pixel of a portrait is the person, 255 is all, where they were cut out.
        opacity: (H, W) how much a portrait hides, 255 is all, where it came with transparency, which is white here.
    """

    content: Frame | Path
    track: FaceTrack
    sha256: str
    on_missing_face: str = "keep"
    retimed: Retiming | None = None
    after: str = "mirror"
    matte: NDArray[np.uint8] | None = None
    opacity: NDArray[np.uint8] | None = None

    def __post_init__(self) -> None:
        """Refuses frames without a face where they are not to be kept.

        Raises:
            NoFaceFound: There are such, and ``on_missing_face`` is ``error``.
        """
        absent = np.flatnonzero(~self.track.usable)
        if len(absent) and self.on_missing_face == "error":
            raise NoFaceFound(
                f"{len(absent)} frames show no face, the first at {absent[0] / self.track.fps:.2f} s; "
                "cut them out, or set on_missing_face to keep or hold"
            )
        if self._cut_off() > _CUT_OFF:
            warn_once(
                f"{self.name}: a part of the face lies beyond the edge of the picture, where nothing of it is seen to "
                "move; what shows the whole face looks better"
            )

    def _cut_off(self) -> float:
        """Share of the face that lies beyond the edge of the picture, on the mean."""
        x, y = np.moveaxis(self.track.points[self.track.usable][..., :2], -1, 0)
        width, height = self.track.size
        beyond = (x < 0) | (y < 0) | (x >= width) | (y >= height)
        return float(beyond.mean()) if beyond.size else 0.0

    @property
    def is_still(self) -> bool:
        """Whether it is a portrait."""
        return isinstance(self.content, np.ndarray)

    @property
    def name(self) -> str:
        """What it is called where it is spoken of."""
        return "the picture" if isinstance(self.content, np.ndarray) else str(self.content)

    @property
    def is_tagged(self) -> bool:
        """Whether it says how its colours are coded; see ``Clip``."""
        return isinstance(self.content, np.ndarray) or VideoReader(self.content).info.is_tagged

    def rate(self, fps: float | None = None) -> Fraction:
        """Frames per second of a clip that is made of it.

        Args:
            fps: What is wanted of a portrait, 25 by default; a video has its own, or that of ``at``.
        """
        if isinstance(self.content, np.ndarray):
            return exact_rate(STILL_FPS if fps is None else fps)
        return VideoReader(self.content).info.fps if self.retimed is None else self.retimed.fps

    def at(self, fps: float | None) -> Source:
        """A video with frames between its own, or left out, so that they are so many a second; a portrait as it is.

        At rates that are hardly above its own some are repeated: else all would be blurred for the sake of few.

        Args:
            fps: Frames per second; None keeps a video's own, with a warning where lips would jerk.

        Raises:
            ConfigError: No clip can have such a rate.
        """
        if isinstance(self.content, np.ndarray):
            return self
        own = self.rate()
        if fps is None and own < FEW_FPS:
            log.warning(
                "%s has %.4g frames a second, so lips will jerk; fps=%.4g shows frames between, with new lips",
                self.content, float(own), float(own * math.ceil(LIPS_FPS / own)),
            )  # fmt: skip
        if fps is None or abs(fps - float(own)) <= 0.01:
            return self
        wanted = exact_rate(fps)
        if wanted > INTERPOLATED_FROM * own:
            rows, shares = place_frames(self.track, own, wanted)
            track = interpolate_track(self.track, rows, shares, float(wanted))
            other = hashlib.sha256(f"{self.sha256} at {wanted}".encode()).hexdigest()  # its encodings are others
            return replace(self, track=track, retimed=Retiming(wanted, rows, shares), sha256=other)
        count = max(1, round(len(self.track) * wanted / own))
        # A frame is shown from the place on the new grid that is nearest to its time, as ``VideoReader`` does.
        nearest = [math.ceil((place + Fraction(1, 2)) * own / wanted) - 1 for place in range(count)]
        rows = np.minimum(nearest, len(self.track) - 1)
        retiming = Retiming(wanted, rows, np.zeros(len(rows)))
        return replace(self, track=replace(self.track.take(rows), fps=float(wanted)), retimed=retiming)

    def _makers(self) -> Iterable[Maker]:
        """What makes each frame of a video; every iteration reads it anew."""
        assert isinstance(self.content, Path)
        return _Makers(VideoReader(self.content), self.retimed)

    def sound(self, sample_rate: int, track: int | None = None) -> SoundTrack | None:
        """Its own sound, from its first frame on; None where there is none, and none was asked for.

        Args:
            sample_rate: Samples per second.
            track: Which of several, counted from 1; the file's default or else the first, if not silent.

        Raises:
            AudioError: There is no such track.
            ConfigError: It is asked for of a portrait.
        """
        if isinstance(self.content, np.ndarray):
            if track is not None:
                raise ConfigError(f"a portrait has no sound, and so no track {track}; leave it out, or give a video")
            return None
        if track is None and not VideoReader(self.content).info.has_audio:
            return None
        return load_sound(self.content, sample_rate=sample_rate, track=track)

    def frame(self, index: int) -> Frame:
        """One of its frames."""
        return next(self.frames(index))

    def frames(self, start: int = 0) -> Iterator[Frame]:
        """Its frames from an index on."""
        if isinstance(self.content, np.ndarray):
            return iter([self.content][start:])
        return (make() for make in islice(self._makers(), start, len(self.track)))

    def pick(self, indices: NDArray[np.integer]) -> Iterator[Frame]:
        """Some of its frames, whose indices rise, in one pass."""
        wanted = set(indices.tolist())
        count = max(wanted, default=-1) + 1
        return (frame for index, frame in enumerate(islice(self.frames(), count)) if index in wanted)

    def enumerate_frames(self, part: slice) -> Iterator[tuple[int, Frame]]:
        """The frames of a part with their indices."""
        return zip(range(part.start, part.stop), self.frames(part.start), strict=False)

    def played(self, part: slice) -> Iterator[tuple[int, Frame]]:
        """A part of what is seen where a portrait is held, and a video goes on as ``after`` says; with indices."""
        if isinstance(self.content, np.ndarray):
            return repeat((0, self.content), part.stop - part.start)
        played = _PLAY[self.after](self._makers(), len(self.track))
        return ((index, make()) for index, make in islice(played, part.start, part.stop))

    def index_at(self, position: int) -> int:
        """Which of its frames ``played`` shows at a position."""
        last = len(self.track) - 1
        if self.after != "mirror":
            return position % (last + 1) if self.after == "play" else min(position, last)
        return 0 if last < 1 else last - abs(position % (2 * last) - last)
