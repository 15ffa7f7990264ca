"""The records of the engine, and the tables that a run gives back.

Money and prices are float64 in the currency of the data; quantities are shares (float64, whole multiples of the lot),
positive for a buy and negative for a sale; timestamps keep the type that they have in the data (date or datetime).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.errors import InputError
from engine.grid import Grid
from engine.positions import positions_of

Floats = npt.NDArray[np.float64]
Number = TypeVar("Number", bound=np.generic)

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


FIELDS = (*PRICES, "volume")
"""The fields of a bar that are numbers."""


class Bars:
    """The bars of one timestamp, in symbol order, and how far each symbol has come.

    `symbols` are all of the data, sorted. `numbers` has the number of each symbol's latest bar, counted from 0, of
    those that have had one. It tells of the present: one that is kept is of no use at a later timestamp.
    """

    __slots__ = ("_bars", "_by_symbol", "_closes", "_symbols", "numbers", "timestamp")

    def __init__(
        self,
        timestamp: date,
        bars: Sequence[Bar],
        numbers: Mapping[str, int],
        closes: Mapping[str, float],
        symbols: Sequence[str] = (),
    ) -> None:
        self.timestamp = timestamp
        self._symbols = symbols
        self._bars = bars
        self.numbers = numbers
        self._closes = closes
        self._by_symbol: dict[str, Bar] | None = None

    def __iter__(self) -> Iterator[Bar]:
        return iter(self._bars)

    def __len__(self) -> int:
        return len(self._bars)

    def get(self, symbol: str) -> Bar | None:
        """Return the symbol's bar, or None where it has none here."""
        if self._by_symbol is None:
            self._by_symbol = {bar.symbol: bar for bar in self._bars}
        return self._by_symbol.get(symbol)

    def only(self, bars: Sequence[Bar]) -> Bars:
        """Return some of these bars, as all that there are."""
        return Bars(self.timestamp, bars, self.numbers, self._closes, self._symbols)

    def values(self, field: str) -> Floats:
        """Return a field of these bars ("open", "high", "low", "close" or "volume") of all symbols, by number.

        NaN where the symbol has no bar here, or has one that is not shown. Read-only.
        """
        check_field(field)
        by_symbol = {bar.symbol: getattr(bar, field) for bar in self._bars}
        return read_only([by_symbol.get(symbol, math.nan) for symbol in self._symbols])

    def last_close(self, symbol: str) -> float:
        """Return the symbol's latest close; NaN before its first bar."""
        return self._closes.get(symbol, math.nan)


def check_field(field: str) -> None:
    """Raise an InputError where this is no field of a bar that is a number."""
    if field not in FIELDS:
        raise InputError(f"the values of {field!r}", hint=f"Choose from {', '.join(FIELDS)}")


def read_only(values: Sequence[float] | Floats) -> Floats:
    """Return an array of these values, or a view of one, that can't be written to."""
    return sealed(np.asarray(values, np.float64))


def sealed(array: npt.NDArray[Number]) -> npt.NDArray[Number]:
    """Return a view of an array that can't be written to."""
    view = array.view()
    view.flags.writeable = False
    return view


@dataclass(frozen=True, slots=True)
class Order:
    """An instruction to buy (quantity above 0) or sell (below 0), in shares.

    `kind` is "market", "limit", "stop", "stop_limit" or "trailing_stop". `limit` and `stop` are prices, `trail` is a
    fraction of the price; NaN where the order has none. A `day` order ends with the first day that its symbol trades
    after it. `parent` is the order whose fill has submitted this one, 0 where none has. An exit by a position rule is
    an order too, filled at once; `reason` then names the rule.
    """

    order_id: int
    timestamp: date
    symbol: str
    quantity: float
    kind: str = "market"
    limit: float = math.nan
    stop: float = math.nan
    trail: float = math.nan
    day: bool = False
    parent: int = 0
    reason: str = "signal"


@dataclass(frozen=True, slots=True)
class Ended:
    """An order that ended without a fill, or the part of it that was left, and why."""

    order_id: int
    timestamp: date
    symbol: str
    quantity: float
    reason: str


