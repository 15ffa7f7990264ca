"""Run a declared strategy in one compiled loop.

How: Entry and exit signals are found on whole columns; then one compiled loop walks the timestamps and touches
only the symbols that are held, wait for a fill, or have an entry signal. Its state is arrays by symbol; what
happens is written to arrays and becomes tables at the end. A strategy that is not of the declared kind is left
to the loop below, and so is an account that is more than a plain one: short selling, leverage, volume limit and
impact, lots, ticks, a minimum notional, fills at the close.

Exact: Each step does the reference's additions and products, in its order: orders by submission, symbols by
name, equity from zero upwards. The compiler may neither reorder nor fuse them: no fastmath.

Risk: The first call in a new process loads compiled code from disk, or compiles it (seconds) where there is none.
The meaning of a declared strategy stands here a second time: a change to the reference has to be made here too,
and the golden check says so.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.arrays import Bools, Columns, Events, Floats, Ints, arrays_of, as_any, events_of, passing, signal_of
from engine.catalog import optimization
from engine.event_log import FILLS, ORDERS, REJECTIONS, TRADES, Log, Tables, empty_log
from engine.grid import NEAR, RELATIVE
from engine.jit import compiled_in_place, prefetch
from engine.model import FeatureTable, PassTable, Result, Settings
from engine.pipeline import Brokerage, Feed, LoopComponent
from engine.rules import Rule, TakeProfit, TimeExit, TrailingStop
from engine.strategy import DeclaredStrategy, Strategy, is_declared

ON_ENTRY, ON_HIGHEST, ON_TIME = 0, 1, 2
BARS_AHEAD = 8  # a cache line of prices
MOST_SHARES = 2.0**53


class Rules(NamedTuple):
    """The position rules, one element each: level = base price times factor; of a time exit the factor is the bars."""

    bases: Ints
    factors: Floats
    rising: Bools


class Terms(NamedTuple):
    """What an order costs, as in `Settings`, and the rules."""

    commission: float
    commission_per_share: float
    commission_fixed: float
    commission_minimum: float
    slippage: float
    slippage_fixed: float
    ruin: float
    rules: Rules


class Book(NamedTuple):
    """What is held and queued, by symbol number; `held` and `queue` list the symbols themselves.

    `cursor` is the flat number of the symbol's latest bar. `sizes` is [held, queued]; `cash` has one element.
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
    cursor: Ints
    queued_order: Ints
    held: Ints
    queue: Ints
    sizes: Ints
    cash: Floats


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


@compiled_in_place
def _commission(terms: Terms, notional: float, shares: int) -> float:
    asked = notional * terms.commission + shares * terms.commission_per_share + terms.commission_fixed
    return max(asked, terms.commission_minimum)


@compiled_in_place
def _buy(book: Book, log: Log, terms: Terms, step: int, order: int, base_price: float) -> None:
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
def _sell(book: Book, log: Log, terms: Terms, step: int, order: int, base_price: float) -> None:
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
def _level(book: Book, rules: Rules, rule: int, symbol: int) -> float:
    """Return the price at which a rule leaves; what every open has passed where a time is up."""
    base, factor = rules.bases[rule], rules.factors[rule]
    if base == ON_TIME:
        return np.inf if book.bars[symbol] >= factor else -np.inf
    return float((book.entry_price[symbol] if base == ON_ENTRY else book.highest[symbol]) * factor)


@compiled_in_place
def _fired(book: Book, rules: Rules, symbol: int, open_: float, high: float, low: float) -> tuple[int, float]:
    """Return the number of the rule that leaves on this bar, from 1, and its price; 0 where none does."""
    for rule in range(len(rules.factors)):
        level = _level(book, rules, rule, symbol)
        if open_ >= level if rules.rising[rule] else open_ <= level:
            return rule + 1, open_
    for rule in range(len(rules.factors)):
        level = _level(book, rules, rule, symbol)
        if high >= level if rules.rising[rule] else low <= level:
            return rule + 1, level
    return 0, 0.0


