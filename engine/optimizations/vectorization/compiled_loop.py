"""Run a declared strategy in one compiled loop.

How: Entry and exit signals are found on whole columns; then one compiled loop walks the timestamps and touches
only the symbols that are held, wait for a fill, or have an entry signal. Its state is arrays by symbol; what
happens is written to arrays and becomes tables at the end. A strategy that is not of the declared kind is left
to the loop below.

Exact: Each step does the reference's additions and products, in its order: orders by submission, symbols by
name, equity from zero upwards. The compiler may neither reorder nor fuse them: no fastmath.

Risk: The first call in a new process loads compiled code from disk, or compiles it (seconds) where there is none.
The meaning of a declared strategy stands here a second time: a change to the reference has to be made here too,
and the golden check says so.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from engine.arrays import Arrays, Bools, Columns, Events, Floats, Ints, arrays_of, as_any, events_of, passing, signal_of
from engine.catalog import optimization
from engine.jit import compiled_in_place, prefetch
from engine.model import (
    Equity,
    FeatureTable,
    Fill,
    Order,
    PassTable,
    Rejection,
    Result,
    Settings,
    Trade,
    schema_of,
)
from engine.pipeline import Brokerage, Feed, LoopComponent
from engine.rules import Rule, TakeProfit, TrailingStop
from engine.strategy import DeclaredStrategy, Strategy, is_declared

ON_ENTRY, ON_WATER_MARK = 0, 1
BARS_AHEAD = 8  # a cache line of prices


class Rules(NamedTuple):
    """The position rules, one element each: level = base price times factor."""

    bases: Ints
    factors: Floats
    rising: Bools


class Terms(NamedTuple):
    """What an order costs, and the rules."""

    commission: float
    slippage: float
    ruin: float
    rules: Rules


class Book(NamedTuple):
    """What is held and queued, by symbol number; `held` and `queue` list the symbols themselves.

    `cursor` is the flat number of the symbol's latest bar. `sizes` is [held, queued]; `cash` has one element.
    """

    quantity: Ints
    entry_price: Floats
    entry_commission: Floats
    entry_step: Ints
    water_mark: Floats
    mark: Floats
    cursor: Ints
    queued_order: Ints
    held: Ints
    queue: Ints
    sizes: Ints
    cash: Floats


class Log(NamedTuple):
    """What happened, one row an event. `counts` is [orders, rejections, fills, trades]; reason 0 is the signal."""

    order: Ints  # step, symbol, quantity, reason
    rejection: Ints  # step, order
    fill: Ints  # step, order
    fill_money: Floats  # price, commission
    trade: Ints  # step, symbol, entry step, quantity, reason
    trade_money: Floats  # entry price, exit price, commission, pnl
    equity: Floats  # cash, value, equity
    positions: Ints
    counts: Ints


@compiled_in_place
def _record_order(log: Log, step: int, symbol: int, quantity: int, reason: int) -> int:
    row = log.counts[0]
    log.order[row, 0] = step
    log.order[row, 1] = symbol
    log.order[row, 2] = quantity
    log.order[row, 3] = reason
    log.counts[0] = row + 1
    return int(row)


@compiled_in_place
def _record_fill(log: Log, step: int, order: int, price: float, commission: float) -> None:
    row = log.counts[2]
    log.fill[row, 0] = step
    log.fill[row, 1] = order
    log.fill_money[row, 0] = price
    log.fill_money[row, 1] = commission
    log.counts[2] = row + 1


@compiled_in_place
def _buy(book: Book, log: Log, terms: Terms, step: int, order: int, base_price: float) -> None:
    symbol, quantity = log.order[order, 1], log.order[order, 2]
    price = base_price * (1.0 + terms.slippage)
    notional = price * quantity
    commission = notional * terms.commission
    cost = notional + commission
    if cost > book.cash[0]:
        row = log.counts[1]
        log.rejection[row, 0] = step
        log.rejection[row, 1] = order
        log.counts[1] = row + 1
        return
    book.cash[0] -= cost
    _record_fill(log, step, order, price, commission)
    book.quantity[symbol] = quantity
    book.entry_price[symbol] = price
    book.entry_commission[symbol] = commission
    book.entry_step[symbol] = step
    book.water_mark[symbol] = price
    place = book.sizes[0]
    while place > 0 and book.held[place - 1] > symbol:
        book.held[place] = book.held[place - 1]
        place -= 1
    book.held[place] = symbol
    book.sizes[0] += 1


@compiled_in_place
def _sell(book: Book, log: Log, terms: Terms, step: int, order: int, base_price: float) -> None:
    """Sell all that is held of the order's symbol; the caller takes it out of `held`."""
    symbol, quantity = log.order[order, 1], -log.order[order, 2]
    price = base_price * (1.0 - terms.slippage)
    notional = price * quantity
    commission = notional * terms.commission
    book.cash[0] += notional - commission
    _record_fill(log, step, order, price, commission)
    book.quantity[symbol] = 0
    entry_price = book.entry_price[symbol]
    both = book.entry_commission[symbol] + commission
    row = log.counts[3]
    log.trade[row, 0] = step
    log.trade[row, 1] = symbol
    log.trade[row, 2] = book.entry_step[symbol]
    log.trade[row, 3] = quantity
    log.trade[row, 4] = log.order[order, 3]
    log.trade_money[row, 0] = entry_price
    log.trade_money[row, 1] = price
    log.trade_money[row, 2] = both
    log.trade_money[row, 3] = (price - entry_price) * quantity - both
    log.counts[3] = row + 1