@dataclass(frozen=True, slots=True)
class Rejection(Ended):
    """An order that could not be filled when its turn came."""


@dataclass(frozen=True, slots=True)
class Cancellation(Ended):
    """An order that was taken back: cancelled, replaced, expired, or of no use any more."""


@dataclass(frozen=True, slots=True)
class Fill:
    """An executed order, or a part of it.

    `price` has the slippage in it, which `slippage` gives in money; `commission` is money on top.
    """

    order_id: int
    timestamp: date
    symbol: str
    quantity: float
    price: float
    commission: float
    slippage: float


@dataclass(frozen=True, slots=True)
class Trade:
    """Shares bought and sold again (quantity above 0), or sold short and bought back (below 0).

    `timestamp` is that of the exit; `commission` and `slippage` are money, those of both sides; `pnl` is net of them.
    `mfe` and `mae`, the maximum favourable and adverse excursion, are the best and the worst price that the position
    has seen after its entry, as a fraction of the entry price: the highs and lows of the bars before that of the
    exit, and the exit price (Sweeney, Maximum Adverse Excursion, 1997). `bars` counts the symbol's bars from the one
    of the entry to the one of the exit: 0 where they are the same.
    """

    timestamp: date
    symbol: str
    entry_timestamp: date
    quantity: float
    entry_price: float
    exit_price: float
    commission: float
    slippage: float
    pnl: float
    mfe: float
    mae: float
    bars: int
    reason: str


@dataclass(frozen=True, slots=True)
class Equity:
    """The account after a timestamp: `equity` is `cash` plus `value`, the worth of what is held.

    `borrow_fees` is what has been paid for shares sold short, up to here.
    """

    timestamp: date
    cash: float
    value: float
    equity: float
    positions: int
    borrow_fees: float


@dataclass(frozen=True, slots=True)
class Position:
    """What is held of one symbol, below 0 where it is sold short: `entry_price` is the average, slippage included."""

    symbol: str
    quantity: float
    entry_price: float
    entry_timestamp: date
    entry_commission: float
    entry_slippage: float


FILL_AT = ("next_open", "this_close", "next_close")
"""When market orders fill."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The account, its costs, and what an order may be.

    `cash` is what it starts with. The commission of a fill is `commission` times its notional, plus
    `commission_per_share` times its shares, plus `commission_fixed`, and at least `commission_minimum`. `slippage` is
    a fraction of the price, against the trader: a buy at 100 with 0.0005 pays 100.05; `slippage_fixed` is money a
    share on top; `volume_impact` adds a fraction of itself, the square of the share of the bar's volume.
    `volume_limit` is the fraction of a bar's volume that may fill; the rest of an order waits.

    Market orders fill at `fill_at`: the next open, this close or the next close. With `short` what is not held may be
    sold, and costs `borrow_rate` a year; with `leverage` the worth of all positions, long and short, may be that many
    times the equity. Quantities are whole multiples of `lot`, prices of `tick` (0: any price); an order that opens or
    adds to a position has to be worth `minimum_notional`. An account whose equity falls below `ruin` trades no more:
    what is queued is dropped, and its last row of equity stands for all that follow.
    """

    cash: float = 1_000_000.0
    commission: float = 0.0
    slippage: float = 0.0
    ruin: float = 0.0
    commission_per_share: float = 0.0
    commission_fixed: float = 0.0
    commission_minimum: float = 0.0
    slippage_fixed: float = 0.0
    volume_impact: float = 0.0
    volume_limit: float = math.inf
    fill_at: str = "next_open"
    short: bool = False
    leverage: float = 1.0
    borrow_rate: float = 0.0
    lot: float = 1.0
    tick: float = 0.0
    minimum_notional: float = 0.0

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if one.type == "float":
                most = math.inf if one.name == "volume_limit" else sys.float_info.max
                if not isinstance(value, (int, float)) or not 0.0 <= value <= most:
                    raise InputError(f"{one.name} of {value!r}", hint="A finite number, 0 or more")
            elif type(value).__name__ != one.type:
                raise InputError(f"{one.name} of {value!r}", hint=f"It is a {one.type}")
        if self.fill_at not in FILL_AT:
            raise InputError(f"fill_at of {self.fill_at!r}", hint=f"Choose from {', '.join(FILL_AT)}")
        if not self.cash > 0.0:
            raise InputError(f"cash of {self.cash}", hint="An amount of money above 0: what the account starts with")
        if self.leverage < 1.0:
            raise InputError(f"leverage of {self.leverage}", hint="1 or more: the exposure over the equity")
        if not self.volume_limit > 0.0:
            raise InputError(f"volume_limit of {self.volume_limit}", hint="Above 0: a fraction of the bar's volume")
        _ = self.lots, self.ticks

    @property
    def lots(self) -> Grid:
        """The quantities that there are."""
        return Grid(self.lot, "lot")

    @property
    def ticks(self) -> Grid | None:
        """The prices that there are; None where any will do."""
        return Grid(self.tick, "tick") if self.tick else None


