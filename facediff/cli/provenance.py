"""facediff verify, info."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facediff.cli.app import app
from facediff.cli.console import err
from facediff.errors import InputError
from facediff.options.performance import GIVES

if TYPE_CHECKING:
    from facediff.provenance import ManifestReport, Record, Verification

UNMARKED, TAMPERED = 1, 3  # exit codes, beside 0 and 2, which is for what cannot be read
_NO_CONSENT = "none was written down"


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="A video, a picture, or a folder of frames.")],
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Say whether a video or a picture is AI-made: watermark, C2PA, XMP, record.

    Exit code 0 if anything says where it comes from, 1 if nothing does (which proves nothing), 3 if its C2PA manifest
    was broken by a later change, 2 if it cannot be read.
    """
    from facediff.provenance import ManifestState
    from facediff.provenance import verify as examine

    with err.status("looking"):
        found = examine(file)
    if as_json:
        typer.echo(found.to_json())
    else:
        for name, value in _findings(found):
            typer.echo(f"{name:12} {_printable(value)}")
    if found.manifest.state is ManifestState.tampered:
        raise typer.Exit(TAMPERED)
    if not found.is_marked:
        raise typer.Exit(UNMARKED)


@app.command()
def info(
    clip: Annotated[Path, typer.Argument(help="A video or a picture that facediff made.")],
) -> None:
    """Say how a clip was made, and how to make it again; exit code 1 if it does not say."""
    from facediff.provenance import read_manifest, read_record

    record = read_record(clip)
    if record is None:
        typer.echo(f"{_printable(clip.name)} does not say how it was made")
        raise typer.Exit(UNMARKED)
    for name, value in (*_facts(record), *_signed(read_manifest(clip))):
        typer.echo(f"{name:12} {_printable(value)}")
    try:
        again = command_line(record, clip)
    except InputError as error:
        typer.echo(f"{'again':12} {_printable(str(error))}")
    else:
        typer.echo(f"{'again':12} {again}")


def command_line(record: Record, clip: Path) -> str:
    """The command that makes a clip again, to be run where its inputs are.

    A record may come from anybody: nothing of it is put into the command that the command does not know, and inputs
    are files in the folder where it is run.

    Raises:
        InputError: There is no such command, or the clip was made in a way that Python alone offers.
    """
    from facediff.provenance.ingredients import IN_MEMORY

    command = typer.main.get_group(app).commands.get(record.task)
    params = command.params if command else []
    known = {str(p.name): p for p in params if p.param_type_name == "option" and p.name != "output"}
    options = {
        **record.options, "seed": record.seed, "model": record.model, "watermark": record.is_watermarked,
        "consent": record.consent,
    }  # fmt: skip
    if not known.keys() >= options.keys() - record.options.keys():
        raise InputError(f"facediff makes no clip by a command {record.task!r}, so no command can be given")
    for part in record.inputs:
        if part.name == IN_MEMORY:
            raise InputError(f"its {part.role} was no file but came from Python, so no command can be given")
    parts = {part for given in GIVES.values() for part in given} | {"like"}  # which options name
    names = [Path(part.name).name for part in record.inputs if part.role not in parts]
    words = [f"./{name}" if name.startswith("-") else name for name in names]
    words += ["--output", f"again{clip.suffix}"]
    for name, value in options.items():
        option = known.get(name)
        if option is None:
            raise InputError(
                f"it was made with {name}={value!r}, which Python alone offers, so no command can be given"
            )
        if value is None or value == option.default or (name, value) == ("model", "base"):  # what none is, of style
            continue
        if isinstance(value, bool):
            words += (option.opts if value else option.secondary_opts)[:1]
        else:
            words.append(f"{max(option.opts, key=len)}={value}")
    return _printable(shlex.join(["facediff", record.task, *words]))


def _findings(found: Verification) -> Iterator[tuple[str, str]]:
    mark = found.watermark
    said = "found" if mark.is_found else "not found"
    if mark.is_cropped:
        said += ", with edges cut off"
    yield "watermark", f"{said} (score {mark.score:.1f}, threshold {mark.threshold:g}, {mark.frame_count} frames)"
    yield "C2PA", f"{found.manifest.state.value}: {found.manifest.meaning}"
    if found.manifest.problems:
        yield "", ", ".join(found.manifest.problems)
    if found.manifest.generator:
        yield "made by", found.manifest.generator
    if found.manifest.ingredients:
        yield "made from", ", ".join(found.manifest.ingredients)
    yield from _signed(found.manifest)
    yield "XMP", found.xmp_source_type or "no source type"
    if found.aigc is not None:
        yield "AIGC", ", ".join(f"{name} {value}" for name, value in found.aigc.items() if value)
    if found.record is None:
        yield "record", found.record_problem or "none"
    else:
        yield "record", f"of facediff {found.record.task}; see 'facediff info'"
        yield "consent", found.record.consent or _NO_CONSENT
    yield "source type", found.digital_source_type or "not stated"


def _signed(manifest: ManifestReport) -> Iterator[tuple[str, str]]:
    """What a manifest holds beside its own claim: when it was signed, and the manifests of its ingredients."""
    if manifest.time is not None:
        yield "time stamp", f"{manifest.time}, of an authority that is not vouched for here"
    for kept in manifest.kept:
        said = [f"C2PA {kept.state.value}", kept.generator and f"made by {kept.generator}", kept.digital_source_type]
        yield "its source", f"{kept.name}: {', '.join(filter(None, [*said, *kept.problems]))}"


def _facts(record: Record) -> Iterator[tuple[str, str]]:
    yield "task", record.task
    for part in record.inputs:
        yield part.role, f"{part.name}, sha256 {part.sha256}"
    yield "options", ", ".join(f"{name}={value}" for name, value in record.options.items()) or "none"
    yield "seed", str(record.seed)
    yield "model", f"{record.model}, sha256 {record.weights_sha256}"
    yield "versions", ", ".join(f"{name} {number}" for name, number in record.versions.items())
    yield "watermark", "yes" if record.is_watermarked else "no"
    yield "consent", record.consent or _NO_CONSENT
    yield "source type", record.digital_source_type


def _printable(text: str) -> str:
    """The text without characters that would steer the terminal."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)
