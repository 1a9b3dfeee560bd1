"""How an edit is put together: another identity, then another expression, all through a source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import repeat

import numpy as np

from facediff.clip import SOUND_RATE, Clip
from facediff.motion.driver import ease_in
from facediff.motion.expressions import expression
from facediff.pipelines.identity_editors import Editor, LinearEditor
from facediff.provenance import weights_hash
from facediff.rendering.editing.glasses import NAME as GLASSES
from facediff.rendering.editing.glasses import GlassesEditor
from facediff.rendering.editing.identity import WHOLE
from facediff.rendering.editing.methods import PROTOTYPE, coding
from facediff.rendering.editing.prototypes import PrototypeEditor
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
)
from facediff.tasks.model_choice import ModelChoice
from facediff.types import Frame


def edit(
    source: Source,
    wishes: Mapping[str, float],
    models: ModelChoice,
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
    check_method_knows(method, changing, models.model)
    editors: list[Editor] = []
    identity_edit: IdentityEdit | None = None
    looks: list[PrototypeEditor | GlassesEditor] = []
    if changing and method == PROTOTYPE:
        shades = {name: strength for name, strength in changing.items() if name != GLASSES}
        if shades:
            looks.append(PrototypeEditor(source.track, model_cache.prototypes(models.model), shades))
        if GLASSES in changing:  # over what is on the skin
            looks.append(GlassesEditor(source.track, changing[GLASSES]))
        changing = {}
    if changing or text:
        autoencoder, classifier = model_cache.editing(models.model, models.device)
        how = coding(DEFAULT_METHOD if method == PROTOTYPE else method, autoencoder, steps, seed)
        identity_edit = IdentityEdit(
            source, autoencoder, weights_hash(models.model), how, is_kept=cached and not source.is_still
        )
        editors = [LinearEditor(classifier, changing)] if changing else []
        if text:
            by_text = model_cache.text_editor(clip_model, models.device)
            editors.append(identity_edit.towards(text, by_text, text_strength))
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
    sound = source.sound(SOUND_RATE)
    return Clip(
        rate, source.track.size, len(motion), None if sound is None else sound.wave, render, preview_index=best,
        is_tagged=source.is_tagged, sound=sound,
    )  # fmt: skip
