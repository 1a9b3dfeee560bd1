"""What is written down of how a clip is made."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from facediff.errors import InputError
from facediff.motion.template import MotionTemplate
from facediff.options import Checked, SourceOptions, options_of
from facediff.options.files import hide_paths, named_files
from facediff.provenance import Ingredient, Record, model_name, weights_hash


def make_record(
    task: str, options: Checked, avatar: SourceOptions, origin: Ingredient, second: Ingredient | None = None
) -> Record:
    """How a clip is made; only what differs from the defaults is an option.

    Args:
        task: The command.
        options: Of the task.
        avatar: What made the avatar.
        origin: The file that is shown.
        second: What else goes in, if anything.
    """
    kept = {**options.recorded(), **avatar.recorded()}
    for name, option in options_of(type(options)).items():
        if option.opt.names_model and kept.get(name) is not None:
            kept[name] = model_name(str(kept[name]))
    kept.update(hide_paths(options))
    parts = tuple(Ingredient.of_file(part, path) for part, path in named_files(options).items())
    added = {name: getattr(options, name, None) for name in ("domain", "prior")}
    return Record(
        task=task,
        inputs=((origin,) if second is None else (origin, second)) + parts,
        options=kept,
        seed=getattr(options, "seed", 0),
        model=model_name(avatar.model),
        weights_sha256=weights_hash(avatar.model, **added),
        consent=avatar.consent,
    )


def describe_input(role: str, thing: str | Path | np.ndarray | MotionTemplate) -> Ingredient:
    """A file, or what came from Python in its place, as something that a clip is made of.

    Raises:
        InputError: It is of another type.
    """
    if isinstance(thing, MotionTemplate):
        return Ingredient.of_array(role, thing.motion)
    if isinstance(thing, np.ndarray):
        return Ingredient.of_array(role, thing)
    if not isinstance(thing, (str, Path)):
        raise InputError(f"{role} is of type {type(thing).__name__}, which is not taken; give a file")
    return Ingredient.of_file(role, thing)
