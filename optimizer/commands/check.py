"""`optimize check`."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from optimizer.checking import build_named, check_all, check_data, refuse
from optimizer.commands.shared import BAD_BARS, first_golden, processes_of, project, workload
from optimizer.config import Config
from optimizer.errors import InputError
from optimizer.files import write_text
from optimizer.found import golden_sets
from optimizer.golden import open_golden
from optimizer.notices_check import check_golden_notices, check_notices
from optimizer.outcomes import INPUT, Outcome, summary_line, told
from optimizer.progress import Progress, make_console
from optimizer.reporters.annotations import annotations_of
from optimizer.reporters.junit import write_junit
from optimizer.reporters.summary import summary_of

_FILE = click.Path(path_type=Path, dir_okay=False)


@dataclass(frozen=True)
class Reports:
    """Where a check is written to, beside the console."""

    junit: Path | None
    summary: Path | None

    def forget(self) -> None:
        """Remove what an earlier check has written, which is not to be taken for this one's."""
        for path in (self.junit, self.summary):
            if path is not None:
                path.unlink(missing_ok=True)

    def write(self, outcomes: Sequence[Outcome], seconds: float) -> None:
        """Write the outcomes to files, and to a CI job's page and log where there is one."""
        text = summary_of(outcomes, seconds)
        if self.junit is not None:
            write_junit(self.junit, outcomes)
        if self.summary is not None:
            write_text(self.summary, text)
        if page := os.environ.get("GITHUB_STEP_SUMMARY"):
            with Path(page).open("a", encoding="utf-8") as file:
                file.write(text)
        if os.environ.get("GITHUB_ACTIONS") == "true":
            for line in annotations_of(outcomes):
                click.echo(line)


@click.command()
@click.option(
    "--data", type=click.Path(path_type=Path), help="Compare build and reference on these bars; nothing is recorded."
)
@click.option("--on-bad-bars", type=BAD_BARS, default="refuse", show_default=True, help="What to do with bad rows.")
@click.option("--scenario", help="With --data: the strategy and settings; the engine's default if not given.")
@click.option("--set", "set_name", help="Check one golden set only.")
@click.option("--build", "names", metavar="NAMES", help="Check this build only: names with commas between.")
@click.option(
    "--matrix",
    type=click.Choice(["none", "quick", "full"]),
    default="full",
    show_default=True,
    help="In how many environments the build has to give the same bits.",
)
@click.option("--junit", type=_FILE, help="Write the result as JUnit XML to this file.")
@click.option("--summary", type=_FILE, help="Write the result as Markdown to this file.")
@click.option("--fail-fast", is_flag=True, help="Stop at the first scenario of a build that differs.")
@click.option("--no-notices", is_flag=True, help="Do not ask for an accepted notice of every line of the build.")
def check(
    data: Path | None,
    on_bad_bars: str,
    scenario: str | None,
    set_name: str | None,
    names: str | None,
    matrix: str,
    junit: Path | None,
    summary: Path | None,
    fail_fast: bool,
    no_notices: bool,
) -> None:
    """Hold the accepted build to the golden sets; exit 1 with the first divergence where it fails.

    Each accepted optimization is checked on what it requires, too, so that none hides behind one that covers it.
    The accepted build is then run in other environments (--matrix), and every line of it must have an accepted
    notice for its present source. With --data the build is compared with the reference on any bars.
    """
    config = project()
    progress = Progress(make_console())
    if data is not None:
        if set_name or names or junit or summary:
            raise InputError(
                "--data goes with --on-bad-bars and --scenario alone", hint="Nothing recorded is looked at"
            )
        with processes_of(config) as (processes, scratch):
            wanted = workload(config, scratch, data, on_bad_bars, scenario)
            check_data(config, processes, wanted, scratch, progress)
        return
    start = time.perf_counter()
    reports = Reports(junit, summary)
    reports.forget()
    try:
        outcomes = [] if no_notices or names else _signed(config, progress)
        builds = dict([build_named(config, names)]) if names else None
        with processes_of(config) as (processes, scratch):
            found = check_all(config, processes, scratch, progress, set_name, builds, matrix, fail_fast=fail_fast)
        outcomes = found + outcomes
    except InputError as error:
        reports.write([Outcome("the check", "", (), INPUT, ok=False, error=str(error))], time.perf_counter() - start)
        raise
    seconds = time.perf_counter() - start
    reports.write(outcomes, seconds)
    progress.say(summary_line(outcomes, seconds))
    refuse(outcomes)


def _signed(config: Config, progress: Progress) -> list[Outcome]:
    """Return what came of the notices; it is told first, since it is known at once."""
    goldens = [golden for spec in golden_sets(config) if (golden := open_golden(config, spec)) is not None]
    outcomes = check_notices(config, first_golden(config)) + check_golden_notices(config, goldens)
    for outcome in outcomes:
        if not outcome.ok:
            progress.say(told(outcome))
    return outcomes
