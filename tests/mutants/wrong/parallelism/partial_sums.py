"""A sum in as many chunks as there are workers."""

from __future__ import annotations

import os

from engine.catalog import optimization
from engine.pipeline import BrokerComponent
from engine.reference.broker import Broker


class PartialBroker(Broker):
    """Adds the sums of its chunks, which is another sum for another number of them."""

    def _value(self) -> float:
        names = sorted(self._positions)
        chunks = int(os.environ.get("EXACT_CHANGE_WORKERS", "1"))
        size = -(-len(names) // chunks) or 1
        value = 0.0
        for begin in range(0, len(names), size):
            part = 0.0
            for symbol in names[begin : begin + size]:
                part += self._positions[symbol].quantity * self._bars.last_close(symbol)
            value += part
        return value


@optimization(component="broker")
def partial_sums(inner: BrokerComponent) -> BrokerComponent:  # noqa: ARG001 - it takes its place
    """Replace the broker."""
    return PartialBroker
