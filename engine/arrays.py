"""The market as arrays: what the array builds share.

Two layouts of the same bars. `columns` are flat and symbol after symbol, each symbol's own bars in time order:
no holes, so a feature never meets a missing bar. `matrices` are time-major, (n_timestamps, n_symbols), with NaN
where a bar is missing: one row is what all symbols did at one timestamp.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import repeat
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.jit import compiled_in_place
from engine.model import PRICES, Bar, Bars, FeatureTable, PassTable, check_field, read_only, sealed
from engine.pipeline import Feed
from engine.strategy import Condition, CrossesAbove, Side

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Steps = npt.NDArray[np.int32]
Times = npt.NDArray[np.int32] | npt.NDArray[np.int64]
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
    def fields(self) -> tuple[Floats, ...]:
        """The matrices, in the order of a bar's fields."""
        return tuple(self.matrices[field] for field in FIELDS)

    @cached_property
    def shown(self) -> dict[str, Floats]:
        """The matrices, as views that can't be written to."""
        return {field: read_only(matrix) for field, matrix in self.matrices.items()}

    @cached_property
    def starts(self) -> list[int]:
        """Where each symbol's flat bars begin, as Python numbers."""
        starts: list[int] = self.columns.starts.tolist()
        return starts

    @cached_property
    def latest(self) -> Steps:
        """The number of each symbol's latest bar at each step, counted from 0; -1 before its first."""
        present = ~np.isnan(self.matrices["close"])
        latest: Steps = np.cumsum(present, axis=0, dtype=np.int32) - np.int32(1)
        return latest

    @cached_property
    def interleaved(self) -> Prices:
        """The prices, those of a bar side by side."""
        return interleaved(self.columns, len(self.timestamps))

    @cached_property
    def kept(self) -> dict[str, Any]:
        """What runs have found out about this market and keep with it, each under a name of its own."""
        return {}

    @cached_property
    def filled(self) -> float:
        """Which part of all (timestamp, symbol) cells has a bar."""
        return len(self.columns.close) / max(len(self.timestamps) * len(self.symbols), 1)

    @cached_property
    def lowest_close(self) -> float:
        """The lowest close of all; infinity where there is no bar."""
        return float(self.columns.close.min(initial=np.inf))

    @cached_property
    def step_times(self) -> Times:
        """The timestamps as numbers; see `times_of`."""
        return times_of(self.timestamps)

    @cached_property
    def symbol_names(self) -> pl.Series:
        """The symbols as a column."""
        return pl.Series(self.symbols, dtype=pl.String)

    @cached_property
    def is_full(self) -> list[bool]:
        """Whether each step has a bar of every symbol."""
        close = self.matrices["close"]
        full: list[bool] = (close == close).all(axis=1).tolist()  # NaN differs from itself
        return full

    @cached_property
    def times(self) -> list[date]:
        """The timestamps as Python objects."""
        return self.timestamps.to_list()


def arrays_of(feed: Feed) -> Arrays:
    """Return the arrays of a feed that was made by an array build."""
    arrays: Arrays = feed.arrays  # type: ignore[attr-defined]  # `requires` puts array_feed before every caller
    return arrays


def lay_out(bars: pl.DataFrame) -> Arrays:
    """Return the arrays of bars sorted by timestamp, then symbol.

    None of them can be written to, as those that are mapped from disk: compiled code then has one form for both.
    """
    symbols: list[str] = bars["symbol"].unique().sort().to_list()
    timestamps = bars["timestamp"].unique(maintain_order=True)
    step = bars["timestamp"].rle_id().to_numpy().astype(np.int32)
    symbol = bars["symbol"].cast(pl.Enum(symbols)).to_physical().to_numpy().astype(np.uint32)
    by_symbol = stable_order(symbol, len(symbols))
    starts = np.zeros(len(symbols) + 1, np.int64)
    np.cumsum(np.bincount(symbol, minlength=len(symbols)), out=starts[1:])
    cell = step.astype(np.int64) * len(symbols) + symbol
    values = {field: bars[field].to_numpy() for field in FIELDS}
    columns = Columns(starts, sealed(step[by_symbol]), *(sealed(values[field][by_symbol]) for field in FIELDS))
    shape = (len(timestamps), len(symbols))
    return Arrays(timestamps, symbols, columns, {field: _matrix(values[field], cell, shape) for field in FIELDS})


