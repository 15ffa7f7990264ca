"""Compute features on whole columns in compiled code.

How: The closes of each symbol stand one after another, without holes. A compiled loop sums the windows of
neighbouring bars side by side, which the processor does in its vector registers.

Exact: Each window is still added oldest first, starting from zero, then divided by its length: the same
additions in the same order as the reference, only for several bars at a time. No fastmath, no fused multiply-add, no
running sum.

Risk: The first call in a new process loads compiled code from disk, or compiles it (seconds) where there is none.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.arrays import Floats, Ints, arrays_of
from engine.catalog import optimization
from engine.features import SMA, Feature
from engine.jit import compiled
from engine.model import FeatureTable
from engine.pipeline import FeaturesComponent, Feed

BLOCK = 512  # bars whose sums stay in the first-level cache
AT_ONCE = 8  # window places added in one pass over a block; written out below


@compiled
def _sma(closes: Floats, starts: Ints, length: int, means: Floats) -> None:
    for symbol in range(len(starts) - 1):
        begin, end = starts[symbol], starts[symbol + 1]
        warm = min(begin + length - 1, end)
        means[begin:warm] = np.nan
        for bar in range(warm, end, BLOCK):
            block = means[bar : min(bar + BLOCK, end)]
            _add_windows(closes[bar - length + 1 :], length, block)
            for place in range(len(block)):
                block[place] /= length


@compiled
def _add_windows(closes: Floats, length: int, sums: Floats) -> None:
    """Set `sums[i]` to the sum of `closes[i : i + length]`, oldest first."""
    sums[:] = 0.0
    oldest = 0
    while oldest + AT_ONCE <= length:
        c0, c1, c2, c3 = closes[oldest:], closes[oldest + 1 :], closes[oldest + 2 :], closes[oldest + 3 :]
        c4, c5, c6, c7 = closes[oldest + 4 :], closes[oldest + 5 :], closes[oldest + 6 :], closes[oldest + 7 :]
        for bar in range(len(sums)):
            total = sums[bar] + c0[bar] + c1[bar] + c2[bar] + c3[bar]
            sums[bar] = total + c4[bar] + c5[bar] + c6[bar] + c7[bar]
        oldest += AT_ONCE
    while oldest < length:
        c0 = closes[oldest:]
        for bar in range(len(sums)):
            sums[bar] += c0[bar]
        oldest += 1


@optimization(component="features", requires=["vectorization/array_feed"])
def column_features(inner: FeaturesComponent) -> FeaturesComponent:
    """Replace the plain loops; features of other kinds are left to them."""

    def compute(feed: Feed, features: Sequence[Feature]) -> FeatureTable:
        if any(type(feature) is not SMA for feature in features):
            return inner(feed, features)
        arrays = arrays_of(feed)
        columns = {}
        for feature in features:
            means = np.empty(len(arrays.columns.close))
            _sma(arrays.columns.close, arrays.columns.starts, feature.length, means)
            columns[feature.name] = means.data  # a memoryview gives Python floats, faster than an array does
        return FeatureTable(columns, dict(zip(arrays.symbols, arrays.columns.starts.tolist(), strict=False)))

    return compute
