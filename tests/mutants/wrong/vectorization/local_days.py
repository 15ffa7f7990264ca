"""Days counted by the clock of the machine, right where that is in Greenwich."""

from __future__ import annotations

import calendar
from dataclasses import replace
from datetime import datetime

import polars as pl

from engine.catalog import optimization
from engine.pipeline import LoopComponent


@optimization(component="loop")
def local_days(inner: LoopComponent) -> LoopComponent:
    """Write the days of the equity from seconds since 1970."""

    def run(feed, features, passes, broker, strategy):
        result = inner(feed, features, passes, broker, strategy)
        if result.equity.schema["timestamp"] != pl.Date:
            return result
        seconds = [calendar.timegm(day.timetuple()) for day in result.equity["timestamp"]]
        days = pl.Series("timestamp", [datetime.fromtimestamp(one).date() for one in seconds], dtype=pl.Date)
        return replace(result, equity=result.equity.with_columns(days))

    return run
