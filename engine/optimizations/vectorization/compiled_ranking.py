"""Run a declared ranking in one compiled loop.

How: At each timestamp a pass over the scores keeps the best of those that reach a bound, which is what the worst of the
best was the time before; where too few reach it, another goes without a bound. Weights become orders, and the account
is `engine.compiled_account`, which touches only what is held or queued.

Exact: Where enough scores reach the bound, the best of all are among them. Symbols are looked at in order, so of equal
scores the later one ranks higher, as in a sort by score and symbol. Weights become lots by the products, quotients and
differences of `Context.target_weights`, with waiting orders counted in; what makes a position smaller is ordered first.
The account is exact as its docstring says; a run that meets a count that is too large for it is left to the loop below,
from its beginning.

Risk: The meaning of a ranking, of target weights and of the broker stands here a second time: a change to the reference
has to be made here too.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.arrays import Bools, Columns, Floats, Ints, arrays_of, as_any, column_of, passing
from engine.catalog import optimization
from engine.compiled_account.counting import lots_toward_zero, lots_value
from engine.compiled_account.log import OUTSIDE_GATES, SYMBOL, AccountLog, empty_log, has_room, with_room
from engine.compiled_account.state import (
    CASH,
    HELD,
    LOTS_LEFT,
    ORDER,
    QUANTITY,
    QUEUED,
    UNCOUNTABLE,
    Market,
    State,
    new_state,
)
from engine.compiled_account.steps import close_step, open_step, refuse, stand_still, submit, value_of
from engine.compiled_account.tables import Tables
from engine.compiled_account.terms import Terms, covers, fee_rates, terms_of
from engine.jit import compiled_in_place, inlined
from engine.model import FeatureTable, PassTable, Result
from engine.pipeline import Brokerage, Feed, LoopComponent
from engine.ranking import DeclaredRanking, is_declared_ranking
from engine.strategy import Strategy

LONG, SHORT, NEITHER = 1, -1, 2
STEPS_AT_ONCE = 64
MOST_GUESSED = 1_000_000


class Ranking(NamedTuple):
    """What a ranking looks at and works with.

    `scores` is (steps, symbols), NaN where a symbol can't be ranked. `passes` are flat flags, and `latest` is the flat
    number of a bar of each symbol, not after the present one; one before its first where there is none. `high` and
    `low` have room for half more than are wanted: the highest scores, and the lowest with their signs changed, the
    worst of them first, with their symbols. `bounds` has a score for each side that as many are likely to reach.
    `side` says what is to be done with each symbol, and `waiting` what is already ordered of it, in shares; both are 0
    between two steps. The last two are orders that are still to be submitted.
    """

    scores: Floats
    passes: Bools
    gated: bool
    long: int
    short: int
    weight: float
    every: int
    latest: Ints
    bounds: Floats
    high: Floats
    high_symbol: Ints
    low: Floats
    low_symbol: Ints
    side: npt.NDArray[np.int8]
    waiting: Floats
    later: Ints
    later_quantity: Floats


def _time_major(columns: Columns, steps: int, score: Floats) -> Floats:
    """Return flat scores as rows of a step, (steps, symbols), NaN where a bar is missing."""
    symbols = len(columns.starts) - 1
    if len(score) == steps * symbols:
        return np.ascontiguousarray(score.reshape(symbols, steps).T)
    rows = np.full((steps, symbols), np.nan)
    _lay_rows(columns, score, columns.starts[:-1].copy(), rows)
    return rows


@compiled_in_place
def _lay_rows(columns: Columns, score: Floats, cursor: Ints, rows: Floats) -> None:
    """Put flat scores into their rows, as many steps at once as caches hold.

    `cursor` is the first bar of each symbol; it is moved along.
    """
    starts, steps = columns.starts, columns.step
    for first in range(0, len(rows), STEPS_AT_ONCE):
        end = min(first + STEPS_AT_ONCE, len(rows))
        for symbol in range(rows.shape[1]):
            bar = cursor[symbol]
            while bar < starts[symbol + 1] and steps[bar] < end:
                rows[steps[bar], symbol] = score[bar]
                bar += 1
            cursor[symbol] = bar


@inlined
def _keep_best(scores: Floats, step: int, sign: float, bound: float, best: Floats, symbols: Ints) -> int:
    """Find the best scores, times a sign, of those that reach a bound; the worst first. Return how many they are.

    Of two equal scores the later symbol is the higher: the better one, unless the sign turns the order round.
    """
    size = 0
    for symbol in range(scores.shape[1]):
        score = sign * scores[step, symbol]
        if not score >= bound:
            continue
        if size < len(best):
            place = size
            size += 1
            while place > 0 and (best[place - 1] > score or (best[place - 1] == score and sign < 0.0)):
                best[place], symbols[place] = best[place - 1], symbols[place - 1]
                place -= 1
        elif score == best[0] and sign < 0.0:
            continue
        else:
            place = 0
            while place + 1 < size and (best[place + 1] < score or (best[place + 1] == score and sign > 0.0)):
                best[place], symbols[place] = best[place + 1], symbols[place + 1]
                place += 1
        best[place], symbols[place] = score, symbol
        if size == len(best):
            bound = best[0]
    return size


@inlined
def _choose_side(ranking: Ranking, step: int, side: int, wanted: int, best: Floats, symbols: Ints) -> None:
    """Give so many symbols a side, where there are so many.

    The bound is what the worst of the best was last time: where enough reach it, they are the best of all.
    """
    if wanted == 0:
        return
    size = _keep_best(ranking.scores, step, float(side), ranking.bounds[side], best, symbols)
    if size < wanted:
        size = _keep_best(ranking.scores, step, float(side), -np.inf, best, symbols)
    ranking.bounds[side] = best[0] if size == len(best) else -np.inf
    for place in range(size - wanted, size):
        ranking.side[symbols[place]] = side


@compiled_in_place
def _choose(ranking: Ranking, step: int) -> bool:
    """Choose a side for symbols; false where too few can be ranked."""
    ranked = 0
    for symbol in range(ranking.scores.shape[1]):
        score = ranking.scores[step, symbol]
        ranked += score == score
    if ranked < ranking.long + ranking.short:
        return False
    _choose_side(ranking, step, SHORT, ranking.short, ranking.low, ranking.low_symbol)
    _choose_side(ranking, step, LONG, ranking.long, ranking.high, ranking.high_symbol)
    return True


@compiled_in_place
def _count_in(state: State, log: AccountLog, terms: Terms, ranking: Ranking) -> None:
    """Let what is held be brought to nothing unless it has a side, and what waits count as filled."""
    side, waiting = ranking.side, ranking.waiting
    for place in range(state.sizes[HELD]):
        symbol = state.held[place]
        if side[symbol] == 0:
            side[symbol] = NEITHER
    for place in range(state.sizes[QUEUED]):
        symbol = log.order[SYMBOL, state.queue[place, ORDER]]
        waiting[symbol] += lots_value(terms, state.queue[place, LOTS_LEFT])
        if side[symbol] == 0:
            side[symbol] = NEITHER


@compiled_in_place
def _rebalance(
    state: State, log: AccountLog, terms: Terms, market: Market, columns: Columns, ranking: Ranking, step: int
) -> None:
    """Submit the orders that bring the account to the weights, those that make a position smaller first."""
    side, waiting = ranking.side, ranking.waiting
    equity = state.cash[CASH] + value_of(state)
    later = 0
    for symbol in range(len(side)):
        if side[symbol] == 0:
            continue
        held = state.position[symbol, QUANTITY] + waiting[symbol]
        weight = 0.0 if side[symbol] == NEITHER else ranking.weight if side[symbol] == LONG else -ranking.weight
        side[symbol], waiting[symbol] = 0, 0.0
        close = market.close[step, symbol]
        if close != close:
            close = columns.close[_latest(columns, ranking, symbol, step)]
        target = weight * equity / close
        if target != target:
            continue
        change = lots_value(terms, lots_toward_zero(state, terms, target)) - held
        if change == 0.0:
            continue
        if abs(held + change) < abs(held):
            _submit(state, log, terms, columns, ranking, step, symbol, change)
        else:
            ranking.later[later], ranking.later_quantity[later] = symbol, change
            later += 1
    for place in range(later):
        _submit(state, log, terms, columns, ranking, step, ranking.later[place], ranking.later_quantity[place])


@compiled_in_place
def _latest(columns: Columns, ranking: Ranking, symbol: int, step: int) -> int:
    """Return the flat number of a symbol's latest bar, which it has had."""
    bar, end = ranking.latest[symbol], columns.starts[symbol + 1]
    while bar + 1 < end and columns.step[bar + 1] <= step:
        bar += 1
    ranking.latest[symbol] = bar
    return int(bar)


