"""The parts of the profiles: keys of values, finding functions, watching lines, counts, and what follows from them."""

from __future__ import annotations

import math
import random
import shutil
import subprocess
import types
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from engine.features import EMA, SMA
from optimizer.ordering import next_of
from optimizer.profilers import advice, cachegrind, counters, repeats
from optimizer.profilers.functions import functions_at
from optimizer.profilers.idle import idle_in
from optimizer.profilers.keys import Keys, NoKeyError
from optimizer.profilers.lines import watched
from optimizer.profilers.repeats import Watcher
from optimizer.reporters.flame import flame_graph

HERE = Path(__file__).parent


class Account:
    """Something with a state of its own."""

    def __init__(self, cash: float) -> None:
        self.cash = cash


class Draw(random.Random):
    """Something whose state is kept where Python can't see it."""


DIFFERENT = [
    *(1, 1.0, True, 0.0, -0.0, math.nan, "1", b"1", None, date(2024, 1, 2)),
    *([1], (1,), {1}, [1.0], [[1]], {"a": 1}, {"a": 1.0}, [date(2024, 1, 2)]),
    *(np.array([1.0]), np.array([1]), np.array([[1.0]]), np.float64(1.0)),
    *(SMA(10), SMA(11), EMA(10), Account(1.0), Account(2.0)),
]


def test_different_values_have_different_keys_and_equal_ones_the_same() -> None:
    keys = Keys()
    found = [keys.of(value) for value in DIFFERENT]
    assert len(set(found)) == len(DIFFERENT)
    assert keys.of([0.1, math.nan]) == keys.of([0.1, float("nan")])
    assert keys.of(SMA(10)) == keys.of(SMA(10))
    assert keys.of({"a", "b"}) == keys.of({"b", "a"})
    assert keys.of(Account(1.0)) == keys.of(Account(1.0))


def test_a_key_changes_with_the_state_of_what_it_is_of() -> None:
    keys, account, values = Keys(), Account(1.0), np.array([1.0, 2.0])
    before = keys.of(account), keys.of(values)
    account.cash, values[1] = 1.5, 3.0
    assert before[0] != keys.of(account)
    assert before[1] != keys.of(values)


@pytest.mark.parametrize(
    "value",
    [Draw(1), iter([1]), (number for number in (1,)), partial(print, 1), object(), [object()], np.array([object()])],
    ids=lambda value: type(value).__name__,
)
def test_what_can_change_unseen_has_no_key(value: object) -> None:
    with pytest.raises(NoKeyError):
        Keys().of(value)


def pure(number: int) -> float:
    """Return what depends on the argument alone."""
    return sum([(number + step) ** 0.5 for step in range(3_000)])


def effect(values: list[int]) -> int:
    """Change the argument."""
    values.append(1)
    return sum(range(30_000))


def nothing(number: int) -> None:
    """Return nothing: it is called for what it does elsewhere."""
    sum(range(30_000 + number))


def counter(number: int, seen: list[int] = []) -> float:  # noqa: B006 - the state that no argument shows
    """Return something else every time."""
    seen.append(number)
    return sum([step**0.5 for step in range(3_000)]) + len(seen)


def test_only_what_gives_the_same_again_is_redundant() -> None:
    watcher, values = Watcher(HERE), [1]
    with watcher.watching(1, math.inf):
        for number in range(30):
            pure(number % 3)
            effect(values)
            nothing(1)
            counter(1)
    (found,) = watcher.found(HERE, 0.0)
    assert (found["function"], found["calls"], found["distinct"], found["repeated"]) == ("pure", 30, 3, 27)
    assert watcher.left() == {"they change what they are given": 2}


def test_a_call_within_one_that_is_repeated_does_not_count_again() -> None:
    def outer(number: int) -> float:
        return pure(number)

    watcher = Watcher(HERE)
    with watcher.watching(1, math.inf):
        for _ in range(5):
            outer(1)
    assert [(one["function"], one["repeated"]) for one in watcher.found(HERE, 0.0)] == [("outer", 4)]


def test_the_same_in_the_next_run_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "LEAST_SECONDS", 1e-9)  # or one short call is not worth a line
    watcher = Watcher(HERE)
    for run in (1, 2):
        with watcher.watching(run, math.inf):
            pure(7)
    assert watcher.found(HERE, 0.0) == []
    assert [one["repeated"] for one in watcher.known(HERE, 0.0)] == [1]


