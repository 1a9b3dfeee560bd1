"""The kinds of jobs that a batch takes: what each is told, what its result depends on, and how it is made."""

from __future__ import annotations

import hashlib
import json
import os
import time
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import facediff
from facediff.errors import InputError
from facediff.rendering.batch.jobs import Job, Task
from facediff.rendering.batch.options import options_of
from facediff.rendering.batch.orders import Identity, Rendered

if TYPE_CHECKING:  # torch is loaded by whoever renders, after the number of threads is set
    from facediff.avatar import Avatar

_INPUTS: dict[str, tuple[str, ...]] = {
    "talk": ("source", "speech"),
    "animate": ("source", "driving"),
    "edit": ("source",),
}
_LIBRARIES = ("torch", "diffusers", "mediapipe", "numpy", "av")


def tasks() -> dict[str, Task]:
    """All kinds of jobs; their options are the keywords of ``Avatar``'s methods and of what makes an avatar."""
    from facediff.avatar import Avatar

    of_avatar = {**options_of(Avatar.from_video), **options_of(Avatar.from_image)}
    return {name: Task(inputs, {**options_of(getattr(Avatar, name)), **of_avatar}) for name, inputs in _INPUTS.items()}


def identify(job: Job) -> Identity:
    """What the result of a job depends on: inputs, options, weights and version.

    Raises:
        InputError: An input is missing or cannot be read.
        WeightsError: There is no such model.
    """
    from facediff.provenance import weights_hash

    hashes = {name: _hash(name, path) for name, path in job.inputs.items()}
    weights = weights_hash(str(job.options["model"]))
    encoder = job.options.get("audio_encoder")
    if isinstance(encoder, str) and os.path.isdir(encoder):
        weights = hashlib.sha256(f"{weights} {_hash('audio_encoder', Path(encoder))}".encode()).hexdigest()
    content = [job.task, hashes, dict(job.options), weights, facediff.__version__]
    key = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return Identity(key, hashes, weights, _versions())


def render(job: Job, identity: Identity, target: Path) -> Rendered:
    """Makes the clip of a job; models, and the last two avatars, are kept from one to the next.

    Raises:
        FaceDiffError: Whatever the inputs or options lack, or an input is not what it was when it was identified.
    """
    _, *others = _INPUTS[job.task]
    options: dict[str, Any] = dict(job.options)
    of_avatar = {name: options.pop(name) for name in ("face", "model", "device", "on_missing_face", "consent")}
    started = time.perf_counter()
    avatar = _avatar(job.inputs["source"], identity.inputs["source"], **of_avatar)
    read = time.perf_counter()
    clip = getattr(avatar, job.task)(*(job.inputs[name] for name in others), **options)
    heard = time.perf_counter()
    for name, path in job.inputs.items():
        if _hash(name, path) != identity.inputs[name]:
            raise InputError(f"{path} changed after the run had begun to work on it, or differs between machines")
    clip.save(target)
    prepared = others[0] if others else "prepare"
    seconds = {"source": read - started, prepared: heard - read, "render": time.perf_counter() - heard}
    return Rendered(len(clip), seconds)


@lru_cache(maxsize=2)
def _avatar(
    source: Path,
    sha256: str,
    *,
    face: int | str | None,
    model: str,
    device: str | None,
    on_missing_face: str,
    consent: str | None,
) -> Avatar:
    """The avatar of a file with that content."""
    from facediff.avatar import Avatar
    from facediff.media import is_video

    if isinstance(face, str) and face != "largest":
        raise InputError(f"face is 'largest' or an index from the left, not {face!r}")
    if is_video(source):
        chosen = "largest" if face is None else face
        return Avatar.from_video(
            source, face=chosen, model=model, device=device, on_missing_face=on_missing_face, consent=consent
        )
    return Avatar.from_image(source, face=face, model=model, device=device, consent=consent)


def _hash(name: str, path: Path) -> str:
    from facediff.provenance import Ingredient

    if path.is_dir() and name != "source" and name != "speech":
        return Ingredient.of_file(name, path).sha256
    if not path.is_file():
        raise InputError(f"there is no file at {path}")
    state = path.stat()
    return _file_hash(path, state.st_ino, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=4096)
def _file_hash(path: Path, inode: int, size: int, mtime_ns: int) -> str:
    from facediff.provenance import Ingredient

    return Ingredient.of_file("", path).sha256


@lru_cache(maxsize=1)
def _versions() -> dict[str, str]:
    return {"facediff": facediff.__version__, **{name: version(name) for name in _LIBRARIES}}
