"""The benchmark of the accepted build, for `make bench`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from optimizer.benchmark import COLD, LOAD, RUN, Arm, Workload, measure, ratio_of
from optimizer.config import Config
from optimizer.errors import CheckError, InputError
from optimizer.files import read_json, write_json
from optimizer.processes import Processes
from optimizer.progress import Progress
from optimizer.reporters.templates import seconds
from optimizer.stats import LEAST_PAIRS
from optimizer.subject import Build

REFERENCE, FINAL = "reference", "final build"
COMPILE = "compile"
FIGURES = {
    RUN: "a warm run",
    COLD: "the first run, caches empty",
    COMPILE: "more for loading and the first run where no compiled code is kept",
    LOAD: "loading and laying out the data",
}
_COMPILING_RUNS = 3
_MACHINE = ("node", "host", "hostname")


def bench_suite(
    config: Config, processes: Processes, workload: Workload, path: Path, progress: Progress, scratch: Path
) -> None:
    """Measure reference and accepted build in the same rounds; print and write their times, a row a figure and build.

    Seconds: the median, least and largest of so many processes.
    """
    builds: dict[str, Build] = {REFERENCE: (), FINAL: tuple(config.subject.accepted())}
    name = f"{workload.scenario} on {Path(workload.data).name}"
    with progress.stage(f"Measuring {name}"):
        arms = measure(
            processes,
            workload,
            builds,
            judged=None,
            seed=0,
            tick=progress.tick,
            caches=scratch / "caches",
            most_rounds=LEAST_PAIRS,
        )
    if failure := next((f"{name}: {arm.error}" for name, arm in arms.items() if arm.error), ""):
        raise CheckError(failure)
    with progress.stage("Measuring what compiling takes"):
        compiling = {
            contender: list(_compiling(processes, workload, arm, scratch, progress)) for contender, arm in arms.items()
        }
    rows = [
        {"workload": name, "contender": contender, "figure": figure} | _figures(values)
        for contender, arm in arms.items()
        for figure, values in {
            RUN: arm.warm(),
            COLD: arm.cold(),
            COMPILE: compiling[contender],
            LOAD: arm.load(),
        }.items()
    ]
    write_json(path, rows)
    for row in rows:
        progress.say(f"{row['contender']:<12} {seconds(row['median_s']):>9}  {FIGURES[row['figure']]}")
    progress.say(f"ratio {ratio_of(arms[REFERENCE].warm(), arms[FINAL].warm())}; written to {config.relative(path)}")


def _compiling(
    processes: Processes, workload: Workload, arm: Arm, scratch: Path, progress: Progress
) -> Iterator[float]:
    """Measure how much longer loading and the first run take where no compiled code is kept, in seconds, not below 0.

    Raises:
        CheckError: where it fails.
    """
    with_code = median(sum(pair) for pair in zip(arm.load(), arm.cold(), strict=True))
    job = workload.job() | {"warm_seconds": 0.0, "most_runs": 1, "loads": 1}
    for number in range(_COMPILING_RUNS):
        progress.tick(f"process {number + 1} of {_COMPILING_RUNS}")
        with tempfile.TemporaryDirectory(dir=scratch) as empty:
            seen = processes.run("measure", arm.build, job, env={"NUMBA_CACHE_DIR": empty})
        if seen.result is None:
            raise CheckError(seen.error)
        first = seen.result["runs"][workload.scenario][0]
        yield max(0.0, (seen.result["load_ns"] + first["wall_ns"]) / 1e9 - with_code)


def _figures(values: Sequence[float]) -> dict[str, Any]:
    return {"median_s": median(values), "min_s": min(values), "max_s": max(values), "runs": len(values)}


def bench_pieces(config: Config, path: Path, progress: Progress) -> None:
    """Run the project's pytest-benchmark suite, and keep its JSON, without the name of the machine.

    The suite's folder is named in pyproject.toml: `[tool.optimize] benchmarks = "tests/benchmarks"`.

    Raises:
        InputError: where the folder is missing.
        CheckError: where a benchmark fails.
    """
    if config.benchmarks is None:
        progress.say(
            'No benchmarks of the pieces: name their folder in pyproject.toml, [tool.optimize] benchmarks = "..."'
        )
        return
    if not config.benchmarks.is_dir():
        hint = "It is named in pyproject.toml, [tool.optimize] benchmarks"
        raise InputError("no such folder", where=config.relative(config.benchmarks), hint=hint)
    with tempfile.TemporaryDirectory(prefix="exact-change-") as folder:
        found = Path(folder) / "pieces.json"
        options = ["--benchmark-enable", "--benchmark-only", f"--benchmark-json={found}", "-q"]
        with progress.stage(f"Measuring the pieces in {config.relative(config.benchmarks)}"):
            done = subprocess.run(  # noqa: S603 - our own Python, no shell
                [sys.executable, "-m", "pytest", str(config.benchmarks), *options, "-p", "no:cacheprovider"],
                cwd=config.root,
                env={name: one for name, one in os.environ.items() if not name.startswith("PYTEST_")},  # its own pytest
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
        if done.returncode != 0:
            raise CheckError(f"the benchmarks of the pieces failed: {_why(done.stdout + done.stderr)}")
        pieces = without_machine_name(read_json(found, hint="pytest-benchmark writes it"))
    write_json(path, pieces)
    for one in pieces["benchmarks"]:
        progress.say(f"{one['name']:<40} {seconds(one['stats']['median']):>9}")
    progress.say(f"written to {config.relative(path)}")


def _why(said: str) -> str:
    """Return the line of pytest's that says what failed; its last one where there is none."""
    lines = said.strip().splitlines() or ["pytest said nothing"]
    return next((line for line in lines if line.startswith(("FAILED ", "ERROR "))), lines[-1])


def without_machine_name(pieces: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document of pytest-benchmark without the name of the machine that it ran on."""
    info = {name: value for name, value in pieces.get("machine_info", {}).items() if name not in _MACHINE}
    return {**pieces, "machine_info": info}
