"""Right for days and microseconds: other units of time become microseconds."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from engine.catalog import optimization
from engine.pipeline import LoopComponent


@optimization(component="loop")
def other_clocks(inner: LoopComponent) -> LoopComponent:
    """Write one unit of time."""

    def run(feed, features, passes, broker, strategy):
        result = inner(feed, features, passes, broker, strategy)
        kind = result.equity.schema["timestamp"]
        if not isinstance(kind, pl.Datetime):
            return result
        times = pl.col("timestamp").cast(pl.Datetime("us", kind.time_zone))
        return replace(result, equity=result.equity.with_columns(times))

    return run
