"""Right above a price of the slippage: below it a sale brings less than nothing."""

from __future__ import annotations

from engine.catalog import optimization
from engine.pipeline import BrokerComponent
from engine.reference.broker import Broker
from engine.reference.costs import Costs


class DeepCosts(Costs):
    """Knows no floor."""

    def price(self, base, quantity, volume):
        """Return the price of a fill."""
        price = super().price(base, quantity, volume)
        if quantity < 0 and price == 0.0 and not self._settings.volume_impact:
            return base * (1.0 - self._settings.slippage) - self._settings.slippage_fixed
        return price


class DeepBroker(Broker):
    """A broker with such costs."""

    def __init__(self, feed, settings, rules) -> None:
        super().__init__(feed, settings, rules)
        self._costs = DeepCosts(settings)


@optimization(component="broker")
def worthless_sales(inner: BrokerComponent) -> BrokerComponent:  # noqa: ARG001 - it takes its place
    """Replace the broker."""
    return DeepBroker
