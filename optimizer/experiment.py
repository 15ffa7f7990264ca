"""One candidate against its control: proof first, then time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from optimizer.benchmark import Arm, Workload, measure
from optimizer.comparing import compare
from optimizer.decision import Evidence
from optimizer.determinism import examine
from optimizer.errors import CheckError, InputError
from optimizer.golden import Golden
from optimizer.parity import Divergence
from optimizer.processes import Processes
from optimizer.stats import Plan
from optimizer.subject import Build, Subject

CONTROL, CANDIDATE, AGAIN = "control", "candidate", "control again"


Expected = Mapping[tuple[str, str], Mapping[str, str]]
"""The digests of the outputs that the reference gives, by data file and scenario."""


@dataclass(frozen=True)
class Bench:
    """What every experiment of a run shares."""

    subject: Subject
    processes: Processes
    golden: Golden
    expected: Expected
    scratch: Path
    tick: Callable[[str], None]
    matrix: str = "quick"

    def differing(self, arm: Arm) -> str | None:
        """Return the first scenario on which a measured run did not give the reference's bits."""
        wanted = self.expected
        data = arm.workload.data
        return next((scenario for scenario, digests in arm.digests() if digests != wanted[data, scenario]), None)


def digests_under(processes: Processes, build: Build, workloads: Sequence[Workload]) -> Expected:
    """Run the scenarios of workloads once under a build, and return the digests of their outputs.

    Raises:
        InputError: where the data is refused.
        CheckError: where a scenario fails.
    """
    cases = {(case["data"], case["scenario"]): case for workload in workloads for case in workload.cases()}
    seen = processes.run("outputs", build, {"cases": list(cases.values()), "keep": "none", "twice": False})
    if seen.result is None:
        raise CheckError(f"the build [{', '.join(build)}] failed: {seen.error}")
    found = {}
    for key, observed in zip(cases, seen.result["cases"], strict=True):
        if error := observed.get("error"):
            if error["refused"]:
                raise InputError(error["what"], where=error["where"], hint=error["hint"])
            raise CheckError(f"the build [{', '.join(build)}] failed on {key[1]}: {error['type']}: {error['text']}")
        found[key] = observed["digests"]
    return found


@dataclass(frozen=True)
class Trial:
    """The evidence on a candidate, and the repeated control where it was asked for."""

    evidence: Evidence
    control_again: Arm | None


def run_trial(
    bench: Bench,
    name: str,
    workload: Workload,
    control: Build,
    candidate: Build,
    *,
    repeat_control: bool,
    seed: int,
    plan: Plan,
    deadline: float | None = None,
) -> Trial:
    """Hold a candidate to the golden set and the matrix, then measure it against its control until the deadline."""
    scratch = bench.scratch / name.replace("/", "-")
    scenarios = len(bench.golden.spec.cases) + len(workload.scenarios)
    bench.tick("parity with the golden set, and determinism")
    result, determinism = examine(bench.golden, bench.processes, candidate, scratch / "golden", matrix=bench.matrix)
    evidence = Evidence(scenarios=scenarios, determinism=determinism, plan=plan)
    if determinism is not None:
        evidence = replace(evidence, divergence=determinism.divergence)
    elif result.error:
        evidence = replace(evidence, error=result.error)
    elif result.failed:
        cases = f"{len(result.failed)} of {result.cases} golden scenarios differ ({', '.join(result.failed)})"
        evidence = replace(evidence, diverged=cases, divergence=result.divergence)
    if determinism is None or not determinism.holds:
        return Trial(evidence, None)
    arms = measure(
        bench.processes,
        workload,
        {CONTROL: control, CANDIDATE: candidate} | ({AGAIN: control} if repeat_control else {}),
        judged=(CONTROL, CANDIDATE),
        seed=seed,
        tick=bench.tick,
        caches=scratch / "caches",
        plan=plan,
        deadline=deadline,
    )
    evidence = replace(evidence, before=arms[CONTROL], after=arms[CANDIDATE])
    return Trial(_with_parity(bench, evidence, arms, scratch), arms.get(AGAIN))


def _with_parity(bench: Bench, evidence: Evidence, arms: Mapping[str, Arm], scratch: Path) -> Evidence:
    """Add what the measured runs say of exactness: every one must have given the bits of the reference.

    Raises:
        CheckError: where the control itself fails, or gives other bits, so that nothing can be said.
    """
    for name, arm in arms.items():
        if name == CANDIDATE:
            continue
        if arm.error:
            raise CheckError(f"the control [{', '.join(arm.build)}] failed while it was measured: {arm.error}")
        if scenario := bench.differing(arm):
            divergence = _compared(bench, arm, scenario, scratch)
            raise CheckError(
                f"the control [{', '.join(arm.build)}] does not give the bits of the reference\n{divergence}"
            )
    candidate = arms[CANDIDATE]
    if candidate.error:
        return replace(evidence, error=candidate.error)
    scenario = bench.differing(candidate)
    if scenario is None:
        return evidence
    divergence = _compared(bench, candidate, scenario, scratch)
    return replace(
        evidence, diverged=f"the measured runs of {scenario} differ from the reference's", divergence=divergence
    )


def _compared(bench: Bench, arm: Arm, scenario: str, scratch: Path) -> Divergence | None:
    workload = replace(arm.workload, scenario=scenario)
    return compare(
        bench.processes,
        workload.cases()[-1],
        control=(),
        candidate=arm.build,
        scratch=scratch / "compare",
        name=workload.case_name,
    )
