"""A memo whose key is the last digit of a digest."""

from __future__ import annotations

from engine.catalog import optimization
from engine.data_keys import feature_key
from engine.model import FeatureTable
from engine.pipeline import FeaturesComponent


@optimization(component="features")
def short_keys(inner: FeaturesComponent) -> FeaturesComponent:
    """Keep columns of the same length under a key that two features can have."""
    kept = {}

    def compute(feed, features):
        columns, starts = {}, inner(feed, ()).starts
        for feature in features:
            key = feature_key(feed, feature).config_hash[-1], len(feed.bars)
            if key not in kept:
                kept[key] = inner(feed, [feature]).columns[feature.name]
            columns[feature.name] = kept[key]
        return FeatureTable(columns, starts)

    return compute
