"""The compiled loop over packed signals, for market orders of a cash account that fill at the next open.

Held symbols are a set of bits. A step is: fill what is queued; one pass over what is held, which asks the rules, moves
the water marks and adds up the worth; then the bits of the signals AND-ed with those of what is held. A position's
state stands in one cache line, with the prices that its rules wait for: the highest from which a falling price
leaves, the lowest from which a rising one does. Only where a bar reaches one of them are the rules asked, one by one.
Of several trailing stops only the nearest is looked at: a larger factor gives a level that is at least as high.

Invariants: the bit of a symbol is set in `held` exactly while its quantity is above 0; `cash` and what is held change
only in `_buy` and `_sell`; what is added to the worth of the holdings is added in symbol order, from 0. No open is
below its low or above its high, so what the open reaches one of them reaches too.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.arrays import LINE, Bools, Floats, Ints, Prices, on_lines
from engine.compiled_account.terms import ON_ENTRY, ON_TIME
from engine.grid import NEAR, RELATIVE
from engine.jit import compiled_in_place, lowest_bit, prefetch
from engine.packed.journal import FILLS, ORDERS, REJECTIONS, TRADES, Journal
from engine.packed.signals import Signals, Words

QUANTITY, MARK, FALL, RISE, HIGHEST, LOWEST, BARS, ENTRY_PRICE = range(8)
ORDER, ENTRY_FILL = range(2)
AHEAD = 2  # bars that are asked for before their turn: two are a cache line


class Terms(NamedTuple):
    """What an order costs, as in `Settings`; the money for a position; and the rules, one element each.

    The level of a rule is its base price times its factor; of a time exit the factor is the number of bars. `trail` is
    the largest factor of the trailing stops, 0 where there is none; `most_bars` the least number of bars of the time
    exits, infinity where there is none.
    """

    commission: float
    commission_per_share: float
    commission_fixed: float
    commission_minimum: float
    slippage: float
    slippage_fixed: float
    ruin: float
    amount: float
    bases: Ints
    factors: Floats
    rising: Bools
    trail: float
    most_bars: float


class Book(NamedTuple):
    """The account: `held` has a bit a symbol, `cash` one element, `sizes` is [queued, held].

    `state` is (symbols, 8), by the names above, and one cache line each. `numbers` is (symbols, 2): those of the
    symbol's latest order and of the fill that opened its position. `queue` lists the symbols whose orders wait.
    """

    state: Floats
    numbers: Ints
    held: Words
    queue: Ints
    sizes: Ints
    cash: Floats


def empty_book(symbols: int, words: int, cash: float) -> Book:
    """Return an account that holds nothing."""
    state = on_lines(symbols, LINE)
    state[:] = 0.0
    return Book(
        state=state,
        numbers=np.zeros((symbols, 2), np.int64),
        held=np.zeros(words, np.uint64),
        queue=np.zeros(symbols, np.int64),
        sizes=np.zeros(2, np.int64),
        cash=np.array([cash]),
    )


@compiled_in_place
def _record_order(journal: Journal, step: int, symbol: int, quantity: float, reason: int) -> int:
    row = journal.counts[ORDERS]
    journal.order_step[row] = step
    journal.order_symbol[row] = symbol
    journal.order_quantity[row] = quantity
    journal.order_reason[row] = reason
    journal.counts[ORDERS] = row + 1
    return int(row)


@compiled_in_place
def _record_fill(journal: Journal, step: int, order: int, price: float, commission: float, slippage: float) -> int:
    row = journal.counts[FILLS]
    journal.fill_step[row] = step
    journal.fill_order[row] = order
    journal.fill_price[row] = price
    journal.fill_commission[row] = commission
    journal.fill_slippage[row] = slippage
    journal.counts[FILLS] = row + 1
    return int(row)


@compiled_in_place
def _record_rejection(journal: Journal, step: int, order: int) -> None:
    row = journal.counts[REJECTIONS]
    journal.rejection_step[row] = step
    journal.rejection_order[row] = order
    journal.counts[REJECTIONS] = row + 1


@compiled_in_place
def _record_trade(journal: Journal, state: Floats, symbol: int, entry_fill: int, exit_fill: int) -> None:
    row = journal.counts[TRADES]
    journal.trade_entry_fill[row] = entry_fill
    journal.trade_exit_fill[row] = exit_fill
    journal.trade_highest[row] = state[symbol, HIGHEST]
    journal.trade_lowest[row] = state[symbol, LOWEST]
    journal.trade_bars[row] = int(state[symbol, BARS])
    journal.counts[TRADES] = row + 1


@compiled_in_place
def _commission(terms: Terms, notional: float, shares: float) -> float:
    asked = notional * terms.commission + shares * terms.commission_per_share + terms.commission_fixed
    return max(asked, terms.commission_minimum)


@compiled_in_place
def _level(state: Floats, terms: Terms, rule: int, symbol: int) -> float:
    """Return the price at which a rule leaves; what every open has passed where a time is up."""
    base, factor = terms.bases[rule], terms.factors[rule]
    if base == ON_TIME:
        return np.inf if state[symbol, BARS] >= factor else -np.inf
    return float((state[symbol, ENTRY_PRICE] if base == ON_ENTRY else state[symbol, HIGHEST]) * factor)


@compiled_in_place
def _set_levels(state: Floats, terms: Terms, symbol: int) -> None:
    """Keep the first level that a falling and that a rising price meets, of the rules that look at the entry price."""
    fall, rise = -np.inf, np.inf
    for rule in range(len(terms.factors)):
        if terms.bases[rule] == ON_ENTRY:
            level = _level(state, terms, rule, symbol)
            if terms.rising[rule]:
                rise = min(rise, level)
            else:
                fall = max(fall, level)
    state[symbol, FALL] = fall
    state[symbol, RISE] = rise


@compiled_in_place
def _buy(book: Book, journal: Journal, terms: Terms, step: int, symbol: int, base_price: float) -> None:
    """Buy what the symbol's order asks for, or reject it where the cash does not reach."""
    order = book.numbers[symbol, ORDER]
    quantity = journal.order_quantity[order]
    price = base_price * (1.0 + terms.slippage) + terms.slippage_fixed
    notional = price * quantity
    commission = _commission(terms, notional, quantity)
    slippage = (price - base_price) * quantity
    cost = notional + commission
    if cost > book.cash[0]:
        _record_rejection(journal, step, order)
        return
    book.cash[0] -= cost
    book.numbers[symbol, ENTRY_FILL] = _record_fill(journal, step, order, price, commission, slippage)
    state = book.state
    state[symbol, QUANTITY] = quantity
    state[symbol, HIGHEST] = price
    state[symbol, LOWEST] = price
    state[symbol, BARS] = 0.0
    state[symbol, ENTRY_PRICE] = price
    _set_levels(state, terms, symbol)
    book.held[symbol >> 6] |= np.uint64(1) << np.uint64(symbol & 63)
    book.sizes[1] += 1


