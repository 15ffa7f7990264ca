"""A parallel reduction whose sum depends on the number of threads."""

from __future__ import annotations

import math

import numba
import numpy as np

from engine.catalog import optimization
from engine.features import SMA
from engine.model import FeatureTable
from engine.pipeline import FeaturesComponent


@numba.njit(parallel=True)
def _mean(values):
    total = 0.0
    for place in numba.prange(len(values)):
        total += values[place]
    return total / len(values)


@optimization(component="features")
def parallel_means(inner: FeaturesComponent) -> FeaturesComponent:
    """Add each window on all cores."""

    def compute(feed, features):
        table = inner(feed, features)
        closes = feed.bars.sort("symbol", "timestamp")["close"].to_numpy()
        columns = dict(table.columns)
        for feature in features:
            if type(feature) is SMA and feature.length > 2:
                columns[feature.name] = [
                    value if math.isnan(value) else _mean(np.ascontiguousarray(closes[end - feature.length : end]))
                    for end, value in enumerate(table.columns[feature.name], 1)
                ]
        return FeatureTable(columns, table.starts)

    return compute
