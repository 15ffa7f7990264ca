"""Run a declared ranking in one compiled loop.

How: At each timestamp one pass over the scores keeps the highest and the lowest of them, as many as are wanted; a
second one turns weights into orders. The account is `engine.compiled_account`, which touches only what is held or
queued. Scores and gates are read from flat columns, at the latest bar of each symbol.

Exact: Symbols are looked at in order, so of equal scores the later one ranks higher, as in a sort by score and symbol.
Weights become lots by the products, quotients and differences of `Context.target_weights`, with waiting orders counted
in; what makes a position smaller is ordered first. The account is exact as its docstring says; a run that meets a count
that is too large for it is left to the loop below, from its beginning.

Risk: The meaning of a ranking, of target weights and of the broker stands here a second time: a change to the reference
has to be made here too.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

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
    UNITS,
    Market,
    State,
    new_state,
)
from engine.compiled_account.steps import close_step, open_step, refuse, stand_still, submit, value_of
from engine.compiled_account.tables import Tables
from engine.compiled_account.terms import Terms, covers, fee_rates, terms_of
from engine.jit import compiled_in_place
from engine.model import FeatureTable, PassTable, Result
from engine.pipeline import Brokerage, Feed, LoopComponent
from engine.ranking import DeclaredRanking, is_declared_ranking
from engine.strategy import Strategy


class Ranking(NamedTuple):
    """What a ranking looks at and works with.

    `score` and `passes` are flat over the bars. `latest` is the flat number of each symbol's latest bar; one before its
    first where it has had none. `high` and `low` are the best so far, the worst of them first, with their symbols.
    `side` is 1, -1 or 0: what is to be done with each symbol; `waiting` what is already ordered of it, in shares. The
    last two are orders that are still to be submitted.
    """

    score: Floats
    passes: Bools
    gated: bool
    weight: float
    every: int
    latest: Ints
    high: Floats
    high_symbol: Ints
    low: Floats
    low_symbol: Ints
    side: Ints
    waiting: Floats
    later: Ints
    later_quantity: Floats


@compiled_in_place
def _keep_high(high: Floats, symbols: Ints, size: int, score: float, symbol: int) -> int:
    """Put a score among the highest; return how many there are. The later symbol is the higher of two equal ones."""
    if size < len(high):
        place = size
        while place > 0 and high[place - 1] > score:
            high[place], symbols[place] = high[place - 1], symbols[place - 1]
            place -= 1
        size += 1
    elif size > 0 and score >= high[0]:
        place = 0
        while place + 1 < size and high[place + 1] <= score:
            high[place], symbols[place] = high[place + 1], symbols[place + 1]
            place += 1
    else:
        return size
    high[place], symbols[place] = score, symbol
    return size


@compiled_in_place
def _keep_low(low: Floats, symbols: Ints, size: int, score: float, symbol: int) -> int:
    """Put a score among the lowest; return how many there are. The later symbol is the higher of two equal ones."""
    if size < len(low):
        place = size
        while place > 0 and low[place - 1] <= score:
            low[place], symbols[place] = low[place - 1], symbols[place - 1]
            place -= 1
        size += 1
    elif size > 0 and score < low[0]:
        place = 0
        while place + 1 < size and low[place + 1] > score:
            low[place], symbols[place] = low[place + 1], symbols[place + 1]
            place += 1
    else:
        return size
    low[place], symbols[place] = score, symbol
    return size


@compiled_in_place
def _choose(columns: Columns, ranking: Ranking, step: int) -> bool:
    """Choose a side for each symbol; false where too few can be ranked."""
    latest, score, passes, starts, steps = ranking.latest, ranking.score, ranking.passes, columns.starts, columns.step
    ranked = highest = lowest = 0
    for symbol in range(len(latest)):
        bar, end = latest[symbol], starts[symbol + 1]
        while bar + 1 < end and steps[bar + 1] <= step:
            bar += 1
        latest[symbol] = bar
        if bar < starts[symbol] or steps[bar] != step or score[bar] != score[bar] or not passes[bar]:
            continue
        ranked += 1
        highest = _keep_high(ranking.high, ranking.high_symbol, highest, score[bar], symbol)
        lowest = _keep_low(ranking.low, ranking.low_symbol, lowest, score[bar], symbol)
    if ranked < len(ranking.high) + len(ranking.low):
        return False
    for place in range(lowest):
        ranking.side[ranking.low_symbol[place]] = -1
    for place in range(highest):
        ranking.side[ranking.high_symbol[place]] = 1
    return True


@compiled_in_place
def _rebalance(state: State, log: AccountLog, terms: Terms, columns: Columns, ranking: Ranking, step: int) -> None:
    """Submit the orders that bring the account to the weights; leave the sides and what waits at zero."""
    side, waiting = ranking.side, ranking.waiting
    equity = state.cash[CASH] + value_of(state)
    for place in range(state.sizes[QUEUED]):
        waiting[log.order[state.queue[place, ORDER], SYMBOL]] += lots_value(terms, state.queue[place, LOTS_LEFT])
    later = 0
    for symbol in range(len(side)):
        if side[symbol] == 0 and state.numbers[symbol, UNITS] == 0 and waiting[symbol] == 0.0:
            continue  # it would be brought from nothing to nothing
        held = state.position[symbol, QUANTITY] + waiting[symbol]
        weight = 0.0 if side[symbol] == 0 else ranking.weight if side[symbol] > 0 else -ranking.weight
        side[symbol], waiting[symbol] = 0, 0.0
        target = weight * equity / columns.close[ranking.latest[symbol]]
        if target != target:
            continue
        change = lots_value(terms, lots_toward_zero(state, terms, target)) - held
        if change == 0.0:
            continue
        if abs(held + change) < abs(held):
            _submit(state, log, terms, ranking, step, symbol, change)
        else:
            ranking.later[later], ranking.later_quantity[later] = symbol, change
            later += 1
    for place in range(later):
        _submit(state, log, terms, ranking, step, ranking.later[place], ranking.later_quantity[place])


@compiled_in_place
def _submit(
    state: State, log: AccountLog, terms: Terms, ranking: Ranking, step: int, symbol: int, quantity: float
) -> None:
    """Submit an order; one that may open, or add to, a position outside the gates is rejected at once."""
    if ranking.gated and not ranking.passes[ranking.latest[symbol]]:
        held = state.position[symbol, QUANTITY]
        only_closes = held * quantity < 0.0 and abs(quantity) <= abs(held)
        if not only_closes:
            refuse(state, log, terms, step, symbol, quantity, 0, OUTSIDE_GATES)
            return
    submit(state, log, terms, step, symbol, quantity, 0)


@compiled_in_place
def _most_orders(state: State, ranking: Ranking) -> int:
    return int(len(ranking.high) + len(ranking.low) + state.sizes[HELD] + state.sizes[QUEUED])


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
        if (before + step) % ranking.every == 0 and _choose(columns, ranking, step):
            _rebalance(state, log, terms, columns, ranking, step)
        if not close_step(state, log, terms, market, step, step):
            stand_still(log, step)
            break
    return len(rates)


def _ranking(columns: Columns, features: FeatureTable, passes: PassTable, strategy: DeclaredRanking) -> Ranking:
    symbols = len(columns.starts) - 1
    return Ranking(
        score=column_of(features, strategy.score.name),
        passes=passing(passes, len(columns.close)),
        gated=bool(passes.columns),
        weight=float(strategy.weight),
        every=strategy.every,
        latest=columns.starts[:-1] - 1,
        high=np.zeros(strategy.long),
        high_symbol=np.zeros(strategy.long, np.int64),
        low=np.zeros(strategy.short),
        low_symbol=np.zeros(strategy.short, np.int64),
        side=np.zeros(symbols, np.int64),
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
    ranking = as_any(_ranking(arrays.columns, features, passes, strategy))
    state, log = new_state(len(arrays.symbols), float(settings.cash)), empty_log(steps)
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
