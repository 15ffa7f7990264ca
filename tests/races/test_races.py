"""The race: who runs, what is held to be the same, what is written; and a small one from end to end."""

from __future__ import annotations

import json
import os
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from engine import SMA, load
from engine.catalog import accepted_build, find
from optimizer.reporters.page.benches import bench_section
from optimizer.reporters.page.documents import Documents
from tests.races import beside, clock, rounds, run
from tests.races.contenders import COLD, REFERENCE, RUST, STORE, STREAM, Entry, entries_of, rungs, workloads_with_rungs
from tests.races.goals import GOALS, outcomes
from tests.races.inputs import levels_of, write_market, write_matrices
from tests.races.ladder import ladder
from tests.races.ladder_plot import LadderPlot
from tests.races.page import Facts, write_page
from tests.races.rounds import ROOT, DifferentError, Found, race
from tests.races.rows import rows, write_rows
from tests.races.workloads import FULL, QUICK, Workload, workloads

FEED = "vectorization/array_feed"
SECONDS = {REFERENCE: [8.0, 9.0, 7.0], FEED: [4.0], STORE: [0.004, 0.002], RUST: [0.12], STREAM: [0.001]}


def workload(name: str) -> Workload:
    return next(one for one in workloads(QUICK) if one.name == name)


def found_of(times: dict[str, list[float]], place: str = "W") -> Found:
    found = Found([Entry(place, tuple(times), "ours", {})])
    for name, several in times.items():
        for seconds in several:
            found.add(found.entries[0], {"times": {name: seconds}, "floor": {"bytes": 8, "copies": 2}})
    return found


def test_the_rungs_of_w_are_the_accepted_build_in_its_order_without_loaders_and_sweeps() -> None:
    steps = list(rungs(workload("W"), frozenset({"cross"})))
    assert [name for name, _ in steps] == [
        name for name in accepted_build() if find(name).component not in ("loader", "sweep")
    ]
    for place, (name, build) in enumerate(steps):
        assert build == tuple(one for one, _ in steps[: place + 1])
        assert build[-1] == name


def test_what_is_judged_on_another_workload_of_the_race_is_a_rung_there_alone() -> None:
    judged_on_ruin = "early-exit/ruined_account"
    assert judged_on_ruin in dict(rungs(workload("W"), frozenset({"cross"})))
    assert judged_on_ruin not in dict(rungs(workload("W"), frozenset({"cross", "ruin"})))


def test_every_workload_has_the_reference_and_the_final_build_and_w_all_that_is_there(tmp_path: Path) -> None:
    for one in workloads(FULL):
        names = [
            name for entry in entries_of(one, tmp_path / "a", tmp_path / "b", has_vectorbt=True) for name in entry.names
        ]
        assert any(name.startswith(REFERENCE) for name in names)
        assert STORE in names
        assert len(names) == len(set(names))
        if one.name == "W":
            assert {RUST, STREAM, COLD} <= set(names)


