"""Averages by adding shifted arrays, oldest bar first."""

from __future__ import annotations

import numpy as np

from engine.catalog import optimization
from engine.features import SMA
from engine.model import FeatureTable
from engine.pipeline import FeaturesComponent


def _means(closes, length):
    means = np.full(len(closes), np.nan)
    count = len(closes) - length + 1
    if count > 0:
        total = np.zeros(count)
        for oldest in range(length):
            total = total + closes[oldest : oldest + count]
        means[length - 1 :] = total / length
    return means


@optimization(component="features")
def shifted_features(inner: FeaturesComponent) -> FeaturesComponent:
    """Add for all bars of a symbol at once."""

    def compute(feed, features):
        table = inner(feed, [one for one in features if type(one) is not SMA])
        closes = feed.bars.sort("symbol", "timestamp")["close"].to_numpy()
        starts = list(table.starts.values())
        columns = dict(table.columns)
        for feature in features:
            if type(feature) is SMA:
                parts = [_means(part, feature.length) for part in np.split(closes, starts[1:])]
                columns[feature.name] = np.concatenate(parts).tolist()
        return FeatureTable({one.name: columns[one.name] for one in features}, table.starts)

    return compute
