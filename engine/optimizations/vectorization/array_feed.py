"""Hand out rows of time-major matrices in place of bars read from a table.

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

from engine.arrays import ArrayBars, Arrays, lay_out
from engine.catalog import optimization
from engine.pipeline import FeedComponent, Loaded


class MatrixFeed:
    """Loaded bars as arrays."""

    def __init__(self, loaded: Loaded) -> None:
        self.bars = loaded.bars
        self.arrays = loaded.layout if isinstance(loaded.layout, Arrays) else lay_out(loaded.bars)
        self.symbols: list[str] = self.arrays.symbols

    def __iter__(self) -> Iterator[ArrayBars]:
        for step, timestamp in enumerate(self.arrays.times):
            yield ArrayBars(self.arrays, step, timestamp)


@optimization(component="feed")
def array_feed(inner: FeedComponent) -> FeedComponent:  # noqa: ARG001 - it takes the place of the inner one
    """Replace the feed of rows."""
    return MatrixFeed
