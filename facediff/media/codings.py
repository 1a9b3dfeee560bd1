"""How pictures of a video are coded, by the kind of file and by whether they are transparent. Knows no face."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from facediff.errors import InputError

OUTPUT_SUFFIXES = (".mp4", ".mov", ".m4v", ".mkv")
TRANSPARENT_SUFFIXES = (".webm", ".mov")


@dataclass(frozen=True)
class Coding:
    """A codec and what it is told.

    Attributes:
        codec: FFmpeg's name of the encoder.
        pixel_format: Of what it is given.
        options: Its own.
        has_alpha: Whether it keeps transparency.
        matrix: From RGB to the codes, ``bt601`` or ``bt709``.
    """

    codec: str
    pixel_format: str
    options: Mapping[str, str] = field(default_factory=dict)
    has_alpha: bool = False
    matrix: str = "bt601"


# "good" at 4 takes about as long as rendering does; alt-ref frames would leave out the second picture, the alpha.
VP9 = Coding(
    "libvpx-vp9", "yuva420p",
    {"crf": "18", "b": "0", "deadline": "good", "cpu-used": "4", "row-mt": "1", "auto-alt-ref": "0"}, has_alpha=True,
)  # fmt: skip
# Of BT.709, which editors take ProRes to be whatever the file says.
PRORES_4444 = Coding(
    "prores_ks", "yuva444p10le", {"profile": "4444", "alpha_bits": "16", "vendor": "apl0"}, True, "bt709"
)


def h264(crf: int, preset: str, *, is_part: bool = False) -> Coding:
    """H.264: quality from 0, lossless, to 51, and x264's trade of time for size; as a part that can be joined."""
    stitched = {"x264-params": "stitchable=1"} if is_part else {}
    return Coding("libx264", "yuv420p", {"crf": str(crf), "preset": preset, **stitched})


def check_suffix(path: Path, *, is_transparent: bool = False) -> None:
    """Refuses a name whose ending says nothing that is written, or that transparency would get lost in.

    Raises:
        InputError: It does.
    """
    suffix = path.suffix.lower()
    if is_transparent:
        if suffix not in (*TRANSPARENT_SUFFIXES, ""):
            raise InputError(
                f"{path} holds no transparency; give a .webm (VP9), a .mov (ProRes 4444), or a folder for PNG frames"
            )
    elif suffix not in OUTPUT_SUFFIXES:
        needs = f"; {suffix} is written where background=transparent" if suffix in TRANSPARENT_SUFFIXES else ""
        raise InputError(f"{path} must end in one of {', '.join(OUTPUT_SUFFIXES)}{needs}")


def transparent_coding(path: Path) -> Coding:
    """How a transparent video of a name is coded."""
    return VP9 if path.suffix.lower() == ".webm" else PRORES_4444
