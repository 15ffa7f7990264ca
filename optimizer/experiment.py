"""One candidate against its control: proof first, then time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from optimizer.benchmark import Arm, Workload, measure
from optimizer.decision import Evidence
from optimizer.determinism import examine
from optimizer.errors import CheckError
from optimizer.golden import Golden, read_outputs
from optimizer.parity import Divergence, first_divergence
from optimizer.processes import Processes
from optimizer.subject import Build, Subject

CONTROL, CANDIDATE, AGAIN = "control", "candidate", "control again"


@dataclass(frozen=True)
class Bench:
    """What every experiment of a run shares."""

    subject: Subject
    processes: Processes
    golden: Golden
    workload: Workload
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
    return Trial(_with_parity(bench, evidence, scratch), arms.get(AGAIN))


def _with_parity(bench: Bench, evidence: Evidence, scratch: Path) -> Evidence:
    """Add what the measured runs say of exactness: every one must have given the control's bits."""
    assert evidence.before is not None  # noqa: S101 - the caller has just set them
    assert evidence.after is not None  # noqa: S101
    if failure := evidence.before.error or evidence.after.error:
        return replace(evidence, error=failure)
    expected = evidence.before.digests()[0]
    if all(digests == expected for digests in evidence.before.digests() + evidence.after.digests()):
        return evidence
    divergence = compare(
        bench.processes,
        bench.workload,
        bench.subject.stages,
        control=evidence.before.build,
        candidate=evidence.after.build,
        scratch=scratch / "compare",
    )
    return replace(evidence, diverged="the measured runs differ from the control's", divergence=divergence)


def compare(
    processes: Processes, workload: Workload, stages: Sequence[str], *, control: Build, candidate: Build, scratch: Path
) -> Divergence | None:
    """Run two builds on a workload and return the first place where they differ.

    Raises:
        CheckError: where a build fails.
    """
    job = {"cases": [{"input": "workload", **workload.job()}], "keep": "all"}
    for side, build in (("control", control), ("candidate", candidate)):
        seen = processes.run("outputs", build, job | {"folder": str(scratch / side)})
        case = seen.result["cases"][0] if seen.result else {"error": {"type": "no result", "text": seen.error}}
        if error := case.get("error"):
            raise CheckError(f"the {side} failed on {workload.scenario}: {error['type']}: {error['text']}")
    return first_divergence(
        expected=read_outputs(scratch / "control" / "workload" / workload.scenario),
        obtained=read_outputs(scratch / "candidate" / "workload" / workload.scenario),
        stages=stages,
        case=f"{Path(workload.data).name}/{workload.scenario}",
    )
