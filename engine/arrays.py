"""The market as arrays: what the array builds share.

Two layouts of the same bars. `columns` are flat and symbol after symbol, each symbol's own bars in time order:
no holes, so a feature never meets a missing bar. `matrices` are time-major, (n_timestamps, n_symbols), with NaN
where a bar is missing: one row is what all symbols did at one timestamp.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.jit import compiled_in_place
from engine.model import PRICES, FeatureTable, PassTable
from engine.pipeline import Feed
from engine.strategy import Condition, CrossesAbove

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Steps = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]
FIELDS = (*PRICES, "volume")


class Columns(NamedTuple):
    """Bars flat by symbol: symbol number s has the bars from `starts[s]` to before `starts[s + 1]`.

    `step[i]` is the number of bar i's timestamp; the prices are float64, in the currency of the data.
    """

    starts: Ints
    step: Steps
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats


@dataclass(frozen=True)
class Arrays:
    """A market in both layouts, with the names of its symbols and the times of its steps."""

    timestamps: pl.Series
    symbols: list[str]
    columns: Columns
    matrices: dict[str, Floats]

    @cached_property
    def index(self) -> dict[str, int]:
        """The number of each symbol."""
        return {symbol: number for number, symbol in enumerate(self.symbols)}

    @cached_property
    def latest(self) -> Steps:
        """The number of each symbol's latest bar at each step, counted from 0; -1 before its first."""
        present = ~np.isnan(self.matrices["close"])
        latest: Steps = np.cumsum(present, axis=0, dtype=np.int32) - np.int32(1)
        return latest

    @cached_property
    def times(self) -> list[date]:
        """The timestamps as Python objects."""
        return self.timestamps.to_list()


def arrays_of(feed: Feed) -> Arrays:
    """Return the arrays of a feed that was made by an array build."""
    arrays: Arrays = feed.arrays  # type: ignore[attr-defined]  # `requires` puts array_feed before every caller
    return arrays


def lay_out(bars: pl.DataFrame) -> Arrays:
    """Return the arrays of bars sorted by timestamp, then symbol."""
    symbols: list[str] = bars["symbol"].unique().sort().to_list()
    timestamps = bars["timestamp"].unique(maintain_order=True)
    step = bars["timestamp"].rle_id().to_numpy().astype(np.int32)
    symbol = bars["symbol"].cast(pl.Enum(symbols)).to_physical().to_numpy().astype(np.uint32)
    by_symbol = stable_order(symbol, len(symbols))
    starts = np.zeros(len(symbols) + 1, np.int64)
    np.cumsum(np.bincount(symbol, minlength=len(symbols)), out=starts[1:])
    cell = step.astype(np.int64) * len(symbols) + symbol
    values = {field: bars[field].to_numpy() for field in FIELDS}
    columns = Columns(starts, step[by_symbol], *(values[field][by_symbol] for field in FIELDS))
    shape = (len(timestamps), len(symbols))
    return Arrays(timestamps, symbols, columns, {field: _matrix(values[field], cell, shape) for field in FIELDS})


def _matrix(values: Floats, cell: Ints, shape: tuple[int, int]) -> Floats:
    matrix = np.full(shape, np.nan)
    matrix.ravel()[cell] = values
    return matrix


class RowView(Mapping[str, float]):
    """One row of a matrix, looked up by symbol; a missing bar is a missing key."""

    __slots__ = ("_index", "_values", "row")

    def __init__(self, index: dict[str, int], row: Floats) -> None:
        self.row = row
        self._index = index
        self._values: list[float] | None = None

    @property
    def values_in_order(self) -> list[float]:
        """The row as Python floats, made when first asked for."""
        if self._values is None:
            self._values = self.row.tolist()
        return self._values

    def __getitem__(self, symbol: str) -> float:
        value = self.values_in_order[self._index[symbol]]
        if value != value:  # NaN, the one value that differs from itself
            raise KeyError(symbol)
        return value

    def __iter__(self) -> Iterator[str]:
        return (symbol for symbol, value in zip(self._index, self.values_in_order, strict=True) if value == value)

    def __len__(self) -> int:
        return int(np.count_nonzero(self.row == self.row))


def row_of(prices: Mapping[str, float]) -> Floats:
    """Return the matrix row behind prices that came from an array feed."""
    row: Floats = prices.row  # type: ignore[attr-defined]  # `requires` puts array_feed before every caller
    return row


def column_of(features: FeatureTable, name: str) -> Floats:
    """Return a feature's flat column as an array."""
    return np.asarray(features.columns[name], dtype=np.float64)


def signal_of(condition: Condition, features: FeatureTable, columns: Columns) -> Bools:
    """Return where a declared condition holds, flat over the bars; the same meaning as its `holds`."""
    left = column_of(features, condition.left.name)
    right = column_of(features, condition.right.name)
    signal = np.empty(len(left), np.bool_)
    if isinstance(condition, CrossesAbove):
        _mark_crossings(left[:-1], right[:-1], left[1:], right[1:], signal[1:])
        signal[columns.starts[:-1]] = False  # no bar before the first
    else:
        _mark_above(left, right, signal)
    return signal


def passing(passes: PassTable, bars: int) -> Bools:
    """Return which bars pass all gates, flat over the bars."""
    together = np.ones(bars, np.bool_)
    for column in passes.columns.values():
        together &= np.asarray(column, dtype=np.bool_)
    return together


@compiled_in_place
def _mark_above(left: Floats, right: Floats, signal: Bools) -> None:
    for bar in range(len(signal)):
        signal[bar] = left[bar] > right[bar]


@compiled_in_place
def _mark_crossings(left_before: Floats, right_before: Floats, left: Floats, right: Floats, signal: Bools) -> None:
    for bar in range(len(signal)):
        signal[bar] = (left[bar] > right[bar]) & (left_before[bar] <= right_before[bar])


class Events(NamedTuple):
    """Bars that matter, in the order of time and then of symbols.

    Those of step t are `bar[offsets[t]:offsets[t + 1]]`; `symbol` has their symbol numbers.
    """

    offsets: Ints
    bar: Ints
    symbol: Ints


def events_of(signal: Bools, columns: Columns, steps: int) -> Events:
    """Return the bars where the signal holds."""
    by_symbol = np.flatnonzero(signal)
    counts = np.diff(np.searchsorted(by_symbol, columns.starts))
    symbols = np.repeat(np.arange(len(counts)), counts)
    step = columns.step[by_symbol]
    order = stable_order(step, steps)  # symbols stay in order within a step
    offsets = np.zeros(steps + 1, np.int64)
    np.cumsum(np.bincount(step, minlength=steps), out=offsets[1:])
    return Events(offsets, by_symbol[order], symbols[order])


def stable_order(numbers: npt.NDArray[np.integer[Any]], limit: int) -> Ints:
    """Return the stable order of numbers from 0 to below `limit`; 16 bits are sorted by radix, ten times as fast."""
    return np.argsort(numbers.astype(np.uint16) if limit <= 1 << 16 else numbers, kind="stable")


def as_flags(values: Bools) -> Sequence[bool]:
    """Return flags whose elements are Python's own, which a memoryview gives faster than an array does."""
    flags: Any = values.data
    return cast(Sequence[bool], flags)


def as_any(value: object) -> Any:
    """Return the value untyped, for compiled functions, which have no types of Python's."""
    return value