def test_functions_are_found_by_their_place_and_inner_code_by_what_it_is_written_in() -> None:
    def inner() -> list[int]:
        return [number + 1 for number in (1, 2)]

    code = inner.__code__
    places = [("test_profilers.py", pure.__code__.co_firstlineno), ("test_profilers.py", code.co_firstlineno)]
    found = functions_at(places, HERE)
    assert [[one.__name__ for one in found[place]] for place in places] == [["pure"], ["inner"]]
    assert functions_at([("test_profilers.py", 1)], HERE) == {("test_profilers.py", 1): []}


def test_watching_lines_leaves_functions_as_they_were_even_after_an_error() -> None:
    before = pure.__code__

    def raising() -> None:
        with watched([pure]) as profiler:
            pure(1)
            assert pure.__code__ is not before
            raise ValueError(profiler)

    with pytest.raises(ValueError, match="LineProfiler"):
        raising()
    assert pure.__code__ is before


def test_shut_bars_and_standing_accounts_are_counted_in_the_outputs() -> None:
    flags = pl.DataFrame({"timestamp": [1, 1, 2], "symbol": ["A", "B", "A"], "x": [True] * 3, "y": [True, False, True]})
    equity = pl.DataFrame({"timestamp": [1, 2, 3, 4], "cash": [2.0, 1.0, 1.0, 1.0]})
    assert idle_in({"gates": flags, "equity": equity}) == {"flagged": 3, "shut": 1, "timestamps": 4, "still": 2}
    assert idle_in({"equity": equity.head(0)}) == {"flagged": 0, "shut": 0, "timestamps": 0, "still": 0}


@pytest.mark.skipif(not shutil.which("perf"), reason="there is no perf on this machine")
def test_perf_is_believed_only_where_it_counts() -> None:
    for events in (counters.EVENTS, ("page-faults",)):
        command = ["perf", "stat", "-x,", "-e", ",".join(events), "true"]
        told = subprocess.run(command, capture_output=True, text=True, check=False).stderr
        assert counters.refused(told) or counters.counted(told)[events[0]] > 0


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("valgrind"), reason="there is no valgrind on this machine")
def test_what_cachegrind_tells_is_read(tmp_path: Path) -> None:
    command = ["valgrind", "--tool=cachegrind", "--cache-sim=yes", f"--cachegrind-out-file={tmp_path / 'out'}", "true"]
    found = cachegrind.counted(subprocess.run(command, capture_output=True, text=True, check=True).stderr)
    assert set(found) == set(cachegrind._NAMES.values())
    assert found["instructions"] > found["data_references"] > found["first_data_misses"] > 0


def profile_with(**parts: Any) -> dict[str, Any]:
    spot = {"function": "f", "file": "a.py", "line": 1, "component": "loop", "seconds": 0.5, "share": 0.5}
    return {"hotspots": [spot], "components": {"loop": 0.5}, "rows": 100, "scenario_seconds": {"sweep": 1.0}} | parts


def test_advice_needs_evidence() -> None:
    focuses = dict.fromkeys(("caching", "vectorization", "io", "parallelism", "gates", "early-exit"), ("sweep",))
    assert advice.advise(profile_with(), focuses) == []
    busy = {"scenario": "sweep", "cores": 2, "busy_cores": 1.0, "wall_seconds": 2.0}
    (found,) = advice.advise(profile_with(parallel=busy), focuses)
    assert (found.focus, found.share) == ("parallelism", 0.5)
    assert found.why == "sweep took 2.00 s and kept 1.0 of 2 cores busy; it is 100% of the time of all scenarios"
    assert advice.advise(profile_with(parallel=busy | {"busy_cores": 1.9}), focuses) == []
    assert advice.advise(profile_with(parallel=busy | {"cores": 1}), focuses) == []


def test_of_candidates_for_one_component_the_one_that_the_evidence_speaks_for_comes_first() -> None:
    def candidate(focus: str) -> Any:
        return types.SimpleNamespace(name=f"{focus}/a", focus=focus, component="loop", requires=(), after=())

    pending = [candidate("caching"), candidate("vectorization")]
    assert next_of(pending, {"loop": 0.5}).focus == "caching"
    found = [{"focus": "vectorization", "share": 0.3}, {"focus": "caching", "share": 0.1}]
    assert next_of(pending, {"loop": 0.5}, {one["focus"]: one["share"] for one in found}).focus == "vectorization"


def test_names_in_a_flame_graph_are_text_whatever_they_are() -> None:
    tree = {"function": "<script>x</script>", "place": "a&b.py:1", "engine": True, "seconds": 1.0, "below": []}
    page = flame_graph(tree, "<b>")
    assert "<script" not in page
    assert "&lt;script&gt;x" in page
    assert "<b>" not in page
    assert flame_graph(None, "nothing")
