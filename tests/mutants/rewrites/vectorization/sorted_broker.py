"""A broker that keeps names and quantities in two lists, sorted as it goes."""

from __future__ import annotations

from bisect import bisect_left

from engine.catalog import optimization
from engine.pipeline import BrokerComponent
from engine.reference.broker import Broker


class SortedBroker(Broker):
    """Never sorts, only inserts."""

    __slots__ = ("_names", "_quantities")

    def __init__(self, feed, settings, rules) -> None:
        super().__init__(feed, settings, rules)
        self._names, self._quantities = [], []

    def held(self) -> list[str]:
        """Return the symbols that are held, sorted."""
        return list(self._names)

    def _hold(self, position) -> None:
        place = bisect_left(self._names, position.symbol)
        if position.symbol not in self._positions:
            self._names.insert(place, position.symbol)
            self._quantities.insert(place, 0.0)
        self._quantities[place] = position.quantity
        super()._hold(position)

    def _let_go(self, symbol: str) -> None:
        place = bisect_left(self._names, symbol)
        del self._names[place], self._quantities[place]
        super()._let_go(symbol)

    def _value(self) -> float:
        value = 0.0
        for name, quantity in zip(self._names, self._quantities, strict=True):
            value = value + self._bars.last_close(name) * quantity
        return value


@optimization(component="broker")
def sorted_broker(inner: BrokerComponent) -> BrokerComponent:  # noqa: ARG001 - it takes its place
    """Replace the broker."""
    return SortedBroker