def test_without_vectorbt_and_the_real_prices_the_others_are_raced(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tests.races.workloads.real_prices", lambda: None)
    chosen = list(workloads(FULL))
    assert "us500" not in [one.name for one in chosen]
    entries = list(entries_of(chosen[0], tmp_path / "a", tmp_path / "b", has_vectorbt=False))
    assert all(entry.side != "vectorbt" for entry in entries)


def test_an_account_that_differs_ends_the_race() -> None:
    found = Found([])
    found.add(Entry("W", (REFERENCE,), "ours", {}), {"times": {REFERENCE: 1.0}, "digest": "a"})
    found.add(Entry("W-late", (STORE,), "ours", {}), {"times": {STORE: 1.0}, "digest": "b"})
    with pytest.raises(DifferentError, match="W: final build, prepared store gives another account than reference"):
        found.add(Entry("W", (STORE,), "ours", {}), {"times": {STORE: 1.0}, "digest": "b"})


def test_what_vectorbt_is_told_are_our_signals_a_bar_later(tmp_path: Path) -> None:
    one = workload("W-late")
    data = write_market(one, QUICK, tmp_path)
    market = load(data, build=())
    told = np.load(write_matrices(one, data, tmp_path))
    features = market.pipeline.features(market.feed, (SMA(10), SMA(50)))
    entries = 0
    for number, symbol in enumerate(market.feed.symbols):
        bars = market.feed.bars.filter(symbol=symbol)
        first, start = len(told["close"]) - len(bars), features.starts[symbol]
        fast, slow = (features.columns[name][start : start + len(bars)] for name in ("sma_10", "sma_50"))
        for bar in range(1, len(bars) - 1):
            place = first + bar + 1, number
            assert told["entries"][place] == (fast[bar] > slow[bar] and fast[bar - 1] <= slow[bar - 1])
            assert told["exits"][place] == (slow[bar] > fast[bar] and slow[bar - 1] <= fast[bar - 1])
            assert told["size"][place] == 20_000.0 // bars["close"][bar]
            entries += told["entries"][place]
    assert entries > 0
    assert levels_of(one) == [(0.05, 0.10)]


def test_the_median_is_told_with_warm_ups_before_it_that_do_not_count() -> None:
    calls: list[int] = []
    assert clock.median_time(lambda: calls.append(1), warm_ups=3, least=1) < 0.1
    assert len(calls) > 3 + 1


def test_a_goal_is_reached_by_a_ratio_or_missed_or_not_measured() -> None:
    told = {one.goal.what: one for one in outcomes(found_of(SECONDS).median)}
    assert len(told) == len(GOALS)
    assert told["W, prepared store, against vectorbt's Rust engine"].row()[3:] == ("40x", "yes")
    assert told["W against our reference"].row()[3:] == ("2,667x", "yes")
    assert told["W against the time to stream its OHLC once"].row()[1:] == ("at most 2x", "at most 1.2x", "3x", "no")
    assert told["W-turnover against our reference"].row()[3:] == ("not measured", "")


def test_the_ladder_tells_what_each_rung_gained_and_all_together() -> None:
    first, feed, final = ladder(found_of(SECONDS), "W")
    assert (first.median, first.least, first.most, first.gained, first.together) == (8.0, 7.0, 9.0, None, 1.0)
    assert (feed.short, feed.gained, feed.together) == ("array feed", 2.0, 2.0)
    assert final.gained == pytest.approx(4.0 / 0.003)


def test_the_rows_join_those_of_others_and_replace_their_own(tmp_path: Path) -> None:
    path, other = tmp_path / "bench.json", {"workload": "another", "contender": REFERENCE}
    path.write_text(json.dumps([other, {"workload": "W", "contender": "of a run before"}]))
    write_rows(path, found_of(SECONDS))
    first, *mine = json.loads(path.read_text())
    assert first == other
    assert mine == list(rows(found_of(SECONDS)))
    assert mine[0] == {
        "workload": "W",
        "contender": REFERENCE,
        "figure": "run",
        "median_s": 8.0,
        "min_s": 7.0,
        "max_s": 9.0,
        "runs": 3,
    }


def test_the_report_shows_the_rows(tmp_path: Path) -> None:
    section = bench_section(Documents({}, tmp_path, tmp_path, tmp_path, bench=list(rows(found_of(SECONDS)))))
    assert "final build, prepared store" in str(section)


def test_the_page_has_the_figures_and_the_drawing_is_whole(tmp_path: Path) -> None:
    facts = Facts("make bench", "2026-01-01 00:00", 1.0, 0.9, {"W": "some bars"}, [workload("W")], ["nothing else"])
    write_page(tmp_path, found_of(SECONDS), facts)
    page = (tmp_path / "BENCH.md").read_text()
    assert "| `vectorization/array_feed` | 4.00 s | 4.00 s | 4.00 s | 2x | 2x |" in page
    assert "Left out: nothing else." in page
    assert "The machine was busy" in page
    drawn = (tmp_path / "ladder.svg").read_text()
    ET.fromstring(drawn)  # noqa: S314 - written a moment ago
    for said in ("array feed", "vectorbt rust 120 ms", "streaming floor 1 ms", "2,667x"):
        assert said in drawn


def test_the_drawing_is_the_same_for_the_same_figures() -> None:
    first, second = (LadderPlot("W", ladder(found_of(SECONDS), "W"), {RUST: 0.12}).svg() for _ in range(2))
    assert first == second


@pytest.mark.slow
def test_two_contenders_with_different_accounts_are_caught_by_their_processes(tmp_path: Path) -> None:
    data = write_market(workload("W"), QUICK, tmp_path)
    job = {"data": str(data), "on_bad_bars": "refuse", "kind": "run", "build": []}
    entries = [
        Entry("W", (name,), "ours", {**job, "name": name, "scenario": name}) for name in ("sma_cross", "cross_free")
    ]
    with pytest.raises(DifferentError, match="W: "):
        race(entries, most=1, seed=1, scratch=tmp_path, peers="", tick=lambda _: None)


@pytest.mark.slow
def test_a_small_race_runs_from_end_to_end(tmp_path: Path) -> None:
    """With vectorbt where its environment is there."""
    peers = ROOT / ".venv-races" / "bin" / "python"
    folders = ["--out", str(tmp_path), "--docs", str(tmp_path)]
    arguments = ["--quick", "--rounds", "1", "--workload", "W", "--workload", "W-sweep", *folders]
    assert run.main([*([str(peers)] if peers.exists() else []), *arguments]) == 0
    raced = {(row["workload"], row["contender"]): row for row in json.loads((tmp_path / "bench.json").read_text())}
    raced_all = frozenset(one.judged_on for one in workloads_with_rungs())
    wanted = {("W", name) for name in (REFERENCE, STORE, STREAM, COLD, *dict(rungs(workload("W"), raced_all)))}
    assert wanted | {("W-sweep", STORE)} <= set(raced)
    assert (("W", RUST) in raced) == peers.exists()
    assert all(0.0 < row["min_s"] <= row["median_s"] <= row["max_s"] and row["runs"] == 1 for row in raced.values())
    assert "The ladder of W" in (tmp_path / "BENCH.md").read_text()
    assert (tmp_path / "ladder.svg").exists()


def test_a_round_that_would_end_too_late_goes_without_the_slow_ones(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    now = [0.0]
    seconds = {"slow": 10.0, "fast": 0.5}

    def run_entry(entry: Entry, *_: object) -> dict[str, object]:
        now[0] += seconds[entry.names[0]]
        return {"times": {entry.names[0]: seconds[entry.names[0]]}}

    monkeypatch.setattr(rounds, "run_entry", run_entry)
    monkeypatch.setattr(rounds.time, "monotonic", lambda: now[0])
    entries = [Entry("W", (name,), "ours", {}) for name in seconds]
    found = race(entries, most=9, seed=1, scratch=tmp_path, peers="", tick=lambda _: None, seconds=12.0)
    assert {name: len(times) for (_, name), times in found.times.items()} == {"slow": 1, "fast": 4}


def test_what_other_processes_do_is_told_and_our_own_work_is_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stat = tmp_path / "stat"
    monkeypatch.setattr(beside, "_STAT", stat)
    monkeypatch.setattr(beside.time, "monotonic", lambda: float(stat.exists()) * 10.0)
    assert beside.Beside().cores() is None
    ticks = os.sysconf("SC_CLK_TCK")
    times = [(1.0, 1.0, 1.0, 1.0, 0.0), (5.0, 1.0, 1.0, 1.0, 0.0)]
    monkeypatch.setattr(beside.os, "times", lambda: times.pop(0))
    stat.write_text(f"cpu {10 * ticks} 0 0 9 9 0 0 0 0 0\n")
    counted = beside.Beside()
    counted._began = 0.0
    stat.write_text(f"cpu {29 * ticks} 0 0 99 99 0 0 0 0 0\n")
    assert counted.cores() == pytest.approx((19 - 4) / 10.0)
