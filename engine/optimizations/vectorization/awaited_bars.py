"""Call a declared strategy only on the bars where its entry or exit holds.

How: The entry and exit conditions are evaluated on whole columns before the loop. The loop then calls the
strategy on those bars alone, in the same order; every other step of a timestamp is done as before. A strategy in
plain Python, whose wishes can't be known, is left to the loop below.

Exact: A declared strategy does nothing where neither condition holds, so the calls left out have no effect. The
conditions use the same comparisons of the same feature values.

Risk: None known beyond memory for one flag a bar and condition.
"""

from __future__ import annotations

from engine.arrays import arrays_of, bar_of, events_of, passing, signal_of, step_of
from engine.catalog import optimization
from engine.model import FeatureTable, PassTable, Result
from engine.pipeline import Brokerage, Feed, LoopComponent
from engine.reference.loop import live_steps
from engine.strategy import Context, DeclaredStrategy, Strategy, is_declared


def _run(
    feed: Feed, features: FeatureTable, passes: PassTable, broker: Brokerage, strategy: DeclaredStrategy
) -> Result:
    arrays = arrays_of(feed)
    columns, symbols = arrays.columns, arrays.symbols
    open_gates = passing(passes, len(columns.close))
    entry = signal_of(strategy.entry, features, columns) & open_gates
    events = events_of(entry | signal_of(strategy.exit, features, columns), columns, len(arrays.timestamps))
    offsets, flat, numbers = events.offsets.tolist(), events.bar.tolist(), events.symbol.tolist()
    context = Context(broker, features, passes)
    for bars in live_steps(feed, broker):
        context.bars = bars
        step = step_of(bars)
        for event in range(offsets[step], offsets[step + 1]):
            number = numbers[event]
            if open_gates[flat[event]] or broker.get_position(symbols[number]) is not None:
                strategy.on_bar(context, bar_of(bars, number))
    return broker.records.result(feed.bars, features, passes, broker.settings)


@optimization(
    component="loop",
    requires=["vectorization/array_feed", "vectorization/column_features"],
    after=["early-exit/passing_bars"],
)
def awaited_bars(inner: LoopComponent) -> LoopComponent:
    """Pass over the bars on which a declared strategy has nothing to do."""

    def run(feed: Feed, features: FeatureTable, passes: PassTable, broker: Brokerage, strategy: Strategy) -> Result:
        if is_declared(strategy):
            return _run(feed, features, passes, broker, strategy)
        return inner(feed, features, passes, broker, strategy)

    return run
