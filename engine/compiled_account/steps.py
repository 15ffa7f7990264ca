"""The steps of a timestamp, compiled: what a loop calls, in this order, around what its strategy does.

`row` is the row of the market's matrices, `step` the number of the timestamp in the run: where a run is given its bars
in parts, they differ.
"""

from __future__ import annotations

import numpy as np

from engine.compiled_account.counting import lots_toward_zero, lots_value
from engine.compiled_account.fills import fill, record_end, record_order
from engine.compiled_account.log import LESS_THAN_A_LOT, STEP, SYMBOL, VOLUME_USED_UP, AccountLog
from engine.compiled_account.state import (
    BARS,
    BORROWED,
    CASH,
    CLOSE,
    ENTRY_PRICE,
    EXPOSURE,
    FEES,
    HELD,
    HIGHEST,
    LOTS_LEFT,
    LOWEST,
    MARK,
    ORDER,
    QUANTITY,
    QUEUED,
    SCALE,
    UNCOUNTABLE,
    UNITS,
    VALUE,
    Market,
    State,
)
from engine.compiled_account.terms import NEXT_CLOSE, NEXT_OPEN, ON_ENTRY, ON_TIME, Terms
from engine.jit import compiled_in_place, inlined


@compiled_in_place
def open_step(
    state: State, log: AccountLog, terms: Terms, market: Market, row: int, step: int, fee_rate: float
) -> None:
    """Steps 0 to 2 of a timestamp: the borrow fee, queued orders at the open, position rules.

    `fee_rate` is the element of `terms.fee_rates` for this step.
    """
    if state.cash[BORROWED] != 0.0:
        fee = state.cash[BORROWED] * fee_rate
        state.cash[CASH] -= fee
        state.cash[FEES] += fee
    if terms.fill_at == NEXT_OPEN and state.sizes[QUEUED] > 0:
        _fill_queue(state, log, terms, market, row, step, False)
    _apply_rules(state, log, terms, market, row, step)


@inlined
def submit(state: State, log: AccountLog, terms: Terms, step: int, symbol: int, quantity: float, reason: int) -> int:
    """Submit a market order for a finite number of shares, cut to whole lots; return its number, from 0.

    -1 where it is for more than can be counted here: nothing is written down then, but the flag in the state.
    """
    lots = lots_toward_zero(state, terms, quantity)
    if state.sizes[UNCOUNTABLE]:
        return -1
    if lots == 0:
        order = record_order(log, step, symbol, 0, quantity, reason)
        record_end(log, step, order, quantity, LESS_THAN_A_LOT)
        return order
    return submit_lots(state, log, terms, step, symbol, lots, reason)


@inlined
def submit_lots(state: State, log: AccountLog, terms: Terms, step: int, symbol: int, lots: int, reason: int) -> int:
    """Submit a market order for so many lots, not 0; return its number, from 0."""
    order = record_order(log, step, symbol, lots, lots_value(terms, lots), reason)
    place = state.sizes[QUEUED]
    state.queue[place, ORDER] = order
    state.queue[place, LOTS_LEFT] = lots
    state.sizes[QUEUED] = place + 1
    return order


@inlined
def refuse(
    state: State, log: AccountLog, terms: Terms, step: int, symbol: int, quantity: float, reason: int, why: int
) -> int:
    """Write down an order that is rejected at once, as `submit` would take it; return its number, from 0, or -1."""
    lots = lots_toward_zero(state, terms, quantity)
    if state.sizes[UNCOUNTABLE]:
        return -1
    ordered = lots_value(terms, lots) if lots != 0 else quantity
    order = record_order(log, step, symbol, lots, ordered, reason)
    record_end(log, step, order, ordered, why)
    return order


@inlined
def value_of(state: State) -> float:
    """Return the worth of what is held at the latest closes, added in symbol order: after `open_step`."""
    value = 0.0
    for place in range(state.sizes[HELD]):
        symbol = state.held[place]
        value += state.position[symbol, QUANTITY] * state.position[symbol, CLOSE]
    return value


@compiled_in_place
def close_step(state: State, log: AccountLog, terms: Terms, market: Market, row: int, step: int) -> bool:
    """Steps 5 to 7 of a timestamp: water marks, orders at the close, equity; true where the account lives on."""
    _move_water_marks(state, market, row)
    if terms.fill_at != NEXT_OPEN and state.sizes[QUEUED] > 0:
        if terms.on_margin:
            _count_worths(state)
        _fill_queue(state, log, terms, market, row, step, True)
    value = value_of(state)
    if terms.on_margin:
        _count_worths(state)
    if terms.borrow_rate != 0.0:
        state.cash[BORROWED] = _short_worth(state)
    equity = state.cash[CASH] + value
    log.equity[0, step] = state.cash[CASH]
    log.equity[1, step] = value
    log.equity[2, step] = equity
    log.equity[3, step] = state.cash[FEES]
    log.positions[step] = state.sizes[HELD]
    return not equity < terms.ruin


