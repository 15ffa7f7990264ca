"""The decision: all that was found out about a candidate, and the verdict with its reason, as one value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from optimizer.benchmark import (
    COLD,
    EFFECT,
    FIGURES,
    LOAD,
    RUN,
    Arm,
    is_equivalent,
    is_faster,
    is_slower,
    ratio_of,
)
from optimizer.determinism import Determinism
from optimizer.parity import Divergence
from optimizer.stats import Plan, Ratio, plan_for

WHOLE_EFFECT = 1.1  # a faster run must not be bought with more than a tenth of loading, run and tables together
OTHER_EFFECT = 1.25  # nor by making another workload a quarter slower
LEANER = 1.05  # a peak that is 5 % lower is worth a change that is as fast


class Verdict(StrEnum):
    """What a candidate was found to be."""

    FASTER = "faster"
    LEANER = "leaner"
    EQUIVALENT = "equivalent"
    SLOWER = "slower"
    INCONCLUSIVE = "inconclusive"
    DIVERGED = "diverged"
    NONDETERMINISTIC = "nondeterministic"
    FAILED = "failed"


PASSED = (Verdict.FASTER, Verdict.LEANER)
EXACT = (*PASSED, Verdict.EQUIVALENT, Verdict.SLOWER, Verdict.INCONCLUSIVE)
REFUSED = (Verdict.DIVERGED, Verdict.NONDETERMINISTIC, Verdict.SLOWER, Verdict.FAILED)


@dataclass(frozen=True)
class Evidence:
    """All that was measured of one candidate on top of its control."""

    scenarios: int
    divergence: Divergence | None = None
    diverged: str = ""
    error: str = ""
    determinism: Determinism | None = None
    before: Arm | None = None
    after: Arm | None = None
    remarks: tuple[str, ...] = ()
    plan: Plan = field(default_factory=lambda: plan_for(1))

    @property
    def pairs(self) -> int:
        """How many rounds were measured."""
        return min(len(arm.judged()) for arm in (self.before, self.after)) if self.before and self.after else 0

    def bounds(self, figure: Callable[[Arm], list[float]] = Arm.judged) -> Ratio | None:
        """Return the control's figure over the candidate's, with the interval that a verdict may rest on."""
        if self.before is None or self.after is None:
            return None
        return self.plan.bounds(figure(self.before), figure(self.after))

    def ratio(self) -> Ratio | None:
        """Return the control's time over the candidate's, for the figure that is judged, with its 95 % interval."""
        return self._of(Arm.judged)

    def other_ratios(self) -> dict[str, Ratio]:
        """Return the same for a warm run of each other scenario."""
        return self._others(self._of)

    def other_bounds(self) -> dict[str, Ratio]:
        """Return the same with the intervals that a verdict may rest on."""
        return self._others(self.bounds)

    def _others(self, ratio_by: Callable[[Callable[[Arm], list[float]]], Ratio | None]) -> dict[str, Ratio]:
        if self.before is None:
            return {}
        others = self.before.workload.scenarios[:-1]
        found = {f"{one}, {FIGURES[RUN]}": ratio_by(_warm_of(one)) for one in others}
        return {name: ratio for name, ratio in found.items() if ratio is not None}

    def worst(self) -> tuple[str, Ratio] | None:
        """Return where the change does worst, among all that was measured: other scenarios, loading, the first run."""
        if self.before is None:
            return None
        workload = self.before.workload
        found = {workload.label: self.ratio(), **self.other_ratios()}
        if workload.figure != LOAD:
            found[FIGURES[LOAD]] = self._of(Arm.load)
        if workload.figure == RUN:
            found[f"{workload.scenario}, {FIGURES[COLD]}"] = self._of(Arm.cold)
        measured = [(name, ratio) for name, ratio in found.items() if ratio is not None]
        return min(measured, key=lambda one: one[1].median, default=None)

    def _of(self, figure: Callable[[Arm], list[float]]) -> Ratio | None:
        if self.before is None or self.after is None:
            return None
        return ratio_of(figure(self.before), figure(self.after))


def _warm_of(scenario: str) -> Callable[[Arm], list[float]]:
    return lambda arm: arm.warm(scenario)


@dataclass(frozen=True)
class Decision:
    """A verdict and its reason."""

    verdict: Verdict
    reason: str

    @property
    def passed(self) -> bool:
        """Whether the change joins the control."""
        return self.verdict in PASSED


def decide(evidence: Evidence) -> Decision:
    """Return the verdict on a candidate. Exactness comes first: nothing is fast that is wrong."""
    return _on_exactness(evidence) or _on_speed(evidence)


def _on_exactness(evidence: Evidence) -> Decision | None:
    if evidence.error:
        return Decision(Verdict.FAILED, evidence.error)
    if evidence.diverged:
        place = f"; first at {evidence.divergence.place}" if evidence.divergence else ""
        return Decision(Verdict.DIVERGED, f"{evidence.diverged}{place}")
    if evidence.determinism is not None and not evidence.determinism.holds:
        return Decision(Verdict.NONDETERMINISTIC, f"other bits under {evidence.determinism.differing}")
    return None


def _on_speed(evidence: Evidence) -> Decision:
    """Judge by the bounds, which hold for all looks and all candidates of a run together.

    The tests of the whole and of other workloads can only refuse what is faster, and that of memory is asked only
    where the time is equivalent: so an A/A comparison is called faster or slower no more often than its time's bounds
    miss, and leaner no more often than its memory's do.
    """
    if evidence.before is None or evidence.after is None:
        return Decision(Verdict.FAILED, "nothing was measured")
    bounds, whole, peak = evidence.bounds(), evidence.bounds(Arm.whole), evidence.bounds(Arm.peak)
    if bounds is None or whole is None or peak is None:
        first = evidence.plan.looks[0]
        told = f"too few pairs within the budget: {evidence.pairs}, and an interval takes {first}"
        return Decision(Verdict.INCONCLUSIVE, told)
    told = f"{bounds} on {evidence.before.workload.label}, {bounds.pairs} pairs"
    if is_slower(bounds):
        return Decision(Verdict.SLOWER, told)
    if is_faster(bounds):
        return _unless_elsewhere(evidence, whole, told)
    if is_equivalent(bounds):
        effect = f"{EFFECT - 1:.0%}"
        if peak.low > LEANER:
            return Decision(Verdict.LEANER, f"less memory, {peak}, and as fast within {effect}: {told}")
        return Decision(Verdict.EQUIVALENT, f"no difference above {effect}: {told}")
    return Decision(Verdict.INCONCLUSIVE, f"the interval holds both a gain and none: {told}")


def _unless_elsewhere(evidence: Evidence, whole: Ratio, told: str) -> Decision:
    """Return faster, unless that is bought too dearly elsewhere."""
    if whole.high < 1 / WHOLE_EFFECT:
        return Decision(Verdict.SLOWER, f"{told}, but {whole} with loading and laying out the tables")
    for name, other in evidence.other_bounds().items():
        if other.high < 1 / OTHER_EFFECT:
            return Decision(Verdict.SLOWER, f"{told}, but {other} on {name}")
    return Decision(Verdict.FASTER, told)
