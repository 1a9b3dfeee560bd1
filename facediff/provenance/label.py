"""A label that everybody sees: words in a corner of each frame, white on a dark plate, legible on any ground.

The EU's code of practice asks for the words in the language of who looks at them; GB 45438-2025 for letters of 5 % of
the shorter side. Both are met by the defaults. White on a plate of 70 % black has a contrast of at least 8 to 1 on
whatever lies below it (WCAG 2.2 asks for 4.5).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, features

from facediff.errors import ConfigError
from facediff.options.marks import MarkOptions
from facediff.types import Frame

# "AI-generated" by ISO 639-1: the EU's languages, and some more.
WORDS = {
    "bg": "Създадено с ИИ", "cs": "Vytvořeno AI", "da": "AI-genereret", "de": "KI-generiert", "el": "Παράχθηκε με ΤΝ",
    "en": "AI-generated", "es": "Generado con IA", "et": "Loodud TI abil", "fi": "Tekoälyn luoma",
    "fr": "Généré par IA", "ga": "Ginte le hIS", "hr": "Stvoreno UI-jem", "hu": "MI-vel készült",
    "it": "Generato con IA", "ja": "AI生成", "ko": "AI 생성", "lt": "Sukurta DI", "lv": "Radīts ar MI",
    "mt": "Iġġenerat bl-IA", "nl": "AI-gegenereerd", "no": "KI-generert", "pl": "Stworzone przez AI",
    "pt": "Gerado por IA", "ro": "Generat de IA", "sk": "Vytvorené s UI", "sl": "Ustvarjeno z UI",
    "sv": "AI-genererad", "tr": "Yapay zekâ üretimi", "uk": "Створено ШІ", "zh": "AI生成",
}  # fmt: skip

_PLATE = 0.7  # how much of the frame the plate hides
_ASIDE, _ABOVE, _MARGIN = 0.55, 0.5, 0.5  # of the letters' height: plate around them, frame around the plate
_TRIAL = 200  # pixels, at which letters are measured


@dataclass(frozen=True)
class Label:
    """Words drawn for frames of one size.

    Attributes:
        box: Left, top, width and height of the plate, in pixels.
        kept: (H, W, 3) float32, how much of the frame is still seen.
        added: (H, W, 3) float32, what is added to that, in levels.
    """

    box: tuple[int, int, int, int]
    kept: NDArray[np.float32]
    added: NDArray[np.float32]

    def draw(self, frame: Frame) -> Frame:
        """The frame with the label; it is left as it is. Where a frame (H, W, 4) is transparent, the label is not."""
        left, top, width, height = self.box
        shown = frame.copy()
        part = shown[top : top + height, left : left + width]
        if frame.shape[2] == 3:
            part[...] = cv2.add(cv2.multiply(part, self.kept, dtype=cv2.CV_32F), self.added).round()
            return shown
        below = part[..., 3:] / np.float32(255) * self.kept  # how much of the frame is seen through the plate
        opacity = 1 - self.kept + below
        part[..., :3] = ((part[..., :3] * below + self.added) / np.maximum(opacity, 1e-6)).round()
        part[..., 3] = (255 * opacity[..., 0]).round()
        return shown


def check_label(options: MarkOptions) -> None:
    """Refuses a label that could not be drawn on frames of whatever size.

    Raises:
        ConfigError: No font on this machine has its letters, or only its size or place is given.
    """
    usual = MarkOptions()
    if options.label is not None:
        _font_for(_text(options.label))
        return
    for name in ("label_corner", "label_size"):
        if getattr(options, name) != getattr(usual, name):
            raise ConfigError(f"{name} is that of a label, and none is wanted: give a label too")


def _text(label: str) -> str:
    return WORDS.get(label, label.strip())


def make_label(options: MarkOptions, size: tuple[int, int]) -> Label | None:
    """The label that is asked for, drawn for frames of a size; None where none is.

    Args:
        options: Which.
        size: Width and height in pixels.

    Raises:
        ConfigError: As ``check_label``; or it is wider than the frame.
    """
    check_label(options)
    if options.label is None:
        return None
    text = _text(options.label)
    height = max(1.0, options.label_size / 100 * min(size))
    mask = _drawn(text, height)
    wide, tall = mask.shape[1] + 2 * round(_ASIDE * height), mask.shape[0] + 2 * round(_ABOVE * height)
    margin = round(_MARGIN * height)
    if wide + 2 * margin > size[0] or tall + 2 * margin > size[1]:
        raise ConfigError(
            f"label is {wide + 2 * margin} pixels wide, and the frames are {size[0]}: give a shorter text, or a "
            "smaller label_size"
        )
    letters = np.zeros((tall, wide), np.float32)
    top, left = (tall - mask.shape[0]) // 2, (wide - mask.shape[1]) // 2
    letters[top : top + mask.shape[0], left : left + mask.shape[1]] = mask / np.float32(255)
    vertical, horizontal = options.label_corner.split("-")
    box = (
        margin if horizontal == "left" else size[0] - wide - margin,
        margin if vertical == "top" else size[1] - tall - margin,
        wide,
        tall,
    )
    kept, added = (1 - _PLATE) * (1 - letters), 255 * letters
    return Label(box, np.repeat(kept[..., None], 3, 2), np.repeat(added[..., None], 3, 2))


def _drawn(text: str, height: float) -> NDArray[np.uint8]:
    """Letters of a height in pixels, as a mask that ends where they do; small letters are as capitals want it."""
    path = _font_for(text)
    reference = "H" if any(c.isupper() or c.islower() or c.isdigit() for c in text) else text
    _, top, _, bottom = ImageFont.truetype(path, _TRIAL).getbbox(reference)
    font = ImageFont.truetype(path, int(np.ceil(_TRIAL * height / max(1, bottom - top))))
    left, top, right, bottom = font.getbbox(text)
    picture = Image.new("L", (int(np.ceil(right - left)), int(np.ceil(bottom - top))))
    ImageDraw.Draw(picture).text((-left, -top), text, 255, font)
    return np.asarray(picture)


@lru_cache(maxsize=32)
def _font_for(text: str) -> str:
    """A font file that has all letters of a text.

    Raises:
        ConfigError: There is none, or it is a script whose letters join and Pillow cannot join them here.
    """
    if any(_needs_shaping(c) for c in text) and not features.check("raqm"):
        raise ConfigError(
            f"label is in a script whose letters join ({text!r}), which takes Pillow with libraqm and FriBiDi; "
            "install these, or take another language"
        )
    missing = [c for c in text if not c.isspace()]
    for path in _fonts():
        lacking = _lacking(path, text)
        if not lacking:
            return path
        if len(lacking) < len(missing):
            missing = lacking
    raise ConfigError(
        f"label is {text!r}, and no font on this machine has {', '.join(dict.fromkeys(missing))}: install one that "
        "does, such as Noto Sans CJK, or take another language"
    )


def _fonts() -> Iterator[str]:
    """DejaVu Sans, which comes with matplotlib, then the system's, upright sans serifs first."""
    import matplotlib
    from matplotlib.font_manager import findSystemFonts

    yield str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf")
    yield from sorted(findSystemFonts(), key=lambda path: (*_taste(Path(path).name.lower()), path))


def _taste(name: str) -> tuple[bool, bool, bool]:
    return "italic" in name or "oblique" in name, "sans" not in name and "gothic" not in name, "regular" not in name


def _lacking(path: str, text: str) -> list[str]:
    """Letters that a font has not; all of them where it cannot be read."""
    from matplotlib.ft2font import FT2Font

    letters = [c for c in text if not c.isspace()]
    try:
        known = FT2Font(path).get_charmap()
        ImageFont.truetype(path, _TRIAL)  # fonts of pictures have one size
    except (OSError, RuntimeError, ValueError):
        return letters
    return [c for c in letters if ord(c) not in known]


def _needs_shaping(letter: str) -> bool:
    return unicodedata.bidirectional(letter) in ("R", "AL") or unicodedata.category(letter) in ("Mn", "Mc")
