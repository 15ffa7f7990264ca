"""Compute each feature once per data set, not once per trial.

How: A feature's column is kept in memory under the key (symbols, timeframe, feature version, config hash) and a
digest of the data that it is computed from; the symbols are all those of the market, whose columns stand together.
A second run over the same market finds it there. What was used longest ago is dropped when the budget of bytes is
full.

Exact: What is kept is what the inner component gave; the key holds all that the value depends on.

Risk: It pays only from the second run over a market on. Up to 512 MiB stay in memory.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple
from weakref import WeakKeyDictionary

import polars as pl

from engine.catalog import optimization
from engine.model import FeatureTable
from engine.pipeline import FeaturesComponent, Feed
from engine.strategy import Feature

BUDGET_BYTES = 512 << 20
_BYTES_OF_A_LISTED_FLOAT = 32  # the float object and the list's reference to it


class Key(NamedTuple):
    """All that a feature's values depend on."""

    symbols: str
    timeframe: str
    feature_version: int
    config_hash: str
    data: str


class FeatureCache:
    """Computes what it has not seen, by the inner component."""

    def __init__(self, inner: FeaturesComponent) -> None:
        self._inner = inner
        self._columns: OrderedDict[Key, Sequence[float]] = OrderedDict()
        self._bytes = 0
        self._digests: WeakKeyDictionary[Feed, str] = WeakKeyDictionary()
        self._starts: WeakKeyDictionary[Feed, dict[str, int]] = WeakKeyDictionary()
        self.hits = 0
        self.misses = 0

    def __call__(self, feed: Feed, features: Sequence[Feature]) -> FeatureTable:
        """Return the features of a feed, from memory where they are there."""
        keys = {feature: self._key(feed, feature) for feature in features}
        found = {feature: self._columns[key] for feature, key in keys.items() if key in self._columns}
        new = [feature for feature in features if feature not in found]
        self.hits += len(found)
        self.misses += len(new)
        starts = self._starts.get(feed)
        if new or starts is None:
            table = self._inner(feed, new)
            starts = self._starts[feed] = dict(table.starts)
            found |= {feature: table.columns[feature.name] for feature in new}
        for feature, key in keys.items():
            self._keep(key, found[feature])
        return FeatureTable({feature.name: found[feature] for feature in features}, starts)

    def _key(self, feed: Feed, feature: Feature) -> Key:
        if feed not in self._digests:
            self._digests[feed] = _digest(feed)
        config = hashlib.sha256(repr(feature).encode()).hexdigest()
        return Key("all", "bar", feature.version, config, self._digests[feed])

    def _keep(self, key: Key, column: Sequence[float]) -> None:
        if key not in self._columns:
            self._bytes += _size(column)
        self._columns[key] = column
        self._columns.move_to_end(key)
        while self._bytes > BUDGET_BYTES and len(self._columns) > 1:
            _, dropped = self._columns.popitem(last=False)
            self._bytes -= _size(dropped)


def _size(column: Sequence[float]) -> int:
    return column.nbytes if isinstance(column, memoryview) else len(column) * _BYTES_OF_A_LISTED_FLOAT


def _digest(feed: Feed) -> str:
    """Return the digest of all that a feature may be computed from, and of the rows that it stands on."""
    digest = hashlib.sha256("\0".join(feed.symbols).encode())
    rows = feed.bars.select(
        pl.col("timestamp").to_physical(), pl.col("symbol").cast(pl.Enum(feed.symbols)).to_physical(), "close"
    )
    for column in rows:
        digest.update(column.to_numpy().data)
    return digest.hexdigest()


@optimization(component="features", after=["vectorization/column_features"])
def feature_cache(inner: FeaturesComponent) -> FeaturesComponent:
    """Wrap the features component."""
    return FeatureCache(inner)
