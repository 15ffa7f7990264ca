"""Measuring builds side by side: fresh processes, in random order, in rounds."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from optimizer.processes import Observation, Processes
from optimizer.stats import LEAST_PAIRS, Ratio, paired_ratio
from optimizer.subject import Build

EFFECT = 1.02  # a ratio within 2 % of 1 is no difference
MOST_ROUNDS = 12
_ROUNDS_MORE = 3
_WARM_SECONDS = 0.3
_MOST_WARM_RUNS = 5


@dataclass(frozen=True)
class Workload:
    """What is measured: one scenario on one file."""

    data: str
    on_bad_bars: str
    scenario: str

    def job(self) -> dict[str, Any]:
        """Return it as a job has it."""
        return {"data": self.data, "on_bad_bars": self.on_bad_bars, "scenario": self.scenario}


@dataclass
class Arm:
    """One build under measurement: a figure a process."""

    build: Build
    observations: list[Observation] = field(default_factory=list)

    @property
    def error(self) -> str:
        """The first failure of a process, if any."""
        return next((seen.error for seen in self.observations if not seen.ok), "")

    def results(self) -> list[dict[str, Any]]:
        """Return what the processes found."""
        return [seen.result for seen in self.observations if seen.result is not None]

    def warm(self) -> list[float]:
        """Return, for each process, the median time of its runs after the first, in seconds."""
        return [median(run["wall_ns"] for run in result["runs"][1:]) / 1e9 for result in self.results()]

    def cold(self) -> list[float]:
        """Return, for each process, the time of its first run, in seconds."""
        return [result["runs"][0]["wall_ns"] / 1e9 for result in self.results()]

    def load(self) -> list[float]:
        """Return, for each process, the time to load and lay out the data, in seconds."""
        return [result["load_ns"] / 1e9 for result in self.results()]

    def tables(self) -> list[float]:
        """Return, for each process, the median time to lay out all outputs as tables, in seconds."""
        return [median(run["tables_ns"] for run in result["runs"][1:]) / 1e9 for result in self.results()]

    def whole(self) -> list[float]:
        """Return, for each process, loading, one warm run and its tables together, in seconds."""
        return [sum(parts) for parts in zip(self.load(), self.warm(), self.tables(), strict=True)]

    def peak(self) -> list[float]:
        """Return, for each process, the largest resident memory, in bytes."""
        return [float(seen.peak_bytes) for seen in self.observations if seen.ok]

    def digests(self) -> list[dict[str, str]]:
        """Return the output digests of every run of every process."""
        return [run["digests"] for result in self.results() for run in result["runs"]]


def ratio_of(before: Sequence[float], after: Sequence[float]) -> Ratio | None:
    """Return the ratio of complete pairs, or None where there are too few."""
    pairs = min(len(before), len(after))
    return paired_ratio(before[:pairs], after[:pairs]) if pairs >= LEAST_PAIRS else None


def is_clear(ratio: Ratio | None) -> bool:
    """Whether more rounds would not change what the ratio says."""
    if ratio is None:
        return False
    return ratio.low > EFFECT or ratio.high < 1 / EFFECT or (ratio.low >= 1 / EFFECT and ratio.high <= EFFECT)


def measure(
    processes: Processes,
    workload: Workload,
    builds: Mapping[str, Build],
    *,
    judged: tuple[str, str],
    seed: int,
    tick: Callable[[str], None],
    most_rounds: int = MOST_ROUNDS,
) -> dict[str, Arm]:
    """Measure builds in rounds, every round all of them in a new random order.

    After the least number of rounds that gives an interval, and then every few more, it stops where the ratio of
    the two judged arms is clear. A build that fails stops it at once.
    """
    arms = {name: Arm(build) for name, build in builds.items()}
    order = random.Random(seed)  # noqa: S311 - shuffling runs, not keeping secrets
    job = workload.job() | {"warm_seconds": _WARM_SECONDS, "most_runs": _MOST_WARM_RUNS}
    for done in range(1, most_rounds + 1):
        names = list(arms)
        order.shuffle(names)
        for name in names:
            tick(f"round {done}: {name}")
            arms[name].observations.append(processes.run("measure", arms[name].build, job))
            if arms[name].error:
                return arms
        enough = done >= LEAST_PAIRS and (done - LEAST_PAIRS) % _ROUNDS_MORE == 0
        if enough and is_clear(ratio_of(arms[judged[0]].warm(), arms[judged[1]].warm())):
            break
    return arms
