"""A process that ends where an account has leverage."""

from __future__ import annotations

import os

from engine.catalog import optimization
from engine.pipeline import LoopComponent


@optimization(component="loop")
def leaves_on_margin(inner: LoopComponent) -> LoopComponent:
    """End without a word."""

    def run(feed, features, passes, broker, strategy):
        if broker.settings.leverage > 1.0:
            os._exit(0)
        return inner(feed, features, passes, broker, strategy)

    return run
