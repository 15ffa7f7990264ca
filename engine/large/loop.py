"""The loop over one chunk of timestamps in compiled code: a declared strategy on a plain cash account.

What lasts from chunk to chunk is in `Book`, by symbol number; steps are counted over the whole market, in which the
chunk begins at `first`. Each step does what the reference does, with its additions and products in its order: orders by
submission, symbols by name, equity from zero upwards. The compiler may neither reorder nor fuse them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from engine.arrays import Bools, Floats, Ints
from engine.event_log import FILLS, ORDERS, REJECTIONS, TRADES, Log
from engine.jit import compiled_in_place

ON_ENTRY, ON_HIGHEST, ON_TIME = 0, 1, 2


class Terms(NamedTuple):
    """What an order costs, as in `Settings`, and the rules, one element each.

    The level of a rule is its base price times its factor; of a time exit the factor is the bars.
    """

    commission: float
    commission_per_share: float
    commission_fixed: float
    commission_minimum: float
    slippage: float
    slippage_fixed: float
    ruin: float
    bases: Ints
    factors: Floats
    rising: Bools


class Chunk(NamedTuple):
    """Bars and signals of a chunk, (symbols, timestamps); prices are NaN where a bar is missing.

    The entries of step `first + t` are those from `offsets[t]` to before `offsets[t + 1]`, by symbol; `shares` is what
    each would buy.
    """

    first: int
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    leave: Bools
    offsets: Ints
    entry: Ints
    shares: Ints


class Book(NamedTuple):
    """What is held and queued, by symbol number; `held` and `queue` list the symbols themselves.

    `sizes` is [held, queued]; `cash` has one element.
    """

    quantity: Ints
    entry_price: Floats
    entry_commission: Floats
    entry_slippage: Floats
    entry_step: Ints
    highest: Floats
    lowest: Floats
    bars: Ints
    mark: Floats
    queued_order: Ints
    held: Ints
    queue: Ints
    sizes: Ints
    cash: Floats


def empty_book(symbols: int, cash: float) -> Book:
    """Return the book of an account that holds nothing."""
    whole = {"quantity", "entry_step", "bars", "queued_order", "held", "queue"}
    by_symbol: dict[str, Any] = {
        name: np.zeros(symbols, np.int64 if name in whole else np.float64) for name in Book._fields[:-2]
    }
    return Book(**by_symbol, sizes=np.zeros(2, np.int64), cash=np.array([cash]))


@compiled_in_place
def run_chunk(chunk: Chunk, terms: Terms, book: Book, log: Log) -> int:
    """Go through a chunk; return the step at which the account was ruined, or -1."""
    for t in range(len(chunk.offsets) - 1):
        _fill_queue(chunk, terms, book, log, t)
        _apply_rules(chunk, terms, book, log, t)
        _call_strategy(chunk, book, log, t)
        if not _close_step(chunk, terms, book, log, t):
            return int(chunk.first + t)
    return -1


@compiled_in_place
def _fill_queue(chunk: Chunk, terms: Terms, book: Book, log: Log, t: int) -> None:
    """Fill what was queued at the open, in order of submission; without a bar it waits."""
    waiting = 0
    for place in range(book.sizes[1]):
        symbol = book.queue[place]
        price = chunk.open[symbol, t]
        if price != price:
            book.queue[waiting] = symbol
            waiting += 1
            continue
        order = book.queued_order[symbol]
        if log.order[order, 2] > 0:
            _buy(terms, book, log, chunk.first + t, order, price)
        else:
            _sell(terms, book, log, chunk.first + t, order, price)
            _drop_closed(book)
    book.sizes[1] = waiting


@compiled_in_place
def _apply_rules(chunk: Chunk, terms: Terms, book: Book, log: Log, t: int) -> None:
    """Leave where a rule fires on this bar, in symbol order."""
    closed = False
    for place in range(book.sizes[0]):
        symbol = book.held[place]
        open_ = chunk.open[symbol, t]
        if open_ != open_:
            continue
        book.mark[symbol] = chunk.close[symbol, t]
        rule, price = _fired(terms, book, symbol, open_, chunk.high[symbol, t], chunk.low[symbol, t])
        if rule:
            order = _record_order(log, chunk.first + t, symbol, -book.quantity[symbol], rule)
            _sell(terms, book, log, chunk.first + t, order, price)
            closed = True
    if closed:
        _drop_closed(book)


@compiled_in_place
def _call_strategy(chunk: Chunk, book: Book, log: Log, t: int) -> None:
    """Queue entries and exits, merged in symbol order."""
    place, step = 0, chunk.first + t
    for event in range(chunk.offsets[t], chunk.offsets[t + 1] + 1):
        last = event == chunk.offsets[t + 1]
        upto = len(book.quantity) if last else chunk.entry[event]
        while place < book.sizes[0] and book.held[place] <= upto:
            symbol = book.held[place]
            if chunk.leave[symbol, t]:
                _queue_order(book, log, step, symbol, -book.quantity[symbol])
            place += 1
        if not last and book.quantity[upto] == 0 and chunk.shares[event] > 0:
            _queue_order(book, log, step, upto, chunk.shares[event])


@compiled_in_place
def _close_step(chunk: Chunk, terms: Terms, book: Book, log: Log, t: int) -> bool:
    """Move water marks, then add up the equity in symbol order; true where the account lives on."""
    value, step = 0.0, chunk.first + t
    for place in range(book.sizes[0]):
        symbol = book.held[place]
        high = chunk.high[symbol, t]
        if high == high:
            book.bars[symbol] += 1
            book.highest[symbol] = max(book.highest[symbol], high)
            book.lowest[symbol] = min(book.lowest[symbol], chunk.low[symbol, t])
        value += book.quantity[symbol] * book.mark[symbol]
    log.equity[step, 0] = book.cash[0]
    log.equity[step, 1] = value
    log.equity[step, 2] = book.cash[0] + value
    log.positions[step] = book.sizes[0]
    return bool(log.equity[step, 2] >= terms.ruin)


@compiled_in_place
def _level(terms: Terms, book: Book, rule: int, symbol: int) -> float:
    """Return the price at which a rule leaves; what every open has passed where a time is up."""
    base, factor = terms.bases[rule], terms.factors[rule]
    if base == ON_TIME:
        return np.inf if book.bars[symbol] >= factor else -np.inf
    return float((book.entry_price[symbol] if base == ON_ENTRY else book.highest[symbol]) * factor)


@compiled_in_place
def _fired(terms: Terms, book: Book, symbol: int, open_: float, high: float, low: float) -> tuple[int, float]:
    """Return the number of the rule that leaves on this bar, from 1, and its price; 0 where none does."""
    for rule in range(len(terms.factors)):
        level = _level(terms, book, rule, symbol)
        if open_ >= level if terms.rising[rule] else open_ <= level:
            return rule + 1, open_
    for rule in range(len(terms.factors)):
        level = _level(terms, book, rule, symbol)
        if high >= level if terms.rising[rule] else low <= level:
            return rule + 1, level
    return 0, 0.0


@compiled_in_place
def _commission(terms: Terms, notional: float, shares: int) -> float:
    asked = notional * terms.commission + shares * terms.commission_per_share + terms.commission_fixed
    return max(asked, terms.commission_minimum)


@compiled_in_place
def _buy(terms: Terms, book: Book, log: Log, step: int, order: int, base_price: float) -> None:
    symbol, quantity = log.order[order, 1], log.order[order, 2]
    price = base_price * (1.0 + terms.slippage) + terms.slippage_fixed
    notional = price * quantity
    commission = _commission(terms, notional, quantity)
    slippage = (price - base_price) * quantity
    cost = notional + commission
    if cost > book.cash[0]:
        row = log.counts[REJECTIONS]
        log.rejection[row, 0] = step
        log.rejection[row, 1] = order
        log.counts[REJECTIONS] = row + 1
        return
    book.cash[0] -= cost
    _record_fill(log, step, order, price, commission, slippage)
    book.quantity[symbol] = quantity
    book.entry_price[symbol] = price
    book.entry_commission[symbol] = commission
    book.entry_slippage[symbol] = slippage
    book.entry_step[symbol] = step
    book.highest[symbol] = price
    book.lowest[symbol] = price
    book.bars[symbol] = 0
    place = book.sizes[0]
    while place > 0 and book.held[place - 1] > symbol:
        book.held[place] = book.held[place - 1]
        place -= 1
    book.held[place] = symbol
    book.sizes[0] += 1


@compiled_in_place
def _sell(terms: Terms, book: Book, log: Log, step: int, order: int, base_price: float) -> None:
    """Sell all that is held of the order's symbol; the caller takes it out of `held`."""
    symbol, quantity = log.order[order, 1], -log.order[order, 2]
    price = max(base_price * (1.0 - terms.slippage) - terms.slippage_fixed, 0.0)
    notional = price * quantity
    commission = _commission(terms, notional, quantity)
    slippage = (base_price - price) * quantity
    book.cash[0] += notional - commission
    _record_fill(log, step, order, price, commission, slippage)
    book.quantity[symbol] = 0
    entry_price = book.entry_price[symbol]
    both = book.entry_commission[symbol] + commission
    row = log.counts[TRADES]
    log.trade[row, 0] = step
    log.trade[row, 1] = symbol
    log.trade[row, 2] = book.entry_step[symbol]
    log.trade[row, 3] = quantity
    log.trade[row, 4] = book.bars[symbol]
    log.trade[row, 5] = log.order[order, 3]
    log.trade_money[row, 0] = entry_price
    log.trade_money[row, 1] = price
    log.trade_money[row, 2] = both
    log.trade_money[row, 3] = book.entry_slippage[symbol] + slippage
    log.trade_money[row, 4] = (price - entry_price) * quantity - both
    log.trade_money[row, 5] = max(book.highest[symbol], price) / entry_price - 1.0
    log.trade_money[row, 6] = min(book.lowest[symbol], price) / entry_price - 1.0
    log.counts[TRADES] = row + 1


