"""Days counted by the clock of the machine, right where that is in Greenwich."""

from __future__ import annotations

import time
from dataclasses import replace

import polars as pl

from engine.catalog import optimization
from engine.pipeline import LoopComponent


@optimization(component="loop")
def local_days(inner: LoopComponent) -> LoopComponent:
    """Write the days of the equity as days since 1970."""

    def run(feed, features, passes, broker, strategy):
        result = inner(feed, features, passes, broker, strategy)
        if result.equity.schema["timestamp"] != pl.Date:
            return result
        days = [int(time.mktime(day.timetuple()) // 86_400) for day in result.equity["timestamp"]]
        counted = pl.Series("timestamp", days, dtype=pl.Int32).cast(pl.Date)
        return replace(result, equity=result.equity.with_columns(counted))

    return run
