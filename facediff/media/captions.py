"""Captions: WebVTT (W3C), a file beside a clip."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from facediff.system.files import atomic_write
from facediff.types import Word

LONGEST_LINE, LONGEST_S = 42, 6.0  # letters and seconds of a caption, as broadcasters have it
_ENDS = (".", "!", "?", "…", "。", "！", "？")


def write_captions(words: Sequence[Word], path: Path) -> Path:
    """Writes captions of words that are heard, whole or not at all; they break where sentences end.

    Raises:
        OutputError: The place cannot be written to.
    """
    blocks = ["WEBVTT"]
    for line in _lines(words):
        text = " ".join(word.text for word in line)
        for letter, written in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
            text = text.replace(letter, written)
        blocks.append(f"{_moment(line[0].start)} --> {_moment(max(line[-1].end, line[0].start + 0.001))}\n{text}")
    with atomic_write(path) as partial:
        partial.write_text("\n\n".join(blocks) + "\n", encoding="utf-8")
    return path


def _lines(words: Sequence[Word]) -> list[list[Word]]:
    lines: list[list[Word]] = []
    for word in words:
        line = lines[-1] if lines else []
        length = len(" ".join(one.text for one in (*line, word)))
        is_over = bool(line) and (
            line[-1].text.endswith(_ENDS) or length > LONGEST_LINE or word.end - line[0].start > LONGEST_S
        )
        if not line or is_over:
            lines.append([word])
        else:
            line.append(word)
    return lines


def _moment(seconds: float) -> str:
    thousandths = round(seconds * 1000)
    minutes, rest = divmod(thousandths, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{rest // 1000:02d}.{rest % 1000:03d}"
