"""Call a plain strategy only on the bars that it waits for.

How: The conditions that a strategy waits for are evaluated on whole columns before the loop, and the bars where one
holds are made at once. The loop calls the strategy on those alone, in the same order, beside those of what is held
where it waits for that. Its context knows the flat number of the bar that it is called on, so a feature of it is one
look-up in the column.

Exact: The reference calls a strategy that waits for just these bars. The conditions use the same comparisons of the
same feature values. One that changes what it waits for is called by its own `on_bars` from that timestamp on.

Risk: Every awaited bar is an object for as long as the run lasts: a condition that always holds takes memory for all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from engine.arrays import FIELDS, Arrays, arrays_of, events_of, passing, signal_of
from engine.catalog import optimization
from engine.conditions import Held, Wait, are_known_waits
from engine.model import Bar, FeatureTable, PassTable, Result
from engine.pipeline import Brokerage, Feed, LoopComponent
from engine.reference.loop import live_steps
from engine.stepping import MADE, StepBars, StepContext
from engine.strategy import Strategy, calls_on_bar, is_declared

Event = tuple[int, int, int, bool, Bar]


class AwaitedContext(StepContext):
    """A context that knows the bar on which the strategy is called: its symbol, its number, its flat number."""

    symbol: str
    number: int
    place: int

    def feature(self, name: str, symbol: str, ago: int = 0) -> float:
        """Return a declared feature at the symbol's latest bar, or `ago` of its bars earlier; NaN if undefined."""
        if symbol == self.symbol and 0 <= ago <= self.number:
            return self._features.columns[name][self.place - ago]
        return super(StepContext, self).feature(name, symbol, ago)


class Awaited:
    """The bars on which a condition holds, by timestamp.

    Of each its symbol's number, its flat number, its number among those of the symbol, whether gates pass, and itself.
    """

    def __init__(self, arrays: Arrays, waits: Sequence[Wait], features: FeatureTable, passes: PassTable) -> None:
        columns, symbols = arrays.columns, arrays.symbols
        signal = np.zeros(len(columns.close), np.bool_)
        for wait in waits:
            if not isinstance(wait, Held):
                signal |= signal_of(wait, features, columns)
        events = events_of(signal, columns, len(arrays.timestamps))
        fields = (getattr(columns, field)[events.bar].tolist() for field in FIELDS)
        times = map(arrays.times.__getitem__, columns.step[events.bar].tolist())
        numbers, places = events.symbol.tolist(), events.bar.tolist()
        bars = map(MADE, zip(times, map(symbols.__getitem__, numbers), *fields, strict=True))
        own = (events.bar - columns.starts[events.symbol]).tolist()
        open_gates = passing(passes, len(columns.close))[events.bar].tolist()
        self._events = list(zip(numbers, places, own, open_gates, bars, strict=True))
        self._offsets = events.offsets.tolist()
        self._arrays = arrays
        self._held_too = any(isinstance(wait, Held) for wait in waits)

    def of(self, bars: StepBars, broker: Brokerage) -> Iterable[tuple[int, int, Bar]]:
        """Return those of a step that are shown, in symbol order: flat number, number of its symbol's, bar."""
        events = self._events[self._offsets[bars.step] : self._offsets[bars.step + 1]]
        if self._held_too:
            return self._with_held(events, bars, broker)
        get = broker.get_position
        return [(place, own, bar) for _, place, own, passes, bar in events if passes or get(bar.symbol) is not None]

    def _with_held(self, events: Sequence[Event], bars: StepBars, broker: Brokerage) -> Iterable[tuple[int, int, Bar]]:
        held = {self._arrays.index[symbol] for symbol in broker.held()}
        chosen = {number: (place, own, bar) for number, place, own, passes, bar in events if passes or number in held}
        latest, starts = self._arrays.latest[bars.step], self._arrays.starts
        for number in held.difference(chosen):  # exact: what is chosen is sorted below
            if (bar_of_held := bars.at(number)) is not None:
                own = latest.item(number)
                chosen[number] = starts[number] + own, own, bar_of_held
        return map(chosen.__getitem__, sorted(chosen))


def _run(feed: Feed, features: FeatureTable, passes: PassTable, broker: Brokerage, strategy: Strategy) -> Result:
    arrays, waits = arrays_of(feed), strategy.waits
    awaited = Awaited(arrays, waits or (), features, passes)
    context = AwaitedContext(feed, broker, features, passes)
    for bars in live_steps(feed, broker):
        present = context.move_to(bars)
        if strategy.waits is not waits:
            _call(strategy, context, present, broker)
            continue
        for context.place, context.number, bar in awaited.of(present, broker):
            context.symbol = bar.symbol
            strategy.on_bar(context, bar)
    return broker.records.result(feed.bars, features, passes, broker.settings)


def _call(strategy: Strategy, context: AwaitedContext, bars: StepBars, broker: Brokerage) -> None:
    """Call a strategy that has changed what it waits for: on the bars that it is shown, as the reference does."""
    context.number = -1  # of no bar in particular
    if strategy.gates:
        shown = [bar for bar in bars if context.passes(bar.symbol) or broker.get_position(bar.symbol)]
        strategy.on_bars(context, bars.only(shown))
    else:
        strategy.on_bars(context, bars)


@optimization(
    component="loop",
    requires=["vectorization/array_feed"],
    after=["early-exit/passing_bars", "vectorization/awaited_bars", "vectorization/compiled_loop"],
    workload="waits",
)
def awaited_calls(inner: LoopComponent) -> LoopComponent:
    """Run strategies that wait."""

    def run(feed: Feed, features: FeatureTable, passes: PassTable, broker: Brokerage, strategy: Strategy) -> Result:
        waits = strategy.waits is not None and calls_on_bar(strategy) and not is_declared(strategy)
        if waits and are_known_waits(strategy.waits or ()):
            return _run(feed, features, passes, broker, strategy)
        return inner(feed, features, passes, broker, strategy)

    return run
