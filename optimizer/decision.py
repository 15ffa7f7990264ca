"""The decision: all that was found out about a candidate, and the verdict with its reason, as one value."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from optimizer.benchmark import EFFECT, Arm, is_clear, ratio_of
from optimizer.determinism import Determinism
from optimizer.parity import Divergence
from optimizer.stats import Ratio

WHOLE_EFFECT = 1.1  # a faster run must not be bought with more than a tenth of loading, run and tables together
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

    def ratio(self) -> Ratio | None:
        """Return the control's time over the candidate's, for a warm run."""
        return self._of(Arm.warm)

    def whole_ratio(self) -> Ratio | None:
        """Return the same with loading the data."""
        return self._of(Arm.whole)

    def peak_ratio(self) -> Ratio | None:
        """Return the control's peak memory over the candidate's."""
        return self._of(Arm.peak)

    def _of(self, figure: object) -> Ratio | None:
        if self.before is None or self.after is None or not callable(figure):
            return None
        return ratio_of(figure(self.before), figure(self.after))


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
    told = f"{ratio} on a warm run, {ratio.pairs} pairs"
    if ratio.high < 1 / EFFECT:
        return Decision(Verdict.SLOWER, told)
    if ratio.low > EFFECT:
        if whole.high < 1 / WHOLE_EFFECT:
            return Decision(Verdict.SLOWER, f"{told}, but {whole} with loading and laying out the tables")
        return Decision(Verdict.FASTER, told)
    if is_clear(ratio):
        if peak.low > LEANER:
            return Decision(Verdict.LEANER, f"less memory, {peak}, and as fast within {effect}: {told}")
        return Decision(Verdict.EQUIVALENT, f"no difference above {effect}: {told}")
    return Decision(Verdict.INCONCLUSIVE, f"the interval holds both a gain and none: {told}")
