"""Symbols walked from the last to the first, their values written in order."""

from __future__ import annotations

from array import array

import polars as pl

from engine.catalog import optimization
from engine.model import FeatureTable
from engine.pipeline import FeaturesComponent, Loaded
from engine.reference.feed import DataFeed


@optimization(component="features")
def backward_symbols(inner: FeaturesComponent) -> FeaturesComponent:
    """Give the inner component one symbol at a time."""

    def compute(feed, features):
        columns = {one.name: array("d", bytes(8 * len(feed.bars))) for one in features}
        starts, end = {}, len(feed.bars)
        for symbol in reversed(feed.symbols):
            own = feed.bars.filter(pl.col("symbol") == symbol)
            table = inner(DataFeed(Loaded(own, ())), features)
            end -= len(own)
            starts[symbol] = end
            for name, column in columns.items():
                column[end : end + len(own)] = array("d", table.columns[name])
        return FeatureTable(columns, {symbol: starts[symbol] for symbol in feed.symbols})

    return compute
