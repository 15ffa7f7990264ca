"""The check that CI makes: the accepted build, and each part of it, against every golden set."""

from __future__ import annotations

import time
from collections.abc import Mapping
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


def check_all(
    config: Config,
    processes: Processes,
    scratch: Path,
    progress: Progress,
    set_name: str | None,
    builds: Mapping[str, Build] | None = None,
) -> None:
    """Hold builds to the golden sets, all builds to the sets with kept outputs and the whole one to the others.

    Raises:
        CheckError: where a build does not give the golden bits; the first divergence is printed before.
        InputError: where a golden file is damaged.
    """
    sets = [spec for spec in config.subject.golden_sets() if set_name in (None, spec.name)]
    if not sets:
        known = ", ".join(spec.name for spec in config.subject.golden_sets())
        raise InputError(f"unknown golden set {set_name!r}", hint=f"Choose from {known}")
    builds = builds if builds is not None else builds_to_check(config)
    failures = []
    for spec in sets:
        golden = open_golden(config, spec)
        if golden is None:
            progress.say(f"SKIPPED    {spec.name}: its data is not on this machine ({', '.join(spec.inputs)})")
            continue
        for name, build in builds.items():
            if spec.keep_outputs or build == next(iter(builds.values())):
                failures += _check_one(config, processes, scratch, progress, golden, name, build)
    if failures:
        raise CheckError(f"{len(failures)} failed: {'; '.join(failures)}")


def _check_one(
    config: Config, processes: Processes, scratch: Path, progress: Progress, golden: Golden, name: str, build: Build
) -> list[str]:
    label = f"{golden.spec.name}: {name}" if name else golden.spec.name
    folder = scratch / golden.spec.name / (name.replace("/", "-") or "build")
    start = time.perf_counter()
    with progress.stage(f"Checking {label}"):
        result = check(golden, processes, build, folder)
    if result.exact:
        took = time.perf_counter() - start
        progress.say(f"EXACT      {label}: {result.cases} scenarios, {took:.1f} s")
        return []
    divergence = result.divergence or _against_reference(config, processes, folder, golden, build, result)
    progress.say(report(label, build, result, divergence))
    return [f"{label} ({', '.join(result.failed)})"]


def report(label: str, build: Build, result: CheckResult, divergence: Divergence | None) -> str:
    """Return what failed, where first, and what to type to see it again."""
    head = f"DIVERGED   {label}   build: [{', '.join(build)}]   {len(result.failed)} of {result.cases} scenarios"
    lines = [head, str(divergence)] if divergence else [head]
    if result.error:
        lines.append(f"error      {result.error}")
    return "\n".join([*lines, "reproduce  optimize check"])


def _against_reference(
    config: Config, processes: Processes, folder: Path, golden: Golden, build: Build, result: CheckResult
) -> Divergence | None:
    """Find the divergence by running the reference again, for a set that keeps digests only."""
    if golden.spec.keep_outputs or result.error:
        return None
    input_name, scenario = result.failed[0].split("/")
    workload = Workload(str(golden.inputs[input_name]), golden.spec.on_bad_bars, scenario)
    stages = config.subject.stages
    return compare(processes, workload, stages, control=(), candidate=build, scratch=folder / "compare")


def check_data(config: Config, processes: Processes, workload: Workload, scratch: Path, progress: Progress) -> None:
    """Compare the accepted build with the reference on any data.

    Raises:
        CheckError: where they differ.
    """
    build = tuple(config.subject.accepted())
    label = f"{Path(workload.data).name}/{workload.scenario}"
    with progress.stage(f"Comparing the accepted build with the reference on {label}"):
        stages = config.subject.stages
        divergence = compare(processes, workload, stages, control=(), candidate=build, scratch=scratch / "compare")
    if divergence is not None:
        progress.say(f"DIVERGED   {label}   build: [{', '.join(build)}]\n{divergence}")
        raise CheckError(f"the accepted build differs from the reference on {label}")
    progress.say(f"EXACT      {label}: the accepted build gives the reference's bits")
