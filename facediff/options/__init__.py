"""Every option of every task, once: what takes, reads, shows or lists options makes it of these records.

avatar.talk(speech, seed=7)       takes(TalkOptions)          facediff.options.keywords
facediff talk --seed 7            flags of the same record    facediff.cli.flags
{"task": "talk", "seed": 7}       its fields                  facediff.batch.options
a number called Seed on the page  what has a ``page``         facediff.demo.controls
"""

from facediff.options.enhance import EnhanceOptions
from facediff.options.performance import Condition, Performance
from facediff.options.record import STRONGEST, Checked, Opt, Option, Scalar, check_strength, options_of
from facediff.options.strokes import Stroke, Strokes
from facediff.options.tasks import (
    AFTER,
    CLIP_MODEL,
    METHODS,
    ON_MISSING_FACE,
    REGIONS,
    TASKS,
    AnimateOptions,
    DragOptions,
    EditOptions,
    ExpressionOptions,
    ExtendOptions,
    FaceOptions,
    ModelOptions,
    PerformanceOptions,
    PortraitOptions,
    SourceOptions,
    TalkOptions,
    VideoOptions,
)

__all__ = [
    "AFTER",
    "CLIP_MODEL",
    "METHODS",
    "ON_MISSING_FACE",
    "REGIONS",
    "STRONGEST",
    "TASKS",
    "AnimateOptions",
    "Checked",
    "Condition",
    "DragOptions",
    "EditOptions",
    "EnhanceOptions",
    "ExpressionOptions",
    "ExtendOptions",
    "FaceOptions",
    "ModelOptions",
    "Opt",
    "Option",
    "Performance",
    "PerformanceOptions",
    "PortraitOptions",
    "Scalar",
    "SourceOptions",
    "Stroke",
    "Strokes",
    "TalkOptions",
    "VideoOptions",
    "check_strength",
    "options_of",
]
