"""What a run came to: the reference against the final build, on every workload whose change has passed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from optimizer.benchmark import COLD, KEPT, LOAD, Workload, measure
from optimizer.budget import Budget
from optimizer.errors import CheckError
from optimizer.experiment import CANDIDATE, CONTROL, Bench
from optimizer.progress import Progress
from optimizer.run import Run, Total, build_text


def wanted_of(run: Run) -> list[Workload]:
    """Return the workloads that a run is summed up on, the most telling first."""
    wanted = [change.workload for change in run.passed]
    if run.focus == "all" or run.scenario_given or not wanted:
        wanted.insert(0, run.workload)
    return wanted


def measure_totals(bench: Bench, run: Run, progress: Progress, budget: Budget, *, parts_after: int = 0) -> list[Total]:
    """Measure the reference against what the run ended with; the workloads on one file share their processes.

    The budget is shared with so many parts that come after it.

    Raises:
        CheckError: where a build fails, or gives other bits than the reference.
    """
    wanted = wanted_of(run)
    files = list(dict.fromkeys(workload.data for workload in wanted))
    found = []
    for place, data in enumerate(files):
        deadline = budget.deadline(len(files) - place + parts_after)
        found += _of_file(bench, run, [one for one in wanted if one.data == data], progress, deadline)
    return found


def _of_file(
    bench: Bench, run: Run, workloads: Sequence[Workload], progress: Progress, deadline: float | None
) -> list[Total]:
    figures, keeps = figures_of(workloads)
    first = replace(workloads[0], others=tuple(scenario for scenario, _ in figures), keep_caches=keeps)
    with progress.stage(f"Measuring the reference against the final build: {len(figures)} figures"):
        arms = measure(
            bench.processes,
            first,
            {CONTROL: (), CANDIDATE: run.final},
            judged=(CONTROL, CANDIDATE),
            seed=0,
            tick=progress.tick,
            caches=bench.scratch / "totals" / Path(first.data).name,
            plan=run.plan,
            deadline=deadline,
        )
    for arm in arms.values():
        if arm.error or bench.differing(arm):
            raise CheckError(f"{build_text(arm.build)} failed at the end: {arm.error or 'it gives other bits'}")
    return [
        Total(Workload(first.data, first.on_bad_bars, scenario, figure), arms[CONTROL], arms[CANDIDATE], run.plan)
        for scenario, figure in figures
    ]


def figures_of(workloads: Sequence[Workload]) -> tuple[list[tuple[str, str]], bool]:
    """Return the scenarios and figures to tell, the first workload's first, and whether caches are kept.

    They are kept where one of the workloads is about that; then loading is told, too.
    """
    keeps = any(workload.keeps for workload in workloads)
    asked = {(one.scenario, KEPT if keeps and one.figure == COLD else one.figure) for one in workloads}
    figures = sorted(one for one in asked if one[1] != LOAD)
    figures.sort(key=lambda one: one != (workloads[0].scenario, workloads[0].figure))
    if keeps:
        figures.insert(0 if workloads[0].figure == LOAD else len(figures), (workloads[0].scenario, LOAD))
    return figures, keeps
