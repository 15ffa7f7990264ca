"""The feed: a table of bars, handed out one timestamp at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import groupby
from typing import Any

import polars as pl

from engine.model import Bar
from engine.pipeline import Loaded


class RowSlice:
    """The bars of one timestamp, as rows, in symbol order."""

    def __init__(self, timestamp: date, rows: list[dict[str, Any]]) -> None:
        self.timestamp = timestamp
        self._rows = rows

    def by_symbol(self, field: str) -> Mapping[str, float]:
        """Return one field of every symbol that has a bar here."""
        return {row["symbol"]: row[field] for row in self._rows}

    def bars(self) -> Iterator[Bar]:
        """Yield the bars in symbol order."""
        for row in self._rows:
            yield Bar(
                row["timestamp"],
                row["symbol"],
                row["open"],
                row["high"],
                row["low"],
                row["close"],
                row["volume"],
            )


class DataFeed:
    """Bars from a loaded table (sorted by timestamp, then symbol), as Polars rows."""

    def __init__(self, loaded: Loaded) -> None:
        self.bars = loaded.bars
        self.symbols: list[str] = loaded.bars["symbol"].unique().sort().to_list()

    def __iter__(self) -> Iterator[RowSlice]:
        # by number and not by value: Python compares an hour that is struck twice as one
        rows = self.bars.with_columns(pl.col("timestamp").rle_id().alias("step")).iter_rows(named=True)
        for _, group in groupby(rows, key=lambda row: row["step"]):
            bars = list(group)
            yield RowSlice(bars[0]["timestamp"], bars)
