"""Mark what is held as arrays, and keep the list of it in order.

How: The quantities of what is held stand in an array by symbol number (struct of arrays), and their names in a list
that stays sorted. Marking to market is one product over them, on the matrix row of the closes.

Exact: The values of what is held are added one after another in symbol order: `numpy.add.accumulate` is
sequential, where `numpy.sum` would add in pairs. Orders, fills and positions are the reference's own.

Risk: Below about ten held positions marking is no faster than the plain loop. It shows little while the strategy is
called on every bar; that is why it stands on awaited_bars.
"""

from __future__ import annotations

from bisect import bisect_left, insort

import numpy as np

from engine.arrays import Floats, Ints, arrays_of, row_of, step_of
from engine.catalog import optimization
from engine.model import Position, Settings
from engine.pipeline import BrokerComponent, Feed, Rules
from engine.reference.broker import Broker


class SoaBroker(Broker):
    """The broker, with what it holds in order and in arrays as well."""

    def __init__(self, feed: Feed, settings: Settings, rules: Rules) -> None:
        super().__init__(feed, settings, rules)
        arrays = arrays_of(feed)
        self._index = arrays.index
        self._close_matrix = arrays.matrices["close"]
        self._names: list[str] = []
        self._held_arrays: tuple[Ints, Floats] | None = None

    def held(self) -> list[str]:
        """Return the symbols that are held, sorted."""
        return self._names.copy()

    def _hold(self, position: Position) -> None:
        if position.symbol not in self._positions:
            insort(self._names, position.symbol)
        self._held_arrays = None
        super()._hold(position)

    def _let_go(self, symbol: str) -> None:
        del self._names[bisect_left(self._names, symbol)]
        self._held_arrays = None
        super()._let_go(symbol)

    def _value(self) -> float:
        """Return the worth of what is held at the latest closes, added in symbol order."""
        if not self._names:
            return 0.0
        held, quantities = self._arrays_of_held()
        values = np.add.accumulate(quantities * row_of(self._bars, "close")[held])
        if values[-1] != values[-1]:  # NaN: something held has no bar here
            values = np.add.accumulate(quantities * self._last_closes(held))
        total: float = values.item(-1)
        return 0.0 + total  # from zero, as the reference adds: -0.0 becomes 0.0

    def _arrays_of_held(self) -> tuple[Ints, Floats]:
        if self._held_arrays is None:
            quantities = [self._positions[name].quantity for name in self._names]
            self._held_arrays = np.array([self._index[name] for name in self._names]), np.array(quantities)
        return self._held_arrays

    def _last_closes(self, held: Ints) -> Floats:
        """Return the latest close of each, going back where the present bar is missing."""
        step = step_of(self._bars)
        closes: Floats = self._close_matrix[step, held]
        while len(missing := np.flatnonzero(closes != closes)):
            step -= 1
            closes[missing] = self._close_matrix[step, held[missing]]
        return closes


@optimization(
    component="broker",
    requires=["vectorization/array_feed", "vectorization/awaited_bars", "vectorization/masked_rules"],
)
def soa_broker(inner: BrokerComponent) -> BrokerComponent:  # noqa: ARG001 - it takes its place
    """Replace the broker that looks up every position to mark it."""
    return SoaBroker
