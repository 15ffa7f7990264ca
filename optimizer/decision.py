"""The decision: all that was found out about a candidate, and the verdict with its reason, as one value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from optimizer.benchmark import COLD, EFFECT, FIGURES, LOAD, RUN, Arm, is_clear, ratio_of
from optimizer.determinism import Determinism
from optimizer.parity import Divergence
from optimizer.stats import Ratio

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

    def ratio(self) -> Ratio | None:
        """Return the control's time over the candidate's, for the figure that is judged."""
        return self._of(Arm.judged)

    def whole_ratio(self) -> Ratio | None:
        """Return the same for loading, a run and its tables together."""
        return self._of(Arm.whole)

    def other_ratios(self) -> dict[str, Ratio]:
        """Return the same for a warm run of each other scenario."""
        if self.before is None:
            return {}
        workload = self.before.workload
        found = {f"{one}, {FIGURES[RUN]}": self._of(_warm_of(one)) for one in workload.scenarios[:-1]}
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

    def peak_ratio(self) -> Ratio | None:
        """Return the control's peak memory over the candidate's."""
        return self._of(Arm.peak)

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
    ratio, whole, peak = evidence.ratio(), evidence.whole_ratio(), evidence.peak_ratio()
    if ratio is None or whole is None or peak is None:
        return Decision(Verdict.FAILED, "too few processes ended for an interval")
    effect = f"{EFFECT - 1:.0%}"
    judged = evidence.before.workload.label if evidence.before else ""
    told = f"{ratio} on {judged}, {ratio.pairs} pairs"
    if ratio.high < 1 / EFFECT:
        return Decision(Verdict.SLOWER, told)
    if ratio.low > EFFECT:
        if whole.high < 1 / WHOLE_EFFECT:
            return Decision(Verdict.SLOWER, f"{told}, but {whole} with loading and laying out the tables")
        for name, other in evidence.other_ratios().items():
            if other.high < 1 / OTHER_EFFECT:
                return Decision(Verdict.SLOWER, f"{told}, but {other} on {name}")
        return Decision(Verdict.FASTER, told)
    if is_clear(ratio):
        if peak.low > LEANER:
            return Decision(Verdict.LEANER, f"less memory, {peak}, and as fast within {effect}: {told}")
        return Decision(Verdict.EQUIVALENT, f"no difference above {effect}: {told}")
    return Decision(Verdict.INCONCLUSIVE, f"the interval holds both a gain and none: {told}")
