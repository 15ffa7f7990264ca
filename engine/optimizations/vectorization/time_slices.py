"""Hand a strategy that takes all bars at once views of matrix rows.

How: A field of all symbols at a timestamp is a row of the feed's matrix, and a feature's a row of a matrix that is
filled from its column once a run: what the strategy is given is a view, without a copy. Bars become objects only where
the strategy asks for them. A strategy behind gates is shown the bars that pass them, which are listed beforehand. A
declared ranking is left to the loop below, which may have it compiled.

Exact: Values are copied, never computed, and the views can't be written to. A missing bar is NaN in the matrices. What
the gates hold back is taken from a copy of the row.

Risk: A feature takes its memory twice once it has been asked for as an array. A strategy that never asks for arrays
gains little.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from engine.arrays import Arrays, Ints, arrays_of, bar_of, events_of, passing
from engine.catalog import optimization
from engine.model import Bar, Bars, FeatureTable, Floats, PassTable, Result, read_only
from engine.pipeline import Brokerage, Feed, LoopComponent
from engine.ranking import DeclaredRanking
from engine.reference.loop import live_steps
from engine.stepping import StepBars, StepContext
from engine.strategy import Strategy, calls_on_bar


class ShownBars(Bars):
    """Some of the bars of a step, by symbol number; a bar becomes an object when it is asked for."""

    __slots__ = ("_numbers", "_whole")

    def __init__(self, whole: StepBars, numbers: Ints) -> None:
        super().__init__(whole.timestamp, (), whole.numbers, {})
        self._whole = whole
        self._numbers = numbers

    def __iter__(self) -> Iterator[Bar]:
        return (bar_of(self._whole, number) for number in self._numbers.tolist())

    def __len__(self) -> int:
        return len(self._numbers)

    def get(self, symbol: str) -> Bar | None:
        """Return the symbol's bar, or None where it has none here, or one that is not shown."""
        if self._by_symbol is None:
            self._by_symbol = {bar.symbol: bar for bar in self}
        return self._by_symbol.get(symbol)

    def values(self, field: str) -> Floats:
        """Return a field of all symbols, by number; NaN where there is no bar, or one that is not shown."""
        row = self._whole.values(field)
        shown = np.full(len(row), np.nan)
        shown[self._numbers] = row[self._numbers]
        return read_only(shown)

    def only(self, bars: Sequence[Bar]) -> Bars:
        """Return some of these bars, as all that there are."""
        return self._whole.only(bars)

    def last_close(self, symbol: str) -> float:
        """Return the symbol's latest close; NaN before its first bar."""
        return self._whole.last_close(symbol)


class Shown:
    """The bars that pass all gates, by timestamp, and those of what is held."""

    def __init__(self, arrays: Arrays, passes: PassTable) -> None:
        columns = arrays.columns
        self._events = events_of(passing(passes, len(columns.close)), columns, len(arrays.timestamps))
        self._index = arrays.index

    def of(self, bars: StepBars, held: Sequence[str]) -> ShownBars:
        """Return those of the present bars."""
        offsets, step = self._events.offsets, bars.step
        numbers = self._events.symbol[offsets[step] : offsets[step + 1]]
        if held:
            row = bars.row("close")
            numbers = np.union1d(numbers, [self._index[symbol] for symbol in held])
            numbers = numbers[row[numbers] == row[numbers]]
        return ShownBars(bars, numbers)


def _run(feed: Feed, features: FeatureTable, passes: PassTable, broker: Brokerage, strategy: Strategy) -> Result:
    context = StepContext(feed, broker, features, passes)
    shown = Shown(arrays_of(feed), passes) if passes.columns else None
    for bars in live_steps(feed, broker):
        present = context.move_to(bars)
        strategy.on_bars(context, present if shown is None else shown.of(present, broker.held()))
    return broker.records.result(feed.bars, features, passes, broker.settings)


@optimization(
    component="loop",
    requires=["vectorization/array_feed"],
    after=["early-exit/passing_bars", "vectorization/awaited_bars", "vectorization/compiled_loop"],
    workload="slices",
)
def time_slices(inner: LoopComponent) -> LoopComponent:
    """Run strategies that take all bars of a timestamp on rows of matrices."""

    def run(feed: Feed, features: FeatureTable, passes: PassTable, broker: Brokerage, strategy: Strategy) -> Result:
        declared = type(strategy) is DeclaredRanking
        if not declared and not calls_on_bar(strategy) and bool(strategy.gates) == bool(passes.columns):
            return _run(feed, features, passes, broker, strategy)
        return inner(feed, features, passes, broker, strategy)

    return run
