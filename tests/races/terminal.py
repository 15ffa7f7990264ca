"""The tables in the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from tests.races.goals import outcomes
from tests.races.page import Facts
from tests.races.rounds import Found
from tests.races.rows import table


def print_tables(found: Found, facts: Facts) -> None:
    """Print a table a workload, and what was to be reached."""
    console = Console()
    width = None if console.is_terminal else 160
    console = Console(width=width)
    for workload in facts.workloads:
        heads, rows = table(found, workload.name)
        if rows:
            console.print(_table(f"{workload.name}: {facts.shapes[workload.name]}", heads, rows))
    heads = ["what", "at least", "aim", "measured", "reached"]
    console.print(_table("To be reached", heads, [list(one.row()) for one in outcomes(found.median)]))
    for one in facts.missing:
        console.print(f"left out: {one}", markup=False)


def _table(title: str, heads: list[str], rows: list[list[str]]) -> Table:
    made = Table(title=title, title_justify="left")
    for place, head in enumerate(heads):
        made.add_column(head, justify="right" if place else "left")
    for row in rows:
        made.add_row(*row)
    return made