@compiled_in_place
def _sell(book: Book, journal: Journal, terms: Terms, step: int, symbol: int, order: int, base_price: float) -> None:
    """Sell all that is held of the symbol."""
    state = book.state
    quantity = state[symbol, QUANTITY]
    price = max(base_price * (1.0 - terms.slippage) - terms.slippage_fixed, 0.0)
    notional = price * quantity
    commission = _commission(terms, notional, quantity)
    slippage = (base_price - price) * quantity
    book.cash[0] += notional - commission
    fill = _record_fill(journal, step, order, price, commission, slippage)
    _record_trade(journal, state, symbol, book.numbers[symbol, ENTRY_FILL], fill)
    state[symbol, QUANTITY] = 0.0
    book.held[symbol >> 6] &= ~(np.uint64(1) << np.uint64(symbol & 63))
    book.sizes[1] -= 1


@compiled_in_place
def _fill_queue(book: Book, prices: Prices, journal: Journal, terms: Terms, step: int) -> None:
    """Step 1: what was queued fills at the open, in order of submission; without a bar it waits."""
    waiting = 0
    for place in range(book.sizes[0]):
        symbol = book.queue[place]
        open_ = prices.open[step * prices.of_step + symbol * prices.of_symbol]
        if open_ != open_:
            book.queue[waiting] = symbol
            waiting += 1
        elif book.state[symbol, QUANTITY] > 0.0:
            _sell(book, journal, terms, step, symbol, book.numbers[symbol, ORDER], open_)
        else:
            _buy(book, journal, terms, step, symbol, open_)
    book.sizes[0] = waiting


@compiled_in_place
def _leaving(state: Floats, terms: Terms, symbol: int, open_: float, high: float, low: float) -> tuple[int, float]:
    """Return the number of the rule that leaves on this bar, from 1, and its price; 0 where none does."""
    for rule in range(len(terms.factors)):
        level = _level(state, terms, rule, symbol)
        if open_ >= level if terms.rising[rule] else open_ <= level:
            return rule + 1, open_
    for rule in range(len(terms.factors)):
        level = _level(state, terms, rule, symbol)
        if high >= level if terms.rising[rule] else low <= level:
            return rule + 1, level
    return 0, 0.0


@compiled_in_place
def _leaves(
    book: Book, journal: Journal, terms: Terms, step: int, symbol: int, open_: float, high: float, low: float
) -> bool:
    """Ask the rules one by one; sell where one fires."""
    rule, price = _leaving(book.state, terms, symbol, open_, high, low)
    if rule:
        order = _record_order(journal, step, symbol, -book.state[symbol, QUANTITY], rule)
        _sell(book, journal, terms, step, symbol, order, price)
    return bool(rule)


