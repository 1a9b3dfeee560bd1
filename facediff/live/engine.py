"""Plans to pictures: what a live session's process does, and what a recording does without one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from facediff.audio.features import SILENCE
from facediff.audio.whisper import EmbeddedWhisper
from facediff.audio.windows import exact_rate
from facediff.errors import ConfigError
from facediff.live.governor import Governor
from facediff.live.performer import Performer
from facediff.live.planner import Plan
from facediff.live.renderer import MOST_AT_ONCE, Level, LiveRenderer, Shot
from facediff.options.live import StreamOptions
from facediff.options.marks import MarkOptions
from facediff.provenance.marker import frame_marker
from facediff.rendering.frame import add_matte, split_matte
from facediff.rendering.source import Source
from facediff.rendering.warping.portrait import PortraitWarper
from facediff.system.device import choose_dtype
from facediff.tasks.model_choice import ModelChoice
from facediff.types import FaceTrack, Frame, Presence

if TYPE_CHECKING:
    from facediff.live.follower import DriverReader

HEARS, PAINTS_BY = "whisper-base-4", "log-mel"


@dataclass(frozen=True)
class Portrait:
    """A portrait that is live.

    Attributes:
        picture: (H, W, 3) uint8, sides even, as video coders want them.
        points: Landmarks (478, 3) in its pixels.
        sha256: Of what it was read from.
        matte: (H, W) how much of each pixel is the person, where they were cut out.
    """

    picture: Frame
    points: NDArray[np.float32]
    sha256: str
    matte: NDArray[np.uint8] | None = None

    @classmethod
    def of(cls, source: Source, size: int | None) -> Portrait:
        """The portrait of a source, its longer side at most so many pixels.

        Raises:
            ConfigError: It is a video.
        """
        if not source.is_still:
            raise ConfigError("a live avatar is made of a portrait, and this one is a video; give a picture")
        picture, points = add_matte(source.frame(0), source.matte), source.track.points[0].astype(np.float32)
        height, width = picture.shape[:2]
        scale = 1.0 if size is None else min(1.0, size / max(height, width))
        wide, tall = (max(2, round(side * scale) // 2 * 2) for side in (width, height))
        if scale < 1:
            picture = cv2.resize(picture, (wide, tall), interpolation=cv2.INTER_AREA)
            points = points * np.array([wide / width, tall / height, wide / width], np.float32)
        picture, matte = split_matte(np.ascontiguousarray(picture[:tall, :wide]))
        return cls(picture, points, source.sha256, matte)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.picture.shape[1], self.picture.shape[0]

    def warper(self, models: ModelChoice) -> PortraitWarper:
        """What moves it."""
        track = FaceTrack(self.points[None], np.array([Presence.FOUND], np.uint8), self.size, 0.0)
        source = Source(self.picture, track, self.sha256, matte=self.matte)
        return PortraitWarper(source, models.load_inpainter())


class LiveEngine:
    """Renders plans, in order.

    Args:
        portrait: Whom.
        models: With what.
        options: How.
        marks: How frames are marked.

    Raises:
        ConfigError: The model hears or is painted by what cannot be heard in a stream.
        WeightsError: There is no such model.
    """

    def __init__(self, portrait: Portrait, models: ModelChoice, options: StreamOptions, marks: MarkOptions) -> None:
        motion, painting = models.load_talk()
        hearing = motion.denoiser.config["audio_encoder"]
        told = painting.conditioner.config["audio_encoder"]
        if not isinstance(motion.encoder, EmbeddedWhisper) or told != PAINTS_BY:
            raise ConfigError(
                f"a live avatar hears with {HEARS} and is painted by {PAINTS_BY}; this model has {hearing} and {told}"
            )
        self.fps = exact_rate(options.fps)
        self._columns = int(painting.conditioner.config["audio_columns"])
        ear = motion.encoder.as_fast_as(choose_dtype(motion.denoiser.device))
        self._performer = Performer(
            motion, ear, fps=self.fps, seed=options.seed, lips=options.lips, head=options.head,
            idle=options.idle, columns=self._columns,
        )  # fmt: skip
        self._renderer = LiveRenderer(
            portrait.warper(models), painting if options.paint else None, frame_marker(marks, portrait.size),
            steps=options.steps, seed=options.seed,
        )  # fmt: skip
        self.governor = Governor(self._renderer.levels, float(1 / self.fps))
        self._driver: DriverReader | None = None

    def prepare(self) -> Frame:
        """The first frame, at rest; everything has run once then."""
        self._performer.prepare()
        silence = np.full((self._columns, 80), SILENCE, np.float32)
        return self._renderer.prepare(silence)

    def render(self, plans: Sequence[Plan], wanted: Sequence[bool] | None = None) -> list[Frame | None]:
        """Pictures of plans, the next ones in order; see ``move`` and ``finish``."""
        made: list[Frame | None] = [None] * len(plans)
        shots = self.move(plans, wanted)
        chosen = [k for k, shot in enumerate(shots) if shot is not None]
        if chosen:
            pictures = self.finish([shot for shot in shots if shot is not None], self.governor.level)
            for k, picture in zip(chosen, pictures, strict=True):
                made[k] = picture
        return made

    def move(self, plans: Sequence[Plan], wanted: Sequence[bool] | None = None) -> list[Shot | None]:
        """Shots of plans, the next ones in order; None where none is wanted, since it would come too late.

        Args:
            plans: Frames are made void by the first only.
            wanted: Which; all by default. Of more than four the first four.
        """
        every = self.governor.level.every
        show = [w and plan.index % every == 0 for w, plan in zip(wanted or [True] * len(plans), plans, strict=True)]
        done = self._performer.perform(plans)
        chosen = [k for k, w in enumerate(show) if w][:MOST_AT_ONCE]
        shots: list[Shot | None] = [None] * len(plans)
        if chosen:
            warped = self._renderer.warp(done.rows[chosen], done.windows[chosen], done.opening[chosen])
            for k, shot in zip(chosen, warped, strict=True):
                shots[k] = shot
        return shots

    def finish(self, shots: list[Shot], level: Level) -> list[Frame]:
        """Pictures of shots, painted at a level; by any number of threads at once."""
        return self._renderer.finish(shots, level)

    def follow(self, picture: Frame) -> bool:
        """Whether a picture of somebody, whose motion is taken over, shows a face."""
        if self._driver is None:
            from facediff.live.follower import DriverReader

            self._driver = DriverReader()
        row = self._driver.read(picture)
        if row is not None:
            self._performer.follow(row)
        return row is not None
