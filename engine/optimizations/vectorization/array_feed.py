"""Hand out rows of time-major matrices in place of dictionaries built per bar.

How: The loaded table is laid out once, as NumPy matrices of shape (timestamps, symbols) and as flat columns by
symbol. At each timestamp the engine gets views of one matrix row; prices are found by the symbol's number, and a
bar becomes an object only when the strategy is given it.

Exact: Values are copied, never computed. NaN marks a missing bar, and a loaded price is never NaN, so "no bar"
can't be mistaken for a price.

Risk: The matrices hold every (timestamp, symbol) cell: a market with many symbols that list for a short time
takes more memory than its table. Laying out costs time when loading, shown apart from the run.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import repeat

import numpy as np

from engine.arrays import FIELDS, Arrays, RowView, lay_out
from engine.catalog import optimization
from engine.model import Bar
from engine.pipeline import FeedComponent, Loaded


class MatrixSlice:
    """The bars of one timestamp, as rows of the matrices."""

    __slots__ = ("_arrays", "step", "timestamp")

    def __init__(self, arrays: Arrays, step: int, timestamp: date) -> None:
        self.timestamp = timestamp
        self.step = step
        self._arrays = arrays

    def by_symbol(self, field: str) -> RowView:
        """Return a view of one field."""
        return RowView(self._arrays.index, self._arrays.matrices[field][self.step])

    def bars(self) -> Iterator[Bar]:
        """Yield the bars in symbol order."""
        rows = [self._arrays.matrices[field][self.step] for field in FIELDS]
        symbols = self._arrays.symbols
        present = np.flatnonzero(rows[0] == rows[0])
        if len(present) < len(symbols):
            rows = [row[present] for row in rows]
            symbols = [symbols[number] for number in present.tolist()]
        return map(Bar, repeat(self.timestamp), symbols, *(row.tolist() for row in rows))


class MatrixFeed:
    """Loaded bars as arrays."""

    def __init__(self, loaded: Loaded) -> None:
        self.bars = loaded.bars
        self.arrays = loaded.layout if isinstance(loaded.layout, Arrays) else lay_out(loaded.bars)
        self.symbols: list[str] = self.arrays.symbols

    def __iter__(self) -> Iterator[MatrixSlice]:
        for step, timestamp in enumerate(self.arrays.times):
            yield MatrixSlice(self.arrays, step, timestamp)


@optimization(component="feed")
def array_feed(inner: FeedComponent) -> FeedComponent:  # noqa: ARG001 - it takes the place of the inner one
    """Replace the feed of rows."""
    return MatrixFeed