@compiled_in_place
def _apply_rules(book: Book, market: Columns, log: Log, terms: Terms, step: int) -> None:
    """Step 2: move to this bar and leave where a rule fires, in symbol order."""
    starts, steps, open_, high, low, close, _ = market
    held, cursor, mark = book.held, book.cursor, book.mark
    closed = False
    for place in range(book.sizes[0]):
        symbol = held[place]
        bar = cursor[symbol] + 1
        if bar == starts[symbol + 1] or steps[bar] != step:
            continue
        _prefetch(market, bar + BARS_AHEAD)
        cursor[symbol] = bar
        mark[symbol] = close[bar]
        rule, price = _fired(book, terms.rules, symbol, open_[bar], high[bar], low[bar])
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
    """Water marks, then equity, added in symbol order; true where the account lives on."""
    steps, high, low = market.step, market.high, market.low
    held, cursor, quantity, mark = book.held, book.cursor, book.quantity, book.mark
    highest, lowest, bars = book.highest, book.lowest, book.bars
    value = 0.0
    for place in range(book.sizes[0]):
        symbol = held[place]
        bar = cursor[symbol]
        if steps[bar] == step:
            bars[symbol] += 1
            highest[symbol] = max(highest[symbol], high[bar])
            lowest[symbol] = min(lowest[symbol], low[bar])
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
    bases = [_BASES.get(type(rule), ON_ENTRY) for rule in rules]
    return Terms(
        settings.commission,
        settings.commission_per_share,
        settings.commission_fixed,
        settings.commission_minimum,
        settings.slippage,
        settings.slippage_fixed,
        settings.ruin,
        Rules(
            np.array(bases, np.int64),
            np.array([_factor(rule) for rule in rules], np.float64),
            np.array([rule.rising for rule in rules], np.bool_),
        ),
    )


_BASES: dict[type, int] = {TrailingStop: ON_HIGHEST, TimeExit: ON_TIME}


def _factor(rule: Rule) -> float:
    if isinstance(rule, TimeExit):
        return float(rule.bars)
    return 1.0 + rule.fraction if isinstance(rule, TakeProfit) else 1.0 - rule.fraction


def _empty_book(symbols: int, cash: float) -> Book:
    def whole() -> Ints:
        return np.zeros(symbols, np.int64)

    def money() -> Floats:
        return np.zeros(symbols)

    return Book(
        quantity=whole(),
        entry_price=money(),
        entry_commission=money(),
        entry_slippage=money(),
        entry_step=whole(),
        highest=money(),
        lowest=money(),
        bars=whole(),
        mark=money(),
        cursor=whole(),
        queued_order=whole(),
        held=whole(),
        queue=whole(),
        sizes=np.zeros(2, np.int64),
        cash=np.array([cash]),
    )


def _shares(amount: float, closes: Floats) -> Ints:
    """Return the whole shares that an amount buys at each close: as `Grid.below`, element by element."""
    shares = amount / closes
    nearest = np.rint(shares)
    is_near = np.abs(shares - nearest) <= NEAR + np.abs(shares) * RELATIVE
    whole: Ints = np.where(is_near, nearest, np.floor(shares)).astype(np.int64)
    return whole


def _covers(settings: Settings) -> bool:
    """Whether it knows all that these settings ask for: a cash account, whole shares, any price, the next open."""
    plain = Settings()
    names = ("fill_at", "short", "leverage", "volume_impact", "volume_limit", "lot", "tick", "minimum_notional")
    return all(getattr(settings, name) == getattr(plain, name) for name in names)


def _can_count(strategy: DeclaredStrategy, feed: Feed) -> bool:
    """Whether an int64, and a float64, holds every number of shares that an order may be for."""
    closes = arrays_of(feed).columns.close
    return bool(strategy.size.amount / closes.min(initial=np.inf) < MOST_SHARES)


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
    log = empty_log(len(entries.bar), steps)
    shares = _shares(strategy.size.amount, market.close[entries.bar])
    book = _empty_book(len(arrays.symbols), settings.cash)
    _loop(market, entries, shares, leave, as_any(_terms(strategy, settings)), book, log)
    tables = Tables(arrays, log, ["signal", *(rule.name for rule in strategy.rules)])
    return Result(
        orders=tables.orders(),
        rejections=tables.rejections(),
        cancellations=tables.cancellations(),
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
        if is_declared(strategy) and _covers(broker.settings) and _can_count(strategy, feed):
            return _run(feed, features, passes, broker.settings, strategy)
        return inner(feed, features, passes, broker, strategy)

    return run
