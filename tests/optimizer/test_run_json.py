"""The run for programs: every figure that was measured, null for what was not, and all keys of the first schema."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from engine.subject import SUBJECT
from optimizer.benchmark import LOAD, Arm, Workload
from optimizer.decision import Decision, Evidence, Verdict, decide
from optimizer.processes import Observation
from optimizer.reporters.run_json import run_value
from optimizer.run import Change, Control, Profile, Run, Total
from optimizer.stats import plan_for

WORKLOAD = Workload("prices.parquet", "refuse", "level")
PLAN = plan_for(6)
FIGURES = {"before", "after", "ratio", "ci95"}
CANDIDATE = next(iter(SUBJECT.candidates()))


class Spec:
    """A golden set of one scenario."""

    name = "generated"
    cases = (("market", "level"),)


class Held:
    """What a run knows of its golden set."""

    spec = Spec()
    digest = "0" * 64


def arm(build: tuple[str, ...], seconds: list[float]) -> Arm:
    """Return a process for each time; its CPU time is half of that, its first run takes twice as long."""
    seen = []
    for one in seconds:
        warm = {"wall_ns": one * 1e9, "cpu_ns": one * 5e8, "tables_ns": 0, "digests": {}}
        runs = [warm | {"wall_ns": 2 * one * 1e9}, warm, warm]
        seen.append(Observation({"load_ns": 10**8, "runs": {"level": runs}}, "", {}, 2_000_000))
    return Arm(build, WORKLOAD, seen)


def run_of(pairs: int) -> Run:
    run = Run("run", Path(), "all", "now", {"cpu": "one"}, Held(), WORKLOAD, scenario_given=False, plan=PLAN)  # type: ignore[arg-type]
    before, after = arm((), [1.0] * pairs), arm((CANDIDATE.name,), [0.5] * pairs)
    evidence = Evidence(scenarios=3, before=before, after=after, plan=PLAN)
    profile = Profile((), ("level",), 1.0, [])
    build = (CANDIDATE.name,)
    run.changes = [Change(CANDIDATE, WORKLOAD, (), build, (), profile, evidence, decide(evidence))]
    run.controls = [Control(WORKLOAD, evidence.ratio(), PLAN.bounds([1.0] * pairs, [1.001] * pairs))]
    run.totals = [Total(WORKLOAD, before, after, PLAN)]
    run.order = [{"name": CANDIDATE.name, "focus": CANDIDATE.focus, "why": "it is first"}]
    return run


def test_a_change_has_every_figure_with_its_interval() -> None:
    (change,) = run_value(run_of(9), {})["changes"]
    assert change["verdict"] == "faster"
    seconds = change["seconds"]
    assert set(seconds) == FIGURES | {"pairs", "bounds", "before_all", "after_all"}
    assert (seconds["pairs"], seconds["bounds"], seconds["ratio"]) == (9, [2.0, 2.0], pytest.approx(2.0))
    assert (seconds["before_all"], seconds["after_all"]) == ([1.0] * 9, [0.5] * 9)
    for name in ("cpu_seconds", "cold", "load", "peak"):
        assert set(change[name]) == FIGURES
    assert (change["cpu_seconds"]["before"], change["cpu_seconds"]["after"]) == (0.5, 0.25)
    assert (change["cold"]["before"], change["peak"]["ratio"]) == (2.0, 1.0)
    assert change["build_after"] == [CANDIDATE.name]
    assert (change["title"], change["source_digest"]) == (CANDIDATE.title, CANDIDATE.source_digest)


def test_how_verdicts_were_come_by_is_told() -> None:
    value = run_value(run_of(9), {})
    assert value["schema"] == 2
    assert value["measurement"] == {
        "effect": 1.02,
        "confidence": 0.95,
        "per_candidate": pytest.approx(1 - 0.05 / 6),
        "candidates": 6,
        "looks": [9, 13, 18, 24],
        "skips": [0, 1, 2, 4],
        "most_pairs": 24,
        "budget_seconds": None,
    }
    assert value["order"] == [{"name": CANDIDATE.name, "focus": CANDIDATE.focus, "why": "it is first"}]
    assert value["exit_code"] == 0


def test_the_control_has_its_intervals_its_pairs_and_what_it_was_measured_on() -> None:
    value = run_value(run_of(9), {})
    control = value["aa_control"]
    assert set(control) == {"ratio", "ci95", "bounds", "pairs", "passed", "workload"}
    assert (control["pairs"], control["passed"], control["workload"]) == (9, True, "level, a run, warm")
    assert value["aa_controls"] == [control]


def test_totals_have_all_figures() -> None:
    total = run_value(run_of(9), {})["total"]
    assert (total["reference_seconds"], total["final_seconds"]) == (1.0, 0.5)
    assert (total["before_all"], total["bounds"]) == ([1.0] * 9, [2.0, 2.0])
    assert set(total["cpu_seconds"]) == set(total["peak"]) == FIGURES


@pytest.mark.parametrize("pairs", [1, 8])
def test_what_too_few_pairs_do_not_tell_is_null(pairs: int) -> None:
    value = run_value(run_of(pairs), {})
    (change,) = value["changes"]
    assert change["verdict"] == "inconclusive"
    assert change["seconds"]["bounds"] is None
    assert value["total"]["bounds"] is None
    assert value["aa_control"]["passed"] is None
    assert (change["seconds"]["ratio"] is None) == (pairs < 6)
    assert change["seconds"]["before"] == 1.0


def test_what_was_not_measured_is_null() -> None:
    run = run_of(9)
    decision = Decision(Verdict.INCONCLUSIVE, "not tried")
    run.changes = [Change(CANDIDATE, WORKLOAD, (), (), (), Profile((), (), 1.0, []), Evidence(scenarios=0), decision)]
    run.controls, run.totals = [], []
    value = run_value(run, {})
    (change,) = value["changes"]
    assert change["seconds"] | {"pairs": None} == dict.fromkeys(change["seconds"]) | {"before_all": [], "after_all": []}
    assert change["cpu_seconds"] == dict.fromkeys(FIGURES)
    assert value["aa_control"]["ratio"] is None
    assert value["total"]["ratio"] is None


def test_documents_of_a_run_stand_beside_its_figures() -> None:
    run = run_of(9)
    run.documents = {"settings": {"workers": 2}, "profile": {"before": "profile-before.json", "after": None}}
    value = run_value(run, {})
    assert value["settings"] == {"workers": 2}
    assert value["profile"]["before"] == "profile-before.json"
    assert run_value(run_of(9), {})["profile"] == {"before": None, "after": None}


def test_all_of_it_is_json() -> None:
    assert json.loads(json.dumps(run_value(run_of(9), {}), allow_nan=False))["run_id"] == "run"


def test_a_control_that_fails_later_is_the_one_that_is_told() -> None:
    run = run_of(9)
    failed = Control(Workload("prices.parquet", "refuse", "level", "load"), None, PLAN.bounds([2.0] * 9, [1.0] * 9))
    run.controls.append(failed)
    assert run.control is failed
    assert (run.aa_passed, run.exit_code) == (False, 3)
    assert run_value(run, {})["aa_control"]["passed"] is False


def test_the_processor_time_of_a_run_is_not_told_of_loading() -> None:
    run = run_of(9)
    (total,) = run.totals
    run.totals = [replace(total, workload=replace(WORKLOAD, figure=LOAD))]
    told = run_value(run, {})["total"]["cpu_seconds"]
    assert set(told) == FIGURES
    assert set(told.values()) == {None}
