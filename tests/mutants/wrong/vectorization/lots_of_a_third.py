"""Right for lots of a tenth and a hundredth: other parts of a share are multiplied, not divided."""

from __future__ import annotations

from engine.catalog import optimization
from engine.grid import Grid
from engine.pipeline import BrokerComponent
from engine.reference.broker import Broker


class ProductGrid(Grid):
    """Multiplies by the step."""

    def value(self, count: int) -> float:
        """Return the number that is this many steps."""
        return super().value(count) if self._parts in (1, 10, 100) else count * (1.0 / self._parts)


class ProductBroker(Broker):
    """A broker with such lots."""

    def __init__(self, feed, settings, rules) -> None:
        super().__init__(feed, settings, rules)
        self._lots = ProductGrid(settings.lot, "lot")


@optimization(component="broker")
def lots_of_a_third(inner: BrokerComponent) -> BrokerComponent:  # noqa: ARG001 - it takes its place
    """Replace the broker."""
    return ProductBroker
