"""Tables made of a journal when they are asked for; compiled loops look up what an event refers to.

A table may go on using the memory that it is made of, so no column of the journal itself is handed over.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.arrays import Floats, Ints, Steps, Times
from engine.jit import compiled_in_place
from engine.model import Cancellation, Equity, Fill, Order, Record, Rejection, Trade, schema_of
from engine.packed.journal import FILLS, ORDERS, REJECTIONS, TRADES, Journal, Numbers

Array = npt.NDArray[Any]


class Names(NamedTuple):
    """What the numbers in a journal stand for: the timestamps, the same as numbers, the symbols, and the reasons."""

    timestamps: pl.Series
    times: Times
    symbols: pl.Series
    reasons: pl.Series


def orders_of(journal: Journal, names: Names) -> pl.DataFrame:
    """Return the orders: all of them market orders, good till they fill."""
    count = int(journal.counts[ORDERS])
    no_price = _same(float("nan"), count)
    return _table(
        names,
        Order,
        np.arange(1, count + 1),
        _at(names, journal.order_step[:count]),
        _picked(names.symbols, journal.order_symbol[:count]),
        journal.order_quantity[:count].copy(),
        _same("market", count),
        *(no_price, no_price, no_price),
        _same(False, count),
        _same(0, count),
        _picked(names.reasons, journal.order_reason[:count]),
    )


def rejections_of(journal: Journal, names: Names) -> pl.DataFrame:
    """Return the rejections: there is one reason."""
    count = int(journal.counts[REJECTIONS])
    ended = _of_orders(journal, names, journal.rejection_step[:count], journal.rejection_order[:count])
    return _table(names, Rejection, *ended, _same("not enough cash", count))


def cancellations_of(names: Names) -> pl.DataFrame:
    """Return the cancellations: there are none."""
    return _no_cancellations(names.timestamps.dtype).clone()


@cache
def _no_cancellations(timestamp: pl.DataType) -> pl.DataFrame:
    return pl.DataFrame(schema=schema_of(Cancellation, timestamp))


def fills_of(journal: Journal, names: Names) -> pl.DataFrame:
    """Return the fills: an order fills whole."""
    count = int(journal.counts[FILLS])
    filled = _of_orders(journal, names, journal.fill_step[:count], journal.fill_order[:count])
    money = (journal.fill_price, journal.fill_commission, journal.fill_slippage)
    return _table(names, Fill, *filled, *(column[:count].copy() for column in money))


def trades_of(journal: Journal, names: Names) -> pl.DataFrame:
    """Return the trades, from the fills of their entry and of their exit."""
    count = int(journal.counts[TRADES])
    numbers, money, bars = np.empty((2, count), np.uint32), np.empty((8, count)), np.empty(count, np.int64)
    times = np.empty((2, count), names.times.dtype)
    _lay_out_trades(journal, names.times, numbers, money, times, bars)
    symbol, reason = numbers
    came, went = times
    return _table(
        names,
        Trade,
        pl.Series(went).cast(names.timestamps.dtype),
        _picked(names.symbols, symbol),
        pl.Series(came).cast(names.timestamps.dtype),
        *money,
        bars,
        _picked(names.reasons, reason),
    )


def equity_of(journal: Journal, names: Names) -> pl.DataFrame:
    """Return the equity: nothing is borrowed."""
    steps = len(names.timestamps)
    columns = (journal.cash, journal.value, journal.equity, journal.positions)
    copies = (column[:steps].copy() for column in columns)
    return _table(names, Equity, names.timestamps, *copies, _same(0.0, steps))


@compiled_in_place
def _lay_out_trades(journal: Journal, names: Times, numbers: Numbers, money: Floats, times: Times, bars: Ints) -> None:
    """Fill in symbol and reason; quantity, prices, costs, profit, excursions; times of entry and exit; and bars."""
    for row in range(len(bars)):
        came, went = journal.trade_entry_fill[row], journal.trade_exit_fill[row]
        bought, sold = journal.fill_order[came], journal.fill_order[went]
        quantity, paid, got = journal.order_quantity[bought], journal.fill_price[came], journal.fill_price[went]
        commission = journal.fill_commission[came] + journal.fill_commission[went]
        numbers[0, row] = journal.order_symbol[bought]
        numbers[1, row] = journal.order_reason[sold]
        money[0, row] = quantity
        money[1, row] = paid
        money[2, row] = got
        money[3, row] = commission
        money[4, row] = journal.fill_slippage[came] + journal.fill_slippage[went]
        money[5, row] = (got - paid) * quantity - commission
        money[6, row] = max(journal.trade_highest[row], got) / paid - 1.0
        money[7, row] = min(journal.trade_lowest[row], got) / paid - 1.0
        times[0, row] = names[journal.fill_step[came]]
        times[1, row] = names[journal.fill_step[went]]
        bars[row] = journal.trade_bars[row]


@compiled_in_place
def _look_up(
    journal: Journal,
    names: Times,
    step: Steps,
    order: Numbers,
    number: Ints,
    time: Times,
    symbol: Numbers,
    quantity: Floats,
) -> None:
    """Fill in number, time, symbol and quantity of what happened to orders."""
    for row in range(len(step)):
        place = order[row]
        number[row] = place + 1
        time[row] = names[step[row]]
        symbol[row] = journal.order_symbol[place]
        quantity[row] = journal.order_quantity[place]


def _of_orders(journal: Journal, names: Names, step: Steps, order: Numbers) -> tuple[Array | pl.Series, ...]:
    count = len(step)
    number, time = np.empty(count, np.int64), np.empty(count, names.times.dtype)
    symbol, quantity = np.empty(count, np.uint32), np.empty(count)
    _look_up(journal, names.times, step, order, number, time, symbol, quantity)
    return number, pl.Series(time).cast(names.timestamps.dtype), _picked(names.symbols, symbol), quantity


def _at(names: Names, steps: Steps) -> pl.Series:
    return pl.Series(names.times[steps]).cast(names.timestamps.dtype)


def _table(names: Names, record: type[Record], *columns: Array | pl.Series) -> pl.DataFrame:
    schema = schema_of(record, names.timestamps.dtype)
    named = [
        column.alias(name) if isinstance(column, pl.Series) else pl.Series(name, column)
        for name, column in zip(schema, columns, strict=True)
    ]
    return pl.DataFrame(named)


def _picked(names: pl.Series, numbers: Numbers) -> pl.Series:
    return names[pl.Series(numbers)]


def _same(value: object, count: int) -> pl.Series:
    return pl.Series([value]).new_from_index(0, count)
