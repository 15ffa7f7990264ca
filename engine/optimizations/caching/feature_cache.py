"""Compute each feature once per data set, not once per trial.

How: A feature's column is kept in memory under the key (symbols, timeframe, feature version, config hash) and a
digest of the data that it is computed from; the symbols are all those of the market, whose columns stand together.
A second run over the same market finds it there. What was used longest ago is dropped when the budget of bytes is
full.

Exact: What is kept is what the inner component gave; the key holds all that the value depends on.

Risk: It pays only from the second run over a market on. Up to 512 MiB stay in memory.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from weakref import WeakKeyDictionary

from engine.catalog import optimization
from engine.counting import work
from engine.data_keys import FeatureKey, feature_key
from engine.features import Feature
from engine.model import FeatureTable
from engine.pipeline import FeaturesComponent, Feed

BUDGET_BYTES = 512 << 20
_BYTES_OF_A_LISTED_FLOAT = 32  # the float object and the list's reference to it


class FeatureCache:
    """Computes what it has not seen, by the inner component."""

    def __init__(self, inner: FeaturesComponent) -> None:
        self._inner = inner
        self._columns: OrderedDict[FeatureKey, Sequence[float]] = OrderedDict()
        self._bytes = 0
        self._starts: WeakKeyDictionary[Feed, dict[str, int]] = WeakKeyDictionary()

    def __call__(self, feed: Feed, features: Sequence[Feature]) -> FeatureTable:
        """Return the features of a feed, from memory where they are there."""
        keys = {feature: feature_key(feed, feature) for feature in features}
        found = {feature: self._columns[key] for feature, key in keys.items() if key in self._columns}
        new = [feature for feature in features if feature not in found]
        work["features found in memory"] += len(found)
        work["features not in memory"] += len(new)
        starts = self._starts.get(feed)
        if new or starts is None:
            table = self._inner(feed, new)
            starts = self._starts[feed] = dict(table.starts)
            found |= {feature: table.columns[feature.name] for feature in new}
        for feature, key in keys.items():
            self._keep(key, found[feature])
        return FeatureTable({feature.name: found[feature] for feature in features}, starts)

    def _keep(self, key: FeatureKey, column: Sequence[float]) -> None:
        if key not in self._columns:
            self._bytes += _size(column)
        self._columns[key] = column
        self._columns.move_to_end(key)
        while self._bytes > BUDGET_BYTES and len(self._columns) > 1:
            _, dropped = self._columns.popitem(last=False)
            self._bytes -= _size(dropped)


def _size(column: Sequence[float]) -> int:
    return column.nbytes if isinstance(column, memoryview) else len(column) * _BYTES_OF_A_LISTED_FLOAT


@optimization(component="features", after=["vectorization/column_features", "caching/persistent_features"])
def feature_cache(inner: FeaturesComponent) -> FeaturesComponent:
    """Wrap the features component."""
    return FeatureCache(inner)
