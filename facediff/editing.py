"""How an edit is put together: another identity, then another expression, all through a source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import repeat

import numpy as np

from facediff import shared_models
from facediff.chosen_models import ChosenModels
from facediff.clip import SOUND_RATE, Clip
from facediff.edits import IdentityEdit, attribute_names, express, regions_of, split_wishes
from facediff.landmarks.expressions import expression
from facediff.pipelines.editors import Editor, LinearEditor
from facediff.provenance import weights_hash
from facediff.rendering.codings import coding
from facediff.rendering.driving import appearing
from facediff.rendering.edit import WHOLE
from facediff.source import Source
from facediff.types import Frame


def edit(
    source: Source,
    wishes: Mapping[str, float],
    models: ChosenModels,
    *,
    text: str | None,
    text_strength: float,
    clip_model: str,
    seed: int,
    method: str,
    steps: int | None,
    cached: bool,
) -> Clip:
    """A clip, without a record, in which a source is as it is wished for; see ``Avatar.edit``."""
    moving, changing = split_wishes(wishes, attribute_names(models.model))
    editors: list[Editor] = []
    identity_edit: IdentityEdit | None = None
    if changing or text:
        autoencoder, classifier = shared_models.editing(models.model, models.device)
        identity_edit = IdentityEdit(
            source, autoencoder, weights_hash(models.model), coding(method, autoencoder, steps, seed),
            is_kept=cached and not source.is_still,
        )  # fmt: skip
        editors = [LinearEditor(classifier, changing)] if changing else []
        if text:
            by_text = shared_models.clip_editor(clip_model, models.device)
            editors.append(identity_edit.towards(text, by_text, text_strength))
    regions = (*regions_of(changing), *(WHOLE if text else ()))
    refining = models.refiner() if moving else None
    added = expression(moving)
    rate = source.rate()
    motion = appearing(added, rate) if source.is_still else np.broadcast_to(added, (len(source.track), len(added)))

    def render(part: slice) -> Iterator[Frame]:
        own = slice(0, 1) if source.is_still else part
        numbers: Iterable[int] = range(own.start, own.stop)
        made: Iterator[Frame]
        if identity_edit is None:
            made = (frame for _, frame in source.numbered(own))
        else:
            made = identity_edit(source.numbered(own), editors, regions)
        if source.is_still:  # made once, and held
            numbers, made = repeat(0), repeat(next(made), part.stop - part.start)
        if refining is None:
            return made
        return express(source, zip(numbers, made, strict=False), motion[part], refining, seed=seed)

    usable = np.flatnonzero(source.track.usable)
    best = len(motion) - 1 if source.is_still else int(usable[len(usable) // 2])
    return Clip(
        rate, source.track.size, len(motion), source.sound(SOUND_RATE), render, preview_index=best,
        is_tagged=source.is_tagged,
    )  # fmt: skip
