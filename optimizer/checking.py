"""The check that CI makes: the accepted build, and each part of it, against every golden set."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from optimizer.benchmark import Workload
from optimizer.comparing import compare
from optimizer.config import Config
from optimizer.determinism import examine
from optimizer.errors import CheckError, InputError
from optimizer.found import golden_sets
from optimizer.golden import Golden, open_golden
from optimizer.holding import CheckResult, check_builds
from optimizer.ordering import with_required
from optimizer.outcomes import DETERMINISM, PARITY, Outcome, counted, failures, told
from optimizer.processes import Processes
from optimizer.progress import Progress
from optimizer.subject import Build

ACCEPTED, REFERENCE = "the accepted build", "the reference"
_NAMED = 5  # failures that the last line names
_AT_ONCE = 4  # builds a process: starting one takes as long as a build or two, and progress is told after each


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


def build_named(config: Config, names: str) -> tuple[str, Build]:
    """Return the build of a text, `build`, `reference` or names with commas between, with what it is called.

    Raises:
        InputError: where these do not make a build.
    """
    if names == "reference":
        return REFERENCE, ()
    if names == "build":
        return ACCEPTED, tuple(config.subject.accepted())
    build = tuple(name.strip() for name in names.split(","))
    config.subject.check_build(build)
    return ",".join(build), build


@dataclass(frozen=True)
class Task:
    """One build to be held to one golden set."""

    golden: Golden
    name: str
    build: Build
    path: str
    twice: bool

    @property
    def set(self) -> str:
        """The name of its set."""
        return self.golden.spec.name

    @property
    def cases(self) -> tuple[str, ...]:
        """The names of its scenarios."""
        return tuple(f"{name}/{scenario}" for name, scenario in self.golden.spec.cases)

    def outcome(self, kind: str, *, ok: bool, seconds: float) -> Outcome:
        """Return what is the same in all that is found of it."""
        named = "build" if self.name == ACCEPTED else ",".join(self.build) or "reference"
        reproduce = f"optimize check --set {self.set} --build {named}"
        if kind == PARITY:
            reproduce += " --matrix none"
        return Outcome(self.name, self.set, self.build, kind, ok, seconds=seconds, path=self.path, reproduce=reproduce)


def tasks_of(
    config: Config, set_name: str | None, builds: Mapping[str, Build] | None = None
) -> tuple[list[Task], list[Outcome]]:
    """Return what is to be checked, and what can't be since its data is not here.

    All builds are held to the sets with kept outputs, the first of them to the others.

    Raises:
        InputError: where a golden file is damaged, or the named set is unknown or has no data here.
    """
    builds = builds if builds is not None else builds_to_check(config)
    sets = golden_sets(config)
    if set_name is not None and set_name not in [spec.name for spec in sets]:
        known = ", ".join(spec.name for spec in sets)
        raise InputError(f"unknown golden set {set_name!r}", hint=f"Choose from {known}")
    tasks, skipped = [], []
    for spec in sets:
        if set_name not in (None, spec.name):
            continue
        golden = open_golden(config, spec)
        if golden is not None:
            chosen = list(builds.items())[: None if spec.keep_outputs else 1]
            tasks += [
                Task(
                    golden, name, build, _blamed(config, name), spec.keep_outputs and (number == 0 or _runs_twice(name))
                )
                for number, (name, build) in enumerate(chosen)
            ]
            continue
        missing = f"its data is not on this machine ({', '.join(spec.inputs)})"
        if set_name is not None:
            hint = "Set EXACT_CHANGE_DATA to the folder that has it"
            raise InputError(f"golden set {spec.name} can't be checked: {missing}", hint=hint)
        skipped.append(Outcome("all builds", spec.name, (), PARITY, ok=True, skipped=missing))
    return tasks, skipped


def _runs_twice(name: str) -> bool:
    """Whether a part of the accepted build runs every case twice: where it keeps something from run to run.

    What the others do alone, and again, was shown when their notices were written.
    """
    return name.startswith(("caching/", "gates/"))


def _blamed(config: Config, name: str) -> str:
    """Return the file to look at where a build fails: that of its optimization, or the accepted build's."""
    paths = {one.name: one.path for one in config.subject.candidates()}
    return config.relative(paths.get(name, config.subject.build_file))


