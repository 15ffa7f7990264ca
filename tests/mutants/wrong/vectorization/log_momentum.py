"""A momentum by logarithms."""

from __future__ import annotations

import math

from engine.catalog import optimization
from engine.features import Momentum
from engine.model import FeatureTable
from engine.pipeline import FeaturesComponent


@optimization(component="features")
def log_momentum(inner: FeaturesComponent) -> FeaturesComponent:
    """Subtract logarithms in place of dividing."""

    def compute(feed, features):
        table = inner(feed, features)
        closes = feed.bars.sort("symbol", "timestamp")["close"].to_list()
        columns = dict(table.columns)
        for feature in features:
            if type(feature) is Momentum:
                columns[feature.name] = [
                    value
                    if math.isnan(value)
                    else math.exp(math.log(closes[at]) - math.log(closes[at - feature.length])) - 1.0
                    for at, value in enumerate(table.columns[feature.name])
                ]
        return FeatureTable(columns, table.starts)

    return compute