class FeatureTable:
    """Feature values, symbol after symbol, each symbol's own bars in time order; NaN before warm-up.

    `columns` maps a feature's name to a flat sequence over all bars; the n-th bar of a symbol (n from 0)
    stands at `starts[symbol] + n`.
    """

    def __init__(self, columns: Mapping[str, Sequence[float]], starts: Mapping[str, int]) -> None:
        self.columns = columns
        self.starts = starts


class PassTable:
    """Which bars pass each gate of a strategy: one flat column of flags a gate, laid out as in `FeatureTable`."""

    def __init__(self, columns: Mapping[str, Sequence[bool]], starts: Mapping[str, int]) -> None:
        self.columns = columns
        self.starts = starts

    def passes(self, symbol: str, number: int) -> bool:
        """Whether the symbol's bar `number`, counted from 0, passes all gates."""
        place = self.starts[symbol] + number
        return all(column[place] for column in self.columns.values())


Record = Order | Rejection | Cancellation | Fill | Trade | Equity

_DTYPES: dict[str, pl.DataType] = {"int": pl.Int64(), "float": pl.Float64(), "str": pl.String(), "bool": pl.Boolean()}


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


class Accounted:
    """What has the tables of an account."""

    def account(self) -> dict[str, pl.DataFrame]:
        """Return what happened to the account, in the order in which it comes about within a timestamp."""
        names = ("rejections", "cancellations", "fills", "trades", "orders", "equity")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class Result(Accounted):
    """What a run gives back: one table an output, in the order in which events happened.

    The features that the strategy saw, the bars that its gates let through, and the positions become tables when they
    are first asked for. `lot` is that of the settings.
    """

    orders: pl.DataFrame
    rejections: pl.DataFrame
    cancellations: pl.DataFrame
    fills: pl.DataFrame
    trades: pl.DataFrame
    equity: pl.DataFrame
    bars: pl.DataFrame
    feature_table: FeatureTable
    pass_table: PassTable
    lot: float = 1.0

    @cached_property
    def features(self) -> pl.DataFrame:
        """Return (timestamp, symbol, one column a feature), a row a bar."""
        return flat_frame(self.bars, self.feature_table.columns, np.float64)

    @cached_property
    def gates(self) -> pl.DataFrame:
        """Return (timestamp, symbol, one column of flags a gate), a row a bar."""
        return flat_frame(self.bars, self.pass_table.columns, np.bool_)

    @cached_property
    def positions(self) -> pl.DataFrame:
        """Return what was held after each timestamp: (timestamp, symbol, quantity, price, value), from the fills."""
        return positions_of(self.fills, self.bars, self.lot)

    def outputs(self) -> dict[str, pl.DataFrame]:
        """Return every output by name, in the same order; gates only where the strategy declares some."""
        gates = {"gates": self.gates} if self.pass_table.columns else {}
        return {"features": self.features, **gates, **self.account()}
