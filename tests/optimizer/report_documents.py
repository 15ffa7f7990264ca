"""Documents of a run as the optimizer writes them, made by functions, for the tests of the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RUN = "20261121T112022Z-4edf"
OLDER = "20261120T080000Z-1a2b"
_MIB = 2**20
# name, focus, component, scenario, figure, seconds before and after, verdict
_TRIED = (
    ("vectorization/array_feed", "feed", "sma_cross", "run", 4.11, 3.86, "faster"),
    ("early-exit/passing_bars", "gates", "narrow_gate", "run", 0.4, 0.265, "faster"),
    ("vectorization/column_features", "features", "sma_cross", "run", 3.86, 2.19, "faster"),
    ("vectorization/awaited_bars", "loop", "sma_cross", "run", 2.25, 0.848, "faster"),
    ("vectorization/masked_rules", "rules", "sma_cross", "run", 0.824, 0.546, "faster"),
    ("vectorization/soa_broker", "broker", "sma_cross", "run", 0.525, 0.5276, "equivalent"),
    ("vectorization/compiled_loop", "loop", "sma_cross", "run", 0.525, 0.0154, "faster"),
    ("parallelism/spawned_trials", "sweep", "sweep_stops", "kept", 0.365, 0.201, "faster"),
    ("gates/pass_sets", "gates", "sweep_gates", "cold", 2.7, 2.62, "inconclusive"),
    ("io/matrix_store", "loader", "sma_cross", "load", 0.28, 0.0243, "faster"),
    ("caching/feature_cache", "features", "sma_cross", "run", 0.0134, 0.00779, "faster"),
    ("vectorization/approximate_broker", "broker", "sma_cross", "run", None, None, "diverged"),
)


def run_document(**changed: Any) -> dict[str, Any]:
    """Return a run.json of schema 2."""
    run = {
        "schema": 2,
        "run_id": RUN,
        "focus": "all",
        "started_at": "2026-11-21T11:20:22+00:00",
        "exit_code": 1,
        "hardware": hardware_document() | {"bandwidth_bytes_per_second": None},
        "golden": {"set": "small", "digest": "c1881ce4f97814ab8d761dc7aae4f2da", "scenarios": 43},
        "data": {
            "path": "../shared/data/us500_2007_2017_daily.parquet",
            "sha256": "9f" * 32,
            "symbols": 500,
            "timestamps": 2520,
            "rows": 1_198_402,
            "generated": False,
            "notes": ["24 bad rows were dropped (high below low)"],
        },
        "workload": "sma_cross",
        "build_before": [],
        "build_after": [name for name, *_, verdict in _TRIED if verdict == "faster"],
        "measurement": {
            "effect": 1.02,
            "confidence": 0.99,
            "candidates": len(_TRIED),
            "looks": [8, 12, 16],
            "most_pairs": 16,
            "budget_seconds": None,
        },
        "profile": {"before": "profile-before.json", "after": "profile-after.json"},
        "settings": settings_document(),
        "order": [
            {"name": name, "focus": name.split("/")[0], "why": f"the {component} component took {40 - 3 * place} %"}
            for place, (name, component, *_) in enumerate(_TRIED)
        ],
        "hotspots": profile_document(1.0)["hotspots"],
        "changes": [_change(place, *tried) for place, tried in enumerate(_TRIED)],
        "aa_control": {
            "ratio": 1.002,
            "ci95": [0.991, 1.012],
            "bounds": [0.986, 1.019],
            "pairs": 8,
            "passed": True,
            "workload": "sma_cross, a run, warm",
        },
    }
    totals = [_total("sma_cross", "run", 3.59, 0.00765), _total("sweep_stops", "kept", 7.24, 0.181)]
    return run | {"total": totals[0], "totals": totals} | changed


def _spread(value: float | None) -> list[float]:
    return [] if value is None else [value * (1 + 0.004 * step) for step in (-4, -2, -1, 0, 0, 1, 3, 5)]


def _ratio(before: float | None, after: float | None, width: float = 0.03) -> dict[str, Any]:
    if before is None or after is None:
        return {"before": None, "after": None, "ratio": None, "ci95": None}
    ratio = before / after
    return {"before": before, "after": after, "ratio": ratio, "ci95": [ratio * (1 - width), ratio * (1 + width)]}


def _change(
    place: int,
    name: str,
    component: str,
    scenario: str,
    figure: str,
    before: float | None,
    after: float | None,
    verdict: str,
) -> dict[str, Any]:
    ratio = _ratio(before, after, 0.012)
    found = ratio["ratio"]
    diverged = verdict == "diverged"
    return {
        "name": name,
        "title": f"What {name.split('/')[1].replace('_', ' ')} does, in a line.",
        "focus": name.split("/")[0],
        "ecn": f"ECN-{place + 1:04d}",
        "verdict": verdict,
        "reason": "1 of 43 golden scenarios differ (us_small)" if diverged else f"{found:.3g}x on {scenario}, 8 pairs",
        "workload": {"scenario": scenario, "figure": figure, "data": "us500_2007_2017_daily.parquet"},
        "component": component,
        "share": 0.4 - 0.03 * place,
        "source_digest": "d9" * 32,
        "worst": None
        if diverged
        else {"workload": "loading and laying out the data", "ratio": 0.98, "ci95": [0.95, 1.0]},
        "control": [],
        "joined": [],
        "parity": {"exact": not diverged, "scenarios": 44, "divergence": divergence_document() if diverged else None},
        "determinism": {
            "cells": 0 if diverged else 9,
            "identical": 0 if diverged else 9,
            "no_effect": [] if diverged else ["NUMBA_CPU_NAME: compiled for another processor"],
            "matrix": None if diverged else "quick",
            "differing": "",
        },
        "remarks": [],
        "seconds": ratio
        | {
            "pairs": 0 if diverged else 8,
            "bounds": None if found is None else [found * 0.98, found * 1.02],
            "before_all": _spread(before),
            "after_all": _spread(after),
        },
        "cpu_seconds": _ratio(before, after),
        "cold": _ratio(5.0, 4.8) if not diverged else _ratio(None, None),
        "load": _ratio(0.213, 0.211) if not diverged else _ratio(None, None),
        "peak": _ratio(412.0 * _MIB, (412.0 - 14 * place) * _MIB) if not diverged else _ratio(None, None),
        "peak_bytes": {"before": 412.0 * _MIB, "after": (412.0 - 14 * place) * _MIB},
        "load_seconds": {"before": 0.213, "after": 0.211},
        "counts": {},
        "cold_seconds": 4.8,
        "compile_seconds": 2.4 if "compiled" in name else 0.0,
    }


def _total(scenario: str, figure: str, before: float, after: float) -> dict[str, Any]:
    return {
        "workload": scenario,
        "figure": figure,
        "data": "us500_2007_2017_daily.parquet",
        "reference_seconds": before,
        "final_seconds": after,
        "load_seconds": {"before": 0.213, "after": 0.0328},
        "ratio": before / after,
        "ci95": [before / after * 0.95, before / after * 1.07],
        "before_all": _spread(before),
        "after_all": _spread(after),
        "cpu_seconds": _ratio(before, after),
        "peak": _ratio(512.0 * _MIB, 288.0 * _MIB),
    }


def divergence_document() -> dict[str, Any]:
    """Return where a change diverged."""
    return {
        "output": "fills",
        "field": "price",
        "timestamp": "2011-08-08",
        "symbol": "BAC",
        "expected": "0x1.91eb851eb851fp+6  100.48",
        "obtained": "0x1.91eb851eb8520p+6  100.48000000000002",
        "distance": "1 ulp above",
        "equal_before": "940 bars, 212 fills",
        "case": "small/us_small",
        "moment": 15194,
        "around": ["state      cash equal   positions equal", "           water mark differs since bar 938"],
        "replay": "optimize replay vectorization/approximate_broker --scenario us_small --bars 930:942",
    }


def profile_document(scale: float, *, final: bool = False) -> dict[str, Any]:
    """Return a profile of the control, or of the final build."""
    shares = {
        "broker": 0.36,
        "loop": 0.22,
        "rules": 0.2,
        "shared": 0.13,
        "features": 0.05,
        "loader": 0.03,
        "gates": 0.01,
    }
    if final:
        shares = {"loader": 0.58, "loop": 0.17, "shared": 0.12, "broker": 0.08, "features": 0.05}
    spots = [
        {
            "function": function,
            "file": f"reference/{component}.py",
            "line": line,
            "component": component,
            "seconds": share * 4.2 * scale,
            "share": share,
            "lines": [
                {
                    "line": line + 3,
                    "text": "    for order in self._waiting[symbol]:",
                    "hits": 1_198_402,
                    "seconds": 0.3,
                    "share": 0.31,
                },
                {
                    "line": line + 4,
                    "text": "        if order.fills(bar):",
                    "hits": 88_112,
                    "seconds": 0.2,
                    "share": 0.22,
                },
            ],
            "advice": [{"focus": "vectorization", "why": f"{share:.0%} of the run is called once a bar"}],
        }
        for function, component, line, share in (
            ("_fill_waiting", "broker", 131, 0.21),
            ("step", "loop", 23, 0.17),
            ("_levels", "rules", 61, 0.11),
            ("<listcomp>", "features", 300, 0.05),
        )
    ]
    return {
        "schema": 1,
        "build": ["vectorization/array_feed"] if final else [],
        "scenarios": ["sma_cross", "narrow_gate"],
        "seconds": 4.2 * scale,
        "components": shares,
        "hotspots": spots,
        "memory": {
            "peak_bytes": 231 * _MIB,
            "allocations": 4_812_011,
            "allocated_bytes": 1_802 * _MIB,
            "top": [
                {
                    "function": "columns",
                    "file": "reference/columns.py",
                    "line": 88,
                    "bytes": 96 * _MIB,
                    "allocations": 42,
                }
            ],
            "leaks": [],
        },
        "io": {
            "read_bytes": 48 * _MIB,
            "written_bytes": 0,
            "device_read_bytes": None,
            "read_calls": 212,
            "wait_seconds": 0.004,
            "major_faults": 0,
            "minor_faults": 31_204,
        },
        "caches": {
            "own": {"features": {"hits": 14, "misses": 2, "rate": 0.875}},
            "hardware": "unavailable: no counters in this virtual machine",
        },
        "parallel": {"workers": 2, "efficiency": 0.91, "wall_seconds": 1.2, "cpu_seconds": 2.18},
        "redundant": [
            {
                "function": "sma",
                "file": "reference/features.py",
                "line": 40,
                "calls": 1_000,
                "distinct": 500,
                "repeated": 500,
                "seconds_repeated": 0.4,
            }
        ],
        "advice": [{"focus": "vectorization", "share": 0.61, "why": "a call a bar", "hotspots": ["step", "_levels"]}],
        "files": {"flame_graph": "profile-before/flame.html", "memory_report": "profile-before/memory.html"},
    }


def hardware_document() -> dict[str, Any]:
    """Return a measured machine."""
    return {
        "cpu": "AMD EPYC 7763",
        "cores": 2,
        "physical_cores": 1,
        "caches": {"L1d": 32_768, "L2": 524_288, "L3": 33_554_432},
        "frequency_mhz": {"min": 1500.0, "max": 3500.0, "current": 2450.0},
        "simd": "avx2",
        "memory_bytes": 24 * 2**30,
        "memory_available_bytes": 20 * 2**30,
        "memory_limit_bytes": None,
        "swap_bytes": 0,
        "cpu_limit": 2.0,
        "bandwidth_bytes_per_second": 11.2e9,
        "storage": {
            "kind": "ssd",
            "filesystem": "ext4",
            "sequential_read_bytes_per_second": 1.1e9,
            "random_read_per_second": 9_800,
            "how": "O_DIRECT, a file of 64 MiB",
        },
        "system": "Linux x86_64",
        "python": "3.11.7",
        "numpy": "2.4.6",
        "polars": "2.1.0",
        "numba": "0.68.1",
        "versions": {"pyarrow": "26.0.1"},
        "machine": "0123456789ab",
        "fingerprint": "ba9876543210",
    }


def settings_document() -> dict[str, Any]:
    """Return recommended settings."""
    why = {"workers": "0.75 of 2 cores", "cache_bytes": "30 % of the memory that may be used"}
    return {"workers": 1, "chunk_rows": 262_144, "cache_bytes": 6 * 2**30, "io": "ssd", "mmap": True, "why": why}


def _kinds() -> dict[str, Any]:
    return {"laptop": settings_document() | {"workers": 6}, "server": settings_document() | {"workers": 24}}


def attribution_document() -> dict[str, Any]:
    """Return what each change is worth."""
    return {
        "schema": 1,
        "workload": "sma_cross, a run, warm",
        "data": "us500_2007_2017_daily.parquet",
        "final": [name for name, *_, verdict in _TRIED if verdict == "faster"],
        "reference_seconds": 3.59,
        "final_seconds": 0.00765,
        "changes": [
            {
                "name": name,
                "alone": {"ratio": 1.1, "ci95": [1.05, 1.15]},
                "on_build": {"ratio": 1.3, "ci95": [1.2, 1.4]},
                "left_out": None if name.startswith("io") else {"ratio": 1.7, "ci95": [1.6, 1.8]},
                "alone_with": ["vectorization/array_feed"] if name.endswith("loop") else [],
                "left_out_with": [],
            }
            for name, *_, verdict in _TRIED
            if verdict == "faster"
        ],
    }


def scaling_document() -> dict[str, Any]:
    """Return how time and memory grow."""
    points = []
    for build, base, power in (("reference", 0.007, 1.01), ("final", 0.0012, 0.31)):
        for symbols in (10, 50, 200, 500, 1000, 2000):
            seconds = base * symbols**power
            points.append(
                {
                    "build": build,
                    "axis": "symbols",
                    "symbols": symbols,
                    "timestamps": 500,
                    "rows": symbols * 500,
                    "seconds_median": seconds,
                    "seconds_all": _spread(seconds),
                    "peak_bytes": int(4e6 * symbols**0.62),
                    "error": None,
                }
            )
    fits = [
        {
            "build": build,
            "axis": "symbols",
            "quantity": quantity,
            "exponent": power,
            "low": power - 0.04,
            "high": power + 0.05,
            "r2": 0.998,
            "points": 6,
        }
        for build, quantity, power in (
            ("reference", "seconds", 1.01),
            ("final", "seconds", 0.31),
            ("reference", "bytes", 0.62),
            ("final", "bytes", 0.62),
        )
    ]
    return {
        "schema": 1,
        "command": "optimize scale",
        "hardware": "a machine",
        "builds": {},
        "points": points,
        "fits": fits,
    }


def calibration_document() -> dict[str, Any]:
    """Return how often the instrument errs."""
    return {
        "schema": 1,
        "command": "make calibrate",
        "hardware": "AMD EPYC, 2 cores",
        "aa": [
            {"condition": "quiet", "runs": 200, "called": 0, "share": 0.0, "upper95": 0.0149},
            {"condition": "two hogs", "runs": 200, "called": 1, "share": 0.005, "upper95": 0.0275},
        ],
        "effects": [
            {
                "effect": 0.05,
                "true_ratio": 1.0526,
                "runs": 60,
                "found": 41,
                "slower": 0,
                "inconclusive": 19,
                "share": 0.683,
                "median_ratio": 1.049,
            },
            {
                "effect": 0.1,
                "true_ratio": 1.1111,
                "runs": 60,
                "found": 59,
                "slower": 0,
                "inconclusive": 1,
                "share": 0.983,
                "median_ratio": 1.101,
            },
            {
                "effect": 0.3,
                "true_ratio": 1.4286,
                "runs": 60,
                "found": 60,
                "slower": 0,
                "inconclusive": 0,
                "share": 1.0,
                "median_ratio": 1.302,
            },
        ],
    }


def bench_document() -> list[dict[str, Any]]:
    """Return a benchmark of the accepted build."""
    return [
        {
            "workload": "sma_cross on market.parquet",
            "contender": name,
            "median_s": value,
            "min_s": value,
            "max_s": value,
            "runs": 6,
        }
        for name, value in (("reference", 1.2), ("final build", 0.01))
    ]


_NOTICE = """---
ecn: {number}
title: "{title}"
status: {status}
focus: {focus}
optimization: {name}
build_before: []
build_after:
- {name}
golden_digest: c1881ce4f978
source_digest: d9d9d9
hardware: a machine
verdict: {verdict}
ratio: {ratio}
ci95: null
run: {run}
---

