"""A read outside of memory on the smallest market."""

from __future__ import annotations

import ctypes

from engine.catalog import optimization
from engine.pipeline import LoopComponent


@optimization(component="loop")
def reads_outside(inner: LoopComponent) -> LoopComponent:
    """Read what is not there."""

    def run(feed, features, passes, broker, strategy):
        if len(feed.bars) == 1:
            ctypes.string_at(0)
        return inner(feed, features, passes, broker, strategy)

    return run
