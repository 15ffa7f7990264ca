"""The pages and the summary of a run, and the report on all that is known, renewed at its end."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from optimizer.reporters.report import write_report, write_run_page
from optimizer.reporters.run_json import write_run
from optimizer.run import Run


def write_pages(run: Run, out: Path, ecns: Mapping[str, str]) -> None:
    """Write the summary and the page of a run, renew the report, and point `latest` at the run.

    All of it is made from the run's document, which is written here where it is not there yet.
    """
    if not (run.folder / "run.json").is_file():
        write_run(run, ecns)
    write_run_page(out, run.folder)
    write_report(out)
    _point_latest(out, run.folder)


def _point_latest(out: Path, folder: Path) -> None:
    """Make `latest` a link to the newest run, in one step."""
    temporary = out / f".latest-{folder.name}"
    temporary.symlink_to(folder.relative_to(out), target_is_directory=True)
    temporary.replace(out / "latest")
