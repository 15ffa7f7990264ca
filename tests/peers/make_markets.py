"""Generate the markets and their signals, once for all engines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from engine import generate_market
from peers.market import COLUMNS, Market, write_market
from peers.scenarios import MARKETS

SEEDS = {"small": 16, "stress": 61}


def write_markets(folder: Path) -> None:
    """Write each market as `<name>.csv`."""
    for name in MARKETS:
        write_market(generate(name), folder / f"{name}.csv")


def generate(name: str) -> Market:
    """Return a market by its name: bars from `engine.generate_market`, and a coin toss a bar for a signal.

    One toss in twelve says +1, one in sixteen says -1, whatever the prices do.
    """
    symbols, bars = MARKETS[name]
    table = generate_market(symbols=symbols, bars=bars, seed=SEEDS[name])
    random = np.random.Generator(np.random.PCG64(SEEDS[name]))
    tosses = random.integers(0, 48, (symbols, bars))
    signals = np.where(tosses < 4, 1, np.where(tosses < 7, -1, 0))
    names = table["symbol"].unique().sort().to_list()
    return market_of(table, {symbol: row.tolist() for symbol, row in zip(names, signals, strict=True)})


def market_of(table: pl.DataFrame, signals: Mapping[str, Sequence[int]]) -> Market:
    """Return bars without gaps as a market."""
    by_symbol = {str(symbol): rows for (symbol,), rows in table.partition_by("symbol", as_dict=True).items()}
    columns = {name: {symbol: rows[name].to_list() for symbol, rows in by_symbol.items()} for name in COLUMNS}
    return Market(table["timestamp"].unique().sort().to_list(), columns, signals)
