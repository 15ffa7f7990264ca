"""Runs as run.json has them, for the tests of what reads them."""

from __future__ import annotations

from typing import Any

HARDWARE = {"cpu": "a", "cores": 2, "memory_bytes": 8, "simd": "avx2", "system": "Linux", "fingerprint": "f" * 12}


def a_run(run_id: str = "20260101T000000Z-0000", *, schema: int = 2, **changed: Any) -> dict[str, Any]:
    """Return a run as run.json has it."""
    seconds = {"before": 2.0, "after": 1.0, "ratio": 2.0, "ci95": [1.9, 2.1], "pairs": 8}
    if schema == 2:
        seconds |= {"bounds": [1.8, 2.2], "before_all": [2.0, 2.1], "after_all": [1.0, 1.05]}
    return {
        "schema": schema,
        "run_id": run_id,
        "focus": "caching",
        "started_at": "2026-01-01T00:00:00+00:00",
        "hardware": HARDWARE | ({"machine": "m" * 12} if schema == 2 else {}),
        "golden": {"set": "generated", "digest": "a" * 64, "scenarios": 2},
        "data": {"path": "data/a.parquet", "sha256": "d" * 64, "symbols": 2, "timestamps": 3, "rows": 6},
        "build_before": [],
        "build_after": ["caching/once"],
        "hotspots": [{"function": "mean"}],
        "changes": [
            {
                "name": "caching/once",
                "focus": "caching",
                "ecn": "ECN-0001",
                "verdict": "faster",
                "reason": "2x",
                "workload": {"scenario": "sma_cross", "figure": "run", "data": "a.parquet"},
                "control": [],
                "source_digest": "b" * 64,
                "seconds": seconds,
                "peak_bytes": {"before": 10.0, "after": 9.0},
            }
        ],
        "aa_control": {"ratio": 1.0, "ci95": [0.99, 1.01], "passed": True},
        "totals": [
            {
                "workload": "sma_cross",
                "figure": "run",
                "data": "a.parquet",
                "reference_seconds": 2.0,
                "final_seconds": 1.0,
                "ratio": 2.0,
                "ci95": [1.9, 2.1],
            }
        ],
        **changed,
    }