def check_all(
    config: Config,
    processes: Processes,
    scratch: Path,
    progress: Progress,
    set_name: str | None,
    builds: Mapping[str, Build] | None = None,
    matrix: str = "none",
    *,
    fail_fast: bool = False,
) -> list[Outcome]:
    """Hold builds to golden sets; the first of them on the first set in every cell of the matrix, which has parity too.

    Every outcome is printed as it comes.

    Raises:
        InputError: where a golden file is damaged, or the named set has no data here.
    """
    tasks, outcomes = tasks_of(config, set_name, builds)
    if not any(task.build for task in tasks):
        progress.say("The build is empty: what is checked is the reference itself")
    for outcome in outcomes:
        progress.say(told(outcome))
    turned = 1 if matrix != "none" else 0
    jobs = [partial(determinism, processes, scratch, task, matrix) for task in tasks[:turned]]
    jobs += [
        partial(parity, processes, scratch / f"parity-{number}", batch, fail_fast=fail_fast)
        for number, batch in enumerate(_batches(tasks[turned:]))
    ]
    told_of = f", and turning every knob of the {matrix} matrix for {tasks[0].name}" if tasks and turned else ""
    with progress.stage(f"Checking {counted(len(tasks), 'build')} on golden sets{told_of}"):
        for outcome in _done(processes, jobs):
            progress.say(told(outcome))
            outcomes.append(outcome)
            progress.tick(f"{sum(one.kind == PARITY for one in outcomes)} of {len(tasks)}")
    return outcomes


def _done(processes: Processes, jobs: Sequence[Callable[[], list[Outcome]]]) -> Iterator[Outcome]:
    """Do jobs, two at a time, and yield what came of them, in order; the matrix is one that has idle moments."""
    with ThreadPoolExecutor(2) as pool:
        try:
            for outcomes in pool.map(lambda job: job(), jobs):
                yield from outcomes
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            processes.stop()
            raise


def refuse(outcomes: Sequence[Outcome]) -> None:
    """Raise where something failed.

    Raises:
        CheckError: with the names of what failed.
    """
    if failed := failures(outcomes):
        names = [f"{outcome.label} ({outcome.verdict.lower()})" for outcome in failed]
        rest = [f"and {len(names) - _NAMED} more"] if len(names) > _NAMED else []
        raise CheckError(f"{len(failed)} failed: {'; '.join([*names[:_NAMED], *rest])}")


def parity(processes: Processes, scratch: Path, batch: Sequence[Task], *, fail_fast: bool) -> list[Outcome]:
    """Hold the builds of a batch to their golden set, in one process."""
    start = time.perf_counter()
    builds = {task.name: task.build for task in batch}
    results = check_builds(batch[0].golden, processes, builds, scratch, twice=batch[0].twice, fail_fast=fail_fast)
    took = time.perf_counter() - start
    return [_parity(task, results[task.name], took / len(batch)) for task in batch]


def _batches(tasks: Sequence[Task]) -> Iterator[Sequence[Task]]:
    """Yield the tasks that are run alike in parts of about the same size: large data first, since it takes longest."""
    kinds = dict.fromkeys((task.set, task.twice) for task in tasks)
    for kind in sorted(
        kinds, key=lambda kind: all(task.golden.spec.keep_outputs for task in tasks if task.set == kind[0])
    ):
        its = [task for task in tasks if (task.set, task.twice) == kind]
        parts = math.ceil(len(its) / _AT_ONCE)
        for part in range(parts):
            yield its[part * len(its) // parts : (part + 1) * len(its) // parts]


def _parity(task: Task, result: CheckResult, seconds: float) -> Outcome:
    """Return what came of a build; `seconds` is its share of the time of a process that has held several."""
    return replace(
        task.outcome(PARITY, ok=result.exact, seconds=seconds),
        scenarios=result.cases,
        divergence=result.divergence,
        error=result.error,
        failed=result.failed,
        cases=task.cases,
    )


def determinism(processes: Processes, scratch: Path, task: Task, matrix: str) -> list[Outcome]:
    """Hold a build to a golden set in every cell of the matrix; return what came of parity, of the matrix, or of both.

    Where parity fails in the same way each time, there is no more to be said of other environments; where it fails in
    another way each time, that is no parity to speak of.
    """
    start = time.perf_counter()
    result, found = examine(task.golden, processes, task.build, scratch / "matrix", matrix=matrix)
    seconds = time.perf_counter() - start
    if found is None:
        return [_parity(task, result, seconds)]
    cells = replace(
        task.outcome(DETERMINISM, ok=found.holds, seconds=seconds),
        scenarios=found.cells * result.cases,
        divergence=found.divergence,
        error=found.differing,
        notes=found.no_effect,
    )
    return [_parity(task, result, 0.0), cells] if result.exact else [cells]


def check_data(config: Config, processes: Processes, workload: Workload, scratch: Path, progress: Progress) -> None:
    """Compare the accepted build with the reference on any data.

    Raises:
        CheckError: where they differ.
    """
    build = tuple(config.subject.accepted())
    label = workload.case_name
    with progress.stage(f"Comparing the accepted build with the reference on {label}"):
        divergence = compare(
            processes,
            workload.cases()[-1],
            control=(),
            candidate=build,
            scratch=scratch / "compare",
            name=label,
            tell=lambda note: progress.say(f"  {note}"),
        )
    if divergence is not None:
        progress.say(f"DIVERGED   {label}   build: [{', '.join(build)}]\n{divergence}")
        raise CheckError(f"the accepted build differs from the reference on {label}")
    progress.say(f"EXACT      {label}: the accepted build gives the reference's bits")