# {number}
"""


def write_documents(out: Path, run: dict[str, Any] | None = None, *, others: bool = True) -> Path:
    """Write a run, the documents beside it and its notices; return the run's folder."""
    run = run_document() if run is None else run
    folder = out / "runs" / run["run_id"]
    (folder / "profile-before").mkdir(parents=True)
    _write(folder / "run.json", run)
    if not others:
        return folder
    for name in ("flame.html", "memory.html"):
        (folder / "profile-before" / name).write_text("<!doctype html><title>a graph</title>")
    _write(folder / "profile-before.json", profile_document(1.0))
    _write(folder / "profile-after.json", profile_document(0.01, final=True))
    _write(folder / "attribution.json", attribution_document())
    _write(out / "scaling.json", scaling_document())
    _write(out / "calibration.json", calibration_document())
    _write(out / "hardware.json", hardware_document() | {"settings_of_kinds": _kinds()})
    _write(out / "bench.json", bench_document())
    _write(
        out / "bench-pieces.json",
        {"benchmarks": [{"name": "test_sma", "stats": {"median": 1e-4, "min": 9e-5, "rounds": 40}}]},
    )
    older = out / "runs" / OLDER
    older.mkdir()
    _write(older / "run.json", run_document(run_id=OLDER))
    (older / "report.html").write_text("<!doctype html><title>an older run</title>")
    (out / "ecn").mkdir()
    for change in run["changes"]:
        ratio = change["seconds"]["ratio"]
        told = _NOTICE.format(
            number=change["ecn"],
            title=change.get("title", "a change"),
            status="rejected" if change["verdict"] == "diverged" else "proposed",
            focus=change["focus"],
            name=change["name"],
            verdict=change["verdict"],
            ratio="null" if ratio is None else ratio,
            run=run["run_id"],
        )
        (out / "ecn" / f"{change['ecn']}-{change['name'].split('/')[-1]}.md").write_text(told)
    return folder


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value))
