"""The tables of a result, made from the log of a compiled account."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from engine.arrays import Bools, Ints
from engine.compiled_account.log import (
    ENDED,
    FILLS,
    FIRST_CANCELLATION,
    ORDERS,
    REASON,
    STEP,
    SYMBOL,
    TRADES,
    WHYS,
    AccountLog,
)
from engine.model import (
    Cancellation,
    Ended,
    Equity,
    FeatureTable,
    Fill,
    Order,
    PassTable,
    Record,
    Rejection,
    Result,
    Settings,
    Trade,
    schema_of,
)
from engine.pipeline import Feed


class Tables:
    """Makes tables of a log; `reasons` are the names of the reasons of orders, by number."""

    def __init__(self, timestamps: pl.Series, symbols: Sequence[str], log: AccountLog, reasons: Sequence[str]) -> None:
        self._timestamps = timestamps
        self._symbols = pl.Series(symbols, dtype=pl.String)
        self._reasons = pl.Series(reasons, dtype=pl.String)
        self._log = log
        self._order = log.order[:, : log.counts[ORDERS]]

    def result(self, feed: Feed, features: FeatureTable, passes: PassTable, settings: Settings) -> Result:
        """Return the result of a run."""
        return Result(
            orders=self.orders(),
            rejections=self.rejections(),
            cancellations=self.cancellations(),
            fills=self.fills(),
            trades=self.trades(),
            equity=self.equity(),
            bars=feed.bars,
            feature_table=features,
            pass_table=passes,
            lot=settings.lot,
        )

    def orders(self) -> pl.DataFrame:
        """Return the orders: all of them market orders, good till they fill."""
        count = self._order.shape[1]
        no_price = np.full(count, np.nan)
        return self._table(
            Order,
            np.arange(1, count + 1),
            self._timestamps[self._order[STEP]],
            self._symbols[self._order[SYMBOL]],
            self._log.ordered[:count],
            _same("market", count),
            *(no_price, no_price, no_price),
            np.zeros(count, np.bool_),
            np.zeros(count, np.int64),
            self._reasons[self._order[REASON]],
        )

    def rejections(self) -> pl.DataFrame:
        """Return the orders that could not be filled."""
        return self._ended(Rejection, self._whys() < FIRST_CANCELLATION)

    def cancellations(self) -> pl.DataFrame:
        """Return the orders that were taken back: exits that a bar's volume cut short."""
        return self._ended(Cancellation, self._whys() >= FIRST_CANCELLATION)

    def fills(self) -> pl.DataFrame:
        """Return the fills."""
        count = self._log.counts[FILLS]
        step, order = self._log.fill[:, :count]
        return self._table(Fill, *self._of(step, order), *self._log.fill_money[:, :count])

    def trades(self) -> pl.DataFrame:
        """Return the trades."""
        count = self._log.counts[TRADES]
        step, symbol, entry_step, bars, reason = self._log.trade[:, :count]
        return self._table(
            Trade,
            self._timestamps[step],
            self._symbols[symbol],
            self._timestamps[entry_step],
            *self._log.trade_money[:, :count],
            bars,
            self._reasons[reason],
        )

    def equity(self) -> pl.DataFrame:
        """Return the equity."""
        cash, value, equity, fees = self._log.equity
        return self._table(Equity, self._timestamps, cash, value, equity, self._log.positions, fees)

    def _table(self, record: type[Record], *columns: object) -> pl.DataFrame:
        schema = schema_of(record, self._timestamps.dtype)
        return pl.DataFrame(dict(zip(schema, columns, strict=True)), schema=schema)

    def _whys(self) -> Ints:
        return self._log.ended[2, : self._log.counts[ENDED]]

    def _ended(self, record: type[Ended], which: Bools) -> pl.DataFrame:
        rows = np.flatnonzero(which)
        step, order, why = self._log.ended[:, rows]
        whys = pl.Series(WHYS, dtype=pl.String)[why]
        return self._table(record, *self._of(step, order), self._log.ended_quantity[rows], whys)  # type: ignore[arg-type]

    def _of(self, step: Ints, order: Ints) -> tuple[object, ...]:
        """Return number, time and symbol of what happened to these orders."""
        return order + 1, self._timestamps[step], self._symbols[self._order[SYMBOL, order]]


def _same(text: str, count: int) -> pl.Series:
    return pl.Series([text])[np.zeros(count, np.int64)]
