"""`optimize compare`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from optimizer.commands.shared import project
from optimizer.printable import printable
from optimizer.progress import make_console
from optimizer.reporters.templates import seconds
from optimizer.run_comparison import NOT_COMPARABLE, Comparison, Pair, compare_runs
from optimizer.run_documents import Measured
from optimizer.run_finding import all_runs, find_run


@click.command()
@click.argument("first", metavar="RUN")
@click.argument("second", metavar="RUN")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Where the runs are; reports/ if not given."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON: seconds and ratios.")
def compare(first: str, second: str, out: Path | None, as_json: bool) -> None:
    """Set two runs side by side: each change with its ratio and interval, and the final times.

    \b
    optimize compare 20261121T112022Z latest
    optimize compare reports/demo/runs/20261121T112022Z-4edf latest --json

    A RUN is an id, a beginning that only one has, `latest`, or the path of a run.json. Says what differs between
    the runs, which figures may not be compared (other data, another workload, another control), and which differ
    beyond both intervals.
    """  # noqa: D301 - click wants the character, which keeps the lines as they are
    folder = (out or project().reports).resolve()
    runs = all_runs(folder)
    found = compare_runs(find_run(folder, first, runs), find_run(folder, second, runs))
    if as_json:
        click.echo(json.dumps(found.value(), indent=2))
        return
    console = make_console()
    for line in _lines(found):
        console.print(printable(line, lines=True), markup=False)


def _lines(found: Comparison) -> list[str]:
    lines = [f"{found.first.run_id}  against  {found.second.run_id}"]
    lines += [f"  differs  {one.what}: {one.first} / {one.second}" for one in found.differences]
    if not found.differences:
        lines.append("  the same hardware, versions, golden set, data, sources and builds")
    for pair in found.pairs:
        lines.append(f"{pair.name}: {pair.benchmark}")
        lines += [f"  {side}  {_side(one)}" for side, one in (("first ", pair.first), ("second", pair.second)) if one]
        lines.append(f"  {_standing(pair)}")
    return lines


def _standing(pair: Pair) -> str:
    return f"{NOT_COMPARABLE}: {pair.why}" if pair.standing == NOT_COMPARABLE else f"the difference is {pair.standing}"


def _side(one: Measured) -> str:
    times = " -> ".join("-" if value is None else seconds(value) for value in (one.before, one.after))
    if one.ratio is None:
        return f"not measured  {one.verdict}".rstrip()
    span = "" if one.low is None or one.high is None else f" ({one.low:.3g} to {one.high:.3g})"
    return f"{times:<22}  {one.ratio:.3g}x{span}  {one.verdict}".rstrip()