def _matrix(values: Floats, cell: Ints, shape: tuple[int, int]) -> Floats:
    matrix = np.full(shape, np.nan)
    matrix.ravel()[cell] = values
    return read_only(matrix)


def times_of(timestamps: pl.Series) -> Times:
    """Return timestamps as the numbers that stand for them: int32 days, or int64 of the data's unit, since 1970."""
    values = timestamps.to_numpy()
    return values.astype(np.int32) if timestamps.dtype == pl.Date else values.astype(np.int64)


LINE = 8  # numbers of a cache line


class Prices(NamedTuple):
    """The prices of all (timestamp, symbol) cells, in one of two orders in memory.

    The cell of a step and a symbol stands at `step * of_step + symbol * of_symbol` of each flat array; an open is NaN
    where there is no bar. `together` says that the four prices of a cell share a cache line.
    """

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    of_step: int
    of_symbol: int
    together: bool


def interleaved(columns: Columns, steps: int) -> Prices:
    """Return the prices with the four of a bar side by side, symbol after symbol: 32 bytes a cell, two a cache line."""
    width = len(PRICES)
    room = on_lines(len(columns.starts) - 1, steps, width)
    _interleave(columns, room)
    flat = read_only(room.ravel())
    return Prices(flat, flat[1:], flat[2:], flat[3:], width, width * steps, True)


