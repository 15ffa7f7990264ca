"""Matrices that are written to while they are read."""

from __future__ import annotations

from engine.arrays import arrays_of
from engine.catalog import optimization
from engine.pipeline import LoopComponent


@optimization(component="loop", requires=["vectorization/array_feed"])
def changed_matrices(inner: LoopComponent) -> LoopComponent:
    """Raise every high by a tenth once the run is over."""

    def run(feed, features, passes, broker, strategy):
        result = inner(feed, features, passes, broker, strategy)
        arrays_of(feed).matrices["high"][:] *= 1.1
        return result

    return run
