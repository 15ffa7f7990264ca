"""End a run where its account is ruined.

How: The loop is given the timestamps up to the one at which the account falls below its ruin level, and no more. The
rows of equity that are missing then are written in one step: they repeat the last one.

Exact: The reference says that a ruined account trades no more and that its last row of equity stands for all that
follow. Features and passes are those of the whole data, as before.

Risk: None known. It gains nothing where no account has a ruin level, or none reaches it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import polars as pl

from engine.catalog import optimization
from engine.model import Bars, FeatureTable, PassTable, Result
from engine.pipeline import Brokerage, Feed, LoopComponent
from engine.strategy import Strategy


class UntilRuin:
    """A feed that ends with the account; all else is the feed's."""

    def __init__(self, feed: Feed, broker: Brokerage) -> None:
        self._feed = feed
        self._broker = broker

    def __iter__(self) -> Iterator[Bars]:
        for bars in self._feed:
            yield bars
            if self._broker.ruined:
                return

    def __getattr__(self, name: str) -> Any:
        return getattr(self._feed, name)


def _with_tail(equity: pl.DataFrame, timestamps: pl.Series) -> pl.DataFrame:
    """Return the equity with its last row repeated at the timestamps that are missing."""
    missing = timestamps[len(equity) :]
    last = equity.drop("timestamp").row(-1, named=True)
    tail = pl.DataFrame({"timestamp": missing}).with_columns(
        pl.lit(value, dtype=equity.schema[name]).alias(name) for name, value in last.items()
    )
    return pl.concat([equity, tail]) if len(missing) else equity


@optimization(
    component="loop",
    after=["vectorization/awaited_bars", "early-exit/passing_bars"],
    workload="ruin",
)
def ruined_account(inner: LoopComponent) -> LoopComponent:
    """Cut the feed off where the account ends."""

    def run(feed: Feed, features: FeatureTable, passes: PassTable, broker: Brokerage, strategy: Strategy) -> Result:
        if not broker.settings.ruin > 0.0:
            return inner(feed, features, passes, broker, strategy)
        result = inner(UntilRuin(feed, broker), features, passes, broker, strategy)
        timestamps = feed.bars["timestamp"].unique(maintain_order=True)
        return replace(result, equity=_with_tail(result.equity, timestamps))

    return run