@inlined
def _submit(
    state: State,
    log: AccountLog,
    terms: Terms,
    columns: Columns,
    ranking: Ranking,
    step: int,
    symbol: int,
    quantity: float,
) -> None:
    """Submit an order; one that may open, or add to, a position outside the gates is rejected at once."""
    if ranking.gated and not ranking.passes[_latest(columns, ranking, symbol, step)]:
        held = state.position[symbol, QUANTITY]
        only_closes = held * quantity < 0.0 and abs(quantity) <= abs(held)
        if not only_closes:
            refuse(state, log, terms, step, symbol, quantity, 0, OUTSIDE_GATES)
            return
    submit(state, log, terms, step, symbol, quantity, 0)


@inlined
def _most_orders(state: State, ranking: Ranking) -> int:
    return int(ranking.long + ranking.short + state.sizes[HELD] + state.sizes[QUEUED])


@compiled_in_place
def _loop(
    state: State,
    log: AccountLog,
    terms: Terms,
    market: Market,
    columns: Columns,
    ranking: Ranking,
    rates: Floats,
    before: int,
    first: int,
) -> int:
    """Run from a step on; return the step before which the log has to grow, or the number of steps.

    `before` timestamps have gone by before step 0.
    """
    for step in range(first, len(rates)):
        if not has_room(state, log, _most_orders(state, ranking)):
            return step
        open_step(state, log, terms, market, step, step, rates[step])
        if (before + step) % ranking.every == 0 and _choose(ranking, step):
            _count_in(state, log, terms, ranking)
            _rebalance(state, log, terms, market, columns, ranking, step)
        if not close_step(state, log, terms, market, step, step):
            stand_still(log, step)
            break
    return len(rates)