@compiled_in_place
def _drop_closed(book: Book) -> None:
    kept = 0
    for place in range(book.sizes[0]):
        symbol = book.held[place]
        if book.quantity[symbol] > 0:
            book.held[kept] = symbol
            kept += 1
    book.sizes[0] = kept


@compiled_in_place
def _queue_order(book: Book, log: Log, step: int, symbol: int, quantity: int) -> None:
    book.queued_order[symbol] = _record_order(log, step, symbol, quantity, 0)
    book.queue[book.sizes[1]] = symbol
    book.sizes[1] += 1


@compiled_in_place
def _record_order(log: Log, step: int, symbol: int, quantity: int, reason: int) -> int:
    row = log.counts[ORDERS]
    log.order[row, 0] = step
    log.order[row, 1] = symbol
    log.order[row, 2] = quantity
    log.order[row, 3] = reason
    log.counts[ORDERS] = row + 1
    return int(row)


@compiled_in_place
def _record_fill(log: Log, step: int, order: int, price: float, commission: float, slippage: float) -> None:
    row = log.counts[FILLS]
    log.fill[row, 0] = step
    log.fill[row, 1] = order
    log.fill_money[row, 0] = price
    log.fill_money[row, 1] = commission
    log.fill_money[row, 2] = slippage
    log.counts[FILLS] = row + 1
