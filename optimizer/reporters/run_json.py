"""`run.json`: the run for programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from optimizer.benchmark import EFFECT, RUN, Arm, Workload, ratio_of
from optimizer.files import write_json
from optimizer.profilers.cpu import shown
from optimizer.run import Change, Control, Run, Total
from optimizer.stats import Ratio

SCHEMA = 2
_NO_PROFILE = {"before": None, "after": None}

Figure = Callable[[Arm], list[float]]


def write_run(run: Run, ecns: Mapping[str, str]) -> None:
    """Write the run's JSON; `ecns` has the notice of each candidate."""
    write_json(run.folder / "run.json", run_value(run, ecns))


def run_value(run: Run, ecns: Mapping[str, str]) -> dict[str, Any]:
    """Return the run as JSON has it; a figure that was not measured is null."""
    spots = run.profile.hotspots if run.profile else []
    return {
        "schema": SCHEMA,
        "run_id": run.run_id,
        "focus": run.focus,
        "started_at": run.started_at,
        "hardware": dict(run.hardware),
        "exit_code": run.exit_code,
        "measurement": _measurement(run),
        "order": run.order,
        "profile": dict(_NO_PROFILE),
        "settings": None,
        "golden": {
            "set": run.golden.spec.name,
            "digest": run.golden.digest,
            "scenarios": len(run.golden.spec.cases),
        },
        "data": run.data | {"notes": list(run.notes)},
        "workload": run.total.workload.scenario if run.total else run.workload.scenario,
        "build_before": list(run.first),
        "build_after": list(run.final),
        "hotspots": [asdict(spot) for spot in shown(spots)],
        "changes": [_change(change, ecns.get(change.candidate.name)) for change in run.changes],
        "aa_control": _control(run.control),
        "aa_controls": [_control(control) for control in run.controls],
        "total": _total(run.total),
        "totals": [_total(total) for total in run.totals],
    } | run.documents


def _measurement(run: Run) -> dict[str, Any]:
    """Return how verdicts were come by: `confidence` is that of all of them together, `per_candidate` of each."""
    plan = run.plan
    return {
        "effect": EFFECT,
        "confidence": round(plan.family_confidence, 10),
        "per_candidate": plan.confidence,
        "candidates": plan.candidates,
        "looks": list(plan.looks),
        "skips": list(plan.skips),
        "most_pairs": plan.looks[-1],
        "budget_seconds": run.budget_seconds,
    }


def _control(control: Control | None) -> dict[str, Any]:
    ratio, bounds = (control.ratio, control.bounds) if control else (None, None)
    told = {"passed": control.passed if control else None, "workload": control.workload.label if control else None}
    return _ratio(ratio, pairs=True) | {"bounds": _interval(bounds)} | told


def _total(total: Total | None) -> dict[str, Any]:
    if total is None:
        return {"reference_seconds": None, "final_seconds": None, "load_seconds": None} | _ratio(None)
    before, after = total.before, total.after
    return {
        "workload": total.workload.scenario,
        "figure": total.workload.figure,
        "data": Path(total.workload.data).name,
        "reference_seconds": median(total.seconds(before)),
        "final_seconds": median(total.seconds(after)),
        "load_seconds": _pair(before, after, Arm.load),
        **_ratio(total.ratio, pairs=True),
        "bounds": _interval(total.bounds),
        "before_all": total.seconds(before),
        "after_all": total.seconds(after),
        "cpu_seconds": _compared(before, after, lambda arm: _cpu(arm, total.workload)),
        "peak": _compared(before, after, Arm.peak),
    }


def _cpu(arm: Arm, workload: Workload) -> list[float]:
    """Return the processor times of what a total tells; those of a first run, or of loading, are not kept."""
    return arm.cpu(workload.scenario) if workload.figure == RUN else []


def _change(change: Change, ecn: str | None) -> dict[str, Any]:
    evidence = change.evidence
    determinism = evidence.determinism
    diverged = bool(evidence.diverged)
    worst = evidence.worst()
    before, after = evidence.before, evidence.after
    return {
        "name": change.candidate.name,
        "title": change.candidate.title,
        "source_digest": change.candidate.source_digest,
        "focus": change.candidate.focus,
        "ecn": ecn,
        "verdict": str(change.decision.verdict),
        "reason": change.decision.reason,
        "workload": {
            "scenario": change.workload.scenario,
            "figure": change.workload.figure,
            "data": Path(change.workload.data).name,
        },
        "component": change.candidate.component,
        "share": change.profile.shares.get(change.candidate.component, 0.0),
        "worst": {"workload": worst[0], **_ratio(worst[1])} if worst else None,
        "control": list(change.control),
        "joined": list(change.joined),
        "build_after": list(change.build),
        "parity": {
            "exact": not diverged and not evidence.error and evidence.scenarios > 0,
            "scenarios": evidence.scenarios,
            "divergence": asdict(evidence.divergence) if evidence.divergence else None,
        },
        "determinism": {
            "cells": determinism.cells if determinism else 0,
            "identical": determinism.identical if determinism else 0,
            "no_effect": list(determinism.no_effect) if determinism else [],
            "matrix": determinism.matrix if determinism else None,
            "differing": determinism.differing if determinism else "",
        },
        "remarks": list(evidence.remarks),
        "seconds": _compared(before, after, Arm.judged)
        | {
            "pairs": evidence.pairs,
            "bounds": _interval(evidence.bounds()),
            "before_all": before.judged() if before else [],
            "after_all": after.judged() if after else [],
        },
        "cpu_seconds": _compared(before, after, Arm.cpu),
        "cold": _compared(before, after, Arm.cold),
        "load": _compared(before, after, Arm.load),
        "peak": _compared(before, after, Arm.peak),
        "load_seconds": _pair(before, after, Arm.load),
        "peak_bytes": _pair(before, after, Arm.peak),
        "counts": after.counts() if after else {},
        "cold_seconds": _median(after, Arm.cold),
        "compile_seconds": determinism.compile_seconds if determinism else None,
    }


def _compared(before: Arm | None, after: Arm | None, figure: Figure) -> dict[str, Any]:
    """Return a figure of both arms, and the ratio of its pairs with the plain 95 % interval."""
    ratio = ratio_of(figure(before), figure(after)) if before and after else None
    return _pair(before, after, figure) | _ratio(ratio)


def _ratio(ratio: Ratio | None, *, pairs: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = {"ratio": ratio and ratio.median, "ci95": _interval(ratio)}
    return found | ({"pairs": ratio.pairs if ratio else 0} if pairs else {})


def _interval(ratio: Ratio | None) -> list[float] | None:
    return [ratio.low, ratio.high] if ratio else None


def _median(arm: Arm | None, figure: Figure) -> float | None:
    values = figure(arm) if arm is not None else []
    return median(values) if values else None


def _pair(before: Arm | None, after: Arm | None, figure: Figure) -> dict[str, float | None]:
    return {"before": _median(before, figure), "after": _median(after, figure)}
