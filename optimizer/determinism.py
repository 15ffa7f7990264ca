"""Determinism: the same digests in every environment that must not matter.

Every cell turns one knob in a fresh process. A knob whose canary does not move is reported as having no effect
here, never as passed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from optimizer.golden import CheckResult, Golden, judge
from optimizer.processes import Observation, Processes
from optimizer.subject import Build

_HASH_SEEDS = ("0", "1", "2")
_THREADS = ("1", "2")
_THREAD_KNOBS = ("POLARS_MAX_THREADS", "NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_COLD, _WARM, _DAMAGED = "caches cold", "caches warm", "caches damaged"


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


def cells() -> dict[str, Mapping[str, str]]:
    """Return the environment of every cell that stands alone, by the name of its knob and setting."""
    found: dict[str, Mapping[str, str]] = {f"hash seed {seed}": {"PYTHONHASHSEED": seed} for seed in _HASH_SEEDS}
    return found | {f"threads {count}": dict.fromkeys(_THREAD_KNOBS, count) for count in _THREADS}


def examine(
    golden: Golden, processes: Processes, build: Build, scratch: Path
) -> tuple[CheckResult, Determinism | None]:
    """Hold a build to a golden set in every cell, two cells at a time.

    The first cell runs every case twice, with what it has computed before at hand the second time. Where it does not
    give the golden bits there is no more to be said: that is a divergence, or a failure.
    """
    code, own = scratch / "code-cache", scratch / "own-caches"
    environments = cells() | dict(processes.knobs)
    home = next(iter(environments))
    job = {"cases": golden.cases(), "folder": str(scratch)}
    once = {"keep": "none", "twice": False}

    def run(name: str) -> Observation:
        return processes.run(
            "outputs", build, job | ({"keep": "different"} if name == home else once), environments[name]
        )

    def run_on_caches() -> dict[str, Observation]:
        """Run with empty caches, then with what that left on disk, then with damage done to it."""
        found = {}
        for name in (_COLD, _WARM, _DAMAGED):
            if name != _DAMAGED or _damage(own):
                found[name] = processes.run("outputs", build, job | once, {"NUMBA_CACHE_DIR": str(code)}, caches=own)
        return found

    with ThreadPoolExecutor(2) as pool:
        caches = pool.submit(run_on_caches)
        try:
            seen = dict(zip(environments, pool.map(run, environments), strict=True)) | caches.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            processes.stop()
            raise
    result = judge(golden, seen[home].result, seen[home].error, scratch)
    if not result.exact:
        return result, None
    return result, _summed(golden, seen, tuple(processes.knobs), compiled=any(code.rglob("*.nbi")))


def _damage(folder: Path) -> bool:
    """Change a byte in the middle of every file that a build has kept; return whether there was one."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    for path in files:
        content = bytearray(path.read_bytes())
        if content:
            content[len(content) // 2] ^= 0xFF
        path.write_bytes(content)
    return bool(files)


def _summed(golden: Golden, seen: Mapping[str, Observation], knobs: Sequence[str], *, compiled: bool) -> Determinism:
    results = {name: _judged(golden, observation) for name, observation in seen.items()}
    differing = [name for name, result in results.items() if not result.exact]
    return Determinism(
        cells=len(results),
        identical=len(results) - len(differing),
        no_effect=_without_effect(seen, knobs, compiled=compiled),
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


def _counts(seen: Observation) -> list[object]:
    """Return which things were counted in each case."""
    return [sorted(case.get("counts", {})) for case in seen.result["cases"]] if seen.result else []


def _without_effect(seen: Mapping[str, Observation], knobs: Sequence[str], *, compiled: bool) -> tuple[str, ...]:
    """Return the knobs whose canaries stayed put; that of an engine's own knob is what the engine counted."""

    def values(prefix: str, canary: str) -> set[int]:
        return {observation.canaries.get(canary, 0) for name, observation in seen.items() if name.startswith(prefix)}

    still = ["hash seed"] if len(values("hash seed", "hash")) < len(_HASH_SEEDS) else []
    pools = ("polars_threads", "numba_threads")
    still += [pool.replace("_", " ") for pool in pools if len(values("threads", pool)) < len(_THREADS)]
    if not compiled:
        still.append("code cache (this build compiles nothing)")
    if _DAMAGED not in seen:
        still.append("own caches (this build keeps nothing on disk)")
    still += [knob for knob in knobs if _counts(seen[knob]) == _counts(seen[f"threads {_THREADS[0]}"])]
    return tuple(still)
