"""`optimize catalog`."""

from __future__ import annotations

import click

from optimizer.commands.shared import project
from optimizer.progress import make_console


@click.command()
def catalog() -> None:
    """List the optimizations that there are."""
    config = project()
    console = make_console()
    accepted = config.subject.accepted()
    for one in config.subject.candidates():
        mark = accepted.get(one.name, "")
        console.print(f"{one.name:<32} {one.component:<9} {mark:<9} {one.title}", markup=False)
