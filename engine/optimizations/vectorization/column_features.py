"""Compute features on whole columns in compiled code.

How: The bars of each symbol stand one after another, without holes. Compiled loops go over them; the windows of
neighbouring bars are added side by side, which the processor does in its vector registers. The highest high and the
lowest low come from windows that double in length. A column of the data is put in the order of the others.

Exact: Each window is still added oldest first, starting from zero, then divided by its length: the same
additions in the same order as the reference, only for several bars at a time. The averages that go on from the value
before take the same steps, one after another. No fastmath, no fused multiply-add, no running sum. The highest of some
highs is the same in any order, since prices are above zero and never NaN.

Risk: The first call in a new process loads compiled code from disk, or compiles it (seconds, for each kind of feature)
where there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from engine import compiled_features
from engine.arrays import Arrays, Floats, Ints, arrays_of, stable_order
from engine.catalog import optimization
from engine.features import (
    ATR,
    EMA,
    RSI,
    SMA,
    DataColumn,
    Feature,
    Highest,
    Lowest,
    Momentum,
    Volatility,
    are_known_features,
)
from engine.model import FeatureTable
from engine.pipeline import FeaturesComponent, Feed
from engine.reference.features import numbers_of

_FILL: dict[type[Feature], Callable[..., None]] = {
    SMA: compiled_features.sma,
    EMA: compiled_features.ema,
    RSI: compiled_features.rsi,
    ATR: compiled_features.atr,
    Volatility: compiled_features.volatility,
    Momentum: compiled_features.momentum,
    Highest: compiled_features.highest,
    Lowest: compiled_features.lowest,
}


@optimization(component="features", requires=["vectorization/array_feed"])
def column_features(inner: FeaturesComponent) -> FeaturesComponent:
    """Replace the plain loops; features of other kinds are left to them."""

    def compute(feed: Feed, features: Sequence[Feature]) -> FeatureTable:
        if not are_known_features(features):
            return inner(feed, features)
        arrays = arrays_of(feed)
        columns = {}
        for feature in features:
            values = _in_flat_order(feed, feature) if type(feature) is DataColumn else _computed(arrays, feature)
            columns[feature.name] = values.data  # a memoryview gives Python floats, faster than an array does
        return FeatureTable(columns, dict(zip(arrays.symbols, arrays.columns.starts.tolist(), strict=False)))

    return compute


def _computed(arrays: Arrays, feature: Feature) -> Floats:
    values = np.empty(len(arrays.columns.close))
    length = min(feature.length, len(values) + 1)  # one that no symbol has the bars for, where it is longer
    inputs = [getattr(arrays.columns, name) for name in feature.inputs]
    _FILL[type(feature)](*inputs, arrays.columns.starts, length, values)
    return values


def _in_flat_order(feed: Feed, feature: Feature) -> Floats:
    """Return a column of the data, symbol after symbol."""
    (name,) = feature.inputs
    values: Floats = numbers_of(feed.bars, name).to_numpy()
    return values[_order(feed)]


def _order(feed: Feed) -> Ints:
    """Return the numbers of the rows, symbol after symbol."""
    numbers = feed.bars["symbol"].cast(pl.Enum(feed.symbols)).to_physical().to_numpy()
    return stable_order(numbers, len(feed.symbols))
