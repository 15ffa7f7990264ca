"""`optimize history`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from optimizer.commands.shared import project
from optimizer.errors import InputError
from optimizer.hardware import hardware_profile
from optimizer.history import DOWN, UP, Point, Series, history_of, names_in
from optimizer.printable import printable
from optimizer.progress import make_console
from optimizer.reporters.templates import seconds
from optimizer.run_documents import machine_of
from optimizer.run_finding import all_runs

_MARKS = {UP: "moved up", DOWN: "moved down"}


@click.command()
@click.argument("wanted", required=False, metavar="[WORKLOAD|OPTIMIZATION]")
@click.option(
    "--machine", default="all", show_default=True, metavar="FINGERPRINT|this|all", help="Runs on this hardware only."
)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Where the runs are; reports/ if not given."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON: a list of measurements, seconds and ratios.")
def history(wanted: str | None, machine: str, out: Path | None, as_json: bool) -> None:
    """Show what the runs have measured of each benchmark, in order of time.

    \b
    optimize history
    optimize history caching/feature_cache --machine this
    optimize history sma_cross --json

    A ratio is before / after with its interval. "moved" marks one that has no value in common with the interval of
    the last run on the same hardware, data and control. Reads the ledger and every run.json.
    """  # noqa: D301 - click wants the character, which keeps the lines as they are
    config = project()
    folder = (out or config.reports).resolve()
    runs = all_runs(folder)
    if machine not in ("all", "this") and not any(run.machine.startswith(machine) for run in runs):
        known = ", ".join(dict.fromkeys(run.machine for run in runs)) or "none yet"
        raise InputError(f"no run on machine {machine!r}", where=folder, hint=f"There are: {known}")
    prefix = {"all": None, "this": machine_of(hardware_profile())}.get(machine, machine)
    found = history_of(runs, wanted=wanted, machine=prefix)
    if wanted is not None and not history_of(runs, wanted=wanted):
        known = ", ".join(names_in(runs)) or "none yet: optimize makes a run"
        raise InputError(f"nothing was measured of {wanted!r}", where=folder, hint=f"There are: {known}")
    if as_json:
        click.echo(json.dumps([point.row() for series in found for point in series.points], indent=2))
        return
    console = make_console()
    for series in found:
        console.print(f"{series.name}: {series.benchmark}", markup=False)
        for line in _lines(series):
            console.print(f"  {line}", markup=False)
    if not found:
        console.print("No run has measured anything here yet: optimize", markup=False)


def _lines(series: Series) -> list[str]:
    return [printable(_line(point), lines=True) for point in series.points]


def _line(point: Point) -> str:
    one, run = point.measured, point.run
    times = " -> ".join("-" if value is None else seconds(value) for value in (one.before, one.after))
    span = "" if one.low is None or one.high is None else f" ({one.low:.3g} to {one.high:.3g})"
    ratio = f"{one.ratio:.3g}x{span}" if one.ratio is not None else "-"
    told = one.verdict or f"{len(run.build_after)} changes"
    mark = _MARKS.get(point.moved, "")
    return f"{run.started_at[:16]}  {run.run_id}  {run.machine}  {times:<22}  {ratio:<26}  {told:<12}  {mark}".rstrip()
