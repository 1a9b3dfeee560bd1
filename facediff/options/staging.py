"""What is behind a person, and how much of the picture is shown: options of all that is made of one.

background="blur"        as filmed, out of focus; or "transparent", "#00b140", a colour by its name, a picture
size="1080x1920"         of what is written; or its longer side, 720
framing="shoulders"      how much of the person
upscale=2                twice as large, before anything is cut out of it
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from facediff.errors import ConfigError
from facediff.options.record import Checked, Opt

BLUR, TRANSPARENT = "blur", "transparent"
FRAMINGS = ("head", "shoulders", "full")
LEAST_SIDE, MOST_SIDE = 64, 4096  # pixels
_BARE_COLOUR = re.compile(r"[0-9a-fA-F]{6}")  # shells take what follows a # for a comment
_SIZE = re.compile(r"(\d{2,5})[xX×](\d{2,5})")
_SIZE_MEANING = f"WIDTHxHEIGHT with even sides from {LEAST_SIDE} to {MOST_SIDE}, or the longer side"


@dataclass(frozen=True)
class Background:
    """What is behind a person; one of the four.

    Attributes:
        is_blurred: What was filmed there, out of focus.
        is_transparent: Nothing.
        colour: Red, green and blue, 0 to 255.
        picture: A file.
    """

    is_blurred: bool = False
    is_transparent: bool = False
    colour: tuple[int, int, int] | None = None
    picture: str | None = None


@dataclass(frozen=True, kw_only=True)
class StagingOptions(Checked):
    """Where a person stands, and how much of the picture is shown."""

    background: Annotated[
        str | Path | None,
        Opt("What is behind the person: blur, transparent, a colour as #rrggbb, or a picture; as filmed by default.",
            names_files=True, page="own", more=True),
    ] = None  # fmt: skip
    size: Annotated[
        int | str | None,
        Opt("Of what is written, WIDTHxHEIGHT in pixels, as in 1080x1920; or its longer side at most, as one number.",
            LEAST_SIDE, MOST_SIDE, says=_SIZE_MEANING, page="text", more=True),
    ] = None  # fmt: skip
    framing: Annotated[
        str | None,
        Opt("How much is shown: head, shoulders, or full, all of the picture; by default as much as the size holds.",
            choices=FRAMINGS, page="dropdown", more=True),
    ] = None  # fmt: skip
    upscale: Annotated[
        int,
        Opt("How many times as large, 1 or 2: at 2 a network makes the detail that a picture of twice the size has, in "
            "all of it, before size and framing.", 1, 2, page="slider", more=True),
    ] = 1  # fmt: skip

    def __post_init__(self) -> None:
        """Checks each field.

        Raises:
            ConfigError: One is of another type or out of range, or does not read as it should.
        """
        super().__post_init__()
        read_size(self.size)
        read_background(self)


def read_size(size: int | str | None) -> tuple[int, int] | None:
    """Width and height that are asked for; None where there is no more than a longer side.

    Raises:
        ConfigError: It does not read so, or a side is odd, too small or too large.
    """
    if not isinstance(size, str):
        return None
    found = _SIZE.fullmatch(size.strip())
    sides = (0, 0) if found is None else (int(found[1]), int(found[2]))
    if any(side % 2 or not LEAST_SIDE <= side <= MOST_SIDE for side in sides):
        raise ConfigError(f"size is {_SIZE_MEANING}, not {size[:80]!r}")
    return sides


def read_background(options: Checked | Mapping[str, Any]) -> Background | None:
    """What is to be behind the person; None for what was filmed.

    Raises:
        ConfigError: It is empty.
    """
    text = (options if isinstance(options, Mapping) else vars(options)).get("background")
    if text is None:
        return None
    text = str(text).strip()
    if not text or "\0" in text:
        raise ConfigError("background is blur, transparent, a colour as #rrggbb, or a picture; it is empty")
    if text in (BLUR, TRANSPARENT):
        return Background(is_blurred=text == BLUR, is_transparent=text == TRANSPARENT)
    if text.startswith("#") or not os.path.exists(text):
        from PIL import ImageColor  # not before it is needed: help is shown without it

        try:
            colour = ImageColor.getrgb(f"#{text}" if _BARE_COLOUR.fullmatch(text) else text)
            return Background(colour=(colour[0], colour[1], colour[2]))
        except ValueError as error:
            if text.startswith("#"):
                raise ConfigError(f"background is a colour as #rrggbb, not {text[:80]!r}") from error
    return Background(picture=text)


def is_staged(options: StagingOptions) -> bool:
    """Whether anything is asked for."""
    return options.upscale > 1 or any(getattr(options, name) is not None for name in ("background", "size", "framing"))


def place_background(text: str, folder: Path) -> str:
    """The same in every folder: a picture whose path is not whole counts from the one given."""
    if (folder / text).is_file():
        return os.path.abspath(folder / text)
    found = read_background({"background": text})
    return text if found is None or found.picture is None else os.path.abspath(folder / text)


def hide_background(options: Mapping[str, Any]) -> dict[str, str]:
    """The option, where it names a picture, without where that lies."""
    found = read_background(options)
    return {} if found is None or found.picture is None else {"background": os.path.basename(found.picture)}
