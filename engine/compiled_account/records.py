"""A compiled account as the reference's records and positions: for a broker that goes on by itself."""

from __future__ import annotations

from typing import Any

from engine.arrays import Arrays
from engine.compiled_account.log import ENDED, FILLS, FIRST_CANCELLATION, ORDERS, TRADES, WHYS, AccountLog
from engine.compiled_account.running import Running
from engine.compiled_account.state import (
    ENTRY_COMMISSION,
    ENTRY_PRICE,
    ENTRY_SLIPPAGE,
    ENTRY_STEP,
    QUANTITY,
    UNITS,
    State,
)
from engine.model import Cancellation, Equity, Fill, Order, Position, Rejection, Trade
from engine.pipeline import Records


def position_of(state: State, arrays: Arrays, number: int) -> Position | None:
    """Return what is held of a symbol, by its number; None where nothing is."""
    numbers = state.numbers[number].tolist()
    if not numbers[UNITS]:
        return None
    values = state.position[number].tolist()
    return Position(
        arrays.symbols[number],
        values[QUANTITY],
        values[ENTRY_PRICE],
        arrays.times[numbers[ENTRY_STEP]],
        values[ENTRY_COMMISSION],
        values[ENTRY_SLIPPAGE],
    )


def order_of(running: Running, order: int) -> Order:
    """Return an order by its number, from 1."""
    step, symbol, _, reason = running.log.order[:, order - 1].tolist()
    arrays, quantity = running.arrays, running.log.ordered.item(order - 1)
    return Order(order, arrays.times[step], arrays.symbols[symbol], quantity, reason=running.reasons[reason])


def records_of(running: Running) -> Records:
    """Return all that has happened, up to now."""
    log, arrays = running.log, running.arrays
    records = Records(orders=[order_of(running, order + 1) for order in range(log.counts[ORDERS])])
    times, symbols = arrays.times, [order.symbol for order in records.orders]
    _add_ended(records, log, arrays, symbols)
    count = int(log.counts[FILLS])
    for (step, order), money in zip(log.fill[:, :count].T.tolist(), log.fill_money[:, :count].T.tolist(), strict=True):
        records.fills.append(Fill(order + 1, times[step], symbols[order], *money))
    count = int(log.counts[TRADES])
    for whole, money in zip(log.trade[:, :count].T.tolist(), log.trade_money[:, :count].T.tolist(), strict=True):
        step, symbol, entry_step, bars, reason = whole
        named = times[step], arrays.symbols[symbol], times[entry_step]
        values: tuple[Any, ...] = *named, *money, bars, running.reasons[reason]
        records.trades.append(Trade(*values))
    for step, (cash, value, equity, fees) in enumerate(log.equity[:, : running.step].T.tolist()):
        records.equity.append(Equity(times[step], cash, value, equity, int(log.positions[step]), fees))
    return records


def _add_ended(records: Records, log: AccountLog, arrays: Arrays, symbols: list[str]) -> None:
    count = int(log.counts[ENDED])
    for (step, order, why), quantity in zip(
        log.ended[:, :count].T.tolist(), log.ended_quantity[:count].tolist(), strict=True
    ):
        values = order + 1, arrays.times[step], symbols[order], quantity, WHYS[why]
        if why < FIRST_CANCELLATION:
            records.rejections.append(Rejection(*values))
        else:
            records.cancellations.append(Cancellation(*values))
