"""A sweep from the last trial to the first, with each row under its own place."""

from __future__ import annotations

from engine.catalog import optimization
from engine.pipeline import SweepComponent


@optimization(component="sweep")
def backward_sweep(inner: SweepComponent) -> SweepComponent:
    """Turn the order of the work, not that of the rows."""

    def run(pipeline, feed, trials, settings):
        last = len(trials) - 1
        for place, row in inner(pipeline, feed, list(reversed(trials)), settings):
            yield last - place, row

    return run
