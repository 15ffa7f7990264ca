"""Filling an order on a bar, as far as its volume and the account allow: `engine.reference.broker`, compiled."""

from __future__ import annotations

from engine.compiled_account.counting import lots_below, lots_value, on_tick
from engine.compiled_account.log import (
    BELOW_MINIMUM,
    ENDED,
    LOTS,
    MORE_THAN_HELD,
    NO_CASH,
    NO_MARGIN,
    ORDERS,
    REASON,
    STEP,
    SYMBOL,
    WORTHLESS,
    AccountLog,
)
from engine.compiled_account.positions import book
from engine.compiled_account.state import (
    CASH,
    CLOSE,
    EXPOSURE,
    FILLED,
    FILLED_STEP,
    HELD,
    MARK,
    QUANTITY,
    SCALE,
    UNCOUNTABLE,
    UNITS,
    VALUE,
    Market,
    State,
)
from engine.compiled_account.terms import Terms
from engine.jit import compiled_in_place, inlined

ALLOWED = -1
NEAR_ENOUGH = 1e-9  # of all that was added up: a million times what a few thousand additions can be off by


@inlined
def record_order(log: AccountLog, step: int, symbol: int, lots: int, quantity: float, reason: int) -> int:
    """Write an order down; return its number, from 0."""
    row = log.counts[ORDERS]
    log.order[STEP, row] = step
    log.order[SYMBOL, row] = symbol
    log.order[LOTS, row] = lots
    log.order[REASON, row] = reason
    log.ordered[row] = quantity
    log.counts[ORDERS] = row + 1
    return int(row)


@inlined
def record_end(log: AccountLog, step: int, order: int, quantity: float, why: int) -> None:
    """Write down that so much of an order is rejected, or cancelled, and why."""
    row = log.counts[ENDED]
    log.ended[0, row] = step
    log.ended[1, row] = order
    log.ended[2, row] = why
    log.ended_quantity[row] = quantity
    log.counts[ENDED] = row + 1


@inlined
def fill(
    state: State,
    log: AccountLog,
    terms: Terms,
    market: Market,
    row: int,
    step: int,
    order: int,
    left: int,
    base: float,
    complete: bool,
) -> int:
    """Fill what can be filled of an order at a price before slippage, or reject it; return the lots then left of it."""
    symbol = log.order[SYMBOL, order]
    lots, volume = left, 0.0
    if terms.has_volume_limit:
        volume = market.volume[row, symbol]
        lots = _within_volume(state, terms, step, symbol, left, volume)
        if lots == 0:
            return left
    quantity = lots_value(terms, lots)
    shares = abs(quantity)
    price = _price(state, terms, base, quantity, volume)
    commission = _commission(terms, price * shares, shares)
    why = _refusal(state, terms, symbol, lots, quantity, price, commission, complete)
    if why != ALLOWED:
        record_end(log, step, order, lots_value(terms, left), why)
        return 0
    if terms.has_volume_limit:
        before = state.numbers[symbol, FILLED] if state.numbers[symbol, FILLED_STEP] == step else 0
        state.numbers[symbol, FILLED] = before + abs(lots)
        state.numbers[symbol, FILLED_STEP] = step
    slippage = abs(price - base) * shares
    book(state, log, terms, step, order, symbol, lots, price, commission, slippage, complete)
    return left - lots


@inlined
def _within_volume(state: State, terms: Terms, step: int, symbol: int, left: int, volume: float) -> int:
    """Return how many lots of so many the bar's volume lets fill."""
    allowed = terms.volume_limit * volume if volume > 0.0 else 0.0
    lots = abs(left)
    if allowed != float("inf"):
        filled = state.numbers[symbol, FILLED] if state.numbers[symbol, FILLED_STEP] == step else 0
        lots = min(lots, max(lots_below(terms, allowed) - filled, 0))
    return lots if left > 0 else -lots


@inlined
def _price(state: State, terms: Terms, base: float, quantity: float, volume: float) -> float:
    """Return the price with slippage and impact, against the trader: `engine.reference.costs`."""
    fraction = terms.slippage
    if terms.volume_impact != 0.0:
        share = abs(quantity) / volume
        fraction += terms.volume_impact * share * share
    if quantity > 0.0:
        price = base * (1.0 + fraction) + terms.slippage_fixed
    else:
        price = max(base * (1.0 - fraction) - terms.slippage_fixed, 0.0)
    return on_tick(state, terms, price, quantity > 0.0)


@inlined
def _commission(terms: Terms, notional: float, shares: float) -> float:
    asked = notional * terms.commission + shares * terms.commission_per_share + terms.commission_fixed
    return max(asked, terms.commission_minimum)


@inlined
def _refusal(
    state: State,
    terms: Terms,
    symbol: int,
    lots: int,
    quantity: float,
    price: float,
    commission: float,
    complete: bool,
) -> int:
    """Return why the account can't take this fill; `ALLOWED` where it can."""
    together = state.numbers[symbol, UNITS] + lots
    if not abs(together) < terms.most_lots:
        state.sizes[UNCOUNTABLE] = 1
    before, after = state.position[symbol, QUANTITY], lots_value(terms, together)
    if after < 0.0 and lots < 0 and not terms.short:
        return MORE_THAN_HELD
    if abs(after) <= abs(before) and before * after >= 0.0:
        return ALLOWED  # it only closes
    if not price > 0.0:
        return WORTHLESS
    if abs(quantity) * price < terms.minimum_notional:
        return BELOW_MINIMUM
    cost = price * quantity + commission
    if not terms.on_margin:
        return NO_CASH if cost > state.cash[CASH] else ALLOWED
    covered = _covers(state, terms, symbol, after * price, state.cash[CASH] - cost, complete)
    return ALLOWED if covered else NO_MARGIN


@compiled_in_place
def _covers(state: State, terms: Terms, symbol: int, mine: float, cash: float, complete: bool) -> bool:
    """Whether the exposure after a fill is at most the leverage times the equity after it.

    Exact, since the sums that are kept up decide only where they are far enough apart; else all is added up, in order.
    Infinities and NaN compare false, and so are added up.
    """
    value = state.cash[VALUE] - state.worth[symbol] + mine
    exposure = state.cash[EXPOSURE] - abs(state.worth[symbol]) + abs(mine)
    limit = terms.leverage * (cash + value)
    slack = NEAR_ENOUGH * terms.leverage * (state.cash[SCALE] + abs(mine) + abs(cash))
    if exposure < limit - slack:
        return True
    if exposure > limit + slack:
        return False
    value, exposure = mine, abs(mine)
    price = CLOSE if complete else MARK
    for place in range(state.sizes[HELD]):
        other = state.held[place]
        if other != symbol:
            worth = state.position[other, QUANTITY] * state.position[other, price]
            value += worth
            exposure += abs(worth)
    return bool(exposure <= terms.leverage * (cash + value))
