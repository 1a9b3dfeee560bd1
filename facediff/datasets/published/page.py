"""The page about data sets, made from their cards: ``python -m facediff.datasets.published.page docs/datasets.md``."""

from __future__ import annotations

import sys
from pathlib import Path

from facediff.datasets.published.catalog import FAMILIES
from facediff.datasets.published.record import Card

_HEAD = """# Data sets

Published sets are read where they lie, as they were downloaded and unpacked; nothing is fetched. Every set yields one
record, `facediff.datasets.published.record.Segment`: file, times, window, rate, identity, text, sound, labels, split,
licence.

```
facediff dataset list                              every set, in a line
facediff dataset show hdtf                         a card of this page
facediff dataset check hdtf=/data/hdtf             what is there, and what is missing
facediff train codec --data talkinghead1kh=/data/th1kh --data cremad=/data/cremad --model mine
facediff dataset shard hdtf=/data/hdtf -o /disk1/hdtf
facediff train codec --data shards=/disk1/hdtf --data shards=/disk2/mead --model mine --licence any
```

Splits are the published ones where there are any. Else they are drawn by a hash of the identity: 85 of a hundred train,
5 val, 10 test; nobody is in two, and clips that are added later leave the rest where it was. Sets whose
terms allow no more than research are left out unless you say `--licence any`. Licences are told as the sets' own pages
told them when this was written, and are no legal advice: read them there. Layouts are as those pages, papers and
scripts describe them, and were tried on miniatures that are laid out so; none of the sets was downloaded for it.

**Shards** are tar files as [WebDataset](https://github.com/webdataset/webdataset) has them: `KEY.mp4` (or `KEY.png`)
and `KEY.json`, with sound, cut and cropped. Training takes one clip at a time out of them, so that shards may lie on
several disks or on a mounted store, and no more than a few clips of them are unpacked at a time.

| set | short name | size | licence |
|---|---|---|---|
"""


def make_page() -> str:
    """The page, in Markdown."""
    cards = [dataset.card for family in FAMILIES.values() for dataset in family]
    rows = [f"| [{c.title}](#{_anchor(c.title)}) | `{c.name}` | {c.size} | {c.licence} |\n" for c in cards]
    parts = [_HEAD, *rows]
    for family, datasets in FAMILIES.items():
        parts += [
            f"\n## {family}\n",
            *(f"\n### {dataset.card.title}\n\n{make_card(dataset.card)}" for dataset in datasets),
        ]
    return "".join(parts)


def make_card(card: Card) -> str:
    """What is known of a set, in Markdown, without its title."""
    facts = {
        "Short name": f"`{card.name}`", "Size": card.size, "Access": card.access, "Licence": card.licence,
        "Split": card.split,
    }  # fmt: skip
    return "".join(
        [
            f"{card.about}\n\n",
            *(f"- **{name}**: {fact}\n" for name, fact in facts.items()),
            "- **Traps**:\n",
            *(f"    - {trap}\n" for trap in card.traps),
            "- **Where it is described**: ",
            ", ".join(f"<{source}>" for source in card.sources),
            "\n\n```\n",
            *(f"{line}\n" for line in card.layout),
            "```\n",
        ]
    )


def _anchor(title: str) -> str:
    kept = "".join(letter for letter in title.lower() if letter.isalnum() or letter in " -_")
    return "-".join(kept.split())


def main(target: str) -> None:
    """Writes the page."""
    Path(target).write_text(make_page(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
