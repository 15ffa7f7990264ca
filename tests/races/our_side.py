"""Our contenders, each in a process of its own: `python -m tests.races.our_side JOB`, a job in JSON."""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import polars as pl

from engine import Market, Result, load
from engine.digest import result_digest
from engine.matrices import run_matrices
from engine.model import Accounted
from engine.packed.result import PackedAccount
from engine.scenario import Scenario
from engine.strategy import is_declared
from engine.trials import trials_of
from tests.races.clock import WARM_UPS, median_time, tell
from tests.races.strategies import find

_SLICE = 20  # symbols
_SLOW = 3.0  # seconds of a run, above which a run over the slice is all that warms up
Job = Mapping[str, Any]


def run(job: Job) -> tuple[float, str, dict[str, int]]:
    """Time a run over a market that is loaded, with its equity, fills and trades."""
    market, scenario = _market(job), find(job["scenario"])
    warm_ups = _warm_ups(market, scenario)
    last: list[Result] = []

    def once() -> None:
        result = market.run(scenario.make(), scenario.settings)
        _touch(result)
        last[:] = [result]

    seconds = median_time(once, warm_ups=warm_ups)
    return seconds, result_digest(last[0]), _touch(last[0])


def sweep(job: Job) -> tuple[float, str, dict[str, int]]:
    """Time a sweep: its digest is that of the first and of the last trial."""
    market, scenario = _market(job), find(job["scenario"])
    assert scenario.parameters is not None
    parameters = scenario.parameters
    last: list[Any] = []

    def once() -> None:
        last[:] = [market.sweep(scenario.make, parameters, scenario.settings)]

    seconds = median_time(once, warm_ups=1)
    table = last[0]
    return seconds, f"{table['digest'][0]} {table['digest'][-1]}", {"trials": len(table)}


def trials(job: Job) -> tuple[float, str, dict[str, int]]:
    """Time the first and the last trial of a sweep, one after the other, without their metrics."""
    market, scenario = _market(job), find(job["scenario"])
    assert scenario.parameters is not None
    first, *_, last = trials_of(scenario.make, scenario.parameters)
    start = perf_counter()
    results = [market.run(trial.make(), scenario.settings) for trial in (first, last)]
    return perf_counter() - start, " ".join(map(result_digest, results)), {"trials": 2}


def file(job: Job) -> tuple[float, str, dict[str, int]]:
    """Time all from the file to the results, in a process that has done it before."""
    scenario = find(job["scenario"])
    last: list[Result] = []

    def once() -> None:
        result = _load(job).run(scenario.make(), scenario.settings)
        _touch(result)
        last[:] = [result]

    seconds = median_time(once)
    return seconds, result_digest(last[0]), _touch(last[0])


def matrices(job: Job) -> tuple[float, str, dict[str, int]]:
    """Time the same signals over plain matrices, packed in each run, with equity, fills and trades."""
    given, scenario = np.load(job["matrices"], allow_pickle=False), find(job["scenario"])
    strategy = scenario.make()
    assert is_declared(strategy)
    prices = [given[name] for name in ("open", "high", "low", "close")]
    enter, leave = given["enter"], given["leave"]
    timestamps, symbols = pl.Series(given["days"]).cast(pl.Date), given["symbols"].tolist()
    last: list[PackedAccount] = []

    def once() -> None:
        account = run_matrices(
            timestamps,
            symbols,
            prices,
            enter,
            leave,
            amount=strategy.size.amount,
            rules=strategy.rules,
            settings=scenario.settings,
            check=False,
        )
        _touch(account)
        last[:] = [account]

    seconds = median_time(once)
    return seconds, result_digest(last[0]), _touch(last[0])


KINDS: Mapping[str, Callable[[Job], tuple[float, str, dict[str, int]]]] = {
    "run": run,
    "sweep": sweep,
    "trials": trials,
    "file": file,
    "matrices": matrices,
}


def _load(job: Job) -> Market:
    return load(Path(job["data"]), on_bad_bars=job["on_bad_bars"], build=job["build"])


def _market(job: Job) -> Market:
    market = _load(job)
    gc.freeze()  # what is imported and loaded stays, and need not be looked through again and again
    return market


def _warm_ups(market: Market, scenario: Scenario) -> int:
    """Run over the first symbols; return how many whole runs are to follow before the clock starts.

    None where a run takes so long that what the first one has to make does not show in it.
    """
    few = market.first(_SLICE)
    few.run(scenario.make(), scenario.settings)
    start = perf_counter()
    few.run(scenario.make(), scenario.settings)
    share = len(few.feed.symbols) / len(market.feed.symbols)
    return 0 if perf_counter() - start > _SLOW * share else WARM_UPS


def _touch(result: Accounted) -> dict[str, int]:
    """Return the rows of equity, fills and trades, which makes each of them where it is made when asked for."""
    return {name: len(getattr(result, name)) for name in ("equity", "fills", "trades")}


if __name__ == "__main__":
    wanted = json.loads(sys.argv[1])
    took, account, rows = KINDS[wanted["kind"]](wanted)
    tell({wanted["name"]: took}, digest=account, counts=rows)
