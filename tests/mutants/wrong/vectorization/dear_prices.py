"""Right up to a price of 10,000: above it costs are rounded to single precision."""

from __future__ import annotations

import numpy as np

from engine.catalog import optimization
from engine.pipeline import BrokerComponent
from engine.reference.broker import Broker
from engine.reference.costs import Costs


class RoughCosts(Costs):
    """Does not mind the cents of what is dear."""

    def commission(self, notional, shares):
        """Return the commission."""
        if notional > 10_000.0 * shares:
            notional = float(np.float32(notional))
        return super().commission(notional, shares)


class RoughBroker(Broker):
    """A broker with such costs."""

    def __init__(self, feed, settings, rules) -> None:
        super().__init__(feed, settings, rules)
        self._costs = RoughCosts(settings)


@optimization(component="broker")
def dear_prices(inner: BrokerComponent) -> BrokerComponent:  # noqa: ARG001 - it takes its place
    """Replace the broker."""
    return RoughBroker