@compiled_in_place
def _has_bar(book: Book, market: Columns, step: int, symbol: int) -> bool:
    """Whether the bar after the symbol's latest is of this step."""
    following = book.cursor[symbol] + 1
    return bool(following < market.starts[symbol + 1] and market.step[following] == step)


@compiled_in_place
def _fill_queue(book: Book, market: Columns, log: Log, terms: Terms, step: int) -> None:
    """Step 1: what was queued fills at the open, in order of submission; without a bar it waits."""
    waiting = 0
    for place in range(book.sizes[1]):
        symbol = book.queue[place]
        if not _has_bar(book, market, step, symbol):
            book.queue[waiting] = symbol
            waiting += 1
            continue
        order, price = book.queued_order[symbol], market.open[book.cursor[symbol] + 1]
        if log.order[order, 2] > 0:
            _buy(book, log, terms, step, order, price)
        else:
            _sell(book, log, terms, step, order, price)
            _drop_closed(book)
    book.sizes[1] = waiting


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
def _fired(
    open_: float,
    high: float,
    low: float,
    entry_price: float,
    water_mark: float,
    bases: Ints,
    factors: Floats,
    rising: Bools,
) -> tuple[int, float]:
    """Return the number of the rule that leaves on this bar, from 1, and its price; 0 where none does."""
    for rule in range(len(factors)):
        level = (entry_price if bases[rule] == ON_ENTRY else water_mark) * factors[rule]
        if open_ >= level if rising[rule] else open_ <= level:
            return rule + 1, open_
    for rule in range(len(factors)):
        level = (entry_price if bases[rule] == ON_ENTRY else water_mark) * factors[rule]
        if high >= level if rising[rule] else low <= level:
            return rule + 1, level
    return 0, 0.0


@compiled_in_place
def _apply_rules(book: Book, market: Columns, log: Log, terms: Terms, step: int) -> None:
    """Step 2: move to this bar and leave where a rule fires, in symbol order."""
    starts, steps, open_, high, low, close, _ = market
    held, cursor, mark, entry_price, water_mark = book.held, book.cursor, book.mark, book.entry_price, book.water_mark
    bases, factors, rising = terms.rules
    closed = False
    for place in range(book.sizes[0]):
        symbol = held[place]
        bar = cursor[symbol] + 1
        if bar == starts[symbol + 1] or steps[bar] != step:
            continue
        _prefetch(market, bar + BARS_AHEAD)
        cursor[symbol] = bar
        mark[symbol] = close[bar]
        rule, price = _fired(
            open_[bar], high[bar], low[bar], entry_price[symbol], water_mark[symbol], bases, factors, rising
        )
        if rule:
            order = _record_order(log, step, symbol, -book.quantity[symbol], rule)
            _sell(book, log, terms, step, order, price)
            closed = True
    if closed:
        _drop_closed(book)


@compiled_in_place
def _prefetch(market: Columns, bar: int) -> None:
    """Have a bar on its way from memory before its turn comes."""
    prefetch(market.step, bar)
    prefetch(market.open, bar)
    prefetch(market.high, bar)
    prefetch(market.low, bar)
    prefetch(market.close, bar)


