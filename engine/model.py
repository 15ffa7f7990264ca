"""The records of the engine, and the tables that a run gives back.

Money and prices are float64 in the currency of the data; quantities are whole shares (int64), positive
for a buy and negative for a sell; timestamps keep the type that they have in the data (date or datetime).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import polars as pl

PRICES = ("open", "high", "low", "close")
"""The price columns of a bar."""


class Bar(NamedTuple):
    """One row of the data: what traded in one symbol up to one timestamp."""

    timestamp: date
    symbol: str
    open: float
    high: float
    low: float
    close: float
    volume: float


@dataclass(frozen=True, slots=True)
class Order:
    """An instruction to buy (quantity above 0) or sell (below 0) at the symbol's next open.

    An exit by a position rule is an order too, filled at once; `reason` then names the rule.
    """

    order_id: int
    timestamp: date
    symbol: str
    quantity: int
    reason: str


@dataclass(frozen=True, slots=True)
class Rejection:
    """An order that could not be filled when its turn came, and why."""

    order_id: int
    timestamp: date
    symbol: str
    quantity: int
    reason: str


@dataclass(frozen=True, slots=True)
class Fill:
    """An executed order: `price` has the slippage in it, `commission` is money on top."""

    order_id: int
    timestamp: date
    symbol: str
    quantity: int
    price: float
    commission: float


@dataclass(frozen=True, slots=True)
class Trade:
    """Shares bought and sold again. `timestamp` is that of the exit; `commission` is that of both sides."""

    timestamp: date
    symbol: str
    entry_timestamp: date
    quantity: int
    entry_price: float
    exit_price: float
    commission: float
    pnl: float
    reason: str


@dataclass(frozen=True, slots=True)
class Equity:
    """The account after a timestamp: `equity` is `cash` plus `value`, the worth of what is held."""

    timestamp: date
    cash: float
    value: float
    equity: float
    positions: int


@dataclass(frozen=True, slots=True)
class Position:
    """What is held of one symbol: `entry_price` is the average paid, slippage included."""

    symbol: str
    quantity: int
    entry_price: float
    entry_timestamp: date
    entry_commission: float


@dataclass(frozen=True, slots=True)
class Settings:
    """The account and its costs.

    `cash` is what it starts with. `commission` is a fraction of the traded notional. `slippage` is a
    fraction of the price, against the trader: a buy at 100 with 0.0005 pays 100.05. An account whose equity falls
    below `ruin` trades no more: what is queued is dropped, and its last row of equity stands for all that follow.
    """

    cash: float = 1_000_000.0
    commission: float = 0.0
    slippage: float = 0.0
    ruin: float = 0.0


class FeatureTable:
    """Feature values, symbol after symbol, each symbol's own bars in time order; NaN before warm-up.

    `columns` maps a feature's name to a flat sequence over all bars; the n-th bar of a symbol (n from 0)
    stands at `starts[symbol] + n`.
    """

    def __init__(self, columns: Mapping[str, Sequence[float]], starts: Mapping[str, int]) -> None:
        self.columns = columns
        self.starts = starts

    def value(self, name: str, symbol: str, number: int) -> float:
        """Return the feature at the symbol's bar `number`, counted from 0."""
        return self.columns[name][self.starts[symbol] + number]


class PassTable:
    """Which bars pass each gate of a strategy: one flat column of flags a gate, laid out as in `FeatureTable`."""

    def __init__(self, columns: Mapping[str, Sequence[bool]], starts: Mapping[str, int]) -> None:
        self.columns = columns
        self.starts = starts

    def passes(self, symbol: str, number: int) -> bool:
        """Whether the symbol's bar `number`, counted from 0, passes all gates."""
        place = self.starts[symbol] + number
        return all(column[place] for column in self.columns.values())


Record = Order | Rejection | Fill | Trade | Equity

_DTYPES: dict[str, pl.DataType] = {"int": pl.Int64(), "float": pl.Float64(), "str": pl.String()}


def schema_of(record: type[Record], timestamp: pl.DataType) -> dict[str, pl.DataType]:
    """Return the columns of the table of such records, with the data's own timestamp type."""
    return {field.name: _DTYPES.get(str(field.type), timestamp) for field in fields(record)}


def table_of(record: type[Record], rows: Iterable[Record], timestamp: pl.DataType) -> pl.DataFrame:
    """Return one row a record, in the order given."""
    schema = schema_of(record, timestamp)
    rows = list(rows)
    columns = {name: [getattr(row, name) for row in rows] for name in schema}
    return pl.DataFrame(columns, schema=schema)


def flat_frame(bars: pl.DataFrame, columns: Mapping[str, Any], dtype: type[np.generic]) -> pl.DataFrame:
    """Return (timestamp, symbol, one column each) in the row order of `bars`.

    `columns` are flat over the bars sorted by symbol, then timestamp, as in `FeatureTable`.
    """
    codes = bars["symbol"].cast(pl.Enum(bars["symbol"].unique().sort())).to_physical().to_numpy()
    by_symbol = np.argsort(codes, kind="stable")
    values = []
    for name, column in columns.items():
        in_rows = np.empty(len(bars), dtype)
        in_rows[by_symbol] = np.asarray(column, dtype=dtype)
        values.append(pl.Series(name, in_rows))
    return bars.select("timestamp", "symbol").with_columns(values)


@dataclass(frozen=True)
class Result:
    """What a run gives back: one table an output, in the order in which events happened.

    The features that the strategy saw, and the bars that its gates let through, become tables when first asked for.
    """

    orders: pl.DataFrame
    rejections: pl.DataFrame
    fills: pl.DataFrame
    trades: pl.DataFrame
    equity: pl.DataFrame
    bars: pl.DataFrame
    feature_table: FeatureTable
    pass_table: PassTable

    @cached_property
    def features(self) -> pl.DataFrame:
        """Return (timestamp, symbol, one column a feature), a row a bar."""
        return flat_frame(self.bars, self.feature_table.columns, np.float64)

    @cached_property
    def gates(self) -> pl.DataFrame:
        """Return (timestamp, symbol, one column of flags a gate), a row a bar."""
        return flat_frame(self.bars, self.pass_table.columns, np.bool_)

    def account(self) -> dict[str, pl.DataFrame]:
        """Return what happened to the account, in the order in which it comes about within a timestamp."""
        names = ("rejections", "fills", "trades", "orders", "equity")
        return {name: getattr(self, name) for name in names}

    def outputs(self) -> dict[str, pl.DataFrame]:
        """Return every output by name, in the same order; gates only where the strategy declares some."""
        gates = {"gates": self.gates} if self.pass_table.columns else {}
        return {"features": self.features, **gates, **self.account()}
