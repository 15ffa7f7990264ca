"""`run.json`: the run for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from statistics import median
from typing import Any

from optimizer.benchmark import Arm
from optimizer.files import write_json
from optimizer.profilers.cpu import shown
from optimizer.runner import Change, Run
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
        "workload": run.workload.scenario,
        "build_before": list(run.first),
        "build_after": list(run.final),
        "hotspots": [asdict(spot) for spot in shown(spots)],
        "changes": [_change(change, ecns.get(change.candidate.name)) for change in run.changes],
        "aa_control": _ratio(run.aa) | {"passed": run.aa_passed},
        "total": {
            "reference_seconds": _median(run.reference_arm, Arm.warm),
            "final_seconds": _median(run.final_arm, Arm.warm),
            "load_seconds": _pair(run.reference_arm, run.final_arm, Arm.load),
            **_ratio(run.total),
        },
    }


def _change(change: Change, ecn: str | None) -> dict[str, Any]:
    evidence = change.evidence
    determinism = evidence.determinism
    diverged = bool(evidence.diverged)
    return {
        "name": change.candidate.name,
        "focus": change.candidate.focus,
        "ecn": ecn,
        "verdict": str(change.decision.verdict),
        "reason": change.decision.reason,
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
        },
        "seconds": _pair(evidence.before, evidence.after, Arm.warm) | _ratio(evidence.ratio(), pairs=True),
        "load_seconds": _pair(evidence.before, evidence.after, Arm.load),
        "peak_bytes": _pair(evidence.before, evidence.after, Arm.peak),
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
