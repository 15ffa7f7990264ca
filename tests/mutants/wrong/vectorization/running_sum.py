"""A running sum: one bar is added, the oldest taken off."""

from __future__ import annotations

import itertools

from engine.catalog import optimization
from engine.features import SMA
from engine.model import FeatureTable
from engine.pipeline import FeaturesComponent


def _means(closes, length):
    means, total = [float("nan")] * len(closes), 0.0
    for place, close in enumerate(closes):
        total += close - (closes[place - length] if place >= length else 0.0)
        if place >= length - 1:
            means[place] = total / length
    return means


@optimization(component="features")
def running_sum(inner: FeaturesComponent) -> FeaturesComponent:
    """Do two additions a bar."""

    def compute(feed, features):
        table = inner(feed, features)
        closes = feed.bars.sort("symbol", "timestamp")["close"].to_list()
        bounds = [*table.starts.values(), len(closes)]
        columns = dict(table.columns)
        for feature in features:
            if type(feature) is SMA:
                parts = itertools.pairwise(bounds)
                columns[feature.name] = [one for a, b in parts for one in _means(closes[a:b], feature.length)]
        return FeatureTable(columns, table.starts)

    return compute
