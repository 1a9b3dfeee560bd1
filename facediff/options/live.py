"""The options of a live session and of an idle clip."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from facediff.options.marks import CORNERS, LEAST_SIZE
from facediff.options.record import Checked, Opt
from facediff.options.staging import StagingOptions
from facediff.options.tasks import KEYFRAMES

FPS = Opt("Frames per second.", 5, 60)


@dataclass(frozen=True, kw_only=True)
class MotionStrengths(Checked):
    """How much of what moves."""

    seed: Annotated[
        int,
        Opt("Of blinks, sway and the variety of lips.", 0, 2**63 - 1, says="a whole number from 0 to 2**63 - 1",
            recorded=False),
    ] = 0  # fmt: skip
    steps: Annotated[
        int, Opt("Denoising steps of each mouth; fewer are taken where the machine cannot keep up.", 1, 1000)
    ] = 1
    lips: Annotated[float, Opt("Strength of lips and jaw.", 0, 3, what="strength")] = 1.0
    head: Annotated[float, Opt("Strength of the head's motion while it speaks.", 0, 3, what="strength")] = 1.0
    idle: Annotated[float, Opt("Strength of sway and gaze; blinks and breath stay.", 0, 3, what="strength")] = 1.0
    paint: Annotated[bool, Opt("Paint with the diffusion model; without it the coarse stage warps.")] = True


@dataclass(frozen=True, kw_only=True)
class StreamOptions(MotionStrengths):
    """How frames stream."""

    fps: Annotated[float, FPS] = 25.0
    size: Annotated[
        int | None, Opt("Longer side of the frames in pixels; that of the portrait by default.", 64, 4096)
    ] = None


@dataclass(frozen=True, kw_only=True)
class LiveOptions(StreamOptions):
    """How an avatar is live."""

    sample_rate: Annotated[
        int | None,
        Opt("Samples a second of the sound that is given out; by default that of the first packet.", 4000, 192_000),
    ] = None
    realtime: Annotated[
        bool,
        Opt("Keep to the clock, and let a late frame be the one before it; without it each frame is waited for.",
            recorded=False),
    ] = True  # fmt: skip
    label: Annotated[
        str | None,
        Opt("Words that everybody sees, on every frame: any text, such as AI, or the code of a language; none by "
            "default."),
    ] = None  # fmt: skip
    label_corner: Annotated[str, Opt("Where it stands.", choices=CORNERS)] = "bottom-right"
    label_size: Annotated[
        float, Opt("Height of its letters in percent of the shorter side.", 2, 25, what="percentage")
    ] = LEAST_SIZE


@dataclass(frozen=True, kw_only=True)
class IdleOptions(StagingOptions, MotionStrengths):
    """How an avatar idles in a clip."""

    fps: Annotated[float, FPS] = 25.0
    seconds: Annotated[float, Opt("How long.", 0.2, 3600, what="number of seconds")] = 8.0
    loop: Annotated[bool, Opt("Let the end meet the beginning.")] = False
    keyframes: Annotated[str | Path | None, KEYFRAMES] = None
