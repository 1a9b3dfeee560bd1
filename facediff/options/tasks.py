"""The options of each task, once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from facediff.errors import ConfigError
from facediff.options.performance import Performance, read_performance
from facediff.options.record import Checked, Opt, options_of
from facediff.options.speakers import read_speakers
from facediff.options.staging import StagingOptions
from facediff.options.strokes import Strokes, read_pins, read_strokes

CLIP_MODEL = "openai/clip-vit-base-patch16"
REGIONS = ("all", "expression", "lips", "eyes", "brows", "pose")
LONG = ("whole", "merge", "hierarchy", "extend")
AFTER = ("mirror", "cut", "hold", "play")
ON_MISSING_FACE = ("keep", "hold", "error")
METHODS = ("prototype", "delta", "inversion")

SEED = Opt(
    "Equal seeds give equal frames on one machine.", 0, 2**63 - 1, says="a whole number from 0 to 2**63 - 1",
    recorded=False, page="number",
)  # fmt: skip
_SCHEDULER = Opt(
    "A diffusers scheduler by name: ddim, dpm++, unipc, euler, ...; the one of training by default.",
    examples=("ddim", "ddpm", "deis", "dpm++", "euler", "euler-a", "heun", "lcm", "pndm", "unipc"),
    page="dropdown", more=True,
)  # fmt: skip
_PAINT = Opt(
    "Paint with the diffusion model; without it the coarse stage warps, and makes nothing new.",
    page="checkbox", label="Paint with the diffusion model", more=True,
)  # fmt: skip
_DOMAIN = Opt(
    "A domain model, by its folder or its name in the package: mouths are painted as in its footage.",
    names_model=True, page="own",
)  # fmt: skip
_PRIOR = Opt(
    "The model that a domain model is composed with; the avatar's own by default.", names_model=True,
    page="own", more=True,
)  # fmt: skip
_PRIOR_STRENGTH = Opt(
    "The prior's share, from 0, the domain model alone, to 1; by default what was best on footage held out.",
    0, 1, what="share", page="own",
)  # fmt: skip
_AFTER = Opt(
    "Where a video and what it says or does differ in length: mirror ends with the latter, a shorter video going back "
    "and forth; cut with the shorter; hold and play with the longer, hold with the face at rest, or the last frame "
    "held, play with the rest as it is, or the video again.", choices=AFTER, page="dropdown",
    label="Where lengths differ", more=True,
)  # fmt: skip


_LONG = Opt(
    "How the motion of a long speech is made: whole in one go; or in windows of ten seconds, which batches take up "
    "again: merge overlaps them and makes all together, hierarchy makes a few frames a second first, extend goes on "
    "from window to window.", choices=LONG, page="dropdown", label="Long speech", more=True,
)  # fmt: skip


KEYFRAMES = Opt(
    "A file, JSON or CSV, of what the head, the gaze and the expression are to do when: at 3 s look left, at 5 s nod.",
    names_model=True,
)


def choose_track(of: str, label: str = "Sound track") -> Opt:
    """Which of several sounds of a file counts, or is kept."""
    said = f"Which sound of {of}, counted from 1; the file's default or else the first, if not silent."
    return Opt(said, 1, 999, page="number", label=label, more=True)


def _fps(usual: str) -> Opt:
    return Opt(
        f"Frames per second: {usual}. Above a video's own there are frames between, by optical flow, and motion is "
        "that of their times.", 1, 120, page="number", label="Frames per second", more=True,
    )  # fmt: skip


def _strength(help: str) -> Opt:
    return Opt(help, 0, 3, what="strength", page="slider")


def _steps(help: str) -> Opt:
    return Opt(help, 1, 1000, page="slider", page_high=20)


def _source(of: str, *, page: str | None = None) -> Opt:
    said = f"{of}, as PATH, or PATH=STRENGTH@START-END with seconds, as in me.mp4=0.5@3s-7s."
    return Opt(said, names_files=True, page=page, more=True)


@dataclass(frozen=True, kw_only=True)
class ExpressionOptions(Checked):
    """What is added to whatever a face does."""

    emotion: Annotated[
        str | None,
        Opt("Emotions and expressions by name, all through or in a time range, as in 'happy=0.6, sad=0.4@5s-9s'.",
            repeated=True, page="text", more=True),
    ] = None  # fmt: skip
    eye_contact: Annotated[
        float,
        Opt("How far eyes are turned from where they look to the lens; blinks and small movements stay.", 0, 1,
            what="share", page="slider", more=True),
    ] = 0.0  # fmt: skip
    expression_from: Annotated[
        str | Path | None,
        _source("A picture or a video whose expression is added and held, while lips go on", page="own"),
    ] = None  # fmt: skip
    emotion_from: Annotated[
        str | Path | None,
        _source("Emotions over time: a table, time,happy,sad, or a sound, in which emotion_reader hears them",
                page="own"),
    ] = None  # fmt: skip
    emotion_reader: Annotated[
        str | None,
        Opt("What names the emotions of a voice: a network of transformers' audio classification, its folder or its "
            "name on a hub.", names_model=True),
    ] = None  # fmt: skip

    def __post_init__(self) -> None:
        """Checks each field.

        Raises:
            ConfigError: One is of another type or out of range, does not read as it should, or a part is given twice.
        """
        super().__post_init__()
        performance = read_performance(self)
        if self.emotion_reader is not None and performance.emotion_curve is None:
            raise ConfigError("emotion_reader hears a sound, and none is named; give emotion_from too")


@dataclass(frozen=True, kw_only=True)
class PerformanceOptions(ExpressionOptions):
    """Parts of what a face does, each from a source of its own."""

    head_from: Annotated[str | Path | None, _source("A video whose head motion a portrait takes over", page="own")] = (
        None
    )
    eyes_from: Annotated[str | Path | None, _source("A video whose gaze and blinks are taken over", page="own")] = None
    gaze_from: Annotated[str | Path | None, _source("A video whose gaze is taken over")] = None
    lids_from: Annotated[str | Path | None, _source("A video whose blinks are taken over")] = None
    brows_from: Annotated[str | Path | None, _source("A video or a picture whose brows are taken over", page="own")] = (
        None
    )
    performance: Annotated[
        str | Path | Performance | None,
        Opt(
            "All of these in one: JSON, or a file of it, as facediff.options.performance describes it.",
            names_files=True,
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class _SpeechOptions(Checked):
    seed: Annotated[int, SEED] = 0
    steps: Annotated[int, _steps("Denoising steps of each mouth; more are slower.")] = 1
    guidance_scale: Annotated[
        float,
        Opt("How much more the sound counts than without it; 1 is no guidance.", 0, 30, page="slider", page_high=5,
            label="Guidance", more=True),
    ] = 1.0  # fmt: skip
    lips_guidance: Annotated[
        float, Opt("How much more the lips' landmarks count than without them; 1 is no guidance.", 0, 30)
    ] = 1.0
    lips: Annotated[float, _strength("Strength of lips and jaw.")] = 1.0
    head: Annotated[float, _strength("Strength of a portrait's head motion; a video keeps its own.")] = 1.0
    still: Annotated[
        bool,
        Opt("Hold a portrait's head still; it blinks nevertheless.", page="checkbox", label="Hold the head still"),
    ] = False
    scheduler: Annotated[str | None, _SCHEDULER] = None
    audio_encoder: Annotated[
        str | None,
        Opt("What the denoiser hears with: log-mel, wav2vec2, hubert, whisper or a folder; what the model was trained "
            "with by default, and no other fits.", names_model=True),
    ] = None  # fmt: skip
    fps: Annotated[float | None, _fps("of a portrait 25 by default, of a video its own")] = None
    progressive: Annotated[
        bool,
        Opt("Let each frame show the next one how the mouth looks (DiffTalk, section 3.3), anew every second; slower.",
            page="checkbox", more=True),
    ] = False  # fmt: skip
    paint: Annotated[bool, _PAINT] = True
    domain: Annotated[str | Path | None, _DOMAIN] = None
    prior: Annotated[str | Path | None, _PRIOR] = None
    prior_strength: Annotated[float | None, _PRIOR_STRENGTH] = None
    text: Annotated[
        str | None,
        Opt("What a domain model is told about the clip, in words that it or its prior was trained with.", page="text",
            more=True),
    ] = None  # fmt: skip
    track: Annotated[int | None, choose_track("the file with speech is heard")] = None
    after: Annotated[str, _AFTER] = "mirror"
    source_track: Annotated[
        int | None, choose_track("a video that is dubbed has the person's own voice", "Sound track of the video")
    ] = None
    keyframes: Annotated[str | Path | None, KEYFRAMES] = None
    long: Annotated[str, _LONG] = "whole"


@dataclass(frozen=True, kw_only=True)
class TalkOptions(StagingOptions, PerformanceOptions, _SpeechOptions):
    """How an avatar says what is heard."""

    say: Annotated[str | None, Opt("A text that is said, in the place of a file with speech.", page="own")] = None
    voice: Annotated[
        str,
        Opt("Who says it, as ENGINE:NAME: espeak:en-us, kokoro:af_heart, pocket:alba.", page="text", more=True),
    ] = "espeak"  # fmt: skip
    speakers: Annotated[
        str | None,
        Opt("Who says what in a picture of several people, left=anna.wav, right=ben.wav, or by number from the left.",
            flag="--speech", repeated=True, names_files=True),
    ] = None  # fmt: skip
    captions: Annotated[
        bool, Opt("Write captions of a text that is said beside the clip, as WebVTT.", recorded=False)
    ] = False

    def __post_init__(self) -> None:
        """Checks each field.

        Raises:
            ConfigError: One is of another type or out of range, or does not read as it should.
        """
        super().__post_init__()
        read_speakers(self.speakers)


@dataclass(frozen=True, kw_only=True)
class _DriverOptions(Checked):
    region: Annotated[str, Opt("What is taken over from the driver.", choices=REGIONS, page="dropdown")] = "all"
    absolute: Annotated[
        bool,
        Opt("Take the driver's own head rotation; by default the head moves from where it is.", page="checkbox",
            label="The driver's own head rotation", more=True),
    ] = False  # fmt: skip
    face_shape: Annotated[
        float,
        Opt("How much of the shape of the driver's face a portrait takes over: 0 keeps its own.", 0, 1, what="share"),
    ] = 0.0
    lips: Annotated[float, _strength("Strength of lips and jaw.")] = 1.0
    eyes: Annotated[float, _strength("Strength of lids and gaze.")] = 1.0
    brows: Annotated[float, _strength("Strength of the brows.")] = 1.0
    head: Annotated[float, _strength("Strength of the head's motion.")] = 1.0
    sound: Annotated[bool, Opt("Carry over the driver's sound.", page="checkbox", label="The driver's sound")] = False
    compare: Annotated[
        bool,
        Opt("Show driver and source beside the result.", page="checkbox", label="Driver and source beside the result"),
    ] = False
    steps: Annotated[int, _steps("Denoising steps of each face; more are slower.")] = 1
    seed: Annotated[int, SEED] = 0
    scheduler: Annotated[str | None, _SCHEDULER] = None
    paint: Annotated[bool, _PAINT] = True
    domain: Annotated[str | Path | None, _DOMAIN] = None
    prior: Annotated[str | Path | None, _PRIOR] = None
    prior_strength: Annotated[float | None, _PRIOR_STRENGTH] = None
    fps: Annotated[float | None, _fps("of a video its own by default, of a portrait the driver's")] = None
    track: Annotated[int | None, choose_track("the driver is carried over")] = None
    after: Annotated[str, _AFTER] = "mirror"


@dataclass(frozen=True, kw_only=True)
class AnimateOptions(StagingOptions, PerformanceOptions, _DriverOptions):
    """How an avatar moves as a driver does."""

    lips_from: Annotated[str | Path | None, _source("A video whose lips and jaw are taken over")] = None


@dataclass(frozen=True, kw_only=True)
class _ChangeOptions(Checked):
    attributes: Annotated[
        str | None,
        Opt("Strengths as text, 'smile=0.6, beard=0.3'.", flag="--attribute -a", repeated=True),
    ] = None
    text: Annotated[str | None, Opt("What is wanted, 'face with eyeglasses'; takes a CLIP model.")] = None
    text_strength: Annotated[
        float, Opt("How far to go the way that the text says; below 0, away from it.", -3, 3, what="strength")
    ] = 1.0
    clip_model: Annotated[str, Opt("A CLIP model of a hub, or its folder.", names_model=True)] = CLIP_MODEL
    seed: Annotated[int, SEED] = 0
    method: Annotated[
        str | None,
        Opt("prototype lays the light and shade of an attribute on each face; delta and inversion change the one "
            "identity vector of the video, delta by what changes of each frame, in few network calls, inversion as "
            "published, by decoding the frame's own noise. By default prototype, where the model has them, else "
            "delta, as texts do.", choices=METHODS, page="dropdown", more=True),
    ] = None  # fmt: skip
    steps: Annotated[
        int | None,
        Opt("Steps of an inversion, or noise levels of a delta; as many as suit it by default.", 1, 1000,
            page="number", more=True),
    ] = None  # fmt: skip
    cached: Annotated[
        bool,
        Opt("Keep the encoding in the user's cache folder, so that another edit of the video only decodes.",
            recorded=False, flag="--cache"),
    ] = True  # fmt: skip
    fps: Annotated[float | None, _fps("of a video its own by default, of a portrait 25")] = None
    track: Annotated[int | None, choose_track("the video is kept")] = None


@dataclass(frozen=True, kw_only=True)
class EditOptions(StagingOptions, ExpressionOptions, _ChangeOptions):
    """How an avatar becomes another in some ways; the strengths of these ways have names of their own."""


@dataclass(frozen=True, kw_only=True)
class DragOptions(StagingOptions):
    """How points of a face are taken elsewhere, and all of it follows as faces do."""

    strokes: Annotated[
        str | Strokes | None,
        Opt("Points of the face and where each is put, in pixels of the picture from its upper left, X,Y:X,Y, or by "
            "way of more points; nothing moves without one.", flag="--stroke", repeated=True, page="own"),
    ] = None  # fmt: skip
    pins: Annotated[
        str | None,
        Opt("Points of the face that stay, X,Y.", flag="--pin", repeated=True, page="own"),
    ] = None
    frame: Annotated[
        int,
        Opt("Of a video, the frame on which strokes are drawn, counted from 0: from there on the face moves.",
            0, 10_000_000, says="a whole number from 0 on", page="number"),
    ] = 0  # fmt: skip
    seconds: Annotated[
        float, Opt("How long the points take along their strokes.", 0.04, 60, what="number of seconds", page="slider",
                   page_high=5),
    ] = 1.0  # fmt: skip
    hold: Annotated[
        float,
        Opt("How long a still is held after that; a video goes on to its end.", 0, 600, what="number of seconds",
            page="slider", page_high=5),
    ] = 1.0  # fmt: skip
    seed: Annotated[int, SEED] = 0
    steps: Annotated[int, _steps("Denoising steps of each face; more are slower.")] = 1
    paint: Annotated[bool, _PAINT] = True

    def __post_init__(self) -> None:
        """Checks each field.

        Raises:
            ConfigError: One is of another type or out of range, or does not read as it should.
        """
        super().__post_init__()
        read_strokes(None if self.strokes is None else str(self.strokes))
        read_pins(self.pins)


@dataclass(frozen=True, kw_only=True)
class ExtendOptions(Checked):
    """How a video goes on."""

    seconds: Annotated[float, Opt("How much longer it becomes.", 0.2, 600, what="number of seconds")] = 10.0
    seed: Annotated[int, SEED] = 0
    steps: Annotated[int, _steps("Denoising steps of each face; more are slower.")] = 1
    paint: Annotated[bool, _PAINT] = True


@dataclass(frozen=True, kw_only=True)
class FaceOptions(Checked):
    """Who is meant."""

    face: Annotated[
        int | str | None,
        Opt("Which face, where there are several: 'largest', 'left', 'right', or an index from the left.",
            choices=("largest", "left", "right"), says="'largest', 'left', 'right' or an index from the left",
            page="own"),
    ] = None  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ModelOptions(Checked):
    """What makes a clip, and who agreed to it."""

    model: Annotated[
        str, Opt("base, the embedded model, or a folder laid out like it.", names_model=True, recorded=False)
    ] = "base"
    device: Annotated[str | None, Opt("cpu, cuda, ...; the best there is by default.", recorded=False)] = None
    consent: Annotated[
        str | None, Opt("What the person shown agreed to, in words; every clip's record repeats it.", recorded=False)
    ] = None


@dataclass(frozen=True, kw_only=True)
class PortraitOptions(ModelOptions, FaceOptions):
    """What makes an avatar of a portrait."""


@dataclass(frozen=True, kw_only=True)
class SourceOptions(PortraitOptions):
    """What makes an avatar of a portrait or a video."""

    on_missing_face: Annotated[
        str,
        Opt("What frames of a video without a face become: keep them, hold the last one with a face, or error.",
            choices=ON_MISSING_FACE),
    ] = "keep"  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class VideoOptions(SourceOptions):
    """What makes an avatar of a video, in which somebody may pass by."""

    face: Annotated[int | str | None, options_of(FaceOptions)["face"].opt] = "largest"


TASKS: dict[str, type[Checked]] = {
    "talk": TalkOptions, "animate": AnimateOptions, "edit": EditOptions, "drag": DragOptions,
}  # fmt: skip
