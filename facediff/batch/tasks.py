"""The kinds of jobs that a batch takes: what each is told, what its result depends on, and how it is made."""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import facediff
from facediff.batch.jobs import Job, Task
from facediff.batch.options import WINDOW, options_of
from facediff.batch.work_items import Identity, Part, Rendered
from facediff.errors import ConfigError, FaceDiffError, InputError
from facediff.media import VideoReader, is_video
from facediff.media.durations import picture_seconds, sound_seconds
from facediff.options import TASKS, Checked, EnhanceOptions, ModelOptions, SourceOptions
from facediff.options.files import named_files
from facediff.options.marks import MarkOptions
from facediff.options.staging import TRANSPARENT
from facediff.rendering import CHUNK
from facediff.system.files import check_file, is_saved_avatar, shown_file
from facediff.system.kept_arrays import keep_in

if TYPE_CHECKING:  # torch is loaded by whoever renders, after the number of threads is set
    from facediff.avatar import Avatar
    from facediff.clip import Clip

_INPUTS: dict[str, tuple[str, ...]] = {
    "talk": ("source", "speech"),
    "animate": ("source", "driving"),
    "edit": ("source",),
    "drag": ("source",),
    "enhance": ("source",),
}
_RECORDS: dict[str, type[Checked]] = {**TASKS, "enhance": EnhanceOptions}
_INSTEAD = {"speech": ("say", "speakers")}
STRIDE = WINDOW // 2  # parts begin at multiples of it: of what is painted at once, and of a second at the usual rates


def tasks() -> dict[str, Task]:
    """All kinds of jobs; their options are those of the task, of what makes an avatar, and of what marks a clip."""
    made = {}
    for name, inputs in _INPUTS.items():
        shown = options_of(SourceOptions if name in TASKS else ModelOptions)
        options = {**options_of(_RECORDS[name]), **shown, **options_of(MarkOptions)}
        made[name] = Task(inputs, options, _INSTEAD if "speech" in inputs else {})
    return made


def identify(job: Job, window: int = WINDOW) -> Identity:
    """What the result of a job depends on: inputs, options, weights and version; and in how many parts it is made.

    Args:
        job: Of whatever kind.
        window: Frames; a clip of more than two windows is rendered in parts. 0 for never.

    Raises:
        InputError: An input is missing or cannot be read.
        WeightsError: There is no such model.
    """
    from facediff.provenance import weights_hash

    hashes = {name: _hash(name, path) for name, path in _files(job).items()}
    added = {role: str(given) for role in ("domain", "prior") if (given := job.options.get(role)) is not None}
    weights = weights_hash(str(job.options["model"]), **added)
    encoder = job.options.get("audio_encoder")
    if isinstance(encoder, str) and os.path.isdir(encoder):
        weights = hashlib.sha256(f"{weights} {_hash('audio_encoder', Path(encoder))}".encode()).hexdigest()
    content = [job.task, hashes, dict(job.options), weights, facediff.__version__]
    key = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    parts = 1 if job.options.get("background") == TRANSPARENT else parts_of(expected_frames(job), window)
    return Identity(key, hashes, weights, _versions(), parts)


def expected_frames(job: Job) -> int:
    """About how many frames a job's result will have, without looking at any; 0 where its inputs cannot be read."""
    try:
        if job.task == "talk":
            if "speech" not in job.inputs:
                return 0  # how long a voice takes is known when it has spoken
            return round(_spanned(job, sound_seconds(job.inputs["speech"])) * _rate(job))
        shown = job.inputs["driving"] if job.task == "animate" else _shown(job)
        if not is_video(shown) or (job.task == "edit" and not is_video(_shown(job))):
            return 0
        return round(_spanned(job, picture_seconds(shown)) * _rate(job, shown))
    except FaceDiffError:
        return 0  # the reason is told when its turn comes


def _spanned(job: Job, asked: float) -> float:
    """Seconds of a result of which so many are asked; see ``facediff.tasks.lengths``."""
    choose = {"cut": min, "hold": max, "play": max}.get(str(job.options.get("after")))
    if choose is None or not is_video(_shown(job)):
        return asked
    return float(choose(asked, picture_seconds(_shown(job))))


def _shown(job: Job) -> Path:
    """The file that its source is, or holds."""
    return shown_file(job.inputs["source"])


def _rate(job: Job, shown: Path | None = None) -> float:
    """Frames a second of a job's result: those asked for, of the video that is its source, or of what drives it."""
    fps = job.options.get("fps")
    if isinstance(fps, int | float):
        return float(fps)
    for path in (_shown(job), shown):
        if path is not None and is_video(path):
            return float(VideoReader(path).info.fps)
    return 25.0


def parts_of(frames: int, window: int) -> int:
    """In how many parts so many frames are rendered."""
    return 1 if window < 1 or frames <= 2 * window else math.ceil(frames / window)


