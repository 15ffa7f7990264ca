"""`optimize bench`."""

from __future__ import annotations

from pathlib import Path

import click

from optimizer.commands.shared import processes_of, project, workload
from optimizer.progress import Progress, make_console
from optimizer.suite import bench_suite


@click.command()
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Where bench.json goes; reports/ if not given."
)
def bench(out: Path | None) -> None:
    """Time the reference and the accepted build side by side, and write bench.json."""
    config = project()
    out = (out or config.reports).resolve()
    with processes_of(config) as (processes, scratch):
        wanted = workload(config, scratch, None, "refuse", None)
        bench_suite(config, processes, wanted, out / "bench.json", Progress(make_console()), scratch)
