"""How long each engine takes a symbol-bar: the same strategy and data, fresh processes, one engine after the other."""

from __future__ import annotations

import json
import os
import platform
import statistics
from pathlib import Path
from typing import Any

from engine import generate_market
from peers.make_markets import market_of
from peers.market import write_market
from peers.processes import run_side
from peers.speed_clock import BARS, SYMBOLS, TIMED, WARM_UP

OURS, PEERS = ("reference", "accepted build"), ("backtrader", "pyalgotrade", "vectorbt")


def measure(python: str, folder: Path, repetitions: int) -> dict[str, Any]:
    """Measure all engines in turn, so many times; every second time in the opposite order.

    A process runs the strategy over one market to warm up, then over another against the clock: from a table in memory
    to the trades, loading included.
    """
    for name, bars, seed in ((WARM_UP, 300, 1), (TIMED, BARS, 2)):
        table = generate_market(symbols=SYMBOLS, bars=bars, seed=seed)
        write_market(market_of(table, {symbol: [0] * bars for symbol in table["symbol"].unique()}), folder / name)
    times: dict[str, list[float]] = {name: [] for name in (*OURS, *PEERS)}
    trades: dict[str, int] = {}
    for repetition in range(repetitions):
        order = list(times)
        for name in order if repetition % 2 == 0 else reversed(order):
            if name in OURS:
                said = run_side("speed_ours", str(folder), name, quiet=True)
            else:
                said = run_side("speed_peers", str(folder), name, python=python, quiet=True)
            seconds, trades[name] = json.loads(said.strip().splitlines()[-1])
            times[name].append(seconds * 1e6 / (SYMBOLS * BARS))
        print(f"  speed: repetition {repetition + 1} of {repetitions}", flush=True)
    machine = f"{platform.system()}, {platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}"
    return {
        "symbols": SYMBOLS,
        "bars": BARS,
        "repetitions": repetitions,
        "machine": machine,
        "engines": [_figures(name, values, trades[name]) for name, values in times.items()],
    }


def _figures(name: str, values: list[float], trades: int) -> dict[str, Any]:
    """Return the figures of one engine, in microseconds a symbol-bar."""
    figures = {"median": statistics.median(values), "lowest": min(values), "highest": max(values)}
    return {"engine": name, **{key: round(value, 3) for key, value in figures.items()}, "trades": trades}
