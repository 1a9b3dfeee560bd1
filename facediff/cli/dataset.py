"""facediff dataset list, show, check, shard."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facediff.cli.app import app
from facediff.cli.arguments import say_wrote
from facediff.cli.console import err, say

dataset_app = typer.Typer(no_args_is_help=True, help="Published data sets: which are read, what a folder holds.")
app.add_typer(dataset_app, name="dataset")
Place = Annotated[str, typer.Argument(help="A set and its folder: hdtf=/data/hdtf.", metavar="NAME=PATH")]


@dataset_app.command("list")
def dataset_list() -> None:
    """Every set that is read, in a line."""
    from facediff.datasets.published.catalog import FAMILIES

    for family, datasets in FAMILIES.items():
        typer.echo(f"{family}:")
        for dataset in datasets:
            card = dataset.card
            typer.echo(f"  {card.name:15} {card.title}: {card.size}; {card.licence}")


@dataset_app.command("show")
def dataset_show(name: Annotated[str, typer.Argument(help="The short name of a set.")]) -> None:
    """What is to be known of a set: access, licence, split, traps, layout."""
    from facediff.datasets.published.catalog import card_of
    from facediff.datasets.published.page import make_card

    card = card_of(name)
    typer.echo(f"{card.title}\n\n{make_card(card)}", nl=False)


@dataset_app.command("check")
def dataset_check(place: Place) -> None:
    """Read a folder's lists and say what is there and what is missing; no video is opened."""
    from facediff.datasets.published.catalog import open_dataset, parse_place, summarise

    with err.status("reading the lists"):
        summary = summarise(open_dataset(*parse_place(place)))
    typer.echo(f"{summary.title}: {summary.found} of {summary.listed} that are listed")
    for split, count in summary.splits.items():
        known = summary.identities.get(split)
        typer.echo(f"  {split:6} {count}" + (f", of {known} identities" if known else ""))
    if summary.shared:
        typer.echo(f"in two splits, as published: {len(summary.shared)} identities, {summary.shared[0]} the first")
    for sentence in summary.missed:
        typer.echo(f"missing: {sentence}")


@dataset_app.command("shard")
def dataset_shard(
    place: Place,
    output: Annotated[Path, typer.Option("--output", "-o", help="A new folder.")],
    megabytes: Annotated[float, typer.Option(min=1, help="Of a shard, at about which it ends.")] = 500.0,
    split: Annotated[str | None, typer.Option(help="train, val or test; all by default.")] = None,
) -> None:
    """Write a set as WebDataset shards, cut and cropped, from which training takes one clip at a time."""
    from facediff.datasets.published.catalog import open_dataset, parse_place
    from facediff.datasets.published.record import SPLITS
    from facediff.datasets.published.shards import write_shards
    from facediff.errors import ConfigError

    if split is not None and split not in SPLITS:
        raise ConfigError(f"split is one of {', '.join(SPLITS)}, not {split!r}")
    opened = open_dataset(*parse_place(place))
    with err.status("writing the shards"):
        written = write_shards((one for one in opened if split in (None, one.split)), output, megabytes=megabytes)
    for failure in written.failed[:5]:
        say(f"left out: {failure}")
    for sentence in opened.tally.sentences:
        say(f"missing: {sentence}")
    left = f", {len(written.failed)} left out" if written.failed else ""
    say(f"{written.segments} segments in {written.shards} shards{left}")
    say_wrote(output)
