"""Compute each feature once per data set and machine, not once per process.

How: A feature's column is kept on disk under the key (symbols, timeframe, feature version, config hash) and a digest
of the data that it is computed from; the symbols are all those of the market, whose columns stand together. Another
process with the same market maps it from there, and computes only what is new.

Exact: What is kept is what the inner component gave, bit for bit; the key holds all that the value depends on, and the
code that made it. The file has a digest of its values, taken again at each reading: one that is damaged, or belongs to
another key, is dropped, told on the log, and computed again.

Risk: The digest of each column that a feature reads is taken once a market and process, which takes as long as a few
short averages by column_features do: it pays for many features or dear ones. The first run pays for writing. Each
feature takes eight bytes a bar on disk until the budget of the caches makes it go. Numba compiles the functions that
read features once more, for arrays that can't be written to.
"""

from __future__ import annotations

from collections.abc import Sequence
from weakref import WeakKeyDictionary

import numpy as np
import polars as pl

from engine.catalog import optimization
from engine.counting import work
from engine.data_keys import feature_key
from engine.disk import Key, cache_root, keep, kept, key_hash
from engine.features import Feature
from engine.model import FeatureTable
from engine.pipeline import FeaturesComponent, Feed


class PersistentFeatures:
    """Reads what any process has kept; computes the rest by the inner component, and keeps it."""

    def __init__(self, inner: FeaturesComponent) -> None:
        self._inner = inner
        self._starts: WeakKeyDictionary[Feed, dict[str, int]] = WeakKeyDictionary()

    def __call__(self, feed: Feed, features: Sequence[Feature]) -> FeatureTable:
        """Return the features of a feed, from disk where they are there."""
        keys = {feature: _key(feed, feature) for feature in features}
        found: dict[Feature, Sequence[float]] = {}
        for feature, key in keys.items():
            if (column := _read(key)) is not None:
                found[feature] = column
        new = [feature for feature in features if feature not in found]
        work["features found on disk"] += len(found)
        work["features not on disk"] += len(new)
        starts = self._starts.get(feed)
        if new or starts is None:
            table = self._inner(feed, new)
            starts = self._starts[feed] = dict(table.starts)
            for feature in new:
                found[feature] = table.columns[feature.name]
                _write(keys[feature], found[feature])
        return FeatureTable({feature.name: found[feature] for feature in features}, starts)


def _key(feed: Feed, feature: Feature) -> Key:
    return {"what": "feature", **feature_key(feed, feature)._asdict()}


def _read(key: Key) -> Sequence[float] | None:
    table = kept(cache_root() / "features" / f"{key_hash(key)}.arrow", key)
    if table is None:
        return None
    return table["value"].to_numpy().data  # a memoryview gives Python floats, faster than an array does


def _write(key: Key, column: Sequence[float]) -> None:
    table = pl.DataFrame({"value": np.asarray(column, dtype=np.float64)})
    keep(cache_root() / "features" / f"{key_hash(key)}.arrow", table, key)


@optimization(component="features", after=["vectorization/column_features"], workload="new-process")
def persistent_features(inner: FeaturesComponent) -> FeaturesComponent:
    """Wrap the features component."""
    return PersistentFeatures(inner)