def _half_more(count: int) -> int:
    return count + (count + 1) // 2


def _guessed_events(strategy: DeclaredRanking, steps: int) -> int:
    """Return as many events as there are if every position is changed each time, within bounds; the log can grow."""
    times = -(-steps // strategy.every)
    return min(max(2 * (strategy.long + strategy.short) * times, 1_000), MOST_GUESSED)


def _ranking(
    columns: Columns, steps: int, features: FeatureTable, passes: PassTable, strategy: DeclaredRanking
) -> Ranking:
    symbols = len(columns.starts) - 1
    score, passing_bars = column_of(features, strategy.score.name), passing(passes, len(columns.close))
    if passes.columns:
        score = np.where(passing_bars, score, np.nan)
    return Ranking(
        scores=_time_major(columns, steps, score),
        passes=passing_bars,
        gated=bool(passes.columns),
        long=strategy.long,
        short=strategy.short,
        weight=float(strategy.weight),
        every=strategy.every,
        latest=columns.starts[:-1] - 1,
        bounds=np.full(3, -np.inf),
        high=np.zeros(_half_more(strategy.long)),
        high_symbol=np.zeros(_half_more(strategy.long), np.int64),
        low=np.zeros(_half_more(strategy.short)),
        low_symbol=np.zeros(_half_more(strategy.short), np.int64),
        side=np.zeros(symbols, np.int8),
        waiting=np.zeros(symbols),
        later=np.zeros(symbols, np.int64),
        later_quantity=np.zeros(symbols),
    )


def _run(
    feed: Feed, features: FeatureTable, passes: PassTable, broker: Brokerage, strategy: DeclaredRanking
) -> Result | None:
    """Run; None where something is beyond what is counted exactly."""
    arrays, settings = arrays_of(feed), broker.settings
    steps, rates = len(arrays.timestamps), fee_rates(settings, arrays.times)
    terms = as_any(terms_of(settings, strategy.rules))
    ranking = as_any(_ranking(arrays.columns, steps, features, passes, strategy))
    state = new_state(len(arrays.symbols), float(settings.cash))
    log = empty_log(steps, _guessed_events(strategy, steps))
    step, market = 0, Market(*arrays.fields)
    while step < steps and not state.sizes[UNCOUNTABLE]:
        step = _loop(state, log, terms, market, arrays.columns, ranking, rates, strategy._timestamps, step)
        if step < steps:
            state, log = with_room(state, log, _most_orders(state, ranking))
    if state.sizes[UNCOUNTABLE]:
        return None
    tables = Tables(arrays.timestamps, arrays.symbols, log, ["rebalance", *(rule.name for rule in strategy.rules)])
    return tables.result(feed, features, passes, settings)


@optimization(
    component="loop",
    requires=["vectorization/array_feed", "vectorization/column_features"],
    after=[
        "vectorization/masked_rules",
        "vectorization/soa_broker",
        "early-exit/passing_bars",
        "early-exit/ruined_account",
    ],
    workload="turnover",
)
def compiled_ranking(inner: LoopComponent) -> LoopComponent:
    """Compile the loop for declared rankings."""

    def run(feed: Feed, features: FeatureTable, passes: PassTable, broker: Brokerage, strategy: Strategy) -> Result:
        result = None
        if is_declared_ranking(strategy) and covers(broker.settings, strategy.rules):
            result = _run(feed, features, passes, broker, strategy)
        return inner(feed, features, passes, broker, strategy) if result is None else result

    return run
