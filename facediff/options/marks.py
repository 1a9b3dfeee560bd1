"""The options of what is written, once: how pictures and videos say that they are AI-made.

clip.save("a.mp4", label="de")                takes_more(MarkOptions)     facediff.options.keywords
facediff talk ... --label de                  flags of the same record    facediff.cli.flags
{"task": "talk", "label": "de"}               its fields                  facediff.batch.options
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from facediff.errors import ConfigError
from facediff.options.record import Checked, Opt

CAPTIONS = ".vtt"  # ending of the file with captions that lies beside a clip's
CORNERS = ("top-left", "top-right", "bottom-left", "bottom-right")
LEAST_SIZE = 5.0  # percent of the shorter side: what GB 45438-2025 wants of pictures and videos
MAX_LABEL, MAX_AIGC = 60, 2_000  # characters


@dataclass(frozen=True, kw_only=True)
class MarkOptions(Checked):
    """How what is written says that it is AI-made."""

    watermark: Annotated[bool, Opt("Weave an invisible mark into the frames.", recorded=False)] = True
    label: Annotated[
        str | None,
        Opt("Words that everybody sees, on every frame: any text, such as AI, or the code of a language for its words "
            "(en, de, fr, zh, ...); none by default.", page="text"),
    ] = None  # fmt: skip
    label_corner: Annotated[str, Opt("Where it stands.", choices=CORNERS, page="dropdown")] = "bottom-right"
    label_size: Annotated[
        float,
        Opt("Height of its letters in percent of the frame's shorter side; China asks for 5 at least.", 2, 25,
            what="percentage", page="slider"),
    ] = LEAST_SIZE  # fmt: skip
    aigc: Annotated[
        str | None,
        Opt("China's metadata (GB 45438-2025): the name or code of who produces the content, or its fields as JSON.",
            page="text", label="AIGC producer"),
    ] = None  # fmt: skip
    timestamp: Annotated[
        str | None,
        Opt("Address of a time-stamp authority (RFC 3161), which is asked when the C2PA manifest is signed; without "
            "it nothing is fetched.", recorded=False),
    ] = None  # fmt: skip

    def __post_init__(self) -> None:
        """Checks each field.

        Raises:
            ConfigError: One is of another type, out of range, none of the choices, or too long.
        """
        super().__post_init__()
        if self.label is not None and not (self.label.isprintable() and 0 < len(self.label.strip()) <= MAX_LABEL):
            raise ConfigError(f"label is one line of 1 to {MAX_LABEL} letters, not {self.label[:80]!r}")
        if self.aigc is not None and not 0 < len(self.aigc.strip()) <= MAX_AIGC:
            raise ConfigError(f"aigc is 1 to {MAX_AIGC} characters, not {len(self.aigc.strip())}")
        if self.timestamp is not None and not _is_address(self.timestamp):
            raise ConfigError(
                f"timestamp is the address of a time-stamp authority, http:// or https://, not {self.timestamp[:80]!r}"
            )


@dataclass(frozen=True, kw_only=True)
class OutputOptions(MarkOptions):
    """What the command line writes of a clip."""

    preview: Annotated[bool, Opt("Write one frame, as a picture.")] = False


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and text.isprintable() and " " not in text
    except ValueError:  # of a bracket that is not closed
        return False
