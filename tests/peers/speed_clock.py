"""What the timed processes share: the strategy's numbers, the markets' files, the clock."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import TypeVar

from peers.market import Market, read_market

SYMBOLS, BARS = 20, 1_000
FAST, SLOW, STOP, AMOUNT = 10, 30, 0.05, 20_000.0  # averages in bars, the stop-loss as a fraction, money a position
CASH = 1_000_000.0
WARM_UP, TIMED = "speed-warm-up.csv", "speed.csv"

Table = TypeVar("Table")


def clock(folder: Path, prepare: Callable[[Market], Table], run: Callable[[Table], int]) -> None:
    """Run over one market, then over another against the clock; print the seconds and the number of trades.

    `prepare` makes the table that an engine's users have in memory; that takes no time here. `run` does the rest.
    """
    warm_up, timed = (prepare(read_market(folder / name)) for name in (WARM_UP, TIMED))
    run(warm_up)
    start = perf_counter()
    trades = run(timed)
    print(json.dumps([perf_counter() - start, trades]))
