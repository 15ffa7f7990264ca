"""Measuring stops when it may, and never says more than the pairs do."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from optimizer.benchmark import Arm, Workload, measure
from optimizer.decision import Evidence, Verdict, decide
from optimizer.processes import Observation
from optimizer.stats import Plan, plan_for
from optimizer.subject import Build

WORKLOAD = Workload("bars.parquet", "refuse", "level")
CONTROL, CANDIDATE = "control", "candidate"


class Played:
    """Processes that report given times, one after the other for each build."""

    def __init__(self, seconds_of: Callable[[str, int], float], pause: float = 0.0) -> None:
        self.seconds_of = seconds_of
        self.pause = pause
        self.started: list[str] = []

    def run(
        self,
        task: str,
        build: Build,
        job: Mapping[str, Any],
        env: Mapping[str, str] | None = None,  # noqa: ARG002 - the times are given
        caches: Path | None = None,  # noqa: ARG002
    ) -> Observation:
        """Report the next time of a build."""
        assert task == "measure"
        name = build[0]
        wall = self.seconds_of(name, self.started.count(name)) * 1e9
        self.started.append(name)
        time.sleep(self.pause)
        runs = [{"wall_ns": wall, "cpu_ns": wall / 2, "tables_ns": 0, "digests": {}}] * 3
        return Observation({"load_ns": 10**6, "runs": {job["scenarios"][-1]: runs}}, "", {}, 1)


def measured(
    processes: Played, *, judged: tuple[str, str] | None = (CONTROL, CANDIDATE), **options: Any
) -> dict[str, Arm]:
    builds = {name: (name,) for name in (CONTROL, CANDIDATE)}
    return measure(processes, WORKLOAD, builds, judged=judged, seed=1, tick=lambda _: None, caches=Path(), **options)


def verdict_of(arms: dict[str, Arm], plan: Plan | None = None) -> Verdict:
    return decide(Evidence(1, before=arms[CONTROL], after=arms[CANDIDATE], plan=plan or plan_for(1))).verdict


@pytest.mark.parametrize(
    ("candidate", "verdict"), [(0.5, Verdict.FASTER), (1.5, Verdict.SLOWER), (1.001, Verdict.EQUIVALENT)]
)
def test_it_stops_at_the_first_look_that_is_clear(candidate: float, verdict: Verdict) -> None:
    arms = measured(Played(lambda name, _: candidate if name == CANDIDATE else 1.0))
    assert len(arms[CONTROL].judged()) == plan_for(1).looks[0]
    assert verdict_of(arms) is verdict


def test_what_is_not_clear_is_measured_up_to_the_last_look() -> None:
    arms = measured(Played(lambda name, number: 1.0 + 0.3 * (number % 2) if name == CANDIDATE else 1.15))
    assert len(arms[CONTROL].judged()) == plan_for(1).looks[-1]
    assert verdict_of(arms) is Verdict.INCONCLUSIVE


def test_it_goes_on_where_a_look_is_not_clear_and_stops_where_a_later_one_is() -> None:
    """One outlier makes the first looks unclear; a later one leaves it out."""
    plan = plan_for(1)
    arms = measured(Played(lambda name, number: (3.0 if number == 0 else 0.5) if name == CANDIDATE else 1.0))
    clear = next(look for look, skip in zip(plan.looks, plan.skips, strict=True) if skip > 0)
    assert len(arms[CONTROL].judged()) == clear
    assert verdict_of(arms) is Verdict.FASTER


def test_more_candidates_are_looked_at_later() -> None:
    plan = plan_for(15)
    arms = measured(Played(lambda name, _: 0.5 if name == CANDIDATE else 1.0), plan=plan)
    assert len(arms[CONTROL].judged()) == plan.looks[0] > plan_for(1).looks[0]


def test_without_judged_arms_it_does_exactly_the_rounds_it_is_told() -> None:
    arms = measured(Played(lambda name, _: 0.5 if name == CANDIDATE else 1.0), judged=None, most_rounds=11)
    assert [len(arm.judged()) for arm in arms.values()] == [11, 11]


def test_a_deadline_that_has_passed_leaves_one_round_and_no_verdict() -> None:
    arms = measured(Played(lambda name, _: 0.1 if name == CANDIDATE else 1.0), deadline=time.monotonic() - 1.0)
    assert len(arms[CONTROL].judged()) == 1
    assert verdict_of(arms) is Verdict.INCONCLUSIVE


def test_no_round_is_started_that_would_end_after_the_deadline() -> None:
    processes = Played(lambda name, _: 0.1 if name == CANDIDATE else 1.0, pause=0.05)
    end = time.monotonic() + 0.35
    arms = measured(processes, deadline=end)
    assert 1 <= len(arms[CONTROL].judged()) <= 3
    assert len(arms[CONTROL].judged()) == len(arms[CANDIDATE].judged())


def test_between_two_looks_the_pairs_after_the_earlier_do_not_count() -> None:
    """A deadline after 12 rounds: the interval is that of the look after 9."""
    arms = measured(Played(lambda _, number: 1.0 if number < 9 else 0.1), most_rounds=12)
    bounds = Evidence(1, before=arms[CONTROL], after=arms[CANDIDATE]).bounds()
    assert bounds is not None
    assert bounds.pairs == 9


def test_processor_time_is_told_apart_from_wall_time() -> None:
    arms = measured(Played(lambda *_: 1.0))
    assert set(arms[CONTROL].warm()) == {1.0}
    assert set(arms[CONTROL].cpu()) == {0.5}
