"""What kept values depend on: the digest of a market's data, and the keys of the feature caches."""

from __future__ import annotations

import hashlib
from typing import NamedTuple
from weakref import WeakKeyDictionary

import polars as pl
import xxhash

from engine.arrays import Arrays
from engine.features import Feature
from engine.pipeline import Feed
from engine.reference.features import numbers_of


class FeatureKey(NamedTuple):
    """All that a feature's values depend on."""

    symbols: str
    timeframe: str
    feature_version: int
    config_hash: str
    data: str


def feature_key(feed: Feed, feature: Feature) -> FeatureKey:
    """Return the key of a feature's column over all symbols of a feed.

    Raises:
        InputError: where the data does not have a column that the feature needs.
    """
    config = hashlib.sha256(repr((type(feature).__module__, feature)).encode()).hexdigest()
    return FeatureKey("all", "bar", feature.version, config, data_digest(feed, feature.inputs))


def data_digest(feed: Feed, fields: tuple[str, ...]) -> str:
    """Return the digest of some columns of numbers of a market, by name and in this order, and of their rows.

    Numbers are taken as float64, and null as NaN: what a feature sees of them. It tells data apart, and is no proof
    against forgery.
    """
    arrays: Arrays | None = getattr(feed, "arrays", None)
    known: dict[str, str] = _digests.setdefault(feed, {}) if arrays is None else arrays.kept.setdefault("digests", {})
    if _ROWS not in known:
        known[_ROWS] = _digest_of_rows(feed)
    for field in fields:
        if field not in known:
            known[field] = xxhash.xxh3_128(numbers_of(feed.bars, field).to_numpy().data).hexdigest()
    return hashlib.sha256(repr([(field, known[field]) for field in (_ROWS, *fields)]).encode()).hexdigest()


_ROWS = ""  # stands for the timestamps and symbols; no field has this name
# several caches may ask
_digests: WeakKeyDictionary[Feed, dict[str, str]] = WeakKeyDictionary()  # exact: a feed never changes


def _digest_of_rows(feed: Feed) -> str:
    """Return the digest of which symbol has a bar when; from arrays where a feed has them, which takes no new ones."""
    digest = xxhash.xxh3_128("\0".join(feed.symbols).encode())
    arrays: Arrays | None = getattr(feed, "arrays", None)
    if arrays is None:
        columns = feed.bars.select(
            pl.col("timestamp").to_physical(), pl.col("symbol").cast(pl.Enum(feed.symbols)).to_physical()
        ).get_columns()
    else:
        columns = [arrays.timestamps, pl.Series(arrays.columns.starts), pl.Series(arrays.columns.step)]
    for column in columns:
        digest.update(f"\0{column.dtype}\0{len(column)}\0".encode())
        digest.update(column.to_physical().to_numpy().data)
    return digest.hexdigest()
