"""Run a declared strategy over packed signals and interleaved prices.

How: Entries and exits become bits, one a symbol, in rows of 64-bit words a timestamp; what is held is such a row as
well, so a step finds what the strategy does by a few AND operations. One pass over the held symbols asks the rules,
moves the water marks and adds up the worth. A position's state is one cache line, and the open, high, low and close
of a bar stand side by side from the second run over a market on, two bars a cache line; the next ones are asked for
before their turn. What happens is written to columns, of which tables are made when they are asked for.

Exact: The steps, their order, and every addition and product are those of the reference: orders by submission,
symbols by name, equity from zero upwards. The two prices that are kept to see whether any rule could fire are the
highest and the lowest of the levels themselves, so where they are not met no level is. No fastmath.

Risk: The interleaved prices take as much memory again as four of the five matrices, also where a symbol has no bar:
where less than half of the cells have one, the loop below goes on. The meaning of a declared strategy stands here once
more: a change to the reference has to be made here too, and the golden check says so.
"""

from __future__ import annotations

from engine.arrays import arrays_of
from engine.catalog import optimization
from engine.compiled_account.terms import is_plain
from engine.model import FeatureTable, PassTable, Result
from engine.packed.result import PackedResult
from engine.packed.running import can_count, desk_of, journal_of, prices_on, reasons_of
from engine.packed.signals import signals_on
from engine.packed.tables import Names
from engine.pipeline import Brokerage, Feed, LoopComponent
from engine.strategy import DeclaredStrategy, Strategy, is_declared

LEAST_FILLED = 0.5


def _can_run(feed: Feed, strategy: DeclaredStrategy) -> bool:
    arrays = arrays_of(feed)
    return arrays.filled >= LEAST_FILLED and can_count(strategy.size.amount, arrays.lowest_close)


def _run(
    feed: Feed, features: FeatureTable, passes: PassTable, broker: Brokerage, strategy: DeclaredStrategy
) -> Result:
    arrays, settings = arrays_of(feed), broker.settings
    amount, rules, desk = strategy.size.amount, strategy.rules, desk_of(feed)
    signals = signals_on(feed, strategy, features, passes)
    lent = journal_of(prices_on(feed, desk), signals, amount, rules, settings, len(arrays.symbols), desk)
    names = Names(arrays.timestamps, arrays.step_times, arrays.symbol_names, reasons_of(rules))
    return PackedResult(lent, names, feed.bars, features, passes, settings.lot)


@optimization(
    component="loop",
    requires=["vectorization/array_feed", "vectorization/column_features"],
    after=["vectorization/compiled_loop"],
)
def packed_loop(inner: LoopComponent) -> LoopComponent:
    """Compile the loop for declared strategies on plain accounts; what it does not cover is left to the loop below."""

    def run(feed: Feed, features: FeatureTable, passes: PassTable, broker: Brokerage, strategy: Strategy) -> Result:
        if is_declared(strategy) and is_plain(broker.settings) and _can_run(feed, strategy):
            return _run(feed, features, passes, broker, strategy)
        return inner(feed, features, passes, broker, strategy)

    return run