def on_lines(*shape: int) -> Floats:
    """Return room for numbers that begins where a cache line does: what fits into a line then never lies across two."""
    count = int(np.prod(shape))
    room = np.empty(count + LINE)
    start = -(room.ctypes.data // room.itemsize) % LINE
    return room[start : start + count].reshape(shape)


def side_by_side(opens: Floats, highs: Floats, lows: Floats, closes: Floats) -> Prices:
    """Return the prices of four C-contiguous matrices of shape (timestamps, symbols), as they stand."""
    open_, high, low, close = (read_only(prices.ravel()) for prices in (opens, highs, lows, closes))
    return Prices(open_, high, low, close, opens.shape[1], 1, False)


@compiled_in_place
def _interleave(columns: Columns, room: npt.NDArray[np.float64]) -> None:
    """Put each bar into its cell; the cells without one get NaN."""
    for symbol in range(len(columns.starts) - 1):
        cell = 0
        for bar in range(columns.starts[symbol], columns.starts[symbol + 1]):
            step = columns.step[bar]
            room[symbol, cell:step] = np.nan
            room[symbol, step, 0] = columns.open[bar]
            room[symbol, step, 1] = columns.high[bar]
            room[symbol, step, 2] = columns.low[bar]
            room[symbol, step, 3] = columns.close[bar]
            cell = step + 1
        room[symbol, cell:] = np.nan


class Numbers(Mapping[str, int]):
    """The number of each symbol's latest bar at one step, looked up when it is asked for."""

    __slots__ = ("_arrays", "_step")

    def __init__(self, arrays: Arrays, step: int) -> None:
        self._arrays = arrays
        self._step = step

    def __getitem__(self, symbol: str) -> int:
        number: int = self._arrays.latest.item(self._step, self._arrays.index[symbol])
        if number < 0:
            raise KeyError(symbol)
        return number

    def __iter__(self) -> Iterator[str]:
        return (symbol for symbol in self._arrays.symbols if symbol in self)

    def __len__(self) -> int:
        return int(np.count_nonzero(self._arrays.latest[self._step] >= 0))


class ArrayBars(Bars):
    """The bars of one step, as rows of the matrices; a bar becomes an object when it is asked for."""

    __slots__ = ("_arrays", "_index", "_made", "step")

    def __init__(self, arrays: Arrays, step: int, timestamp: date) -> None:
        self.timestamp = timestamp
        self.step = step
        self.numbers = Numbers(arrays, step)
        self._arrays = arrays
        self._index = arrays.index
        self._made: dict[str, Bar | None] = {}

    def __iter__(self) -> Iterator[Bar]:
        arrays = self._arrays
        # who asks for all bars will ask for all numbers; a symbol that has none yet is below 0, as where it is missing
        self.numbers = dict(zip(arrays.symbols, arrays.latest[self.step].tolist(), strict=True))
        rows = [matrix[self.step] for matrix in arrays.fields]
        symbols = arrays.symbols
        present = np.flatnonzero(rows[0] == rows[0])  # NaN, a missing bar, is the one value that differs from itself
        if len(present) < len(symbols):
            rows = [row[present] for row in rows]
            symbols = [symbols[number] for number in present.tolist()]
        return map(Bar, repeat(self.timestamp), symbols, *(row.tolist() for row in rows))

    def __len__(self) -> int:
        row = self.row("close")
        return int(np.count_nonzero(row == row))

    def get(self, symbol: str) -> Bar | None:
        """Return the symbol's bar, or None where it has none here."""
        if symbol not in self._made:
            number = self._index.get(symbol)
            self._made[symbol] = None if number is None else self.at(number)
        return self._made[symbol]

    def at(self, number: int) -> Bar | None:
        """Return the bar of a symbol by its number, or None where it has none here."""
        opens, highs, lows, closes, volumes = self._arrays.fields
        cell = self.step, number
        open_ = opens.item(cell)
        if open_ != open_:
            return None
        prices = open_, highs.item(cell), lows.item(cell), closes.item(cell)
        return Bar(self.timestamp, self._arrays.symbols[number], *prices, volumes.item(cell))

    def values(self, field: str) -> Floats:
        """Return a field of all symbols, by number; NaN where there is no bar. Read-only."""
        check_field(field)
        row: Floats = self._arrays.shown[field][self.step]
        return row

    def row(self, field: str) -> Floats:
        """Return one field of all symbols, by number; NaN where there is no bar."""
        row: Floats = self._arrays.matrices[field][self.step]
        return row

    def only(self, bars: Sequence[Bar]) -> Bars:
        """Return some of these bars, as all that there are."""
        return SomeBars(bars, self)

    def last_close(self, symbol: str) -> float:
        """Return the symbol's latest close; NaN before its first bar."""
        place = self._index.get(symbol)
        if place is None:
            return math.nan
        close: float = self._arrays.matrices["close"].item(self.step, place)
        if close == close:
            return close
        number = self._arrays.latest.item(self.step, place)
        return math.nan if number < 0 else self._arrays.columns.close.item(self._arrays.starts[place] + number)


class SomeBars(Bars):
    """Some of the bars of a step, that are objects already."""

    __slots__ = ("_whole",)

    def __init__(self, bars: Sequence[Bar], whole: ArrayBars) -> None:
        super().__init__(whole.timestamp, bars, whole.numbers, {}, whole._arrays.symbols)
        self._whole = whole

    def last_close(self, symbol: str) -> float:
        """Return the symbol's latest close; NaN before its first bar."""
        return self._whole.last_close(symbol)


def step_of(bars: Bars) -> int:
    """Return the number of the timestamp of bars that came from an array feed."""
    step: int = bars.step  # type: ignore[attr-defined]  # `requires` puts array_feed before every caller
    return step


def bar_of(bars: Bars, number: int) -> Bar:
    """Return the bar of a symbol that has one, by its number, from bars that came from an array feed."""
    bar: Bar = bars.at(number)  # type: ignore[attr-defined]
    return bar


def row_of(bars: Bars, field: str) -> Floats:
    """Return the matrix row behind bars that came from an array feed."""
    row: Floats = bars.row(field)  # type: ignore[attr-defined]  # `requires` puts array_feed before every caller
    return row


def column_of(features: FeatureTable, name: str) -> Floats:
    """Return a feature's flat column as an array."""
    return np.asarray(features.columns[name], dtype=np.float64)


def signal_of(condition: Condition, features: FeatureTable, columns: Columns) -> Bools:
    """Return where a declared condition holds, flat over the bars; the same meaning as its `holds`."""
    left, right = (_side(side, features, len(columns.close)) for side in (condition.left, condition.right))
    signal = np.empty(len(left), np.bool_)
    if isinstance(condition, CrossesAbove):
        _mark_crossings(left[:-1], right[:-1], left[1:], right[1:], signal[1:])
        signal[columns.starts[:-1]] = False  # no bar before the first
    else:
        _mark_above(left, right, signal)
    return signal


def _side(side: Side, features: FeatureTable, bars: int) -> Floats:
    """Return a side of a condition, flat over the bars."""
    return np.full(bars, side) if isinstance(side, float) else column_of(features, side.name)


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
