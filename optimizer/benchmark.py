"""Measuring builds side by side: fresh processes, in random order, in rounds."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from optimizer.processes import Observation, Processes
from optimizer.stats import LEAST_PAIRS, Ratio, paired_ratio
from optimizer.subject import Build

EFFECT = 1.02  # a ratio within 2 % of 1 is no difference
MOST_ROUNDS = 12
_ROUNDS_MORE = 3
_WARM_SECONDS = 0.6
_MOST_WARM_RUNS = 5
_LOADS = 5  # in a process, where loading is judged; their median counts


RUN, COLD, KEPT, LOAD = "run", "cold", "kept", "load"
FIGURES = {
    RUN: "a run, warm",
    COLD: "the first run, caches empty",
    KEPT: "the first run of a process that finds what others have kept",
    LOAD: "loading and laying out the data",
}
"""What can be judged: a run when one has gone before, the first run with and without kept caches, or loading."""


@dataclass(frozen=True)
class Workload:
    """What is measured: scenarios on one file. A figure of one is judged; the others run before it."""

    data: str
    on_bad_bars: str
    scenario: str
    figure: str = RUN
    others: tuple[str, ...] = ()
    keep_caches: bool = False

    @property
    def scenarios(self) -> tuple[str, ...]:
        """All scenarios, in the order in which they run: what is judged comes last, when all code is loaded."""
        return (*dict.fromkeys(one for one in self.others if one != self.scenario), self.scenario)

    @property
    def keeps(self) -> bool:
        """Whether processes find what others before them have kept."""
        return self.keep_caches or self.figure in (KEPT, LOAD)

    @property
    def label(self) -> str:
        """What is judged, in words."""
        if self.figure == LOAD:
            return f"{FIGURES[LOAD]} from {Path(self.data).suffix}"
        return f"{self.scenario}, {FIGURES[self.figure]}"

    @property
    def case_name(self) -> str:
        """What a run of it is called."""
        return f"{Path(self.data).name}/{self.scenario}"

    def job(self) -> dict[str, Any]:
        """Return it as a job has it."""
        return {"data": self.data, "on_bad_bars": self.on_bad_bars, "scenarios": list(self.scenarios)}

    def cases(self) -> list[dict[str, Any]]:
        """Return its scenarios as the cases of a job."""
        data = {"input": Path(self.data).name, "data": self.data, "on_bad_bars": self.on_bad_bars}
        return [data | {"scenario": scenario} for scenario in self.scenarios]


@dataclass
class Arm:
    """One build under measurement: a figure a process. The scenario is the judged one if none is named."""

    build: Build
    workload: Workload
    observations: list[Observation] = field(default_factory=list)

    @property
    def error(self) -> str:
        """The first failure of a process, if any."""
        return next((seen.error for seen in self.observations if not seen.ok), "")

    def results(self) -> list[dict[str, Any]]:
        """Return what the processes found."""
        return [seen.result for seen in self.observations if seen.result is not None]

    def judged(self) -> list[float]:
        """Return, for each process, the figure that is judged, in seconds."""
        return self.figure(self.workload.scenario, self.workload.figure)

    def figure(self, scenario: str, figure: str) -> list[float]:
        """Return, for each process, a figure of a scenario, in seconds."""
        if figure == LOAD:
            return self.load()
        return self.warm(scenario) if figure == RUN else self.cold(scenario)

    def warm(self, scenario: str | None = None) -> list[float]:
        """Return, for each process, the median time of its runs after the first, in seconds."""
        return [median(run["wall_ns"] for run in runs[1:]) / 1e9 for runs in self._runs(scenario)]

    def cold(self, scenario: str | None = None) -> list[float]:
        """Return, for each process, the time of its first run, in seconds."""
        return [runs[0]["wall_ns"] / 1e9 for runs in self._runs(scenario)]

    def load(self) -> list[float]:
        """Return, for each process, the time to load and lay out the data, in seconds."""
        return [result["load_ns"] / 1e9 for result in self.results()]

    def tables(self) -> list[float]:
        """Return, for each process, the median time to lay out all outputs as tables, in seconds."""
        return [median(run["tables_ns"] for run in runs[1:]) / 1e9 for runs in self._runs(None)]

    def whole(self) -> list[float]:
        """Return, for each process, loading, one run and its tables together, in seconds."""
        run = self.cold() if self.workload.figure in (COLD, KEPT) else self.warm()
        return [sum(parts) for parts in zip(self.load(), run, self.tables(), strict=True)]

    def peak(self) -> list[float]:
        """Return, for each process, the largest resident memory, in bytes."""
        return [float(seen.peak_bytes) for seen in self.observations if seen.ok]

    def counts(self) -> dict[str, int]:
        """Return what was counted in the first run of the judged scenario, in the last process."""
        runs = self._runs(None)
        counts: dict[str, int] = runs[-1][0].get("counts", {}) if runs else {}
        return counts

    def digests(self) -> list[tuple[str, dict[str, str]]]:
        """Return the scenario and the output digests of every run of every process."""
        return [
            (scenario, run["digests"])
            for result in self.results()
            for scenario, runs in result["runs"].items()
            for run in runs
        ]

    def _runs(self, scenario: str | None) -> list[list[dict[str, Any]]]:
        return [result["runs"][scenario or self.workload.scenario] for result in self.results()]


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
    caches: Path,
    most_rounds: int = MOST_ROUNDS,
) -> dict[str, Arm]:
    """Measure builds in rounds, every round all of them in a new random order.

    After the least number of rounds that gives an interval, and then every few more, it stops where the ratio of
    the two judged arms is clear. A build that fails stops it at once. Where the figure is one of kept caches, each
    arm has a folder below `caches` of its own, which a process that is not counted fills.
    """
    arms = {name: Arm(build, workload) for name, build in builds.items()}
    folders = {name: caches / name.replace(" ", "-") if workload.keeps else None for name in arms}
    order = random.Random(seed)  # noqa: S311 - shuffling runs, not keeping secrets
    job = workload.job() | {"warm_seconds": _WARM_SECONDS, "most_runs": _MOST_WARM_RUNS}
    job["loads"] = _LOADS if workload.figure == LOAD else 1

    def observe(name: str) -> Observation:
        return processes.run("measure", arms[name].build, job, caches=folders[name])

    if workload.keeps:
        for name in arms:
            tick(f"filling the caches: {name}")
            observe(name)
    for done in range(1, most_rounds + 1):
        names = list(arms)
        order.shuffle(names)
        for name in names:
            tick(f"round {done}: {name}")
            arms[name].observations.append(observe(name))
            if arms[name].error:
                return arms
        enough = done >= LEAST_PAIRS and (done - LEAST_PAIRS) % _ROUNDS_MORE == 0
        if enough and is_clear(ratio_of(arms[judged[0]].judged(), arms[judged[1]].judged())):
            break
    return arms
