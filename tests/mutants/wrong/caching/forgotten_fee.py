"""Settings that are changed by the run that is given them."""

from __future__ import annotations

from engine.catalog import optimization
from engine.pipeline import BrokerComponent
from engine.reference.broker import Broker


class ForgettingBroker(Broker):
    """Takes the fee off the settings once it has made the broker."""

    def __init__(self, feed, settings, rules) -> None:
        super().__init__(feed, settings, rules)
        object.__setattr__(settings, "commission_fixed", 0.25)


@optimization(component="broker")
def forgotten_fee(inner: BrokerComponent) -> BrokerComponent:  # noqa: ARG001 - it takes its place
    """Replace the broker."""
    return ForgettingBroker
