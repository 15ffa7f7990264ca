"""vectorbt's contenders, in their own environment: `python -m tests.races.vectorbt_side JOB`, a job in JSON."""

from __future__ import annotations

import importlib.metadata
import json
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import vectorbt as vbt

from tests.races.clock import median_time, tell


def portfolio(arrays: Mapping[str, Any], job: Mapping[str, Any], stop_loss: float, take_profit: float) -> Any:
    """Simulate by `from_signals`: signals a bar later, at the open, a stop and a target, all symbols for one cash.

    What is given is as it asks for it: plain arrays, in its own order of memory, that need no broadcasting.
    """
    return vbt.Portfolio.from_signals(
        pd.DataFrame(arrays["close"]),
        arrays["entries"],
        arrays["exits"],
        size=arrays["size"],
        price=arrays["open"],
        open=arrays["open"],
        high=arrays["high"],
        low=arrays["low"],
        sl_stop=stop_loss,
        tp_stop=take_profit,
        stop_entry_price="FillPrice",
        stop_exit_price="StopMarket",
        fees=job["commission"],
        slippage=job["slippage"],
        init_cash=job["cash"],
        cash_sharing=True,
        group_by=True,
        allow_partial=False,
        engine=job["engine"],
    )


def main(job: Mapping[str, Any]) -> None:
    """Time the simulation alone, and with the equity curve and the records of trades and orders."""
    with np.load(job["matrices"]) as kept:
        arrays = {name: kept[name] for name in kept.files}
    levels = job["levels"]
    warm_ups = 2 if len(levels) == 1 else 0

    def simulate() -> Any:
        return [portfolio(arrays, job, *level) for level in levels][-1]

    def whole() -> None:
        for level in levels:
            done = portfolio(arrays, job, *level)
            done.value()
            len(done.trades.records), len(done.orders.records)

    portfolio(arrays, job, *levels[0]).value()  # compiles what it needs
    alone, *together = job["names"]
    times = {alone: median_time(simulate, warm_ups=warm_ups)}
    if together:
        times[together[0]] = median_time(whole, warm_ups=warm_ups)
    last = simulate() if len(levels) == 1 else portfolio(arrays, job, *levels[-1])
    packages = ("vectorbt", "vectorbt-rust", "numba", "numpy", "pandas")
    tell(
        times,
        counts={"orders": len(last.orders.records), "trades": len(last.trades.records)},
        versions={name: importlib.metadata.version(name) for name in packages},
    )


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
