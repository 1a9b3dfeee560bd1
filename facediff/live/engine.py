"""Plans to pictures: what a live session's process does, and what a recording does without one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facediff.audio.whisper import EmbeddedWhisper
from facediff.audio.windows import exact_rate
from facediff.errors import ConfigError
from facediff.live.performer import Performed, Performer
from facediff.live.planner import TOGETHER, Plan
from facediff.live.renderer import LiveRenderer
from facediff.live.shots import ShotMaker
from facediff.motion.side_view import share_head_motion
from facediff.options.live import MotionStrengths, StreamOptions
from facediff.options.marks import MarkOptions
from facediff.provenance.marker import frame_marker
from facediff.rendering.frame import add_matte, split_matte
from facediff.rendering.source import Source
from facediff.rendering.warping.portrait import PortraitWarper
from facediff.system.device import choose_dtype
from facediff.tasks.model_choice import ModelChoice
from facediff.types import FaceTrack, Frame, Presence

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
            raise ConfigError("what idles or speaks live is a portrait, and this is a video; give a picture")
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


def open_performer(portrait: Portrait, models: ModelChoice, options: StreamOptions) -> Performer:
    """What hears and moves.

    Raises:
        ConfigError: The model hears or is painted by what cannot be heard in a stream.
        WeightsError: There is no such model.
    """
    motion, painting = models.load_talk()
    hearing = motion.denoiser.config["audio_encoder"]
    told = painting.conditioner.config["audio_encoder"]
    if not isinstance(motion.encoder, EmbeddedWhisper) or told != PAINTS_BY:
        raise ConfigError(
            f"a live avatar hears with {HEARS} and is painted by {PAINTS_BY}; this model has {hearing} and {told}"
        )
    ear = motion.encoder.as_fast_as(choose_dtype(motion.denoiser.device))
    return Performer(
        motion, ear, fps=exact_rate(options.fps), seed=options.seed, lips=options.lips,
        head=options.head * share_head_motion(portrait.points), idle=options.idle,
        columns=int(painting.conditioner.config["audio_columns"]),
    )  # fmt: skip


def open_shots(portrait: Portrait, models: ModelChoice) -> ShotMaker:
    """What warps.

    Raises:
        WeightsError: There is no such model.
    """
    painting = models.load_talk()[1]
    return ShotMaker(portrait.warper(models), int(painting.conditioner.config["audio_columns"]))


def open_renderer(
    portrait: Portrait, models: ModelChoice, options: MotionStrengths, marks: MarkOptions
) -> LiveRenderer:
    """What paints.

    Raises:
        WeightsError: There is no such model.
    """
    return LiveRenderer(
        portrait.warper(models).prepared.inpaint_mouth, models.load_talk()[1] if options.paint else None,
        frame_marker(marks, portrait.size), steps=options.steps, seed=options.seed,
    )  # fmt: skip


class LiveEngine:
    """Renders plans, in order, in the process that asks; a session has one process to move and one to paint.

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
        self._performer = open_performer(portrait, models, options)
        self._shots = open_shots(portrait, models)
        self._renderer = open_renderer(portrait, models, options, marks)

    def prepare(self) -> Frame:
        """The first frame, at rest; everything has run once then."""
        self._performer.prepare()
        return self._renderer.prepare(self._shots.make(self._shots.rest())[0])

    def render(self, plans: Sequence[Plan], wanted: Sequence[bool] | None = None) -> list[Frame | None]:
        """Pictures of plans, four at most, the next ones in order; None where none is wanted."""
        parts = [plans[k : k + TOGETHER] for k in range(0, len(plans), TOGETHER)]  # no frame knows more than live
        done = Performed.join([self._performer.perform(part) for part in parts])
        made: list[Frame | None] = [None] * len(plans)
        chosen = [k for k, w in enumerate(wanted or [True] * len(plans)) if w]
        if chosen:
            pictures = self._renderer.finish(self._shots.make(done.take(chosen)), self._renderer.levels[0])
            for k, picture in zip(chosen, pictures, strict=True):
                made[k] = picture
        return made
