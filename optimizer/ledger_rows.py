"""The rows that a run has in the ledger."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from optimizer.run_documents import Measured, RunDocument, interval, listed, mapping, number


def machine_row(run: RunDocument) -> dict[str, object]:
    """Return the row of a run's machine."""
    told = {name: run.hardware.get(name) for name in ("cpu", "cores", "memory_bytes", "simd", "system")}
    plain = {name: value if isinstance(value, str | int | float) else None for name, value in told.items()}
    return {"machine": run.machine, "first_seen": run.started_at, **plain}


def run_row(run: RunDocument) -> dict[str, object]:
    """Return the row of a run, without its document."""
    aa = mapping(run.raw.get("aa_control"))
    low, high = interval(aa, "ci95")
    code, passed = run.raw.get("exit_code"), aa.get("passed")
    return {
        "run_id": run.run_id,
        "started_at": run.started_at,
        "focus": run.focus,
        "machine": run.machine,
        "hardware": run.hardware.get("fingerprint"),
        "golden_digest": run.golden_digest,
        "data": run.data,
        "data_sha256": run.data_sha256,
        "build_before": json.dumps(run.build_before),
        "build_after": json.dumps(run.build_after),
        "aa_ratio": number(aa.get("ratio")),
        "aa_low": low,
        "aa_high": high,
        "aa_passed": passed if isinstance(passed, bool) else None,
        "exit_code": code if isinstance(code, int) else None,
    }


def paired(run: RunDocument) -> Iterable[tuple[Mapping[str, Any], Measured]]:
    """Return each change as the document has it and as it was read; of one name the last."""
    raws = {raw["name"]: raw for raw in map(mapping, listed(run.raw.get("changes"))) if raw.get("name")}
    read = {one.name: one for one in run.changes}
    return [(raws[name], one) for name, one in read.items() if name in raws]


def change_row(run_id: str, raw: Mapping[str, Any], one: Measured) -> dict[str, object]:
    """Return the row of a change."""
    seconds, peak = mapping(raw.get("seconds")), mapping(raw.get("peak_bytes"))
    (low, high), (bound_low, bound_high) = interval(seconds, "ci95"), interval(seconds, "bounds")
    pairs = number(seconds.get("pairs"))
    return {
        "run_id": run_id,
        "name": one.name,
        "ecn": one.ecn or None,
        "verdict": one.verdict,
        "reason": str(raw.get("reason", "")),
        "scenario": one.scenario,
        "figure": one.figure,
        "data": one.data,
        "control": json.dumps(one.control),
        "source_digest": one.source_digest,
        "seconds_before": one.before,
        "seconds_after": one.after,
        "ratio": one.ratio,
        "low": low,
        "high": high,
        "bound_low": bound_low,
        "bound_high": bound_high,
        "pairs": None if pairs is None else int(pairs),
        "peak_before": number(peak.get("before")),
        "peak_after": number(peak.get("after")),
    }


def total_row(run_id: str, one: Measured) -> dict[str, object]:
    """Return the row of a total."""
    row: dict[str, object] = {"run_id": run_id, "scenario": one.scenario, "figure": one.figure, "data": one.data}
    row |= {"reference_seconds": one.before, "final_seconds": one.after}
    return row | {"ratio": one.ratio, "low": one.low, "high": one.high}


def sample_rows(run_id: str, name: str, raw: Mapping[str, Any]) -> Iterator[dict[str, object]]:
    """Yield a row for each process of each arm of a change: what it took, in seconds."""
    seconds = mapping(raw.get("seconds"))
    for arm in ("before", "after"):
        for place, value in enumerate(listed(seconds.get(f"{arm}_all"))):
            if (found := number(value)) is not None:
                yield {"run_id": run_id, "name": name, "arm": arm, "place": place, "seconds": found}
