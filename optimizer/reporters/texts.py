"""What the reports have in common: the rows and lines that tell of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from optimizer.benchmark import Arm
from optimizer.decision import PASSED
from optimizer.hardware import hardware_line
from optimizer.profilers.cpu import shown
from optimizer.reporters.templates import seconds
from optimizer.runner import Change, Run, build_text


@dataclass(frozen=True)
class Row:
    """One change, as a table shows it."""

    name: str
    title: str
    verdict: str
    before: str
    after: str
    ratio: str
    ecn: str
    reason: str
    divergence: str


def rows_of(run: Run, ecns: Mapping[str, str]) -> list[Row]:
    """Return a row a change."""
    return [_row(change, ecns.get(change.candidate.name, "")) for change in run.changes]


def _row(change: Change, ecn: str) -> Row:
    evidence = change.evidence
    return Row(
        name=change.candidate.name,
        title=change.candidate.title.rstrip("."),
        verdict=str(change.decision.verdict),
        before=median_text(evidence.before),
        after=median_text(evidence.after),
        ratio=str(evidence.ratio() or "-"),
        ecn=ecn or "-",
        reason=change.decision.reason,
        divergence=str(evidence.divergence or ""),
    )


def median_text(arm: Arm | None) -> str:
    """Return the median time of a warm run."""
    return seconds(median(arm.warm())) if arm is not None and arm.results() else "-"


def total_line(run: Run) -> str:
    """Return what the run came to, in a sentence."""
    passed = [change.candidate.name for change in run.changes if change.decision.verdict in PASSED]
    if run.reference_arm is None or run.final_arm is None or run.total is None:
        return "Nothing passed: the build stays as it was."
    loads = [seconds(median(arm.load())) for arm in (run.reference_arm, run.final_arm)]
    return (
        f"{len(passed)} of {len(run.changes)} changes passed. A run takes {median_text(run.reference_arm)} with the "
        f"reference and {median_text(run.final_arm)} with the final build: ratio {run.total}. "
        f"Loading apart: {loads[0]} and {loads[1]}."
    )


def aa_line(run: Run) -> str:
    """Return what the control measured against itself gave, in a sentence."""
    if run.aa is None:
        return "A/A control: nothing was measured."
    found = (
        "passed, no difference" if run.aa_passed else "FAILED: the control differs from itself, the measurement is void"
    )
    return f"A/A control: ratio {run.aa} over {run.aa.pairs} pairs: {found}."


def shared_values(run: Run, ecns: Mapping[str, str]) -> dict[str, Any]:
    """Return what the summary and the page both show."""
    return {
        "run_id": run.run_id,
        "focus": run.focus,
        "started_at": run.started_at,
        "data": run.data,
        "notes": run.notes,
        "scenario": run.workload.scenario,
        "control_text": build_text(run.first),
        "profile_seconds": run.profile.seconds if run.profile else 0.0,
        "spots": shown(run.profile.hotspots) if run.profile else [],
        "rows": rows_of(run, ecns),
        "aa_line": aa_line(run),
        "total_line": total_line(run),
        "hardware_text": hardware_line(dict(run.hardware)),
        "golden_text": f"{run.golden.spec.name} {run.golden.digest[:16]}",
    }
