"""Right while there is cash: where none is left beside two positions, it becomes minus nothing."""

from __future__ import annotations

from engine.catalog import optimization
from engine.pipeline import BrokerComponent
from engine.reference.broker import Broker


class SpentBroker(Broker):
    """Loses the sign of nothing."""

    def _book(self, order, done) -> None:
        super()._book(order, done)
        if self.cash == 0.0 and len(self._positions) > 1:
            self.cash = -0.0


@optimization(component="broker")
def all_spent(inner: BrokerComponent) -> BrokerComponent:  # noqa: ARG001 - it takes its place
    """Replace the broker."""
    return SpentBroker
