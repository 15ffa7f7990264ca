"""Cancellations left out."""

from __future__ import annotations

from dataclasses import replace

from engine.catalog import optimization
from engine.pipeline import LoopComponent


@optimization(component="loop")
def no_cancellations(inner: LoopComponent) -> LoopComponent:
    """Swallow an output."""

    def run(feed, features, passes, broker, strategy):
        result = inner(feed, features, passes, broker, strategy)
        return replace(result, cancellations=result.cancellations.clear())

    return run
