"""Measuring builds side by side: fresh processes, in random order, in rounds."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Protocol

from optimizer.processes import Observation
from optimizer.stats import LEAST_PAIRS, Plan, Ratio, paired_ratio, plan_for
from optimizer.subject import Build

EFFECT = 1.02  # a ratio within 2 % of 1 is no difference
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


class Runs(Protocol):
    """What runs a job of a build in a fresh process: `Processes` is one."""

    def run(
        self,
        task: str,
        build: Build,
        job: Mapping[str, Any],
        env: Mapping[str, str] | None = None,
        caches: Path | None = None,
    ) -> Observation:
        """Run one job and wait for what it observes."""


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

    def cpu(self, scenario: str | None = None) -> list[float]:
        """Return, for each process, the median processor time of its runs after the first, in seconds.

        The time of all threads counts, and that of the processes which the run has started or given work to.
        """
        return [median(run["cpu_ns"] for run in runs[1:]) / 1e9 for runs in self._runs(scenario)]

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
    """Return the ratio of complete pairs with its plain 95 % interval, or None where there are too few."""
    pairs = min(len(before), len(after))
    return paired_ratio(before[:pairs], after[:pairs]) if pairs >= LEAST_PAIRS else None


def is_faster(bounds: Ratio) -> bool:
    """Whether all of an interval lies above the smallest effect."""
    return bounds.low > EFFECT


def is_slower(bounds: Ratio) -> bool:
    """Whether all of an interval lies below the smallest effect."""
    return bounds.high < 1 / EFFECT


def is_equivalent(bounds: Ratio) -> bool:
    """Whether all of an interval lies within the smallest effect of 1."""
    return bounds.low >= 1 / EFFECT and bounds.high <= EFFECT


def is_clear(bounds: Ratio | None) -> bool:
    """Whether an interval says one thing; None is the one of too few pairs."""
    return bounds is not None and (is_faster(bounds) or is_slower(bounds) or is_equivalent(bounds))


def measure(
    processes: Runs,
    workload: Workload,
    builds: Mapping[str, Build],
    *,
    judged: tuple[str, str] | None,
    seed: int,
    tick: Callable[[str], None],
    caches: Path,
    most_rounds: int | None = None,
    plan: Plan | None = None,
    deadline: float | None = None,
) -> dict[str, Arm]:
    """Measure builds in rounds, every round all of them in a new random order.

    At each look of the plan (that of one candidate if none is given) it stops where the bounds of the two judged arms
    are clear, and at the last look anyway. `most_rounds` ends it earlier; where no arms are judged it is the number
    of rounds. It starts no round that would not end before the deadline, in seconds of `time.monotonic`, if it takes
    as long as the longest; the first is always run. A build that fails stops it at once. Where the figure is one of
    kept caches, each arm has a folder below `caches` of its own, which a process that is not counted fills.
    """
    plan = plan or plan_for(1)
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
    longest = 0.0
    for done in range(1, (most_rounds or plan.looks[-1]) + 1):
        start = time.monotonic()
        if done > 1 and deadline is not None and start + longest > deadline:
            break
        names = list(arms)
        order.shuffle(names)
        for name in names:
            tick(f"round {done}: {name}")
            arms[name].observations.append(observe(name))
            if arms[name].error:
                return arms
        longest = max(longest, time.monotonic() - start)
        if judged and done in plan.looks and is_clear(plan.bounds(*(arms[name].judged() for name in judged))):
            break
    return arms
