"""What a run prints."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table
from rich.text import Text

from optimizer.profilers.cpu import shown
from optimizer.reporters.templates import percent
from optimizer.reporters.texts import aa_line, profile_line, rows_of, story_of, total_line, total_text
from optimizer.runner import Change, Run

_STYLES = {
    "faster": "green",
    "leaner": "green",
    "diverged": "red",
    "nondeterministic": "red",
    "failed": "red",
    "slower": "yellow",
}


def print_profile(console: Console, run: Run) -> None:
    """Print where the control's time went."""
    if run.profile is None:
        return
    data = run.data
    console.print(
        f"{data['path']}: {data['symbols']} symbols, {data['timestamps']} timestamps, {data['rows']} bars", markup=False
    )
    for note in run.notes:
        console.print(f"  {note}", markup=False)
    console.print(profile_line(run), markup=False)
    for spot in shown(run.profile.hotspots)[:6]:
        console.print(f"  {percent(spot.share):>5}  {spot.function}  {spot.file}:{spot.line}", markup=False)


def print_order(console: Console, run: Run) -> None:
    """Print why it was the turn of the candidate that was tried last."""
    if run.order:
        console.print(f"{run.order[-1]['name']} was next: {run.order[-1]['why']}", markup=False)


def print_change(console: Console, change: Change, ecn: str) -> None:
    """Print what came of one candidate."""
    verdict = str(change.decision.verdict)
    line = Text.assemble(
        (f"{verdict.upper():<11}", _STYLES.get(verdict, "")),
        f" {change.candidate.name}: {change.decision.reason}  {ecn}",
    )
    console.print(line)
    if change.evidence.divergence:
        console.print(str(change.evidence.divergence), markup=False)
    for remark in change.evidence.remarks:
        console.print(f"  look at  {remark}", markup=False)


def print_summary(console: Console, run: Run, ecns: Mapping[str, str], out: str) -> None:
    """Print the table of all changes and what the run came to."""
    table = Table(box=None, pad_edge=False, show_edge=False)
    for name in ("change", "verdict", "before", "after", "ratio (95 %)", "notice"):
        table.add_column(name, justify="right" if name in ("before", "after") else "left", no_wrap=True)
    for row in rows_of(run, ecns):
        verdict = Text(row.verdict, style=_STYLES.get(row.verdict, ""))
        table.add_row(row.name, verdict, row.before, row.after, row.ratio, row.ecn)
    console.print()
    console.print(profile_line(run), markup=False)
    for line in story_of(run):
        console.print(line, markup=False)
    console.print()
    console.print(table)
    console.print()
    console.print(aa_line(run), markup=False)
    console.print(total_line(run), markup=False)
    for total in run.totals[1:]:
        console.print(f"  {total_text(total)}", markup=False)
    console.print(f"Report: {out}/index.html   notices: {out}/ecn/", markup=False)
