"""Features, one symbol at a time, by plain loops."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby

from engine.features import Feature
from engine.model import FeatureTable
from engine.pipeline import Feed


def sma(closes: Sequence[float], length: int) -> list[float]:
    """Return the mean of the last `length` closes at every bar; NaN where there are fewer."""
    means = [math.nan] * len(closes)
    for end in range(length, len(closes) + 1):
        total = 0.0  # oldest first: the order of addition is part of the contract
        for close in closes[end - length : end]:
            total += close
        means[end - 1] = total / length
    return means


def compute_features(feed: Feed, features: Sequence[Feature]) -> FeatureTable:
    """Compute every feature for every symbol of the feed."""
    rows = feed.bars.sort("symbol", "timestamp").select("symbol", "close").iter_rows()
    columns: dict[str, list[float]] = {feature.name: [] for feature in features}
    starts: dict[str, int] = {}
    start = 0
    for symbol, group in groupby(rows, key=lambda row: row[0]):
        closes = [close for _, close in group]
        starts[symbol] = start
        start += len(closes)
        for feature in features:
            columns[feature.name].extend(sma(closes, feature.length))
    return FeatureTable(columns, starts)
