"""What can be changed of a face, by name: how far, where, and whether it is learnt or drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from facediff.models.prototypes import Prototypes
from facediff.options import STRONGEST
from facediff.rendering.editing import glasses
from facediff.rendering.editing.glasses import GlassesEditor
from facediff.rendering.editing.prototypes import PrototypeEditor
from facediff.types import FaceTrack

WHOLE = ("head",)
LookEditor = PrototypeEditor | GlassesEditor


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """One way in which a face can be another.

    Attributes:
        name: As it is wished for.
        low: The least strength; 0 for what can be put on and not taken off.
        high: The greatest.
        region: Where methods that change the identity vector may change the picture; see
            ``facediff.rendering.editing.identity.mask_region``. The paper pastes the face alone, without hair, ears
            and neck, where an edit of hair would be lost.
        is_drawn: Whether it is drawn where others have a prototype.
    """

    name: str
    low: float = -STRONGEST
    high: float = STRONGEST
    region: tuple[str, ...] = WHOLE
    is_drawn: bool = False

    @property
    def has_opposite(self) -> bool:
        """Whether strengths below 0 mean anything."""
        return self.low < 0

    def share(self, strength: float, share: float) -> float:
        """A share of a strength; nothing of what would be its opposite and has none."""
        return share * strength if self.has_opposite else max(0.0, share * strength)


_KNOWN = {
    attribute.name: attribute
    for attribute in (
        Attribute(name=glasses.NAME, low=glasses.LEAST, region=("eyes",), is_drawn=True),
        Attribute(name="beard", region=("beard",)),
        Attribute(name="smile", region=("lower face", "eyes")),
        Attribute(name="makeup", region=("lids", "lips")),
        Attribute(name="age", region=("face",)),
        Attribute(name="male", region=("face",)),
    )
}
DRAWN = tuple(attribute.name for attribute in _KNOWN.values() if attribute.is_drawn)


def attribute(name: str) -> Attribute:
    """What is known of an attribute; one that a model of your own brings may change all of the head."""
    return _KNOWN.get(name) or Attribute(name=name)


def look_editors(
    track: FaceTrack, strengths: Mapping[str, float], prototypes: Callable[[], Prototypes]
) -> list[LookEditor]:
    """What edits frames by prototypes and by drawing, in the order in which it is done.

    Args:
        track: Of the faces.
        strengths: Of attributes that the method ``prototype`` knows.
        prototypes: Loads the model's, if one is wished for.

    Raises:
        ConfigError: A strength is out of range.
    """
    shades = {name: strength for name, strength in strengths.items() if not attribute(name).is_drawn}
    editors: list[LookEditor] = []
    if shades:
        editors.append(PrototypeEditor(track, prototypes(), shades))
    drawn = (strength for name, strength in strengths.items() if attribute(name).is_drawn)
    return editors + [GlassesEditor(track, strength) for strength in drawn]  # over what is on the skin
