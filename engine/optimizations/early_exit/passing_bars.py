"""Show a strategy behind gates only the bars that pass or are held, without a look at the others.

How: The bars that pass all gates are listed by timestamp before the loop. The loop makes bars of those alone, and of
what is held; a symbol without a passing bar never enters it.

Exact: The reference calls a strategy for the same bars, in the same order, and passes over the rest without an
effect. Orders, rules and marks still see the prices of every symbol.

Risk: A strategy without gates is left to the loop
below.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.arrays import Arrays, arrays_of, bar_of, events_of, passing, step_of
from engine.catalog import optimization
from engine.model import Bar, Bars, FeatureTable, PassTable, Result
from engine.pipeline import Brokerage, Feed, LoopComponent
from engine.reference.loop import live_steps
from engine.strategy import Context, Strategy


class Shown:
    """The bars that a strategy is shown: those that pass, and those of what is held."""

    def __init__(self, arrays: Arrays, passes: PassTable) -> None:
        columns = arrays.columns
        events = events_of(passing(passes, len(columns.close)), columns, len(arrays.timestamps))
        self._offsets, self._symbols = events.offsets.tolist(), events.symbol.tolist()
        self._index, self._names = arrays.index, arrays.symbols

    def of(self, bars: Bars, held: Sequence[str]) -> Iterator[Bar]:
        """Yield those of the present bars, in symbol order."""
        step = step_of(bars)
        passing_here = self._symbols[self._offsets[step] : self._offsets[step + 1]]
        if not held:
            yield from (bar_of(bars, number) for number in passing_here)
            return
        for number in sorted({*passing_here, *(self._index[symbol] for symbol in held)}):
            if (bar := bars.get(self._names[number])) is not None:
                yield bar


def _run(feed: Feed, features: FeatureTable, passes: PassTable, broker: Brokerage, strategy: Strategy) -> Result:
    arrays = arrays_of(feed)
    shown = Shown(arrays, passes)
    context = Context(broker, features, passes)
    for bars in live_steps(feed, broker):
        context.bars = bars
        strategy.on_bars(context, bars.only(list(shown.of(bars, broker.held()))))
    return broker.records.result(feed.bars, features, passes, broker.settings)


@optimization(component="loop", requires=["vectorization/array_feed"], workload="narrow-gate")
def passing_bars(inner: LoopComponent) -> LoopComponent:
    """Pass over the bars that no gate lets through."""

    def run(feed: Feed, features: FeatureTable, passes: PassTable, broker: Brokerage, strategy: Strategy) -> Result:
        if passes.columns:
            return _run(feed, features, passes, broker, strategy)
        return inner(feed, features, passes, broker, strategy)

    return run
