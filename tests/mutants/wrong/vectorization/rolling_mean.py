"""A mean by the rolling windows of Polars."""

from __future__ import annotations

import polars as pl

from engine.catalog import optimization
from engine.features import SMA
from engine.model import FeatureTable
from engine.pipeline import FeaturesComponent


@optimization(component="features")
def rolling_mean(inner: FeaturesComponent) -> FeaturesComponent:
    """Leave the means to Polars."""

    def compute(feed, features):
        table = inner(feed, features)
        bars = feed.bars.sort("symbol", "timestamp")
        columns = dict(table.columns)
        for feature in features:
            if type(feature) is SMA:
                mean = pl.col("close").rolling_mean(feature.length).over("symbol").fill_null(float("nan"))
                columns[feature.name] = bars.select(mean)["close"].to_list()
        return FeatureTable(columns, table.starts)

    return compute