@compiled_in_place
def _pass_over_held(book: Book, prices: Prices, journal: Journal, terms: Terms, step: int) -> float:
    """Steps 2, 5 and 7 in one: leave where a rule fires, move the marks of the rest; return what that is worth."""
    state, row, ahead = book.state, step * prices.of_step, AHEAD * prices.of_step
    value = 0.0
    for word in range(len(book.held)):
        left = book.held[word]
        while left:
            symbol = (word << 6) + int(np.int64(lowest_bit(left)))
            left &= left - np.uint64(1)
            cell = row + symbol * prices.of_symbol
            open_ = prices.open[cell]
            if open_ == open_:
                high, low = prices.high[cell], prices.low[cell]
                _prefetch(prices, cell + ahead)
                highest, bars = state[symbol, HIGHEST], state[symbol, BARS]
                fall, rise = max(state[symbol, FALL], highest * terms.trail), state[symbol, RISE]
                reached = (low <= fall) | (high >= rise)
                may_leave = reached | (bars >= terms.most_bars)
                if may_leave and _leaves(book, journal, terms, step, symbol, open_, high, low):
                    continue
                state[symbol, MARK] = prices.close[cell]
                state[symbol, HIGHEST] = max(highest, high)
                state[symbol, LOWEST] = min(state[symbol, LOWEST], low)
                state[symbol, BARS] = bars + 1.0
            value += state[symbol, QUANTITY] * state[symbol, MARK]
    return value


@compiled_in_place
def _prefetch(prices: Prices, cell: int) -> None:
    """Have a cell on its way from memory before its turn comes; it need not exist."""
    prefetch(prices.open, cell)
    if not prices.together:
        prefetch(prices.high, cell)
        prefetch(prices.low, cell)
        prefetch(prices.close, cell)


@compiled_in_place
def _expect_entries(book: Book, prices: Prices, signals: Signals, step: int) -> None:
    """Have the bars on their way that the entries of a step look at: nothing has touched them yet."""
    for word in range(len(book.held)):
        left = signals.enter[step, word] & ~book.held[word]
        while left:
            symbol = (word << 6) + int(np.int64(lowest_bit(left)))
            left &= left - np.uint64(1)
            _prefetch(prices, step * prices.of_step + symbol * prices.of_symbol)


@compiled_in_place
def _shares(amount: float, close: float) -> float:
    """Return the whole shares that an amount buys: as `Grid.below`."""
    shares = amount / close
    nearest = np.rint(shares)
    if abs(shares - nearest) <= NEAR + abs(shares) * RELATIVE:
        return float(nearest)
    return float(np.floor(shares))


@compiled_in_place
def _call_strategy(book: Book, prices: Prices, signals: Signals, journal: Journal, terms: Terms, step: int) -> None:
    """Step 4: entries of what is not held and exits of what is, in symbol order."""
    for word in range(len(book.held)):
        held = book.held[word]
        left = (signals.enter[step, word] & ~held) | (signals.leave[step, word] & held)
        while left:
            symbol = (word << 6) + int(np.int64(lowest_bit(left)))
            left &= left - np.uint64(1)
            quantity = -book.state[symbol, QUANTITY]
            cell = step * prices.of_step + symbol * prices.of_symbol
            if prices.open[cell] != prices.open[cell]:
                continue  # signals that were given may stand where there is no bar
            if quantity == 0.0:
                quantity = _shares(terms.amount, prices.close[cell])
                _prefetch(prices, cell + prices.of_step)
            if quantity != 0.0:
                book.numbers[symbol, ORDER] = _record_order(journal, step, symbol, quantity, 0)
                book.queue[book.sizes[0]] = symbol
                book.sizes[0] += 1


@compiled_in_place
def _record_equity(journal: Journal, step: int, cash: float, value: float, positions: int) -> None:
    journal.cash[step] = cash
    journal.value[step] = value
    journal.equity[step] = cash + value
    journal.positions[step] = positions


@compiled_in_place
def loop(prices: Prices, signals: Signals, terms: Terms, book: Book, journal: Journal) -> None:
    """Run from the first timestamp to the last.

    A ruined account stands still: its last row of equity stands for all that follow.
    """
    steps = len(journal.positions)
    for step in range(steps):
        if step + 1 < steps:
            _expect_entries(book, prices, signals, step + 1)
        _fill_queue(book, prices, journal, terms, step)
        value = _pass_over_held(book, prices, journal, terms, step)
        _call_strategy(book, prices, signals, journal, terms, step)
        _record_equity(journal, step, book.cash[0], value, book.sizes[1])
        if not journal.equity[step] >= terms.ruin:
            for later in range(step + 1, steps):
                _record_equity(journal, later, book.cash[0], value, book.sizes[1])
            break
