"""What a compiled loop writes down as it goes, and the tables that are made of it in the end."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from engine.arrays import Arrays, Floats, Ints
from engine.model import Cancellation, Equity, Fill, Order, Record, Rejection, Trade, schema_of

ORDERS, REJECTIONS, FILLS, TRADES = range(4)


class Log(NamedTuple):
    """What happened, one row an event, for market orders of one account. `counts` says how many rows there are.

    Reason 0 is the signal, the others are the rules, from 1.
    """

    order: Ints  # step, symbol, quantity, reason
    rejection: Ints  # step, order
    fill: Ints  # step, order
    fill_money: Floats  # price, commission, slippage
    trade: Ints  # step, symbol, entry step, quantity, bars, reason
    trade_money: Floats  # entry price, exit price, commission, slippage, pnl, mfe, mae
    equity: Floats  # cash, value, equity
    positions: Ints
    counts: Ints


def empty_log(entries: int, steps: int) -> Log:
    """Return room for all that can happen: an entry is one order, and at most one more leaves it again."""
    return Log(
        order=np.empty((2 * entries, 4), np.int64),
        rejection=np.empty((entries, 2), np.int64),
        fill=np.empty((2 * entries, 2), np.int64),
        fill_money=np.empty((2 * entries, 3)),
        trade=np.empty((entries, 6), np.int64),
        trade_money=np.empty((entries, 7)),
        equity=np.empty((steps, 3)),
        positions=np.empty(steps, np.int64),
        counts=np.zeros(4, np.int64),
    )


class Tables:
    """Makes tables of the log; a series is indexed where `gather` would go through the query engine."""

    def __init__(self, arrays: Arrays, log: Log, reasons: list[str]) -> None:
        self._timestamps = arrays.timestamps
        self._symbols = pl.Series(arrays.symbols, dtype=pl.String)
        self._reasons = pl.Series(reasons, dtype=pl.String)
        self._log = log
        self._order = log.order[: log.counts[ORDERS]]

    def _table(self, record: type[Record], *columns: object) -> pl.DataFrame:
        schema = schema_of(record, self._timestamps.dtype)
        return pl.DataFrame(dict(zip(schema, columns, strict=True)), schema=schema)

    def orders(self) -> pl.DataFrame:
        """Return the orders: all of them market orders, good till they fill."""
        step, symbol, quantity, reason = self._order.T
        no_price, count = np.full(len(step), np.nan), len(step)
        return self._table(
            Order,
            np.arange(1, count + 1),
            self._timestamps[step],
            self._symbols[symbol],
            quantity.astype(np.float64),
            _same("market", count),
            *(no_price, no_price, no_price),
            np.zeros(count, np.bool_),
            np.zeros(count, np.int64),
            self._reasons[reason],
        )

    def rejections(self) -> pl.DataFrame:
        """Return the rejections: there is one reason."""
        step, order = self._log.rejection[: self._log.counts[REJECTIONS]].T
        return self._table(Rejection, *self._of(step, order), _same("not enough cash", len(step)))

    def cancellations(self) -> pl.DataFrame:
        """Return the cancellations: there are none."""
        return self._table(Cancellation, *([] for _ in schema_of(Cancellation, self._timestamps.dtype)))

    def fills(self) -> pl.DataFrame:
        """Return the fills: an order fills whole."""
        count = self._log.counts[FILLS]
        step, order = self._log.fill[:count].T
        return self._table(Fill, *self._of(step, order), *self._log.fill_money[:count].T)

    def trades(self) -> pl.DataFrame:
        """Return the trades."""
        count = self._log.counts[TRADES]
        step, symbol, entry_step, quantity, bars, reason = self._log.trade[:count].T
        return self._table(
            Trade,
            self._timestamps[step],
            self._symbols[symbol],
            self._timestamps[entry_step],
            quantity.astype(np.float64),
            *self._log.trade_money[:count].T,
            bars,
            self._reasons[reason],
        )

    def equity(self) -> pl.DataFrame:
        """Return the equity: nothing is borrowed."""
        no_fees = np.zeros(len(self._timestamps))
        return self._table(Equity, self._timestamps, *self._log.equity.T, self._log.positions, no_fees)

    def _of(self, step: Ints, order: Ints) -> tuple[object, ...]:
        """Return number, time, symbol and quantity of what happened to these orders."""
        of_orders = self._order[order]
        symbols, quantities = self._symbols[of_orders[:, 1]], of_orders[:, 2].astype(np.float64)
        return order + 1, self._timestamps[step], symbols, quantities


def _same(text: str, count: int) -> pl.Series:
    return pl.Series([text])[np.zeros(count, np.int64)]