@compiled_in_place
def stand_still(log: AccountLog, last: int) -> None:
    """Let the row of equity of a step, at which the account was ruined, stand for all that follow."""
    for step in range(last + 1, len(log.positions)):
        for column in range(4):
            log.equity[column, step] = log.equity[column, last]
        log.positions[step] = log.positions[last]


@compiled_in_place
def _fill_queue(
    state: State, log: AccountLog, terms: Terms, market: Market, row: int, step: int, complete: bool
) -> None:
    """Fill what waits, in order of submission, at the open, or the close of a complete bar; no bar, no fill."""
    queue, waiting = state.queue, 0
    for place in range(state.sizes[QUEUED]):
        order, left = queue[place, ORDER], queue[place, LOTS_LEFT]
        symbol = log.order[SYMBOL, order]
        base = market.close[row, symbol] if complete else market.open[row, symbol]
        looks = terms.fill_at != NEXT_CLOSE or log.order[STEP, order] < step
        if base == base and looks:
            if complete:
                state.position[symbol, CLOSE] = base
            left = fill(state, log, terms, market, row, step, order, left, base, complete)
        if left != 0:
            queue[waiting, ORDER] = order
            queue[waiting, LOTS_LEFT] = left
            waiting += 1
    state.sizes[QUEUED] = waiting


@compiled_in_place
def _apply_rules(state: State, log: AccountLog, terms: Terms, market: Market, row: int, step: int) -> None:
    """Move what is held to this bar, and leave where a rule fires, in symbol order."""
    place = 0
    while place < state.sizes[HELD]:
        symbol = state.held[place]
        place += 1
        open_ = market.open[row, symbol]
        if open_ != open_:
            continue
        state.position[symbol, CLOSE] = market.close[row, symbol]
        if len(terms.rules.bases) == 0:
            continue
        rule, price = _fired(state, terms, symbol, open_, market.high[row, symbol], market.low[row, symbol])
        if rule:
            lots = -state.numbers[symbol, UNITS]
            order = record_order(log, step, symbol, lots, lots_value(terms, lots), rule)
            left = fill(state, log, terms, market, row, step, order, lots, price, False)
            if left != 0:
                record_end(log, step, order, lots_value(terms, left), VOLUME_USED_UP)
            if state.numbers[symbol, UNITS] == 0:
                place -= 1


@inlined
def _fired(state: State, terms: Terms, symbol: int, open_: float, high: float, low: float) -> tuple[int, float]:
    """Return the number of the rule that leaves on this bar, from 1, and its price; 0 where none does."""
    rules, long = terms.rules, state.numbers[symbol, UNITS] > 0
    for rule in range(len(rules.bases)):
        level = _level(state, terms, rule, symbol, long)
        if open_ >= level if rules.rising[rule] == long else open_ <= level:
            return rule + 1, open_
    for rule in range(len(rules.bases)):
        level = _level(state, terms, rule, symbol, long)
        if high >= level if rules.rising[rule] == long else low <= level:
            return rule + 1, level
    return 0, 0.0


@inlined
def _level(state: State, terms: Terms, rule: int, symbol: int, long: bool) -> float:
    """Return the price at which a rule leaves; what every open has passed where a time is up."""
    base, factor = terms.rules.bases[rule], terms.rules.factors[rule, 1 if long else 0]
    if base == ON_TIME:
        return np.inf if (state.numbers[symbol, BARS] >= factor) == long else -np.inf
    if base == ON_ENTRY:
        return float(state.position[symbol, ENTRY_PRICE] * factor)
    return float(state.position[symbol, HIGHEST if long else LOWEST] * factor)


@compiled_in_place
def _move_water_marks(state: State, market: Market, row: int) -> None:
    position = state.position
    for place in range(state.sizes[HELD]):
        symbol = state.held[place]
        high = market.high[row, symbol]
        if high == high:
            state.numbers[symbol, BARS] += 1
            position[symbol, HIGHEST] = max(position[symbol, HIGHEST], high)
            position[symbol, LOWEST] = min(position[symbol, LOWEST], market.low[row, symbol])


@compiled_in_place
def _count_worths(state: State) -> None:
    """Let the closes be the marks, and add up anew what margin is roughly checked by."""
    cash, value, exposure = state.cash, 0.0, 0.0
    for place in range(state.sizes[HELD]):
        symbol = state.held[place]
        close = state.position[symbol, CLOSE]
        worth = state.position[symbol, QUANTITY] * close
        state.position[symbol, MARK] = close
        state.worth[symbol] = worth
        value += worth
        exposure += abs(worth)
    cash[VALUE] = value
    cash[EXPOSURE] = exposure
    cash[SCALE] = exposure


@compiled_in_place
def _short_worth(state: State) -> float:
    """Return the worth of what is sold short at the latest closes, added in symbol order; above 0."""
    worth = 0.0
    for place in range(state.sizes[HELD]):
        symbol = state.held[place]
        if state.position[symbol, QUANTITY] < 0.0:
            worth -= state.position[symbol, QUANTITY] * state.position[symbol, CLOSE]
    return worth