@compiled_in_place
def _queue_order(book: Book, log: Log, step: int, symbol: int, quantity: int) -> None:
    book.queued_order[symbol] = _record_order(log, step, symbol, quantity, 0)
    book.queue[book.sizes[1]] = symbol
    book.sizes[1] += 1


@compiled_in_place
def _call_strategy(
    book: Book, market: Columns, entries: Events, shares: Ints, leave: Bools, log: Log, step: int
) -> None:
    """Step 4: entries and exits, merged in symbol order."""
    steps, held, cursor, quantity = market.step, book.held, book.cursor, book.quantity
    place = 0
    for event in range(entries.offsets[step], entries.offsets[step + 1] + 1):
        last = event == entries.offsets[step + 1]
        upto = len(quantity) if last else entries.symbol[event]
        while place < book.sizes[0] and held[place] <= upto:
            symbol = held[place]
            if leave[cursor[symbol]] and steps[cursor[symbol]] == step:
                _queue_order(book, log, step, symbol, -quantity[symbol])
            place += 1
        if not last and quantity[upto] == 0 and shares[event] > 0:
            cursor[upto] = entries.bar[event]
            _prefetch(market, cursor[upto] + 1)
            _queue_order(book, log, step, upto, shares[event])


@compiled_in_place
def _close_step(book: Book, market: Columns, log: Log, ruin: float, step: int) -> bool:
    """Steps 5 and 6: water marks, then equity, added in symbol order; true where the account lives on."""
    steps, high = market.step, market.high
    held, cursor, quantity, mark, water_mark = book.held, book.cursor, book.quantity, book.mark, book.water_mark
    value = 0.0
    for place in range(book.sizes[0]):
        symbol = held[place]
        bar = cursor[symbol]
        if high[bar] > water_mark[symbol] and steps[bar] == step:
            water_mark[symbol] = high[bar]
        value += quantity[symbol] * mark[symbol]
    log.equity[step, 0] = book.cash[0]
    log.equity[step, 1] = value
    log.equity[step, 2] = book.cash[0] + value
    log.positions[step] = book.sizes[0]
    return bool(log.equity[step, 2] >= ruin)


@compiled_in_place
def _stand_still(log: Log, last: int) -> None:
    """Fill the tail of a ruined account with its last row."""
    for step in range(last + 1, len(log.positions)):
        for column in range(3):
            log.equity[step, column] = log.equity[last, column]
        log.positions[step] = log.positions[last]


@compiled_in_place
def _loop(market: Columns, entries: Events, shares: Ints, leave: Bools, terms: Terms, book: Book, log: Log) -> None:
    for step in range(len(log.positions)):
        _fill_queue(book, market, log, terms, step)
        _apply_rules(book, market, log, terms, step)
        _call_strategy(book, market, entries, shares, leave, log, step)
        if not _close_step(book, market, log, terms.ruin, step):
            _stand_still(log, step)
            break


def _terms(strategy: DeclaredStrategy, settings: Settings) -> Terms:
    rules = strategy.rules
    bases = [ON_WATER_MARK if isinstance(rule, TrailingStop) else ON_ENTRY for rule in rules]
    return Terms(
        settings.commission,
        settings.slippage,
        settings.ruin,
        Rules(
            np.array(bases, np.int64),
            np.array([_factor(rule) for rule in rules], np.float64),
            np.array([rule.rising for rule in rules], np.bool_),
        ),
    )


def _factor(rule: Rule) -> float:
    return 1.0 + rule.fraction if isinstance(rule, TakeProfit) else 1.0 - rule.fraction


def _empty_book(symbols: int, cash: float) -> Book:
    whole = [np.zeros(symbols, np.int64) for _ in range(6)]
    money = [np.zeros(symbols) for _ in range(4)]
    return Book(
        quantity=whole[0],
        entry_price=money[0],
        entry_commission=money[1],
        entry_step=whole[1],
        water_mark=money[2],
        mark=money[3],
        cursor=whole[2],
        queued_order=whole[3],
        held=whole[4],
        queue=whole[5],
        sizes=np.zeros(2, np.int64),
        cash=np.array([cash]),
    )


def _empty_log(entries: int, steps: int) -> Log:
    """Return room for all that can happen: an entry is one order, and at most one more leaves it again."""
    return Log(
        order=np.empty((2 * entries, 4), np.int64),
        rejection=np.empty((entries, 2), np.int64),
        fill=np.empty((2 * entries, 2), np.int64),
        fill_money=np.empty((2 * entries, 2)),
        trade=np.empty((entries, 5), np.int64),
        trade_money=np.empty((entries, 4)),
        equity=np.empty((steps, 3)),
        positions=np.empty(steps, np.int64),
        counts=np.zeros(4, np.int64),
    )


