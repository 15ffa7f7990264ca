"""One candidate against its control: proof first, then time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from optimizer.benchmark import Arm, Workload, measure
from optimizer.decision import Evidence
from optimizer.determinism import examine
from optimizer.errors import CheckError, InputError
from optimizer.golden import Golden, read_outputs
from optimizer.parity import Divergence, first_divergence
from optimizer.processes import Processes
from optimizer.subject import Build, Subject

CONTROL, CANDIDATE, AGAIN = "control", "candidate", "control again"


@dataclass(frozen=True)
class Bench:
    """What every experiment of a run shares; `expected` has the digests of the reference on the workload."""

    subject: Subject
    processes: Processes
    golden: Golden
    workload: Workload
    expected: Mapping[str, str]
    scratch: Path
    tick: Callable[[str], None]


@dataclass(frozen=True)
class Trial:
    """The evidence on a candidate, and the repeated control where it was asked for."""

    evidence: Evidence
    control_again: Arm | None


def run_trial(bench: Bench, name: str, control: Build, candidate: Build, *, repeat_control: bool, seed: int) -> Trial:
    """Hold a candidate to the golden set and the matrix, then measure it against its control."""
    scratch = bench.scratch / name.replace("/", "-")
    scenarios = len(bench.golden.spec.cases) + 1
    bench.tick("parity with the golden set, and determinism")
    result, determinism = examine(bench.golden, bench.processes, candidate, scratch / "golden")
    evidence = Evidence(scenarios=scenarios, error=result.error, determinism=determinism)
    if result.failed and not result.error:
        cases = f"{len(result.failed)} of {result.cases} golden scenarios differ ({', '.join(result.failed)})"
        evidence = replace(evidence, diverged=cases, divergence=result.divergence)
    if determinism is None or not determinism.holds:
        return Trial(evidence, None)
    builds = {CONTROL: control, CANDIDATE: candidate} | ({AGAIN: control} if repeat_control else {})
    arms = measure(bench.processes, bench.workload, builds, judged=(CONTROL, CANDIDATE), seed=seed, tick=bench.tick)
    evidence = replace(evidence, before=arms[CONTROL], after=arms[CANDIDATE])
    return Trial(_with_parity(bench, evidence, arms, scratch), arms.get(AGAIN))


def _with_parity(bench: Bench, evidence: Evidence, arms: Mapping[str, Arm], scratch: Path) -> Evidence:
    """Add what the measured runs say of exactness: every one must have given the bits of the run's first control.

    Raises:
        CheckError: where the control itself fails, or gives other bits, so that nothing can be said.
    """
    for name, arm in arms.items():
        if arm.error and name != CANDIDATE:
            raise CheckError(f"the control [{', '.join(arm.build)}] failed while it was measured: {arm.error}")
        if name != CANDIDATE and any(digests != bench.expected for digests in arm.digests()):
            divergence = _compared(bench, arm.build, scratch)
            raise CheckError(
                f"the control [{', '.join(arm.build)}] does not give the bits of the reference\n{divergence}"
            )
    candidate = arms[CANDIDATE]
    if candidate.error:
        return replace(evidence, error=candidate.error)
    if all(digests == bench.expected for digests in candidate.digests()):
        return evidence
    divergence = _compared(bench, candidate.build, scratch)
    return replace(evidence, diverged="the measured runs differ from the reference's", divergence=divergence)


def _compared(bench: Bench, build: Build, scratch: Path) -> Divergence | None:
    stages = bench.subject.stages
    return compare(bench.processes, bench.workload, stages, control=(), candidate=build, scratch=scratch / "compare")


def compare(
    processes: Processes,
    workload: Workload,
    stages: Sequence[str],
    *,
    control: Build,
    candidate: Build,
    scratch: Path,
    tell: Callable[[str], None] = lambda _: None,
) -> Divergence | None:
    """Run two builds on a workload, each twice in its process, and return the first place where they differ.

    `tell` is given what was done to the data on loading it.

    Raises:
        InputError: where the control refuses the data.
        CheckError: where a build fails, or gives two results.
    """
    case: dict[str, Any] = {"input": "workload", **workload.job()}
    for side, build in (("control", control), ("candidate", candidate)):
        seen = processes.run("outputs", build, {"cases": [case], "keep": "all", "folder": str(scratch / side)})
        found = seen.result["cases"][0] if seen.result else {"error": {"type": "no result", "text": seen.error}}
        if error := found.get("error"):
            if error.get("refused") and side == "control":
                raise InputError(error["what"], where=error["where"], hint=error["hint"])
            raise CheckError(f"the {side} failed on {workload.scenario}: {error['type']}: {error['text']}")
        if side == "control" and found["digests"] != found["again"]:
            raise CheckError(f"the control gives two results on {workload.scenario}")
        if side == "control":
            for note in found["notes"]:
                tell(note)
        case["expected"] = found["digests"]
    return first_divergence(
        expected=read_outputs(scratch / "control" / "workload" / workload.scenario),
        obtained=read_outputs(scratch / "candidate" / "workload" / workload.scenario),
        stages=stages,
        case=f"{Path(workload.data).name}/{workload.scenario}",
    )
