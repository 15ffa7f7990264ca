"""`optimize ecn`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from optimizer.commands.shared import first_golden, project
from optimizer.config import Config
from optimizer.ecn import accept, find_notice, notices
from optimizer.progress import make_console


@click.group()
def ecn() -> None:
    """List, show and accept Engine Change Notices."""


def _out_option(command: Callable[..., Any]) -> Callable[..., Any]:
    kind = click.Path(path_type=Path, file_okay=False)
    return click.option("--out", type=kind, help="Where the notices are, under ecn/; reports/ if not given.")(command)


def _notices_folder(config: Config, out: Path | None) -> Path:
    return (out or config.reports).resolve() / "ecn"


@ecn.command("list")
@_out_option
def ecn_list(out: Path | None) -> None:
    """List the notices with their status and verdict."""
    console = make_console()
    for notice in notices(_notices_folder(project(), out)):
        front = notice.front
        ratio = f"{front.ratio:.3g}x" if front.ratio else "-"
        line = f"{front.ecn}  {front.status:<9} {front.verdict:<16} {ratio:>7}  {front.optimization}: {front.title}"
        console.print(line, markup=False)


@ecn.command("show")
@click.argument("number")
@_out_option
def ecn_show(number: str, out: Path | None) -> None:
    """Print a notice."""
    click.echo(find_notice(_notices_folder(project(), out), number).path.read_text(encoding="utf-8"), nl=False)


@ecn.command("accept")
@click.argument("number")
@_out_option
def ecn_accept(number: str, out: Path | None) -> None:
    """Put a notice's change into the accepted build."""
    config = project()
    digest = first_golden(config).digest
    notice, build = accept(config.subject, _notices_folder(config, out), number, golden_digest=digest)
    console = make_console()
    console.print(f"{notice.front.ecn} accepted: {config.relative(config.subject.build_file)} now has", markup=False)
    for name in build:
        console.print(f"  {name}", markup=False)
    console.print("Next: optimize check, then commit the notice with the build", markup=False)
