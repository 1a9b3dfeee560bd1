"""Draws the pictures of ``docs/architecture.md``: the rooms in their layers, and the way of a frame and of a sound.

    python docs/draw_architecture.py

The layers are those of the import contract in ``pyproject.toml``, the words those of the page's table.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from html import escape
from pathlib import Path
from textwrap import wrap

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "architecture.md"
MOVED = {"edits"}  # old paths that give what is elsewhere now are no rooms
WIDTH, MARGIN, GAP = 980, 24, 12
PAPER, INK, FAINT = "#ffffff", "#1f2733", "#5d6b7c"
FRAME, SOUND, BOTH = ("#fdf1e3", "#c9731a"), ("#e6f1fb", "#2a6fb0"), ("#efeafa", "#6a4fb3")  # fill and edge
PLAIN = ("#f4f6f8", "#b9c3ce")
SANS = "font-family='system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif'"
MONO = "font-family='ui-monospace, SFMono-Regular, Menlo, Consolas, monospace'"
SEEN_BY = {"media": FRAME, "landmarks": FRAME, "rendering": FRAME, "audio": SOUND, "motion": BOTH, "pipelines": BOTH,
           "models": BOTH, "diffusion": BOTH, "conditioning": BOTH, "clip": BOTH, "provenance": BOTH, "avatar": BOTH,
           "live": BOTH, "tasks": BOTH}  # fmt: skip


def read_layers() -> list[list[str]]:
    """The rooms of each layer, from the top down."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = settings["tool"]["importlinter"]["contracts"]
    layers = [re.findall(r"facediff\.(\w+)", layer) for layer in contract["layers"]]
    return [rooms for layer in layers if (rooms := [room for room in layer if room not in MOVED])]


def read_table() -> dict[str, str]:
    """What each room does, by its name."""
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| .+ \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {room: does.replace("`", "") for room, does in rows}


@dataclass(frozen=True)
class Step:
    """A station of a frame or a sound: where its box is, what happens there, and in which module."""

    column: int
    row: float
    says: str
    module: str
    colours: tuple[str, str] = FRAME


STEPS = {
    "read": Step(0, 0, "upright RGB frames, one after the other", "media.reading"),
    "track": Step(0, 1, "478 points of one face, gaps filled in", "landmarks.tracker"),
    "neutral": Step(0, 2, "whose face: its neutral shape and its pose", "motion.coefficients", BOTH),
    "warp": Step(0, 3, "pixels carried to the wanted points", "rendering.warping.portrait"),
    "paint": Step(0, 4, "the mouth, by diffusion; the change is added", "rendering.painting.mouth"),
    "draw": Step(0, 5, "teeth and dark that no picture shows", "rendering.inpainting.mouth"),
    "clip": Step(0, 6, "frames and sound, rendered as they are read", "clip", BOTH),
    "sign": Step(0, 7, "watermark, record, signed manifest", "provenance.manifest", BOTH),
    "write": Step(0, 8, "one file, whole or not at all", "media.writing", BOTH),
    "wave": Step(1, 0, "a mono wave of 16,000 samples a second", "audio.wave", SOUND),
    "hear": Step(1, 1, "what is heard at each frame: Whisper, log-mel", "audio.encoder", SOUND),
    "speak": Step(1, 2, "31 numbers a frame, by diffusion over time", "pipelines.speech_motion", SOUND),
    "tell": Step(1, 4, "tokens: sound, points, pose, reference", "conditioning.difftalk", BOTH),
    "denoise": Step(1, 5, "noise to latents, in one step", "pipelines.difftalk", BOTH),
}
ARROWS = ["read track", "track neutral", "neutral warp", "warp paint", "paint draw", "draw clip", "clip sign",
          "sign write", "wave hear", "hear speak", "speak neutral", "hear tell", "tell denoise",
          "denoise paint", "wave clip"]  # fmt: skip


def text(x: float, y: float, words: str, size: int = 13, ink: str = INK, family: str = SANS, more: str = "") -> str:
    """A line of text."""
    return f"<text x='{x:g}' y='{y:g}' font-size='{size}' fill='{ink}' {family} {more}>{escape(words)}</text>"


def box(x: float, y: float, width: float, height: float, colours: tuple[str, str]) -> str:
    """A rounded rectangle."""
    fill, edge = colours
    return (
        f"<rect x='{x:g}' y='{y:g}' width='{width:g}' height='{height:g}' rx='7' fill='{fill}' stroke='{edge}' "
        "stroke-width='1.4'/>"
    )


