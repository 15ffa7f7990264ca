"""What the reports have in common: the rows and lines that tell of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from optimizer.benchmark import Arm
from optimizer.reporters.templates import percent, seconds
from optimizer.runner import Change, Run, Total, build_text


@dataclass(frozen=True)
class Row:
    """One change, as a table shows it."""

    name: str
    title: str
    verdict: str
    workload: str
    worst: str
    before: str
    after: str
    ratio: str
    ecn: str
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
        workload=change.workload.label,
        worst=worst_text(change),
        before=median_text(evidence.before),
        after=median_text(evidence.after),
        ratio=str(evidence.ratio() or "-"),
        ecn=ecn or "-",
        divergence=str(evidence.divergence or ""),
    )


def worst_text(change: Change) -> str:
    """Return the workload on which the change does worst, and the ratio there."""
    worst = change.evidence.worst()
    return f"{worst[1]} on {worst[0]}" if worst else ""


def median_text(arm: Arm | None) -> str:
    """Return the median of the figure that is judged."""
    return seconds(median(arm.judged())) if arm is not None and arm.results() else "-"


def total_text(total: Total) -> str:
    """Return what the run came to on one workload, in a sentence."""
    before, after = (seconds(median(total.seconds(arm))) for arm in (total.before, total.after))
    ratio = total.ratio or "unknown: too few pairs"
    return f"{total.workload.label}: {before} with the reference, {after} with the final build, ratio {ratio}"


def total_line(run: Run) -> str:
    """Return what the run came to, in a sentence."""
    if run.total is None:
        return "Nothing passed: the build stays as it was."
    loads = [seconds(median(arm.load())) for arm in (run.total.before, run.total.after)]
    return (
        f"{len(run.passed)} of {len(run.changes)} changes passed. On {total_text(run.total)}. "
        f"Loading apart: {loads[0]} and {loads[1]}."
    )


def story_of(run: Run) -> list[str]:
    """Return the run as a story: what the time went to, what was tried and why, what stayed and what did not."""
    how = "Tried next is always the change for the costliest component, among those that wait for no other."
    return [how, *(f"{number}. {_told(change)}" for number, change in enumerate(run.changes, 1))]


def _told(change: Change) -> str:
    candidate, decision, worst = change.candidate, change.decision, change.evidence.worst()
    share = percent(change.profile.shares.get(candidate.component, 0.0))
    why = f"The {candidate.component} component took {share} of the time of {_build_of(change)}, so {candidate.name}"
    if change.joined:
        why = f"{why} (with {', '.join(change.joined)}, which it requires)"
    fate = "It stays." if decision.passed else "It does not stay."
    own = worst is None or worst[0] == change.workload.label
    where = "" if own else f" It does worst with {worst_text(change)}."
    return f"{why} was tried. {str(decision.verdict).capitalize()}: {decision.reason}. {fate}{where}"


def _build_of(change: Change) -> str:
    count = len(change.profile.build)
    return "the reference" if not count else f"the build of {count} change{'s' if count > 1 else ''}"


def profile_line(run: Run) -> str:
    """Return where the time of the first control went, in a sentence."""
    if run.profile is None:
        return ""
    shares = ", ".join(f"{name} {percent(share)}" for name, share in run.profile.shares.items() if share >= 0.005)
    what = f"loading and one run of {', '.join(run.profile.scenarios)}"
    took = f"{build_text(run.profile.build)} took {seconds(run.profile.seconds)} under the profiler for {what}"
    return f"{took[0].upper()}{took[1:]}: {shares}"


def aa_line(run: Run) -> str:
    """Return what the control measured against itself gave, in a sentence."""
    if run.control is None:
        return "A/A control: nothing was measured, or too few pairs."
    return f"A/A control: ratio {run.control.bounds} on {run.control.workload.label}: {aa_verdict(run)}."


def aa_verdict(run: Run) -> str:
    """Return what that says."""
    return "passed, no difference" if run.aa_passed else "FAILED: it differs from itself, so the measurement is void"
