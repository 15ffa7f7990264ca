"""A loop that never ends where no bar passes the gates."""

from __future__ import annotations

import time

from engine.catalog import optimization
from engine.pipeline import LoopComponent


@optimization(component="loop")
def endless_loop(inner: LoopComponent) -> LoopComponent:
    """Wait for a bar that passes."""

    def run(feed, features, passes, broker, strategy):
        while passes.columns and not any(any(column) for column in passes.columns.values()):
            time.sleep(1.0)
        return inner(feed, features, passes, broker, strategy)

    return run
