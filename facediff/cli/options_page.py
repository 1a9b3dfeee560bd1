"""The page docs/options.md, made of the records; ``python -m facediff.cli.options_page docs/options.md`` writes it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from facediff.cli.flags import flag_names
from facediff.options import TASKS, Checked, EnhanceOptions, Option, SourceOptions, options_of
from facediff.options.marks import OutputOptions
from facediff.options.style import StyleOptions

_INTRODUCTION = """\
# Options

Every option has one name: a keyword in Python, a field of a job in [batches](batch.md), a parameter of the page's
actions, and, with dashes, a flag of the command line. This page is made of `facediff.options`.
"""
_TITLES: dict[str, tuple[str, type[Checked]]] = {
    "`Avatar.talk`, `facediff talk`": ("A face says what is heard.", TASKS["talk"]),
    "`Avatar.animate`, `facediff animate`": ("A face moves as another does.", TASKS["animate"]),
    "`Avatar.edit`, `facediff edit`": (
        "A face is another in some ways. In Python strengths are keywords too, `avatar.edit(smile=0.6)`; on the page\n"
        "they are sliders.",
        TASKS["edit"],
    ),
    "`Avatar.drag`, `facediff drag`": (
        "Points of a face are taken elsewhere, and all of it follows as faces do.",
        TASKS["drag"],
    ),
    "`facediff style`": (
        "A video in another look, painted by a hub's model; see [direct](direct.md#a-hubs-model-of-pictures).",
        StyleOptions,
    ),
    "`facediff.enhance`, `facediff enhance`": (
        "A soft or small video, or a picture, becomes larger or sharper; nobody's face is looked for.",
        EnhanceOptions,
    ),
    "Whose face": (
        "Keywords of `Avatar.from_image`, `from_video` and `from_file`, flags of all four commands, fields of all\n"
        "jobs. Of a video `face` is `largest` by default; `from_image` takes no `on_missing_face`.",
        SourceOptions,
    ),
    "What is written": (
        "Flags of all four commands; all but `preview` are fields of all jobs too, and keywords of `Clip.save` and\n"
        "`Clip.save_frame`. See [where a clip comes from](provenance.md).",
        OutputOptions,
    ),
}


def options_page() -> str:
    """The page, Markdown."""
    return "\n".join([_INTRODUCTION, *_sections()])


def _sections() -> Iterator[str]:
    for title, (said, record) in _TITLES.items():
        yield f"## {title}\n\n{said}\n"
        yield "| option | flag | takes | default | on the page | |\n|---|---|---|---|---|---|"
        yield from map(_row, options_of(record).values())
        yield ""


def _row(option: Option) -> str:
    flags = " ".join(f"`{name}`" for name in flag_names(option))
    default = "" if option.default is None else f"`{option.default}`"
    page = "yes" if option.opt.page else ""
    cells = (f"`{option.name}`", flags, option.meaning, default, page, option.opt.help)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(options_page(), encoding="utf-8")
