"""The benchmark of the accepted build, for `make bench`."""

from __future__ import annotations

from pathlib import Path
from statistics import median

from optimizer.benchmark import Workload, measure, ratio_of
from optimizer.config import Config
from optimizer.errors import CheckError
from optimizer.files import write_json
from optimizer.processes import Processes
from optimizer.progress import Progress
from optimizer.reporters.templates import seconds
from optimizer.stats import LEAST_PAIRS

REFERENCE, FINAL = "reference", "final build"


def bench_suite(
    config: Config, processes: Processes, workload: Workload, path: Path, progress: Progress, scratch: Path
) -> None:
    """Measure reference and accepted build in the same rounds; print and write their times for a warm run."""
    builds = {REFERENCE: (), FINAL: tuple(config.subject.accepted())}
    name = f"{workload.scenario} on {Path(workload.data).name}"
    with progress.stage(f"Measuring {name}"):
        arms = measure(
            processes,
            workload,
            builds,
            judged=(REFERENCE, FINAL),
            seed=0,
            tick=progress.tick,
            caches=scratch / "caches",
            most_rounds=LEAST_PAIRS,
        )
    if failure := next((f"{name}: {arm.error}" for name, arm in arms.items() if arm.error), ""):
        raise CheckError(failure)
    rows = [
        {
            "workload": name,
            "contender": contender,
            "median_s": median(arm.warm()),
            "min_s": min(arm.warm()),
            "max_s": max(arm.warm()),
            "runs": len(arm.warm()),
        }
        for contender, arm in arms.items()
    ]
    write_json(path, rows)
    for contender, arm in arms.items():
        progress.say(f"{contender:<12} {seconds(median(arm.warm()))}")
    progress.say(f"ratio {ratio_of(arms[REFERENCE].warm(), arms[FINAL].warm())}; written to {config.relative(path)}")
