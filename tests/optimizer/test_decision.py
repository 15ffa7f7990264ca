"""A decision is made of the evidence alone, and carries its reason."""

from __future__ import annotations

from dataclasses import replace

import pytest

from optimizer.benchmark import COLD, LOAD, Arm, Workload
from optimizer.decision import Evidence, Verdict, decide
from optimizer.determinism import Determinism
from optimizer.parity import Divergence
from optimizer.processes import Observation
from optimizer.stats import plan_for

SOUND = Determinism(cells=7, identical=7, no_effect=(), differing="", compile_seconds=0.0)
PLACE = Divergence("fills", "price", "2011-08-08", "BAC", "1.0", "2.0", "", "3 fills")


def runs_of(*seconds: float) -> list[dict[str, object]]:
    return [{"wall_ns": one * 1e9, "tables_ns": 0, "digests": {}} for one in seconds]


def arm(
    warm: list[float], *, load: float = 0.1, peak: int = 100, cold: float = 1.0, other: float = 1.0, figure: str = "run"
) -> Arm:
    """Return nine processes or so, with another scenario beside the judged one."""
    seen = [
        Observation(
            {"load_ns": load * 1e9, "runs": {"small": runs_of(other, other), "cross": runs_of(cold, one)}}, "", {}, peak
        )
        for one in warm
    ]
    return Arm((), Workload("prices.parquet", "refuse", "cross", figure, ("small",)), seen)


def evidence(before: Arm, after: Arm) -> Evidence:
    return Evidence(scenarios=16, determinism=SOUND, before=before, after=after)


CONTROL = arm([1.0] * 9)


@pytest.mark.parametrize(
    ("after", "verdict"),
    [
        (arm([0.5] * 9), Verdict.FASTER),
        (arm([0.97] * 9), Verdict.FASTER),
        (arm([1.01] * 9), Verdict.EQUIVALENT),
        (arm([1.0] * 9, peak=90), Verdict.LEANER),
        (arm([1.5] * 9), Verdict.SLOWER),
        (arm([*[0.5] * 8, 1.1]), Verdict.INCONCLUSIVE),
        (arm([0.9] * 9, load=0.5), Verdict.SLOWER),
        (arm([0.5] * 9, other=1.5), Verdict.SLOWER),
        (arm([0.5] * 9, other=1.1), Verdict.FASTER),
        (arm([0.5] * 8), Verdict.INCONCLUSIVE),
    ],
)
def test_the_verdict_follows_from_the_interval(after: Arm, verdict: Verdict) -> None:
    decision = decide(evidence(CONTROL, after))
    assert decision.verdict is verdict
    assert decision.reason


def test_too_few_pairs_are_never_a_verdict() -> None:
    """Eight pairs, each twice as fast, are fewer than the first look takes."""
    decision = decide(evidence(CONTROL, arm([0.5] * 8)))
    assert decision.reason == "too few pairs within the budget: 8, and an interval takes 9"


def test_the_verdict_rests_on_the_bounds_and_not_on_the_plain_interval() -> None:
    """Of nine pairs the plain 95 % interval leaves out the two at the ends; the bounds leave out none."""
    found = evidence(CONTROL, arm([*[0.5] * 8, 1.1]))
    ratio, bounds = found.ratio(), found.bounds()
    assert ratio is not None
    assert bounds is not None
    assert ratio.low == 2.0
    assert bounds.low < 1.0
    assert decide(found).verdict is Verdict.INCONCLUSIVE


def test_more_candidates_ask_for_more_pairs() -> None:
    """Nine pairs suffice where one candidate is judged, and not where fifteen are."""
    found = evidence(CONTROL, arm([0.5] * 9))
    assert decide(found).verdict is Verdict.FASTER
    assert decide(replace(found, plan=plan_for(15))).verdict is Verdict.INCONCLUSIVE


def test_what_was_not_measured_has_failed() -> None:
    assert decide(Evidence(scenarios=16, determinism=SOUND)).verdict is Verdict.FAILED


@pytest.mark.parametrize(
    ("figure", "after", "verdict"),
    [
        (LOAD, {"load": 0.05}, Verdict.FASTER),
        (LOAD, {"cold": 0.1}, Verdict.EQUIVALENT),
        (COLD, {"cold": 0.5}, Verdict.FASTER),
        (COLD, {"load": 0.01}, Verdict.EQUIVALENT),
    ],
)
def test_the_figure_of_the_workload_is_judged(figure: str, after: dict[str, float], verdict: Verdict) -> None:
    before = arm([1.0] * 9, figure=figure)
    assert decide(evidence(before, arm([1.0] * 9, figure=figure, **after))).verdict is verdict


def test_the_worst_workload_is_told() -> None:
    found = evidence(CONTROL, arm([0.5] * 9, other=1.2, load=0.11))
    name, ratio = found.worst() or ("", None)
    assert name.startswith("small")
    assert ratio is not None
    assert ratio.median == pytest.approx(1 / 1.2)


def test_a_slower_first_run_is_told_and_does_not_decide() -> None:
    found = evidence(CONTROL, arm([0.5] * 9, cold=2.0))
    name, ratio = found.worst() or ("", None)
    assert name == "cross, the first run, caches empty"
    assert ratio is not None
    assert ratio.median == pytest.approx(0.5)
    assert decide(found).verdict is Verdict.FASTER


def test_nothing_is_fast_that_is_wrong() -> None:
    fast = evidence(CONTROL, arm([0.1] * 9))
    wrong = decide(replace(fast, diverged="1 of 15 golden scenarios differ", divergence=PLACE))
    assert wrong.verdict is Verdict.DIVERGED
    assert "2011-08-08  symbol BAC  fills.price" in wrong.reason
    unstable = decide(replace(fast, determinism=replace(SOUND, identical=6, differing="hash seed 2: market/level")))
    assert unstable.verdict is Verdict.NONDETERMINISTIC
    assert "hash seed 2" in unstable.reason
    assert decide(replace(fast, error="KeyError: 'A'")).verdict is Verdict.FAILED


def test_only_faster_and_leaner_join_the_build() -> None:
    passed = {verdict for verdict in Verdict if replace(decide(evidence(CONTROL, CONTROL)), verdict=verdict).passed}
    assert passed == {Verdict.FASTER, Verdict.LEANER}
