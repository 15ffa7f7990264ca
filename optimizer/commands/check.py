"""`optimize check`."""

from __future__ import annotations

from pathlib import Path

import click

from optimizer.checking import check_all, check_data
from optimizer.commands.shared import BAD_BARS, processes_of, project, workload
from optimizer.progress import Progress, make_console


@click.command()
@click.option(
    "--data", type=click.Path(path_type=Path), help="Compare build and reference on these bars; nothing is recorded."
)
@click.option("--on-bad-bars", type=BAD_BARS, default="refuse", show_default=True, help="What to do with bad rows.")
@click.option("--scenario", help="With --data: the strategy and settings; the engine's default if not given.")
@click.option("--set", "set_name", help="Check one golden set only.")
def check(data: Path | None, on_bad_bars: str, scenario: str | None, set_name: str | None) -> None:
    """Hold the accepted build to the golden sets; exit 1 with the first divergence where it fails.

    Each accepted optimization is checked on what it requires, too, so that none hides behind one that covers it.
    With --data the build is compared with the reference on any bars.
    """
    config = project()
    progress = Progress(make_console())
    with processes_of(config) as (processes, scratch):
        if data is not None:
            wanted = workload(config, scratch, data, on_bad_bars, scenario)
            check_data(config, processes, wanted, scratch, progress)
        else:
            check_all(config, processes, scratch, progress, set_name)
