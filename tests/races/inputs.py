"""The files that the processes of the race read: markets as Parquet, and W's matrices with our signals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from engine import DeclaredStrategy, StopLoss, TakeProfit, load
from engine.arrays import Arrays, lay_out, signal_of
from engine.catalog import build_of
from engine.strategy import is_declared
from tests.races.strategies import find
from tests.races.workloads import Size, Workload, real_prices

Matrix = npt.NDArray[Any]


def write_market(workload: Workload, size: Size, folder: Path) -> Path:
    """Write the workload's market; the real prices stand where they are."""
    if workload.market is None:
        path = real_prices()
        assert path is not None  # else it is not raced
        return path
    path = folder / f"{workload.slug}.parquet"
    workload.market(size).write_parquet(path)
    return path


def shape_of(data: Path) -> str:
    """Return how large a market is, bad rows and all, in words."""
    bars = pl.read_parquet(data, columns=["timestamp", "symbol"])
    return f"{bars['symbol'].n_unique():,} symbols, {bars['timestamp'].n_unique():,} times, {len(bars):,} bars"


def write_matrices(workload: Workload, data: Path, folder: Path) -> Path:
    """Write open, high, low and close as time-major float64 matrices, with our signals, `enter` and `leave`.

    What vectorbt is to do stands beside: `entries` and `exits` are the same signals, a bar later, since it fills them
    at the open of the bar that they are given for; `size` is the whole shares that the amount buys at the close of the
    signal.
    """
    build = build_of("vectorization/column_features")  # no store, so that nothing is kept here
    market = load(data, on_bad_bars=workload.on_bad_bars, build=build)
    strategy = first_strategy(workload)
    arrays = lay_out(market.feed.bars)
    features = market.pipeline.features(market.feed, strategy.features)
    enter, leave = (
        _matrix(signal_of(condition, features, arrays.columns), arrays) for condition in (strategy.entry, strategy.exit)
    )
    flags = {"enter": enter, "leave": leave, "entries": _later(enter), "exits": _later(leave)}
    names = {"symbols": np.array(arrays.symbols), "days": arrays.timestamps.to_physical().to_numpy()}
    shares = np.floor(strategy.size.amount / np.nan_to_num(arrays.matrices["close"], nan=np.inf))
    path = folder / f"{workload.slug}.npz"
    prices = {name: arrays.matrices[name] for name in ("open", "high", "low", "close")}
    np.savez(path, size=_later(shares), **flags, **prices, **names)
    return path


def first_strategy(workload: Workload) -> DeclaredStrategy:
    """Return the workload's declared strategy; the first one of a sweep."""
    scenario = find(workload.scenario)
    strategy = scenario.make() if scenario.parameters is None else scenario.make(*levels_of(workload)[0])
    assert is_declared(strategy)
    return strategy


def levels_of(workload: Workload) -> list[tuple[float, float]]:
    """Return the stop-loss and the take-profit of each run, as fractions."""
    scenario = find(workload.scenario)
    if isinstance(scenario.parameters, dict):
        stops, targets = scenario.parameters.values()
        return [(stop, target) for stop in stops for target in targets]
    rules = {type(rule): rule for rule in scenario.make().rules}
    return [(rules[StopLoss].fraction, rules[TakeProfit].fraction)]


def _matrix(flat: Matrix, arrays: Arrays) -> Matrix:
    starts, step, *_ = arrays.columns
    symbol = np.repeat(np.arange(len(arrays.symbols)), np.diff(starts))
    matrix = np.zeros((len(arrays.timestamps), len(arrays.symbols)), flat.dtype)
    matrix[step, symbol] = flat
    return matrix


def _later(matrix: Matrix) -> Matrix:
    """Return the matrix a row later, nothing in its first row."""
    later = np.zeros_like(matrix)
    later[1:] = matrix[:-1]
    return later
