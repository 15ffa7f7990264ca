"""The bars and the signals that all engines are given: one CSV file, read with the standard library."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

COLUMNS = ("open", "high", "low", "close", "volume")
Columns = Mapping[str, Mapping[str, Sequence[float]]]


@dataclass(frozen=True)
class Market:
    """Daily bars without gaps.

    `columns[name][symbol]` has one float64 a date, prices in money and the volume in shares; `signals[symbol]` has one
    of +1 (be long), -1 (be short, or not long) and 0 (as before) for each date, known at its close.
    """

    dates: Sequence[date]
    columns: Columns
    signals: Mapping[str, Sequence[int]]

    @property
    def symbols(self) -> list[str]:
        """The symbols, sorted."""
        return sorted(self.signals)

    def at_closes(self) -> Market:
        """Return the market of which all four prices of a bar are its close."""
        closes = self.columns["close"]
        prices = dict.fromkeys(("open", "high", "low", "close"), closes)
        return replace(self, columns={**prices, "volume": self.columns["volume"]})


def write_market(market: Market, path: Path) -> None:
    """Write a row a bar; every float so that it reads back as the same float."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["timestamp", "symbol", *COLUMNS, "signal"])
        for number, day in enumerate(market.dates):
            for symbol in market.symbols:
                values = (repr(float(market.columns[name][symbol][number])) for name in COLUMNS)
                writer.writerow([day.isoformat(), symbol, *values, market.signals[symbol][number]])


def read_market(path: Path) -> Market:
    """Read what `write_market` has written."""
    dates: dict[date, None] = {}
    columns: dict[str, dict[str, list[float]]] = {name: {} for name in COLUMNS}
    signals: dict[str, list[int]] = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            dates[date.fromisoformat(row["timestamp"])] = None
            for name in COLUMNS:
                columns[name].setdefault(row["symbol"], []).append(float(row[name]))
            signals.setdefault(row["symbol"], []).append(int(row["signal"]))
    return Market(list(dates), columns, signals)
