"""The check that CI makes: the accepted build, and each part of it, against every golden set."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from optimizer.benchmark import Workload
from optimizer.config import Config
from optimizer.errors import CheckError, InputError
from optimizer.experiment import compare
from optimizer.golden import CheckResult, Golden, check, open_golden
from optimizer.ordering import with_required
from optimizer.parity import Divergence
from optimizer.processes import Processes
from optimizer.progress import Progress
from optimizer.subject import Build

ACCEPTED = "the accepted build"


def builds_to_check(config: Config) -> dict[str, Build]:
    """Return the accepted build, and each of its optimizations on just what it requires."""
    accepted = tuple(config.subject.accepted())
    config.subject.check_build(accepted)
    known = {one.name: one for one in config.subject.candidates()}
    builds: dict[str, Build] = {ACCEPTED: accepted}
    for name in accepted:
        required, _ = with_required(config.subject, (), known[name])
        build = config.subject.extend(required, name)
        if build not in builds.values():
            builds[name] = build
    return builds


@dataclass(frozen=True)
class Task:
    """One build to be held to one golden set."""

    golden: Golden
    name: str
    build: Build

    @property
    def label(self) -> str:
        """What it is called in the output."""
        return f"{self.golden.spec.name}: {self.name}"


def check_all(
    config: Config,
    processes: Processes,
    scratch: Path,
    progress: Progress,
    set_name: str | None,
    builds: Mapping[str, Build] | None = None,
) -> None:
    """Hold builds to golden sets, two at a time: all of them to the sets with kept outputs, the first to the others.

    Raises:
        CheckError: where a build does not give the golden bits; the first divergence is printed before.
        InputError: where a golden file is damaged, or the named set has no data here.
    """
    builds = builds if builds is not None else builds_to_check(config)
    if not any(builds.values()):
        progress.say("The build is empty: what is checked is the reference itself")
    tasks = list(_tasks(config, progress, set_name, builds))
    failures: list[str] = []

    def one(task: Task) -> tuple[Task, CheckResult, float]:
        start = time.perf_counter()
        result = check(task.golden, processes, task.build, _folder(scratch, task))
        return task, result, time.perf_counter() - start

    with progress.stage(f"Checking {len(tasks)} builds and sets"), ThreadPoolExecutor(2) as pool:
        try:
            for task, result, took in pool.map(one, tasks):
                if result.exact:
                    progress.say(f"EXACT      {task.label}: {result.cases} scenarios, {took:.1f} s")
                    continue
                divergence = result.divergence or _against_reference(config, processes, scratch, task, result)
                progress.say(report(task, result, divergence))
                failures.append(f"{task.label} ({', '.join(result.failed)})")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            processes.stop()
            raise
    if failures:
        raise CheckError(f"{len(failures)} failed: {'; '.join(failures)}")


def _tasks(config: Config, progress: Progress, set_name: str | None, builds: Mapping[str, Build]) -> Iterator[Task]:
    sets = list(config.subject.golden_sets())
    if set_name is not None and set_name not in [spec.name for spec in sets]:
        known = ", ".join(spec.name for spec in sets)
        raise InputError(f"unknown golden set {set_name!r}", hint=f"Choose from {known}")
    for spec in sets:
        if set_name not in (None, spec.name):
            continue
        golden = open_golden(config, spec)
        if golden is None:
            missing = f"its data is not on this machine ({', '.join(spec.inputs)})"
            if set_name is not None:
                hint = "Set EXACT_CHANGE_DATA to the folder that has it"
                raise InputError(f"golden set {spec.name} can't be checked: {missing}", hint=hint)
            progress.say(f"SKIPPED    {spec.name}: {missing}")
            continue
        for number, (name, build) in enumerate(builds.items()):
            if spec.keep_outputs or number == 0:
                yield Task(golden, name, build)


def _folder(scratch: Path, task: Task) -> Path:
    return scratch / task.golden.spec.name / task.name.replace("/", "-")


def report(task: Task, result: CheckResult, divergence: Divergence | None) -> str:
    """Return what failed, where first, and what to type to see it again."""
    build = f"[{', '.join(task.build)}]"
    lines = [f"DIVERGED   {task.label}   build: {build}   {len(result.failed)} of {result.cases} scenarios"]
    if divergence:
        lines.append(str(divergence))
    if result.error:
        lines.append(f"error      {result.error}")
    return "\n".join([*lines, f"reproduce  optimize check --set {task.golden.spec.name}"])


def _against_reference(
    config: Config, processes: Processes, scratch: Path, task: Task, result: CheckResult
) -> Divergence | None:
    """Find the divergence by running the reference again, for a set that keeps digests only."""
    spec = task.golden.spec
    if spec.keep_outputs or result.error:
        return None
    input_name, scenario = result.failed[0].split("/")
    workload = Workload(str(task.golden.inputs[input_name]), spec.on_bad_bars, scenario)
    stages, folder = config.subject.stages, _folder(scratch, task) / "compare"
    return compare(processes, workload, stages, control=(), candidate=task.build, scratch=folder)


def check_data(config: Config, processes: Processes, workload: Workload, scratch: Path, progress: Progress) -> None:
    """Compare the accepted build with the reference on any data.

    Raises:
        CheckError: where they differ.
    """
    build = tuple(config.subject.accepted())
    label = f"{Path(workload.data).name}/{workload.scenario}"
    with progress.stage(f"Comparing the accepted build with the reference on {label}"):
        stages = config.subject.stages
        divergence = compare(
            processes,
            workload,
            stages,
            control=(),
            candidate=build,
            scratch=scratch / "compare",
            tell=lambda note: progress.say(f"  {note}"),
        )
    if divergence is not None:
        progress.say(f"DIVERGED   {label}   build: [{', '.join(build)}]\n{divergence}")
        raise CheckError(f"the accepted build differs from the reference on {label}")
    progress.say(f"EXACT      {label}: the accepted build gives the reference's bits")
