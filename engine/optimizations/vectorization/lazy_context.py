"""Give a plain strategy a context that looks things up, and bars that are made all at once.

How: The context holds the number of the step. A feature's values at a step are gathered from its column when the
strategy first asks for that feature; from then on a call is two look-ups in dictionaries. A position is looked up in
the broker's own dictionary. The bars of a step are made by one chain of iterators, without a call of Python's for
each. A strategy behind gates, one that waits, and one with an `on_bars` of its own are left to the loop below.

Exact: Values are copied, never computed; the strategy's own `on_bars` runs, bar after bar. What is not found, or is
asked for of an earlier bar, goes the reference's way, and so does what raises.

Risk: A strategy that asks for a feature of one symbol a step pays for the row of all; with many symbols that is slower.
What is asked for takes its memory twice: by symbol, and by timestamp.
"""

from __future__ import annotations

from engine.catalog import optimization
from engine.model import FeatureTable, PassTable, Result
from engine.pipeline import Brokerage, Feed, LoopComponent
from engine.reference.loop import live_steps
from engine.stepping import StepContext
from engine.strategy import Strategy, calls_on_bar, is_declared


def _run(feed: Feed, features: FeatureTable, passes: PassTable, broker: Brokerage, strategy: Strategy) -> Result:
    context = StepContext(feed, broker, features, passes, asks_often=True)
    for bars in live_steps(feed, broker):
        strategy.on_bars(context, context.move_to(bars))
    return broker.records.result(feed.bars, features, passes, broker.settings)


@optimization(
    component="loop",
    requires=["vectorization/array_feed"],
    after=["early-exit/passing_bars", "vectorization/awaited_bars", "vectorization/compiled_loop"],
    workload="plain",
)
def lazy_context(inner: LoopComponent) -> LoopComponent:
    """Run strategies in plain Python by a lazy context."""

    def run(feed: Feed, features: FeatureTable, passes: PassTable, broker: Brokerage, strategy: Strategy) -> Result:
        plain = calls_on_bar(strategy) and strategy.waits is None and not is_declared(strategy)
        if plain and not passes.columns and not strategy.gates:
            return _run(feed, features, passes, broker, strategy)
        return inner(feed, features, passes, broker, strategy)

    return run
