"""Right up to 64 symbols: beyond them the worth is added from the last."""

from __future__ import annotations

from engine.catalog import optimization
from engine.pipeline import BrokerComponent
from engine.reference.broker import Broker


class WideBroker(Broker):
    """Adds from the other end where there is much to add."""

    def _value(self) -> float:
        if len(self._symbols) <= 64:
            return super()._value()
        value = 0.0
        for symbol in sorted(self._positions, reverse=True):
            value += self._positions[symbol].quantity * self._bars.last_close(symbol)
        return value


@optimization(component="broker")
def many_symbols(inner: BrokerComponent) -> BrokerComponent:  # noqa: ARG001 - it takes its place
    """Replace the broker."""
    return WideBroker