def bounds(part: int, count: int, frames: int) -> tuple[int, int]:
    """Where a part begins and ends. What is painted at once is not cut apart, so parts equal the whole bit for bit."""
    stride = STRIDE if frames // count >= STRIDE else CHUNK
    first, last = (k * frames // count // stride * stride for k in (part, part + 1))
    return first, frames if part == count - 1 else last


def render(job: Job, identity: Identity, target: Path, part: Part | None = None) -> Rendered:
    """Makes the clip of a job, or a part of it; models, the last two avatars and the last clip are kept.

    Raises:
        FaceDiffError: Whatever the inputs or options lack, or an input is not what it was when it was identified.
    """
    from facediff.provenance.marker import check_marks

    marks: dict[str, Any] = {name: job.options[name] for name in options_of(MarkOptions) if name in job.options}
    check_marks(MarkOptions(**marks), target)  # refused before anything is read
    with keep_in(target.parent / "kept"):  # what long work has made outlives a kill, and other workers take it up
        clip, seconds = _clip(job, identity)
    begun = time.perf_counter()
    if part is None:
        clip.save(target, **marks)
        count = len(clip)
    elif part.index is None:
        count = clip.join(part.files(target.parent), target, **marks)
    else:
        count = clip.save_part(target, *bounds(part.index, part.count, len(clip)), **marks)
    return Rendered(count, {**seconds, "render": time.perf_counter() - begun})


_LAST: dict[str, Clip] = {}  # of this process, by key: the parts of a clip come one after the other


def _clip(job: Job, identity: Identity) -> tuple[Clip, dict[str, float]]:
    """The clip of a job, not rendered yet, and what took how long; nothing if it is the last one again."""
    if identity.key in _LAST:
        return _LAST[identity.key], {}
    _, *others = _INPUTS[job.task]
    options: dict[str, Any] = dict(job.options)
    for name in options_of(MarkOptions):
        options.pop(name, None)
    if job.task == "enhance":
        return _enhanced(job, identity, options)
    of_avatar = SourceOptions(**{name: options.pop(name) for name in options_of(SourceOptions)})
    is_chosen = of_avatar.face is not None or is_saved_avatar(job.inputs["source"])
    if options.get("speakers") is not None and not is_chosen:
        of_avatar = replace(of_avatar, face="largest")
    TASKS[job.task](**options)  # refused before anything is read
    started = time.perf_counter()
    avatar = _avatar(job.inputs["source"], identity.inputs["source"], of_avatar)
    read = time.perf_counter()
    clip = getattr(avatar, job.task)(*(job.inputs.get(name) for name in others), **options)
    seconds = {"source": read - started} | ({others[0]: time.perf_counter() - read} if others else {})
    _keep(clip, job, identity)
    return clip, seconds


def _enhanced(job: Job, identity: Identity, options: dict[str, Any]) -> tuple[Clip, dict[str, float]]:
    """The same of a video that is made larger or sharper, in which no face is looked for."""
    from facediff.tasks.enhance import enhance

    source, started = job.inputs["source"], time.perf_counter()
    check_file(source)
    if not is_video(source):
        raise InputError(f"{source} is a picture; in a batch videos are enhanced: 'facediff enhance' takes pictures")
    clip = enhance(source, **options)
    _keep(clip, job, identity)
    return clip, {"source": time.perf_counter() - started}


def _keep(clip: Clip, job: Job, identity: Identity) -> None:
    """Remembers the clip for its other parts, if it is made of what was identified."""
    for name, path in _files(job).items():
        if _hash(name, path) != identity.inputs[name]:
            raise InputError(f"{path} changed after the run had begun to work on it, or differs between machines")
    _LAST.clear()
    _LAST[identity.key] = clip


def _files(job: Job) -> dict[str, Path]:
    """All files that a job is made from: its inputs, its keyframes, its background and the parts of a performance."""
    try:
        parts = named_files(job.options)
    except ConfigError as error:
        raise InputError(str(error)) from error
    keyed = job.options.get("keyframes")
    parts = parts if keyed is None else {**parts, "keyframes": str(keyed)}
    return {**job.inputs, **{part: Path(path) for part, path in parts.items()}}


@lru_cache(maxsize=2)
def _avatar(source: Path, sha256: str, options: SourceOptions) -> Avatar:
    """The avatar of a file, or of a folder, with that content."""
    from facediff.avatar import Avatar

    return Avatar.from_file(source, **vars(options))


def _hash(name: str, path: Path) -> str:
    """That of an input; frames in a folder may drive, but neither be a source nor a speech; saved avatars are one."""
    from facediff.provenance.ingredients import content_hash

    is_avatar = name == "source" and is_saved_avatar(path)
    return content_hash(path, takes_folder=is_avatar or name not in ("source", "speech"))


@lru_cache(maxsize=1)
def _versions() -> dict[str, str]:
    from facediff.provenance.record import library_versions

    return {**library_versions(), "facediff": facediff.__version__}