class _Tables:
    """Makes tables of the log; a series is indexed where `gather` would go through the query engine."""

    def __init__(self, arrays: Arrays, log: Log, reasons: list[str]) -> None:
        self._timestamps = arrays.timestamps
        self._symbols = pl.Series(arrays.symbols, dtype=pl.String)
        self._reasons = pl.Series(reasons, dtype=pl.String)
        self._log = log
        orders, rejections, fills, trades = log.counts.tolist()
        self._order = log.order[:orders]
        self._rejection = log.rejection[:rejections]
        self._fill, self._fill_money = log.fill[:fills], log.fill_money[:fills]
        self._trade, self._trade_money = log.trade[:trades], log.trade_money[:trades]

    def _table(self, record: type, *columns: object) -> pl.DataFrame:
        schema = schema_of(record, self._timestamps.dtype)
        return pl.DataFrame(dict(zip(schema, columns, strict=True)), schema=schema)

    def orders(self) -> pl.DataFrame:
        step, symbol, quantity, reason = self._order.T
        return self._table(
            Order,
            np.arange(1, len(step) + 1),
            self._timestamps[step],
            self._symbols[symbol],
            quantity,
            self._reasons[reason],
        )

    def rejections(self) -> pl.DataFrame:
        step, order = self._rejection.T
        return self._table(
            Rejection,
            order + 1,
            self._timestamps[step],
            self._symbols[self._order[order, 1]],
            self._order[order, 2],
            pl.Series(["not enough cash"])[np.zeros(len(step), np.int64)],
        )

    def fills(self) -> pl.DataFrame:
        step, order = self._fill.T
        return self._table(
            Fill,
            order + 1,
            self._timestamps[step],
            self._symbols[self._order[order, 1]],
            self._order[order, 2],
            *self._fill_money.T,
        )

    def trades(self) -> pl.DataFrame:
        step, symbol, entry_step, quantity, reason = self._trade.T
        return self._table(
            Trade,
            self._timestamps[step],
            self._symbols[symbol],
            self._timestamps[entry_step],
            quantity,
            *self._trade_money.T,
            self._reasons[reason],
        )

    def equity(self) -> pl.DataFrame:
        return self._table(Equity, self._timestamps, *self._log.equity.T, self._log.positions)


def _run(
    feed: Feed, features: FeatureTable, passes: PassTable, settings: Settings, strategy: DeclaredStrategy
) -> Result:
    arrays = arrays_of(feed)
    market = arrays.columns
    steps = len(arrays.timestamps)
    enter = signal_of(strategy.entry, features, market)
    if passes.columns:
        enter &= passing(passes, len(enter))
    entries = events_of(enter, market, steps)
    leave = signal_of(strategy.exit, features, market)
    log = _empty_log(len(entries.bar), steps)
    shares = (strategy.size.amount / market.close[entries.bar]).astype(np.int64)  # cut off, as int() does
    book = _empty_book(len(arrays.symbols), settings.cash)
    _loop(market, entries, shares, leave, as_any(_terms(strategy, settings)), book, log)
    tables = _Tables(arrays, log, ["signal", *(rule.name for rule in strategy.rules)])
    return Result(
        orders=tables.orders(),
        rejections=tables.rejections(),
        fills=tables.fills(),
        trades=tables.trades(),
        equity=tables.equity(),
        bars=feed.bars,
        feature_table=features,
        pass_table=passes,
    )


@optimization(
    component="loop",
    requires=["vectorization/array_feed", "vectorization/column_features"],
    after=[
        "vectorization/awaited_bars",
        "vectorization/masked_rules",
        "vectorization/soa_broker",
        "early-exit/passing_bars",
        "early-exit/ruined_account",
    ],
)
def compiled_loop(inner: LoopComponent) -> LoopComponent:
    """Compile the loop for declared strategies."""

    def run(feed: Feed, features: FeatureTable, passes: PassTable, broker: Brokerage, strategy: Strategy) -> Result:
        if is_declared(strategy):
            return _run(feed, features, passes, broker.settings, strategy)
        return inner(feed, features, passes, broker, strategy)

    return run
