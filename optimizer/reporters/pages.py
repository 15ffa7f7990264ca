"""The pages and the summary of a run, and the index of all runs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from optimizer.decision import PASSED
from optimizer.files import write_text
from optimizer.reporters.templates import render
from optimizer.reporters.texts import shared_values
from optimizer.runner import Run


def write_pages(run: Run, out: Path, ecns: Mapping[str, str]) -> None:
    """Write the summary and the page of a run, renew the index, and point `latest` at the run."""
    values = shared_values(run, ecns)
    write_text(run.folder / "summary.md", render("summary.md.j2", **values))
    links = {number: _link(run, out, number) for number in (*ecns.values(), "-")}
    write_text(run.folder / "report.html", render("run.html.j2", links=links, **values))
    write_text(out / "index.html", render("index.html.j2", runs=_runs(out)))
    _point_latest(out, run.folder)


def _link(run: Run, out: Path, number: str) -> str:
    """Return the way from a run's page to a notice, or nothing where there is none."""
    found = next((out / "ecn").glob(f"{number}-*.md"), None)
    return Path(os.path.relpath(found, run.folder)).as_posix() if found else ""


def _runs(out: Path) -> list[dict[str, object]]:
    found = []
    for path in sorted((out / "runs").glob("*/run.json"), reverse=True):
        with suppress(OSError, ValueError, KeyError, TypeError):
            run = json.loads(path.read_text(encoding="utf-8"))
            total = run["total"]["ratio"]
            found.append(
                {
                    "run_id": run["run_id"],
                    "focus": run["focus"],
                    "data": run["data"]["path"],
                    "passed": sum(change["verdict"] in PASSED for change in run["changes"]),
                    "tried": len(run["changes"]),
                    "total": f"{total:.3g}x" if total else "-",
                }
            )
    return found


def _point_latest(out: Path, folder: Path) -> None:
    """Make `latest` a link to the newest run, in one step."""
    temporary = out / f".latest-{folder.name}"
    temporary.symlink_to(folder.relative_to(out), target_is_directory=True)
    temporary.replace(out / "latest")
