"""`optimize report`."""

from __future__ import annotations

from pathlib import Path

import click

from optimizer.commands.shared import project
from optimizer.errors import InputError
from optimizer.progress import make_console
from optimizer.reporters.page.documents import all_runs
from optimizer.reporters.report import write_report, write_run_page


@click.command()
@click.argument("run", required=False)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the runs are, under runs/; reports/ if not given.",
)
def report(run: str | None, out: Path | None) -> None:
    """Build the report again from the documents of the newest run, and the pages of RUN, or else of the newest.

    Nothing is measured. It writes index.html, one page without network, and the same as Markdown, index.md; and both
    in the run's own folder, as report.html and summary.md. What was not measured is told, with the command that
    measures it: measure it, and build the report again.

    \b
    optimize report
    optimize report --out reports/demo
    optimize report 20261121T112022Z-4edf
    """  # noqa: D301 - click wants the character, which keeps the lines as they are
    config = project()
    out = (out or config.reports).resolve()
    folder = _folder(out, run)
    console = make_console()
    for path in (write_report(out), write_run_page(out, folder)):
        console.print(config.relative(path), markup=False, highlight=False)


def _folder(out: Path, run: str | None) -> Path:
    known = [folder for folder, _ in all_runs(out)]
    if not known:
        raise InputError("has no run to report on", where=out, hint="optimize writes one: see optimize --help")
    if run is None:
        return known[0]
    if found := [folder for folder in known if folder.name == run]:
        return found[0]
    raise InputError(f"no run {run!r}", where=out, hint=f"There are: {', '.join(folder.name for folder in known)}")
