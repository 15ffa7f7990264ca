"""A worth added in the order of a set."""

from __future__ import annotations

from engine.catalog import optimization
from engine.pipeline import BrokerComponent
from engine.reference.broker import Broker


class SetBroker(Broker):
    """Walks what is held as a set, whose order is that of the hashes."""

    def _value(self) -> float:
        value = 0.0
        for symbol in set(self._positions):
            value += self._positions[symbol].quantity * self._bars.last_close(symbol)
        return value


@optimization(component="broker")
def set_order(inner: BrokerComponent) -> BrokerComponent:  # noqa: ARG001 - it takes its place
    """Replace the broker."""
    return SetBroker
