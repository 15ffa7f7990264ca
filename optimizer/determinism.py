"""Determinism: the same digests in every environment that must not matter.

Every cell turns one knob in a fresh process. A knob whose canary does not move is reported as having no effect
here, never as passed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from optimizer.golden import CheckResult, Golden, judge
from optimizer.processes import Observation, Processes
from optimizer.subject import Build

_HASH_SEEDS = ("0", "1", "2")
_THREADS = ("1", "2")
_THREAD_KNOBS = ("POLARS_MAX_THREADS", "NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_COLD, _WARM = "code cache cold", "code cache warm"


@dataclass(frozen=True)
class Determinism:
    """What the cells gave: how many, how many had the golden bits, and which knobs did nothing here."""

    cells: int
    identical: int
    no_effect: tuple[str, ...]
    differing: str
    compile_seconds: float

    @property
    def holds(self) -> bool:
        """Whether every cell gave the golden bits."""
        return self.identical == self.cells


def cells(cache: Path) -> dict[str, Mapping[str, str]]:
    """Return the environment of every cell, by the name of its knob and setting."""
    found: dict[str, Mapping[str, str]] = {f"hash seed {seed}": {"PYTHONHASHSEED": seed} for seed in _HASH_SEEDS}
    found |= {f"threads {count}": dict.fromkeys(_THREAD_KNOBS, count) for count in _THREADS}
    found |= {name: {"NUMBA_CACHE_DIR": str(cache)} for name in (_COLD, _WARM)}
    return found


def examine(golden: Golden, processes: Processes, build: Build, scratch: Path) -> Determinism:
    """Run a golden set in every cell; those that need not wait for another run two at a time."""
    cache = scratch / "code-cache"
    environments = cells(cache)
    job = {"cases": golden.cases(), "keep": "none", "folder": str(scratch)}
    first = [name for name in environments if name != _WARM]
    seen = dict(
        zip(
            first,
            processes.run_all([("outputs", build, job, environments[name]) for name in first], at_once=2),
            strict=True,
        )
    )
    compiled = any(cache.rglob("*.nbi"))
    seen[_WARM] = processes.run("outputs", build, job, environments[_WARM])
    results = {name: _judged(golden, observation) for name, observation in seen.items()}
    differing = [name for name, result in results.items() if not result.exact]
    return Determinism(
        cells=len(results),
        identical=len(results) - len(differing),
        no_effect=_without_effect(seen, compiled=compiled),
        differing="; ".join(_told(name, results[name]) for name in differing),
        compile_seconds=results[_COLD].first_seconds - results[_WARM].first_seconds if compiled else 0.0,
    )


def _judged(golden: Golden, seen: Observation) -> CheckResult:
    """Compare digests only: nothing is kept of a cell, and the golden check shows a divergence in full."""
    wanted = {f"{case['input']}/{case['scenario']}": case["expected"] for case in golden.cases()}
    if seen.result is None:
        return judge(golden, None, seen.error, Path())
    failed = [
        name
        for (name, expected), case in zip(wanted.items(), seen.result["cases"], strict=True)
        if "error" in case or not case["digests"] == case["again"] == expected
    ]
    return CheckResult(len(wanted), tuple(failed), None, "", seen.result["cases"][0].get("first_ns", 0) / 1e9)


def _told(name: str, result: CheckResult) -> str:
    return f"{name}: {result.error or ', '.join(result.failed)}"


def _without_effect(seen: Mapping[str, Observation], *, compiled: bool) -> tuple[str, ...]:
    """Return the knobs whose canaries stayed put."""

    def values(prefix: str, canary: str) -> set[int]:
        return {observation.canaries.get(canary, 0) for name, observation in seen.items() if name.startswith(prefix)}

    still = ["hash seed"] if len(values("hash seed", "hash")) < len(_HASH_SEEDS) else []
    pools = ("polars_threads", "numba_threads")
    still += [pool.replace("_", " ") for pool in pools if len(values("threads", pool)) < len(_THREADS)]
    if not compiled:
        still.append("code cache (this build compiles nothing)")
    return tuple(still)
