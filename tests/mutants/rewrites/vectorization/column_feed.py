"""A feed of columns as Python lists."""

from __future__ import annotations

from engine.catalog import optimization
from engine.model import Bar, Bars
from engine.pipeline import FeedComponent


class ColumnFeed:
    """Lists of each field, with the bounds of each timestamp."""

    def __init__(self, loaded) -> None:
        self.bars = loaded.bars
        self.symbols = sorted(set(loaded.bars["symbol"].to_list()))
        self._fields = {name: loaded.bars[name].to_list() for name in Bar._fields}
        lengths = loaded.bars["timestamp"].rle().struct.field("len").to_list()
        self._bounds = [0]
        for length in lengths:
            self._bounds.append(self._bounds[-1] + length)

    def __iter__(self):
        seen, closes = dict.fromkeys(self.symbols, 0), {}
        for first, last in zip(self._bounds, self._bounds[1:], strict=False):
            bars = [Bar(*(column[row] for column in self._fields.values())) for row in range(first, last)]
            for bar in bars:
                seen[bar.symbol] += 1
                closes[bar.symbol] = bar.close
            numbers = {symbol: count - 1 for symbol, count in seen.items() if count}
            yield Bars(bars[0].timestamp, tuple(bars), numbers, dict(closes), self.symbols)


@optimization(component="feed")
def column_feed(inner: FeedComponent) -> FeedComponent:  # noqa: ARG001 - it takes its place
    """Replace the feed."""
    return ColumnFeed
