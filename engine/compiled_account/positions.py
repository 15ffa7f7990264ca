"""What a fill does to cash and positions: `engine.reference.holdings`, compiled."""

from __future__ import annotations

from engine.compiled_account.counting import lots_value
from engine.compiled_account.log import FILLS, REASON, TRADES, AccountLog
from engine.compiled_account.state import (
    BARS,
    CASH,
    CLOSE,
    ENTRY_COMMISSION,
    ENTRY_PRICE,
    ENTRY_SLIPPAGE,
    ENTRY_STEP,
    EXPOSURE,
    HELD,
    HIGHEST,
    LOWEST,
    MARK,
    QUANTITY,
    SCALE,
    UNITS,
    VALUE,
    State,
)
from engine.compiled_account.terms import Terms
from engine.jit import inlined


@inlined
def book(
    state: State,
    log: AccountLog,
    terms: Terms,
    step: int,
    order: int,
    symbol: int,
    lots: int,
    price: float,
    commission: float,
    slippage: float,
    complete: bool,
) -> None:
    """Record a fill and all that it changes. What goes through zero closes one position and opens another."""
    quantity = lots_value(terms, lots)
    state.cash[CASH] -= price * quantity + commission
    position = state.position
    position[symbol, MARK] = price
    _record_fill(log, step, order, quantity, price, commission, slippage)
    held = state.numbers[symbol, UNITS]
    before, after = position[symbol, QUANTITY], lots_value(terms, held + lots)
    if held == 0:
        _open(state, step, symbol, held + lots, after, price, commission, slippage, complete)
        _add_to_held(state, symbol)
    elif before * quantity > 0.0:
        notional = position[symbol, ENTRY_PRICE] * abs(before) + price * abs(quantity)
        entry_price = notional / abs(after)
        position[symbol, ENTRY_PRICE] = entry_price
        position[symbol, ENTRY_COMMISSION] += commission
        position[symbol, ENTRY_SLIPPAGE] += slippage
        position[symbol, HIGHEST] = max(position[symbol, HIGHEST], entry_price)
        position[symbol, LOWEST] = min(position[symbol, LOWEST], entry_price)
    elif before * after >= 0.0:
        part = -quantity / before
        _trade(state, log, step, order, symbol, -quantity, part, 1.0, price, commission, slippage, complete)
        position[symbol, ENTRY_COMMISSION] -= position[symbol, ENTRY_COMMISSION] * part
        position[symbol, ENTRY_SLIPPAGE] -= position[symbol, ENTRY_SLIPPAGE] * part
        if held + lots == 0:
            _drop_from_held(state, symbol)
    else:
        part = -before / quantity
        _trade(state, log, step, order, symbol, before, 1.0, part, price, commission, slippage, complete)
        rest = 1.0 - part
        _open(state, step, symbol, held + lots, after, price, commission * rest, slippage * rest, complete)
    state.numbers[symbol, UNITS] = held + lots
    position[symbol, QUANTITY] = after
    if terms.on_margin:
        count_worth(state, symbol, after * (position[symbol, CLOSE] if complete else price))


@inlined
def count_worth(state: State, symbol: int, worth: float) -> None:
    """Let a position count for so much, in place of what it has counted for."""
    cash, before = state.cash, state.worth[symbol]
    cash[VALUE] += worth - before
    cash[EXPOSURE] += abs(worth) - abs(before)
    cash[SCALE] += abs(worth)
    state.worth[symbol] = worth


@inlined
def _open(
    state: State,
    step: int,
    symbol: int,
    lots: int,
    quantity: float,
    price: float,
    commission: float,
    slippage: float,
    complete: bool,
) -> None:
    position, numbers = state.position, state.numbers
    numbers[symbol, UNITS] = lots
    numbers[symbol, ENTRY_STEP] = step
    numbers[symbol, BARS] = 1 if complete else 0
    position[symbol, QUANTITY] = quantity
    position[symbol, ENTRY_PRICE] = price
    position[symbol, ENTRY_COMMISSION] = commission
    position[symbol, ENTRY_SLIPPAGE] = slippage
    position[symbol, HIGHEST] = price
    position[symbol, LOWEST] = price


@inlined
def _add_to_held(state: State, symbol: int) -> None:
    place = state.sizes[HELD]
    while place > 0 and state.held[place - 1] > symbol:
        state.held[place] = state.held[place - 1]
        place -= 1
    state.held[place] = symbol
    state.sizes[HELD] += 1


@inlined
def _drop_from_held(state: State, symbol: int) -> None:
    last, place = state.sizes[HELD] - 1, 0
    while state.held[place] != symbol:
        place += 1
    while place < last:
        state.held[place] = state.held[place + 1]
        place += 1
    state.sizes[HELD] = last


@inlined
def _record_fill(
    log: AccountLog, step: int, order: int, quantity: float, price: float, commission: float, slippage: float
) -> None:
    row = log.counts[FILLS]
    log.fill[0, row] = step
    log.fill[1, row] = order
    log.fill_money[0, row] = quantity
    log.fill_money[1, row] = price
    log.fill_money[2, row] = commission
    log.fill_money[3, row] = slippage
    log.counts[FILLS] = row + 1


@inlined
def _trade(
    state: State,
    log: AccountLog,
    step: int,
    order: int,
    symbol: int,
    closed: float,
    of_entry: float,
    of_exit: float,
    price: float,
    exit_commission: float,
    exit_slippage: float,
    complete: bool,
) -> None:
    """Record the trade that closes so many shares: with which part of the entry's costs, and of the exit's."""
    position, numbers = state.position, state.numbers
    entry_price = position[symbol, ENTRY_PRICE]
    up = max(position[symbol, HIGHEST], price) / entry_price - 1.0
    down = min(position[symbol, LOWEST], price) / entry_price - 1.0
    commission = position[symbol, ENTRY_COMMISSION] * of_entry + exit_commission * of_exit
    row = log.counts[TRADES]
    log.trade[0, row] = step
    log.trade[1, row] = symbol
    log.trade[2, row] = numbers[symbol, ENTRY_STEP]
    log.trade[3, row] = numbers[symbol, BARS] - 1 if complete else numbers[symbol, BARS]
    log.trade[4, row] = log.order[REASON, order]
    money = log.trade_money
    money[0, row] = closed
    money[1, row] = entry_price
    money[2, row] = price
    money[3, row] = commission
    money[4, row] = position[symbol, ENTRY_SLIPPAGE] * of_entry + exit_slippage * of_exit
    money[5, row] = (price - entry_price) * closed - commission
    money[6, row] = up if closed > 0.0 else 0.0 - down
    money[7, row] = down if closed > 0.0 else 0.0 - up
    log.counts[TRADES] = row + 1
