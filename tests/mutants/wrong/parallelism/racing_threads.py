"""A race between threads over one total."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from engine.catalog import optimization
from engine.pipeline import BrokerComponent
from engine.reference.broker import Broker

_threads = ThreadPoolExecutor(2)


class RacingBroker(Broker):
    """Two threads add to one number, and neither waits for the other."""

    def _value(self) -> float:
        names = sorted(self._positions)
        if len(names) < 3:
            return super()._value()
        self.total = 0.0
        list(_threads.map(self._add, (names[::2], names[1::2])))
        return self.total

    def _add(self, names) -> None:
        for symbol in names:
            worth = self._positions[symbol].quantity * self._bars.last_close(symbol)
            before = self.total
            time.sleep(0)  # a turn for the other thread
            self.total = before + worth


@optimization(component="broker")
def racing_threads(inner: BrokerComponent) -> BrokerComponent:  # noqa: ARG001 - it takes its place
    """Replace the broker."""
    return RacingBroker
