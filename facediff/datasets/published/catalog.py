"""All the published sets, by their short names; a folder of one, opened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from facediff.datasets.published.cards_of_bodies import BODIES
from facediff.datasets.published.cards_of_captions import CAPTIONS
from facediff.datasets.published.cards_of_faces import FACES
from facediff.datasets.published.cards_of_scenes import SCENES
from facediff.datasets.published.record import Card, Dataset, Segment, Tally, draw_split
from facediff.errors import ConfigError, InputError

FAMILIES = {"Faces": FACES, "Texts": CAPTIONS, "Scenes": SCENES, "Bodies": BODIES}
DATASETS: dict[str, Dataset] = {one.card.name: one for family in FAMILIES.values() for one in family}


@dataclass
class Opened:
    """A folder of a published set: iterate over it for its segments, as often as you like.

    Attributes:
        dataset: Which.
        root: Where.
        tally: What the last iteration missed.
    """

    dataset: Dataset
    root: Path
    tally: Tally = field(default_factory=Tally)

    def __iter__(self) -> Iterator[Segment]:
        """The segments, lazily and in order, each with a split and with the set's licence."""
        card, self.tally = self.dataset.card, Tally()
        for segment in self.dataset.read(self.root, self.tally):
            split = segment.split or draw_split(card.name, segment.identity or segment.name)
            yield replace(segment, split=split, licence=card.licence, commercial=card.commercial)


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What a folder holds.

    Attributes:
        title: Of the set.
        found: Segments; ``listed`` those that the set's own lists or names speak of.
        listed: See ``found``.
        splits: How many by split.
        identities: How many in each split; nobody is in two, or ``shared`` says who.
        shared: Identities of more than one split.
        missed: A sentence for each kind of thing that is not there.
    """

    title: str
    found: int
    listed: int
    splits: dict[str, int]
    identities: dict[str, int]
    shared: tuple[str, ...]
    missed: tuple[str, ...]


def card_of(name: str) -> Card:
    """The card of a set.

    Raises:
        ConfigError: There is no such set.
    """
    if name not in DATASETS:
        raise ConfigError(f"there is no data set called {name!r}; there are {', '.join(DATASETS)}")
    return DATASETS[name].card


def open_dataset(name: str, root: str | Path) -> Opened:
    """A published set.

    Args:
        name: The short one.
        root: Its folder, as it was downloaded and unpacked.

    Raises:
        ConfigError: There is no such set.
        InputError: There is no such folder.
    """
    title = card_of(name).title
    if not Path(root).is_dir():
        raise InputError(f"there is no folder {root}; give that of {title}, as it was downloaded")
    return Opened(DATASETS[name], Path(root))


def parse_place(text: str) -> tuple[str, Path]:
    """``hdtf=/path`` as a name and a folder.

    Raises:
        ConfigError: It is not of that form.
    """
    name, sign, path = text.partition("=")
    if not (name and sign and path):
        raise ConfigError(f"data is given as NAME=PATH, such as hdtf=/data/hdtf, not {text!r}")
    return name, Path(path).expanduser()


def summarise(opened: Opened) -> Summary:
    """Reads a folder's lists, and no video; says what is there and what is not.

    Raises:
        InputError: It is not a folder of that set, or nothing of it is there.
    """
    splits: Counter[str] = Counter()
    people: dict[str, set[str]] = {}
    for segment in opened:
        splits[segment.split] += 1
        if segment.identity is not None:
            people.setdefault(segment.identity, set()).add(segment.split)
    check_any(opened, sum(splits.values()))
    return Summary(
        title=opened.dataset.card.title, found=sum(splits.values()), listed=opened.tally.listed, splits=dict(splits),
        identities=dict(Counter(split for seen in people.values() for split in seen)),
        shared=tuple(sorted(who for who, seen in people.items() if len(seen) > 1)),
        missed=tuple(opened.tally.sentences),
    )  # fmt: skip


def check_any(opened: Opened, found: int) -> None:
    """Refuses a folder in which nothing was found.

    Raises:
        InputError: Nothing was.
    """
    if not found:
        why = "; ".join(opened.tally.sentences) or "none of its files is there"
        raise InputError(f"{opened.root} holds nothing of {opened.dataset.card.title}: {why}")
