"""How an edit is put together: another identity, then another expression, all through a source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import repeat

import numpy as np

from facediff.clip import SOUND_RATE, Clip
from facediff.motion.driver import ease_in
from facediff.motion.expressions import expression
from facediff.options import EditOptions
from facediff.pipelines.identity_editors import Editor, LinearEditor
from facediff.provenance import weights_hash
from facediff.rendering.editing.attributes import WHOLE, LookEditor, look_editors
from facediff.rendering.editing.methods import PROTOTYPE, coding
from facediff.rendering.source import Source
from facediff.tasks import model_cache
from facediff.tasks.identity import (
    DEFAULT_METHOD,
    IdentityEdit,
    attribute_names,
    check_method_knows,
    express,
    regions_of,
    split_wishes,
    usual_method,
)
from facediff.tasks.model_choice import ModelChoice
from facediff.types import Frame


def make_edit(source: Source, wishes: Mapping[str, float], models: ModelChoice, options: EditOptions) -> Clip:
    """A clip, without a record, in which a source is as it is wished for; see ``Avatar.edit``.

    Raises:
        ConfigError: A wish is unknown or out of range, or the method does not know it.
    """
    text, seed = options.text, options.seed
    method = options.method or usual_method(wishes, models.model)
    moving, changing = split_wishes(wishes, attribute_names(models.model))
    check_method_knows(method, changing, models.model)
    editors: list[Editor] = []
    identity_edit: IdentityEdit | None = None
    looks: list[LookEditor] = []
    if changing and method == PROTOTYPE:
        looks = look_editors(source.track, changing, lambda: model_cache.prototypes(models.model))
        changing = {}
    if changing or text:
        autoencoder, classifier = model_cache.editing(models.model, models.device)
        how = coding(DEFAULT_METHOD if method == PROTOTYPE else method, autoencoder, options.steps, seed)
        identity_edit = IdentityEdit(
            source, autoencoder, weights_hash(models.model), how, is_kept=options.cached and not source.is_still
        )
        editors = [LinearEditor(classifier, changing)] if changing else []
        if text:
            by_text = model_cache.text_editor(options.clip_model, models.device)
            editors.append(identity_edit.towards(text, by_text, options.text_strength))
    regions = (*regions_of(changing), *(WHOLE if text else ()))
    refining = models.refiner() if moving else None
    added = expression(moving)
    rate = source.rate()
    motion = ease_in(added, rate) if source.is_still else np.broadcast_to(added, (len(source.track), len(added)))

    def render(part: slice) -> Iterator[Frame]:
        own = slice(0, 1) if source.is_still else part
        numbers: Iterable[int] = range(own.start, own.stop)
        made: Iterator[Frame]
        frames = source.numbered(own)
        if identity_edit is not None:
            frames = zip(range(own.start, own.stop), identity_edit(frames, editors, regions), strict=False)
        for look in looks:
            frames = zip(range(own.start, own.stop), look(frames), strict=False)
        made = (frame for _, frame in frames)
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
