"""Show a strategy behind gates only the bars that pass or are held, without a look at the others.

How: The bars that pass all gates are listed by timestamp before the loop. The loop makes bars of those alone, and of
what is held; a symbol without a passing bar never enters it. How far each symbol has come is read from a table where
a strategy asks for it, in place of a count that moves with every bar.

Exact: The reference calls a strategy for the same bars, in the same order, and passes over the rest without an
effect. Orders, rules and marks still see the prices of every symbol.

Risk: A table of one number a timestamp and symbol stays in memory. A strategy without gates is left to the loop
below.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.arrays import Arrays, arrays_of, events_of, passing
from engine.catalog import optimization
from engine.model import Bar, FeatureTable, PassTable, Result
from engine.pipeline import Brokerage, Feed, LoopComponent
from engine.strategy import Context, Strategy


class StepContext(Context):
    """A context that knows the step, and finds a symbol's latest bar by it."""

    def __init__(self, broker: Brokerage, features: FeatureTable, passes: PassTable, arrays: Arrays) -> None:
        super().__init__(broker, features, passes)
        self._index = arrays.index
        self._latest = arrays.latest
        self.step = 0

    def number(self, symbol: str) -> int:
        """Return the number of the symbol's latest bar, counted from 0; -1 before its first."""
        place = self._index.get(symbol)
        return -1 if place is None else self._latest.item(self.step, place)


class Shown:
    """The bars that a strategy is shown: those that pass, and those of what is held."""

    def __init__(self, arrays: Arrays, passes: PassTable) -> None:
        columns = arrays.columns
        self._arrays = arrays
        self._events = events_of(passing(passes, len(columns.close)), columns, len(arrays.timestamps))
        self._offsets = self._events.offsets.tolist()
        self._starts = columns.starts.tolist()

    def at(self, step: int, held: list[str]) -> Iterator[Bar]:
        """Yield the bars of a step, in symbol order."""
        arrays = self._arrays
        first, last = self._offsets[step], self._offsets[step + 1]
        bars = dict(zip(self._events.symbol[first:last].tolist(), self._events.bar[first:last].tolist(), strict=True))
        for symbol in held:
            number = arrays.index[symbol]
            bar = self._starts[number] + arrays.latest.item(step, number)
            if arrays.columns.step[bar] == step:
                bars[number] = bar
        timestamp = arrays.times[step]
        for number in sorted(bars):
            prices = (column.item(bars[number]) for column in arrays.columns[2:])
            yield Bar(timestamp, arrays.symbols[number], *prices)


def _run(feed: Feed, features: FeatureTable, passes: PassTable, broker: Brokerage, strategy: Strategy) -> Result:
    arrays = arrays_of(feed)
    shown = Shown(arrays, passes)
    context = StepContext(broker, features, passes, arrays)
    for step, slice_ in enumerate(feed):
        if broker.ruined:
            broker.stand_still(slice_.timestamp)
            continue
        broker._update_time(
            slice_.timestamp,
            slice_.by_symbol("open"),
            slice_.by_symbol("high"),
            slice_.by_symbol("low"),
            slice_.by_symbol("close"),
        )
        broker.fill_queued_orders()
        broker.evaluate_position_rules()
        context.step = step
        for bar in shown.at(step, list(broker.held())):
            strategy.on_bar(context, bar)
        broker.move_water_marks()
        broker.mark_to_market()
    return broker.records.result(feed.bars, features, passes)


@optimization(component="loop", requires=["vectorization/array_feed"], workload="narrow-gate")
def passing_bars(inner: LoopComponent) -> LoopComponent:
    """Pass over the bars that no gate lets through."""

    def run(feed: Feed, features: FeatureTable, passes: PassTable, broker: Brokerage, strategy: Strategy) -> Result:
        if passes.columns:
            return _run(feed, features, passes, broker, strategy)
        return inner(feed, features, passes, broker, strategy)

    return run
