"""Features by plain Python loops over lists."""

from __future__ import annotations

import math
from itertools import accumulate, pairwise

from engine.catalog import optimization
from engine.features import SMA, Highest, Lowest, Momentum
from engine.model import FeatureTable
from engine.pipeline import FeaturesComponent


def _mean(window):
    return list(accumulate(window, initial=0.0))[-1] / len(window)


_WINDOWS = {SMA: _mean, Highest: max, Lowest: min}


def _values(feature, series):
    length = feature.length
    if type(feature) is Momentum:
        known = [series[place] / series[place - length] - 1.0 for place in range(length, len(series))]
    else:
        of = _WINDOWS[type(feature)]
        known = [of(series[end - length : end]) for end in range(length, len(series) + 1)]
    return [math.nan] * (len(series) - len(known)) + known


@optimization(component="features")
def list_features(inner: FeaturesComponent) -> FeaturesComponent:
    """Compute the plain ones."""

    def compute(feed, features):
        mine = [one for one in features if type(one) in (*_WINDOWS, Momentum)]
        table = inner(feed, [one for one in features if one not in mine])
        bars = feed.bars.sort("symbol", "timestamp")
        bounds = [*table.starts.values(), len(bars)]
        columns = dict(table.columns)
        for feature in mine:
            series = bars[feature.inputs[0]].to_list()
            parts = pairwise(bounds)
            columns[feature.name] = [value for a, b in parts for value in _values(feature, series[a:b])]
        return FeatureTable({one.name: columns[one.name] for one in features}, table.starts)

    return compute
