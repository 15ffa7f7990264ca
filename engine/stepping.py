"""What the loops for strategies in plain Python share: bars that are made quickly, and values looked up when asked."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from itertools import repeat
from typing import Any, cast

import numpy as np

from engine.arrays import ArrayBars, Arrays, Floats, Ints, Steps, arrays_of, column_of
from engine.jit import compiled_in_place
from engine.model import Bar, Bars, FeatureTable, PassTable, read_only
from engine.pipeline import Brokerage, Feed
from engine.reference.holdings import Holdings
from engine.strategy import Context, Shares, Whole

MADE: Callable[[tuple[Any, ...]], Bar] = partial(cast(Any, tuple.__new__), Bar)
"""Makes a bar of its fields, as `Bar._make` does, without a call of Python's."""


class StepBars(ArrayBars):
    """The bars of one step; all of them are made at once, and `numbers` stay where they are."""

    __slots__ = ()

    def __iter__(self) -> Iterator[Bar]:
        arrays = self._arrays
        rows = [matrix[self.step] for matrix in arrays.fields]
        symbols = arrays.symbols
        if not arrays.is_full[self.step]:
            here = rows[0] == rows[0]  # NaN, a missing bar, is the one value that differs from itself
            rows = [row[here] for row in rows]
            symbols = [symbols[number] for number in np.flatnonzero(here).tolist()]
        return map(MADE, zip(repeat(self.timestamp), symbols, *(row.tolist() for row in rows), strict=False))


class StepContext(Context):
    """A context over arrays: it knows the number of the step, and looks things up when they are asked for.

    A strategy is given the same values as by the reference's, as Python floats. `feature` keeps the row of a feature
    once it has been asked for at a step: who asks for one symbol asks for others. A broker may have more to offer than
    the reference's: positions that are renewed once a step, for a strategy that `asks_often`; what is held as an array;
    and taking many orders at once.
    """

    def __init__(
        self, feed: Feed, broker: Brokerage, features: FeatureTable, passes: PassTable, *, asks_often: bool = False
    ) -> None:
        super().__init__(broker, features, passes)
        self._renewed = getattr(broker, "renewed_positions", None) if asks_often else None
        self._held_quantities = getattr(broker, "quantities", None)
        self._submit_many = None if passes.columns else getattr(broker, "submit_many", None)
        self._arrays = arrays_of(feed)
        self._rows: dict[str, dict[str, float]] = {}
        self._step_bars: StepBars
        self._columns: dict[str, Floats] = {}
        self._matrices: dict[str, Floats] = {}
        self._names = tuple(self._arrays.symbols)
        if getattr(type(broker), "get_position", None) is Holdings.get_position:
            self.get_position = cast(Any, broker)._positions.get  # what the method does, without a call of Python's

    @property
    def symbols(self) -> tuple[str, ...]:
        """All symbols of the data, sorted; a symbol's number is its place here."""
        return self._names

    def move_to(self, bars: Bars) -> StepBars:
        """Make these the present bars; return them in the form of this module."""
        assert isinstance(bars, ArrayBars)  # noqa: S101 - array_feed is required
        self._rows.clear()
        if self._renewed is not None:
            self.get_position = self._renewed()
        self.bars = self._step_bars = StepBars(self._arrays, bars.step, bars.timestamp)
        return self._step_bars

    def feature(self, name: str, symbol: str, ago: int = 0) -> float:
        """Return a declared feature at the symbol's latest bar, or `ago` of its bars earlier; NaN if undefined."""
        if ago == 0:
            try:
                return self._rows[name][symbol]
            except KeyError:
                if name not in self._rows and name in self._features.columns:
                    self._rows[name] = self._row(name)
        return super().feature(name, symbol, ago)

    def _row(self, name: str) -> dict[str, float]:
        """Return a feature at the latest bar of each symbol that has had one."""
        if self._arrays.is_full[self._step_bars.step]:
            return dict(zip(self._names, self.values(name).tolist(), strict=True))
        latest = self._arrays.latest[self._step_bars.step]
        places = self._arrays.columns.starts[:-1] + latest
        seen = np.flatnonzero(latest >= 0)
        names = [self._names[number] for number in seen.tolist()]
        return dict(zip(names, self._column(name)[places[seen]].tolist(), strict=True))

    def _column(self, name: str) -> Floats:
        column = self._columns.get(name)
        if column is None:
            column = self._columns[name] = column_of(self._features, name)
        return column

    def values(self, name: str) -> Floats:
        """Return a declared feature of all symbols, by number; NaN where undefined, or there is no bar here."""
        matrix = self._matrices.get(name)
        if matrix is None:
            matrix = self._matrices[name] = read_only(time_major(self._column(name), self._arrays))
        row: Floats = matrix[self._step_bars.step]
        return row

    def quantities(self) -> Floats:
        """Return the shares that are held of all symbols, by number; below 0 where sold short, 0 where none."""
        held = None if self._held_quantities is None else self._held_quantities()
        return super().quantities() if held is None else held

    def submit_orders(self, numbers: Whole, quantities: Shares, reason: str = "signal") -> range:
        """Submit market orders, one after another, as `submit_order` does; return their order numbers."""
        done = None if self._submit_many is None else self._submit_many(numbers, quantities, reason)
        return super().submit_orders(numbers, quantities, reason) if done is None else done


def time_major(column: Floats, arrays: Arrays) -> Floats:
    """Return a flat column as a matrix (timestamps, symbols), NaN where there is no bar."""
    shape = len(arrays.timestamps), len(arrays.symbols)
    matrix = np.empty(shape) if len(column) == shape[0] * shape[1] else np.full(shape, math.nan)
    _spread(column, arrays.columns.starts, arrays.columns.step, matrix)
    return matrix


@compiled_in_place
def _spread(column: Floats, starts: Ints, step: Steps, matrix: Floats) -> None:
    """Go symbol by symbol: the cells of neighbours share cache lines, which are still there when the next comes."""
    for symbol in range(len(starts) - 1):
        for bar in range(starts[symbol], starts[symbol + 1]):
            matrix[step[bar], symbol] = column[bar]
