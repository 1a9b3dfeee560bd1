"""Who gives which part of a performance, how strongly and when, as text and as JSON. Knows no file's content.

head_from="nod.mp4=0.5@3s-7s"            half of a nod, from the third to the seventh second
emotion="happy=0.6, sad=0.4@5s-"         all through, and from the fifth second on
Performance(head=Condition("nod.mp4"))   the same in Python; ``to_json`` and ``from_json`` keep it
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from facediff.errors import ConfigError
from facediff.options.record import STRONGEST, Checked

MOST_CUES = 100
MOST_JSON = 20_000  # characters
MOST_STRENGTH = 3.0
# What each option gives, in parts; ``eyes_from`` is two of them.
GIVES = {
    "lips_from": ("lips",),
    "head_from": ("head",),
    "eyes_from": ("gaze", "lids"),
    "gaze_from": ("gaze",),
    "lids_from": ("lids",),
    "brows_from": ("brows",),
    "expression_from": ("expression",),
    "emotion_from": ("emotion_curve",),
}
_RANGE = re.compile(r"@(\d{1,6}(?:\.\d+)?)s?-(?:(\d{1,6}(?:\.\d+)?)s?)?$")
_STRENGTH = re.compile(r"=(-?\d{1,3}(?:\.\d+)?)$")


@dataclass(frozen=True)
class Condition:
    """A part of a performance, or an emotion.

    Attributes:
        source: A video, a folder of frames, a saved motion or a picture; of an emotion its name.
        strength: 1 is as it is there.
        start: Seconds into the clip from which it holds.
        end: Seconds at which it ends; None for the clip's end.
    """

    source: str
    strength: float = 1.0
    start: float = 0.0
    end: float | None = None

    def __post_init__(self) -> None:
        """Refuses what can be no condition.

        Raises:
            ConfigError: There is no source, or a number is out of range.
        """
        object.__setattr__(self, "source", os.fspath(self.source))
        if not self.source or "\0" in self.source:
            raise ConfigError("a part of a performance has a source: a file, or the name of an emotion")
        for name in ("strength", "start", "end"):
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
                raise ConfigError(f"{name} of {self.source} is a number, not {str(value)[:80]!r}")
        if not abs(self.strength) <= MOST_STRENGTH:
            raise ConfigError(f"{self.source} has a strength of {MOST_STRENGTH:g} at most, not {self.strength:g}")
        if not (0 <= self.start < math.inf and (self.end is None or self.start < self.end < math.inf)):
            shown = "" if self.end is None else f"{self.end:g}s"
            raise ConfigError(f"{self.source} has a time range that begins before it ends, not {self.start:g}s-{shown}")

    @classmethod
    def read(cls, text: str) -> Condition:
        """The condition that is written ``source=strength@start-end``; a file of just that name is a file.

        Raises:
            ConfigError: A number is out of range.
        """
        text = text.strip()
        if os.path.exists(text):
            return cls(text)
        source, start, end, strength = text, 0.0, None, 1.0
        if (found := _RANGE.search(source)) is not None:
            source, start, end = source[: found.start()], float(found[1]), float(found[2]) if found[2] else None
        elif re.search(r"@[^/\\]*$", source) and not os.path.exists(source.partition("=")[0]):
            raise ConfigError(f"a time range is written as in 'smile=0.6@3s-7s', not {text[:80]!r}")
        if (found := _STRENGTH.search(source)) is not None:
            source, strength = source[: found.start()], float(found[1])
        return cls(source, strength, start, end)

    def __str__(self) -> str:
        text = self.source if self.strength == 1 else f"{self.source}={self.strength:g}"
        if self.start == 0 and self.end is None:
            return text
        return f"{text}@{self.start:g}s-" + ("" if self.end is None else f"{self.end:g}s")


@dataclass(frozen=True, kw_only=True)
class Performance:
    """What a face does, each part from a source of its own; a part without one is as it would be without all this.

    Attributes:
        lips: Lips and jaw; of a talk the speech has them.
        head: Of a portrait alone.
        gaze: Where eyes look.
        lids: Blinks among others.
        brows: Both.
        expression: What is added to lips, lids and brows and held there, so that lips still speak.
        emotion: Emotions and expressions by name, any number.
        emotion_curve: A table of emotions over time, or a sound in which they are heard. Its times are the clip's.
    """

    lips: Condition | None = None
    head: Condition | None = None
    gaze: Condition | None = None
    lids: Condition | None = None
    brows: Condition | None = None
    expression: Condition | None = None
    emotion: tuple[Condition, ...] = ()
    emotion_curve: Condition | None = None

    def __post_init__(self) -> None:
        """Refuses more than can be meant.

        Raises:
            ConfigError: There are too many emotions, or a part is something else than a condition.
        """
        object.__setattr__(self, "emotion", tuple(self.emotion))
        odd = [name for name, one in self.named() if not isinstance(one, Condition)]
        if odd:
            raise ConfigError(f"{odd[0]} of a performance is a Condition, not something else")
        if len(self.emotion) > MOST_CUES:
            raise ConfigError(f"a performance has {MOST_CUES} emotions at most, not {len(self.emotion)}")

    def named(self) -> Iterator[tuple[str, Condition]]:
        """What is given, with the name of its part; emotions one after the other."""
        for field in fields(self):
            given = getattr(self, field.name)
            for one in given if field.name == "emotion" else () if given is None else (given,):
                yield field.name, one

    def __bool__(self) -> bool:
        return any(True for _ in self.named())

    @property
    def files(self) -> dict[str, str]:
        """The files of its parts, by part."""
        return {name: one.source for name, one in self.named() if name != "emotion"}

    def merge(self, other: Performance) -> Performance:
        """Both together.

        Raises:
            ConfigError: A part is given by both.
        """
        for name in self.files:
            if name in other.files:
                raise ConfigError(f"{name} is given twice, by {self.files[name]} and by {other.files[name]}; keep one")
        own = {name: one for name, one in other.named() if name != "emotion"}
        return replace(self, **own, emotion=(*self.emotion, *other.emotion))  # type: ignore[arg-type]

    def in_folder(self, folder: str | Path) -> Performance:
        """The same, its files counted from a folder."""
        moved = {
            name: replace(one, source=os.path.join(folder, one.source))
            for name, one in self.named()
            if name != "emotion"
        }
        return replace(self, **moved)  # type: ignore[arg-type]

    def to_json(self) -> str:
        """The performance as JSON; ``from_json`` reads it."""
        kept: dict[str, Any] = {}
        for name, one in self.named():
            said = {key: value for key, value in vars(one).items() if value != getattr(Condition, key, None)}
            if name == "emotion":
                kept.setdefault(name, []).append(said)
            else:
                kept[name] = said
        return json.dumps(kept)

    @classmethod
    def from_json(cls, text: str) -> Performance:
        """The performance that JSON describes.

        Raises:
            ConfigError: It is no JSON, or describes something else.
        """
        if len(text) > MOST_JSON:
            raise ConfigError(f"a performance takes {MOST_JSON} characters of JSON at most, not {len(text)}")
        try:
            content = json.loads(text, object_pairs_hook=_once)
        except (ValueError, RecursionError) as error:
            if isinstance(error, ConfigError):
                raise
            raise ConfigError('a performance is JSON, as in \'{"head": {"source": "nod.mp4"}}\'') from error
        known = [field.name for field in fields(cls)]
        if not isinstance(content, dict) or (odd := [name for name in content if name not in known]):
            said = f"has no part {odd[0][:80]!r}; it" if isinstance(content, dict) else "is an object, which"
            raise ConfigError(f"a performance {said} has {', '.join(known)}")
        emotion = content.pop("emotion", [])
        parts = {name: _condition(name, one) for name, one in content.items()}
        cues = emotion if isinstance(emotion, list) else [emotion]
        return cls(**parts, emotion=tuple(_condition("emotion", one) for one in cues))  # type: ignore[arg-type]


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ConfigError(f"{twice[0][:80]} is given twice in a performance; keep one")
    return dict(pairs)


def _condition(part: str, content: Any) -> Condition:
    if isinstance(content, str):
        return Condition.read(content)
    known = [field.name for field in fields(Condition)]
    if not isinstance(content, dict) or not content.keys() <= set(known) or not isinstance(content.get("source"), str):
        raise ConfigError(f"{part} of a performance has {', '.join(known)}, of which source is text, and nothing else")
    return Condition(**content)


def read_emotions(text: str | None) -> tuple[Condition, ...]:
    """Emotions out of ``happy=0.6, sad=0.4@5s-``, with commas or semicolons in between.

    Raises:
        ConfigError: One does not read so.
    """
    cues = tuple(Condition.read(part) for part in re.split(r"[,;]", text or "") if part.strip())
    for cue in cues:
        if re.fullmatch(r"[A-Za-z][\w-]*", cue.source) is None:
            raise ConfigError(f"emotion reads as in 'happy=0.6@3s-7s', not {str(cue)[:80]!r}")
        if not abs(cue.strength) <= STRONGEST:
            raise ConfigError(f"{cue.source} is a strength up to {STRONGEST:g}, not {cue.strength:g}")
    return cues


def read_performance(options: Checked | Mapping[str, Any]) -> Performance:
    """All that a task's options say of a performance; paths as they are given.

    Raises:
        ConfigError: A part is given twice, or something does not read as it should.
    """
    given = options if isinstance(options, Mapping) else vars(options)
    found = Performance(emotion=read_emotions(given.get("emotion")))
    if (described := given.get("performance")) is not None:
        found = found.merge(_described(str(described)))
    for name, parts in GIVES.items():
        if (text := given.get(name)) is not None:
            condition = Condition.read(str(text))
            found = found.merge(Performance(**dict.fromkeys(parts, condition)))  # type: ignore[arg-type]
    return found


def place_condition(name: str, text: str, folder: Path) -> str:
    """What an option says of files, the same in every folder: paths that are not whole count from the one given.

    Raises:
        ConfigError: It does not read as it should.
    """
    if name != "performance":
        is_file = (folder / text).exists()
        condition = Condition(text) if is_file else Condition.read(text)
        return str(replace(condition, source=os.path.abspath(folder / condition.source)))
    if text.lstrip().startswith("{"):
        return Performance.from_json(text).in_folder(os.path.abspath(folder)).to_json()
    return os.path.abspath(folder / text)


def split_timed(text: str | None) -> tuple[str | None, str | None]:
    """Of ``smile=0.6@3s-7s, beard=1`` what has no time range, and what has one; each None where there is nothing."""
    parts = [part.strip() for part in re.split(r"[,;]", text or "") if part.strip()]
    timed = ", ".join(part for part in parts if "@" in part)
    return ", ".join(part for part in parts if "@" not in part) or None, timed or None


def hide_folders(options: Checked) -> dict[str, str]:
    """The options that name files of a performance, without where those lie."""
    hidden: dict[str, str] = {}
    for name in GIVES:
        if (text := getattr(options, name, None)) is not None:
            condition = Condition.read(str(text))
            hidden[name] = str(replace(condition, source=os.path.basename(os.path.normpath(condition.source))))
    if (text := getattr(options, "performance", None)) is not None:
        found = _described(str(text))
        named = {
            name: replace(one, source=os.path.basename(os.path.normpath(one.source)))
            for name, one in found.named()
            if name != "emotion"
        }
        hidden["performance"] = replace(found, **named).to_json()  # type: ignore[arg-type]
    return hidden


def _described(text: str) -> Performance:
    """What JSON says, or a file of it, whose paths are counted from its own folder."""
    if text.lstrip().startswith("{"):
        return Performance.from_json(text)
    path = Path(text)
    try:
        content = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise ConfigError(f"performance is JSON, or a file of it, and {text[:80]} cannot be read as one") from error
    return Performance.from_json(content).in_folder(path.parent)
