"""Measuring a notice's change anew: control, candidate and control again, on the workload that the notice names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from optimizer.benchmark import FIGURES, Arm, Workload, is_faster, is_slower, measure
from optimizer.decision import Evidence, Verdict, decide
from optimizer.ecn_front import Front
from optimizer.experiment import AGAIN, CANDIDATE, CONTROL, digests_under
from optimizer.processes import Processes
from optimizer.stats import Ratio
from optimizer.subject import Subject
from optimizer.verification import Line, Standing

TOLERANCE = 1.1
"""By how much a ratio measured anew on the same hardware may lie beyond the claimed interval.

The interval is one over the processes of one run; between runs hours apart a machine's state moves the ratio, too.
Where the same optimization was measured in two runs, on builds and sources that hardly differ (ECN-0002 to ECN-0007
against ECN-0012, 0013, 0015, 0016, 0017 and 0022; ECN-0010, 0014, 0019, 0020 and 0024 against ECN-0026, 0030, 0035,
0036 and 0034), the median moved by 1 to 8 %. A tenth is above the largest of them.
"""
VERDICT, RATIO, AA, BITS = "verdict", "ratio", "A/A", "outputs"


def workload_of(subject: Subject, claimed: Mapping[str, Any], data: Path, folder: Path) -> Workload:
    """Return the workload that a notice names, with the data in the form that it was judged in."""
    form = claimed.get("form")
    if form:
        target = folder / "data" / f"{data.stem}{form}"
        target.parent.mkdir(parents=True, exist_ok=True)
        subject.write_as(str(form), data, target)
        data = target
    bad = str(claimed["on_bad_bars"])
    return Workload(str(data), bad, str(claimed["scenario"]), str(claimed["figure"]), subject.common_scenarios)


def workload_fault(subject: Subject, claimed: Mapping[str, Any]) -> str:
    """Return what this engine does not know of the workload that a notice names, or nothing."""
    if claimed.get("scenario") not in subject.scenarios():
        return f"the engine has no scenario {claimed.get('scenario')!r}"
    if claimed.get("figure") not in FIGURES:
        return f"there is no figure {claimed.get('figure')!r}"
    if claimed.get("on_bad_bars") not in ("refuse", "drop"):
        return f"there is no way {claimed.get('on_bad_bars')!r} with bad bars"
    return ""


def digests_of(processes: Processes, front: Front, workload: Workload) -> dict[str, Mapping[str, str]]:
    """Return the digests that the notice's build gives, by scenario of the workload.

    Raises:
        InputError, CheckError: where it refuses the data, or fails.
    """
    found = digests_under(processes, front.build_after, [workload])
    return {scenario: digests for (_, scenario), digests in found.items()}


def timing_lines(
    processes: Processes,
    front: Front,
    workload: Workload,
    expected: Mapping[str, Mapping[str, str]],
    folder: Path,
    *,
    tick: Callable[[str], None],
    same_machine: bool,
) -> list[Line]:
    """Measure anew and return how the verdict and the ratio stand."""
    builds = {CONTROL: front.build_before, CANDIDATE: front.build_after, AGAIN: front.build_before}
    arms = measure(
        processes, workload, builds, judged=(CONTROL, CANDIDATE), seed=0, tick=tick, caches=folder / "caches"
    )
    if wrong := _wrong(arms, expected):
        return [wrong]
    before, after, again = arms[CONTROL], arms[CANDIDATE], arms[AGAIN]
    evidence = Evidence(scenarios=len(workload.scenarios), before=before, after=after)
    aa = evidence.plan.bounds(before.judged(), again.judged())
    if aa is None:
        return [Line(AA, Standing.UNCHECKED, "too few pairs for an interval")]
    if is_faster(aa) or is_slower(aa):
        told = f"{aa}: the control differs from itself here; measure when the machine is quiet"
        return [Line(AA, Standing.VOID, told)]
    found, ratio = decide(evidence), evidence.bounds()
    lines = [Line(AA, Standing.HOLDS, f"the control measured against itself: {aa}, no difference")]
    lines.append(verdict_line(front.verdict, found.verdict, found.reason))
    if ratio is not None and front.ratio is not None:
        lines.append(ratio_line(front, ratio, same_machine=same_machine))
    return lines


def verdict_line(claimed: str, found: Verdict, reason: str) -> Line:
    """Return whether what was measured confirms a verdict; the rule is the one that the run itself has used."""
    told = f"{found} measured anew, {reason}"
    if found == claimed:
        return Line(VERDICT, Standing.HOLDS, told)
    if found == Verdict.INCONCLUSIVE:
        return Line(VERDICT, Standing.UNCHECKED, f"{claimed} claimed; {told}")
    if claimed == Verdict.INCONCLUSIVE:
        return Line(VERDICT, Standing.DIFFERS, f"{claimed} claimed; {told}: measure it anew with optimize")
    return Line(VERDICT, Standing.FAILS, f"{claimed} claimed; {told}")


def ratio_line(front: Front, ratio: Ratio, *, same_machine: bool) -> Line:
    """Return whether a ratio measured anew lies in the claimed interval, widened by the tolerance at both ends.

    On other hardware a ratio may be another one, by other caches and other cores: that is told, and no failure.
    """
    low, high = front.bounds or front.ci95 or (front.ratio or 1.0, front.ratio or 1.0)
    told = f"{ratio} measured anew, {front.ratio:.3g}x ({low:.3g} to {high:.3g}) claimed"
    if low / TOLERANCE <= ratio.median <= high * TOLERANCE:
        return Line(RATIO, Standing.HOLDS, f"{told}: within a tenth of that interval")
    if not same_machine:
        return Line(RATIO, Standing.DIFFERS, f"{told}: on other hardware")
    return Line(RATIO, Standing.FAILS, f"{told}: beyond a tenth of that interval")


def _wrong(arms: Mapping[str, Arm], expected: Mapping[str, Mapping[str, str]]) -> Line | None:
    for name, arm in arms.items():
        if arm.error:
            return Line(BITS, Standing.FAILS, f"{name} failed while it was measured: {arm.error}")
        if scenario := next((one for one, digests in arm.digests() if digests != expected[one]), None):
            return Line(BITS, Standing.FAILS, f"the measured runs of {scenario} gave other bits, {name}")
    return None
