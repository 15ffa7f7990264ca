"""The claims of a change for the front matter of its notice, from what a run has found."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

from optimizer.claims import engine_digest, figures_of, outputs_digest, sources_of
from optimizer.config import Config
from optimizer.run import Change, Run
from optimizer.run_documents import machine_of


def claims(config: Config, run: Run, change: Change) -> dict[str, Any]:
    """Return the fields of Front that verify replays. What was not measured is None."""
    determinism = change.evidence.determinism
    return figures_of(_entry(change)) | {
        "workload": _workload(run, change),
        "sources": sources_of(config.subject.candidates(), change.build),
        "engine_digest": engine_digest(config.subject.source_root),
        "outputs_digest": _outputs(run, change),
        "determinism": {"matrix": determinism.matrix, "cells": determinism.cells} if determinism else None,
        "machine": machine_of(run.hardware),
    }


def _entry(change: Change) -> dict[str, Any]:
    """Return the figures as run.json has them."""
    before, after, ratio = change.evidence.before, change.evidence.after, change.evidence.ratio()
    if before is None or after is None or ratio is None:
        return {}
    seconds = {"before": median(before.judged()), "after": median(after.judged())}
    bounds = change.evidence.bounds()
    told = {
        "ratio": ratio.median,
        "ci95": [ratio.low, ratio.high],
        "bounds": bounds and [bounds.low, bounds.high],
        "pairs": ratio.pairs,
    }
    return {
        "seconds": seconds | told,
        "peak_bytes": {"before": median(before.peak()), "after": median(after.peak())},
    }


def _workload(run: Run, change: Change) -> dict[str, Any]:
    workload = change.workload
    return {
        "scenario": workload.scenario,
        "figure": workload.figure,
        "file": Path(workload.data).name,
        "form": None if run.scenario_given else change.candidate.workload.form,
        "on_bad_bars": workload.on_bad_bars,
        "data": {
            "path": str(run.data["path"]),
            "sha256": str(run.data["sha256"]),
            "generated": bool(run.data.get("generated")),
        },
    }


def _outputs(run: Run, change: Change) -> str | None:
    """Return one digest of what the control gave, which is what the reference gives; None where it was not run."""
    before = change.evidence.before
    return None if before is None else outputs_digest(run.golden.digest, dict(before.digests()))
