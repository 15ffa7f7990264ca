"""A memo whose key is all that a feature depends on."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from engine.catalog import optimization
from engine.model import FeatureTable
from engine.pipeline import FeaturesComponent

_kept: WeakKeyDictionary = WeakKeyDictionary()


@optimization(component="features")
def keyed_features(inner: FeaturesComponent) -> FeaturesComponent:
    """Keep tuples by the very feed and feature."""

    def compute(feed, features):
        kept = _kept.setdefault(feed, {})
        for feature in features:
            if feature not in kept:
                kept[feature] = tuple(inner(feed, [feature]).columns[feature.name])
        if None not in kept:
            kept[None] = dict(inner(feed, ()).starts)
        return FeatureTable({one.name: kept[one] for one in features}, kept[None])

    return compute