def picture(height: float, parts: list[str], title: str) -> str:
    """A whole SVG, on paper of its own so that it can be read on a dark page."""
    head = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height:g}' role='img'>"
        f"<title>{escape(title)}</title><defs><marker id='tip' viewBox='0 0 8 8' refX='7' refY='4' markerWidth='7' "
        f"markerHeight='7' orient='auto-start-reverse'><path d='M0 0 8 4 0 8z' fill='{FAINT}'/></marker></defs>"
        f"<rect width='{WIDTH}' height='{height:g}' rx='10' fill='{PAPER}'/>"
    )
    return "\n".join([head, *parts, "</svg>"]) + "\n"


def draw_rooms() -> str:
    """The rooms in their layers."""
    does, parts, y = read_table(), [], 58.0
    keys = (("a frame comes through", FRAME), ("a sound", SOUND), ("both", BOTH), ("neither", PLAIN))
    x = float(MARGIN)
    for words, colours in keys:
        parts += [box(x, 20, 16, 16, colours), text(x + 24, 33, words, ink=FAINT)]
        x += 48 + 7.2 * len(words)
    parts.append(text(WIDTH - MARGIN, 33, "imports point down ↓", ink=FAINT, more="text-anchor='end'"))
    for rooms in read_layers():
        width = (WIDTH - 2 * MARGIN - GAP * (len(rooms) - 1)) / len(rooms)
        lines = {room: wrap(does.get(room, ""), max(12, int((width - 24) / 6.6))) for room in rooms}
        if len(rooms) == 1:  # name and words side by side
            lines = {rooms[0]: []}
        height = 34 + 16 * max(map(len, lines.values()))
        for k, room in enumerate(rooms):
            x = MARGIN + k * (width + GAP)
            parts.append(box(x, y, width, height, SEEN_BY.get(room, PLAIN)))
            parts.append(text(x + 12, y + 22, room, 14, family=MONO, more="font-weight='600'"))
            if len(rooms) == 1:
                parts.append(text(x + 150, y + 22, does.get(room, ""), ink=FAINT))
            parts += [text(x + 12, y + 41 + 16 * n, line, 12, FAINT) for n, line in enumerate(lines[room])]
        y += height + 10
    return picture(y + 12, parts, "The rooms of facediff in their layers")


def draw_way() -> str:
    """The way of a frame, on the left, and of a sound, on the right."""
    width, height, step, top = 400.0, 48.0, 70.0, 64.0
    left = (float(MARGIN), WIDTH - MARGIN - width)
    parts = [
        text(left[0], 38, "a frame", 16, FRAME[1], more="font-weight='700'"),
        text(left[1], 38, "a sound", 16, SOUND[1], more="font-weight='700'"),
    ]
    middle = {name: top + one.row * step + height / 2 for name, one in STEPS.items()}
    line = f"fill='none' stroke='{FAINT}' stroke-width='1.5' marker-end='url(#tip)'"
    for arrow in ARROWS:
        one, other = arrow.split()
        start, end = STEPS[one], STEPS[other]
        if start.column != end.column:  # out of the side of one box, into the side of the other
            x = left[1] - 28 if arrow != "wave clip" else left[1] - 56
            path = f"M{left[1]:g} {middle[one]:g} H{x:g} V{middle[other] + 8:g} H{left[0] + width + 2:g}"
            parts.append(f"<path d='{path}' {line}/>")
        elif end.row - start.row > 1:  # past what is between them
            x = left[1] + width + 12
            path = f"M{left[1] + width:g} {middle[one]:g} H{x:g} V{middle[other]:g} H{left[1] + width + 2:g}"
            parts.append(f"<path d='{path}' {line}/>")
        else:
            x = left[start.column] + width / 2
            parts.append(f"<path d='M{x:g} {middle[one] + height / 2:g} V{middle[other] - height / 2 - 2:g}' {line}/>")
    for name, one in STEPS.items():
        x, y = left[one.column], middle[name] - height / 2
        parts += [
            box(x, y, width, height, one.colours),
            text(x + 14, y + 20, one.says),
            text(x + 14, y + 38, one.module, 12, FAINT, MONO),
        ]
    x, y = left[1] - 62, middle["hear"]
    turned = f"transform='rotate(-90 {x:g} {y:g})' text-anchor='middle'"
    parts.append(text(x, y, "its sound track, 48 kHz", 11, FAINT, more=turned))
    return picture(top + 8 * step + height + 24, parts, "The way of a frame and of a sound through the rooms")


PICTURES = {"rooms.svg": draw_rooms, "way.svg": draw_way}

if __name__ == "__main__":
    for name, draw in PICTURES.items():
        (ROOT / "docs" / name).write_text(draw(), encoding="utf-8")
