"""The feed: a table of bars, handed out one timestamp at a time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from engine.model import Bar, Bars
from engine.pipeline import Loaded


class DataFeed:
    """Bars from a loaded table (sorted by timestamp, then symbol), as Polars rows."""

    def __init__(self, loaded: Loaded) -> None:
        self.bars = loaded.bars
        self.symbols: list[str] = loaded.bars["symbol"].unique().sort().to_list()

    def __iter__(self) -> Iterator[Bars]:
        rows = map(Bar._make, self.bars.select(Bar._fields).iter_rows())
        numbers: dict[str, int] = {}
        closes: dict[str, float] = {}
        # by runs and not by value: Python compares an hour that is struck twice as one
        for length in self.bars["timestamp"].rle().struct.field("len"):
            bars = list(islice(rows, length))
            for bar in bars:
                numbers[bar.symbol] = numbers.get(bar.symbol, -1) + 1
                closes[bar.symbol] = bar.close
            yield Bars(bars[0].timestamp, bars, numbers, closes, self.symbols)
