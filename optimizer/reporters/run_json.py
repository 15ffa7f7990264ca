"""`run.json`: the run for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from optimizer.benchmark import Arm
from optimizer.files import write_json
from optimizer.profilers.cpu import shown
from optimizer.runner import Change, Run, Total
from optimizer.stats import Ratio

SCHEMA = 1


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
        "aa_control": _ratio(run.aa) | {"passed": run.aa_passed},
        "total": _total(run.total),
        "totals": [_total(total) for total in run.totals],
    }


def _total(total: Total | None) -> dict[str, Any]:
    if total is None:
        return {"reference_seconds": None, "final_seconds": None, "load_seconds": None} | _ratio(None)
    return {
        "workload": total.workload.scenario,
        "figure": total.workload.figure,
        "data": Path(total.workload.data).name,
        "reference_seconds": median(total.seconds(total.before)),
        "final_seconds": median(total.seconds(total.after)),
        "load_seconds": _pair(total.before, total.after, Arm.load),
    } | _ratio(total.ratio)


def _change(change: Change, ecn: str | None) -> dict[str, Any]:
    evidence = change.evidence
    determinism = evidence.determinism
    diverged = bool(evidence.diverged)
    worst = evidence.worst()
    return {
        "name": change.candidate.name,
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
        "seconds": _pair(evidence.before, evidence.after, Arm.judged) | _ratio(evidence.ratio(), pairs=True),
        "load_seconds": _pair(evidence.before, evidence.after, Arm.load),
        "peak_bytes": _pair(evidence.before, evidence.after, Arm.peak),
        "counts": evidence.after.counts() if evidence.after else {},
        "cold_seconds": _median(evidence.after, Arm.cold),
        "compile_seconds": determinism.compile_seconds if determinism else None,
    }


def _ratio(ratio: Ratio | None, *, pairs: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = {"ratio": ratio and ratio.median, "ci95": ratio and [ratio.low, ratio.high]}
    return found | ({"pairs": ratio.pairs if ratio else 0} if pairs else {})


def _median(arm: Arm | None, figure: Any) -> float | None:
    values = figure(arm) if arm is not None else []
    return median(values) if values else None


def _pair(before: Arm | None, after: Arm | None, figure: Any) -> dict[str, float | None]:
    return {"before": _median(before, figure), "after": _median(after, figure)}
