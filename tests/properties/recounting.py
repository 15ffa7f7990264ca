"""The account counted again, from the fills alone."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import polars as pl

from engine.model import Result, Settings

SECONDS_OF_A_YEAR = 31_536_000.0
PER_SECOND = {"ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


class Row(NamedTuple):
    """The account after a timestamp, as `engine.model.Equity`."""

    cash: float
    value: float
    equity: float
    positions: int
    borrow_fees: float


class Lots:
    """Whole numbers of lots, and what they are in shares: a second opinion on `engine.grid`."""

    def __init__(self, lot: float) -> None:
        self._whole, self._parts = (int(lot), 1) if lot >= 1.0 else (1, round(1.0 / lot))

    def count(self, shares: float) -> int:
        """Return the number of lots, which has to be whole."""
        count = round(shares * self._parts / self._whole)
        assert self.shares(count) == shares, f"{shares} shares are no whole number of lots"
        return count

    def shares(self, count: int) -> float:
        """Return the shares."""
        return count * self._whole / self._parts


def seconds_between(times: pl.Series) -> Iterator[float]:
    """Yield the seconds from each timestamp to the next."""
    moments = times.to_physical().to_list()
    for earlier, later in pairwise(moments):
        dtype = times.dtype
        yield (
            (later - earlier) / PER_SECOND[dtype.time_unit]
            if isinstance(dtype, pl.Datetime)
            else ((later - earlier) * 86_400.0)
        )


def accounts_from_fills(result: Result, settings: Settings) -> Iterator[Row]:
    """Yield the account after each timestamp: the borrow fee first, then the fills in their order."""
    times = result.bars["timestamp"].unique(maintain_order=True)
    lots = Lots(settings.lot)
    cash, fees, borrowed = settings.cash, 0.0, 0.0
    held: dict[str, int] = {}
    closes: dict[str, float] = {}
    row: Row | None = None
    for time, seconds in zip(times.to_physical(), [0.0, *seconds_between(times)], strict=True):
        if row is not None and row.equity < settings.ruin:
            yield row
            continue
        if borrowed:
            fee = borrowed * (settings.borrow_rate * (seconds / SECONDS_OF_A_YEAR))
            cash -= fee
            fees += fee
        closes |= dict(result.bars.filter(pl.col("timestamp").to_physical() == time).select("symbol", "close").rows())
        for fill in result.fills.filter(pl.col("timestamp").to_physical() == time).iter_rows(named=True):
            cash -= fill["price"] * fill["quantity"] + fill["commission"]
            held[fill["symbol"]] = held.get(fill["symbol"], 0) + lots.count(fill["quantity"])
        value = borrowed = 0.0
        for symbol in sorted(symbol for symbol in held if held[symbol]):
            value += lots.shares(held[symbol]) * closes[symbol]
            if settings.borrow_rate and held[symbol] < 0:
                borrowed -= lots.shares(held[symbol]) * closes[symbol]
        row = Row(cash, value, cash + value, sum(1 for count in held.values() if count), fees)
        yield row
