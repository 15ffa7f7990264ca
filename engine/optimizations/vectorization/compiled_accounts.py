"""Run a declared strategy on any account, long or short, in one compiled loop.

How: As the compiled loop, for what it leaves out: strategies that go short, and accounts with short selling, leverage,
borrow fees, volume limit and impact, lots, ticks, a minimum notional, fills at the close. Signals are found on whole
columns; the account is `engine.compiled_account`, which touches only what is held or queued. Rows of the log are added
as they are needed. A plain account is left to the loop below.

Exact: The kernels do the reference's additions and products in its order, and count lots and ticks in integers up to
2**50, where a count and its value turn into each other without an error. Margin is decided by sums that are kept up
only where they are further apart than their errors can be; else all is added up as the reference does. A run that
meets a larger count is left to the loop below, from its beginning.

Risk: The meaning of the broker stands here a second time: a change to the reference has to be made here too. The first
call in a new process loads compiled code from disk, or compiles it (half a minute) where there is none.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.arrays import Bools, Columns, Events, Floats, Ints, arrays_of, as_any, events_of, passing, signal_of
from engine.catalog import optimization
from engine.compiled_account.counting import lots_toward_zero
from engine.compiled_account.log import AccountLog, empty_log, has_room, with_room
from engine.compiled_account.state import HELD, QUEUED, UNCOUNTABLE, UNITS, Market, State, new_state
from engine.compiled_account.steps import close_step, open_step, stand_still, submit_lots
from engine.compiled_account.tables import Tables
from engine.compiled_account.terms import Terms, covers, fee_rates, is_plain, terms_of
from engine.jit import compiled_in_place
from engine.model import FeatureTable, PassTable, Result, Settings
from engine.pipeline import Brokerage, Feed, LoopComponent
from engine.strategy import DeclaredStrategy, Strategy, is_declared_on_a_side


class Wishes(NamedTuple):
    """What a declared strategy asks for: the bars to enter on, for how many lots, and flat flags of those to leave on.

    `lots` are below 0 where they are sold short. `cursor` is the flat number of a bar of each symbol, not after the
    present one.
    """

    entries: Events
    lots: Ints
    leave: Bools
    cursor: Ints


@compiled_in_place
def _size(state: State, terms: Terms, amount: float, closes: Floats, bars: Ints, lots: Ints) -> None:
    """Write down how many lots an amount buys at the close of each bar; one below 0 sells them."""
    for event in range(len(bars)):
        lots[event] = lots_toward_zero(state, terms, amount / closes[bars[event]])


@compiled_in_place
def _call_strategy(state: State, log: AccountLog, terms: Terms, columns: Columns, wishes: Wishes, step: int) -> None:
    """Step 4: entries and exits, merged in symbol order."""
    entries, held, units = wishes.entries, state.held, state.numbers
    place = 0
    for event in range(entries.offsets[step], entries.offsets[step + 1] + 1):
        last = event == entries.offsets[step + 1]
        upto = len(units) if last else entries.symbol[event]
        while place < state.sizes[HELD] and held[place] <= upto:
            symbol = held[place]
            place += 1
            if _leaves(columns, wishes, symbol, step):
                submit_lots(state, log, terms, step, symbol, -units[symbol, UNITS], 0)
        if not last and units[upto, UNITS] == 0 and wishes.lots[event] != 0:
            wishes.cursor[upto] = entries.bar[event]
            submit_lots(state, log, terms, step, upto, wishes.lots[event], 0)


@compiled_in_place
def _leaves(columns: Columns, wishes: Wishes, symbol: int, step: int) -> bool:
    """Whether the symbol has a bar at this step, and the exit holds there."""
    bar, end = wishes.cursor[symbol], columns.starts[symbol + 1]
    while bar + 1 < end and columns.step[bar] < step:
        bar += 1
    wishes.cursor[symbol] = bar
    return bool(columns.step[bar] == step and wishes.leave[bar])


@compiled_in_place
def _loop(
    state: State,
    log: AccountLog,
    terms: Terms,
    market: Market,
    columns: Columns,
    wishes: Wishes,
    rates: Floats,
    first: int,
) -> int:
    """Run from a step on; return the step before which the log has to grow, or the number of steps."""
    offsets = wishes.entries.offsets
    for step in range(first, len(rates)):
        orders = offsets[step + 1] - offsets[step] + state.sizes[HELD] + state.sizes[QUEUED]
        if not has_room(state, log, orders):
            return step
        open_step(state, log, terms, market, step, step, rates[step])
        _call_strategy(state, log, terms, columns, wishes, step)
        if not close_step(state, log, terms, market, step, step):
            stand_still(log, step)
            break
    return len(rates)


def _run(
    feed: Feed, features: FeatureTable, passes: PassTable, broker: Brokerage, strategy: DeclaredStrategy
) -> Result | None:
    """Run; None where something is beyond what is counted exactly."""
    arrays, settings = arrays_of(feed), broker.settings
    columns, steps = arrays.columns, len(arrays.timestamps)
    terms = as_any(terms_of(settings, strategy.rules))
    state = new_state(len(arrays.symbols), float(settings.cash))
    enter = signal_of(strategy.entry, features, columns)
    if passes.columns:
        enter &= passing(passes, len(enter))
    entries = events_of(enter, columns, steps)
    lots = np.empty(len(entries.bar), np.int64)
    amount = float(strategy.size.amount)
    _size(state, terms, amount if strategy.side == "long" else -amount, columns.close, entries.bar, lots)
    wishes = Wishes(entries, lots, signal_of(strategy.exit, features, columns), columns.starts[:-1].copy())
    log, market = empty_log(steps), Market(*arrays.fields)
    rates = fee_rates(settings, arrays.times)
    step = 0
    while step < steps and not state.sizes[UNCOUNTABLE]:
        step = _loop(state, log, terms, market, columns, wishes, rates, step)
        if step < steps:
            orders = entries.offsets[step + 1] - entries.offsets[step] + state.sizes[HELD] + state.sizes[QUEUED]
            state, log = with_room(state, log, int(orders))
    if state.sizes[UNCOUNTABLE]:
        return None
    tables = Tables(arrays.timestamps, arrays.symbols, log, ["signal", *(rule.name for rule in strategy.rules)])
    return tables.result(feed, features, passes, settings)


def _is_wanted(strategy: DeclaredStrategy, settings: Settings) -> bool:
    return covers(settings, strategy.rules) and (strategy.side == "short" or not is_plain(settings))


@optimization(
    component="loop",
    requires=["vectorization/array_feed", "vectorization/column_features", "vectorization/compiled_loop"],
    after=[
        "vectorization/awaited_bars",
        "vectorization/masked_rules",
        "vectorization/soa_broker",
        "early-exit/passing_bars",
        "early-exit/ruined_account",
    ],
    workload="margin",
)
def compiled_accounts(inner: LoopComponent) -> LoopComponent:
    """Compile the loop for declared strategies on every account."""

    def run(feed: Feed, features: FeatureTable, passes: PassTable, broker: Brokerage, strategy: Strategy) -> Result:
        result = None
        if is_declared_on_a_side(strategy) and _is_wanted(strategy, broker.settings):
            result = _run(feed, features, passes, broker, strategy)
        return inner(feed, features, passes, broker, strategy) if result is None else result

    return run
