"""What kept values depend on: the digest of a market's data, and the keys of the feature caches."""

from __future__ import annotations

import hashlib
from typing import NamedTuple
from weakref import WeakKeyDictionary

import polars as pl

from engine.features import Feature
from engine.pipeline import Feed


class FeatureKey(NamedTuple):
    """All that a feature's values depend on."""

    symbols: str
    timeframe: str
    feature_version: int
    config_hash: str
    data: str


def feature_key(feed: Feed, feature: Feature) -> FeatureKey:
    """Return the key of a feature's column over all symbols of a feed."""
    config = hashlib.sha256(repr(feature).encode()).hexdigest()
    return FeatureKey("all", "bar", feature.version, config, data_digest(feed, ("close",)))


def data_digest(feed: Feed, fields: tuple[str, ...]) -> str:
    """Return the digest of some fields of a market, and of the rows that they stand on."""
    known = _digests.setdefault(feed, {})
    if fields not in known:
        known[fields] = _digest(feed, fields)
    return known[fields]


# a feed never changes, and several caches may ask
_digests: WeakKeyDictionary[Feed, dict[tuple[str, ...], str]] = WeakKeyDictionary()


def _digest(feed: Feed, fields: tuple[str, ...]) -> str:
    digest = hashlib.sha256("\0".join(feed.symbols).encode())
    rows = feed.bars.select(
        pl.col("timestamp").to_physical(), pl.col("symbol").cast(pl.Enum(feed.symbols)).to_physical(), *fields
    )
    for column in rows:
        digest.update(column.to_numpy().data)
    return digest.hexdigest()
