"""facediff doctor."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from facediff.cli.app import app
from facediff.cli.console import err


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Check what is here and what it costs, and render a frame; the last line says what to do.

    The exit code is 1 if something is amiss.
    """
    from facediff.cli.checks import examine
    from facediff.cli.findings import advise

    with err.status("examining"):
        findings = list(examine())
    is_well = all(finding.is_well for finding in findings)
    if as_json:
        typer.echo(
            json.dumps(
                {"is_well": is_well, "advice": advise(findings), "findings": [asdict(f) for f in findings]}, indent=2
            )
        )
    else:
        table = Table(box=None, show_header=False, pad_edge=False)
        for _ in range(3):
            table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        group = ""
        for finding in findings:
            mark = ("[yellow]costs[/]" if finding.cost else "[green]ok[/]") if finding.is_well else "[red]amiss[/]"
            said = f"{finding.found}: {finding.cost}" if finding.cost else finding.found
            table.add_row(finding.group if finding.group != group else "", finding.name, mark, escape(said))
            group = finding.group
        Console().print(table)
        typer.echo(advise(findings))
    if not is_well:
        raise typer.Exit(1)
