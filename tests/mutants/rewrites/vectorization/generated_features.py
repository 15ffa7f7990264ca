"""Averages by a generator that is sent one close after another."""

from __future__ import annotations

from collections import deque

from engine.catalog import optimization
from engine.features import EMA, SMA
from engine.model import FeatureTable
from engine.pipeline import FeaturesComponent


def _sma(length):
    window, mean = deque(maxlen=length), float("nan")
    while True:
        window.append((yield mean))
        if len(window) == length:
            total = 0.0
            for close in window:
                total += close
            mean = total / length


def _ema(length):
    seed, average = _sma(length), float("nan")
    next(seed)
    while True:
        close = yield average
        average = (close - average) * (2.0 / (length + 1)) + average if average == average else seed.send(close)


_MAKE = {SMA: _sma, EMA: _ema}


@optimization(component="features")
def generated_features(inner: FeaturesComponent) -> FeaturesComponent:
    """Keep the state in the generator."""

    def compute(feed, features):
        table = inner(feed, [one for one in features if type(one) not in _MAKE])
        rows = feed.bars.sort("symbol", "timestamp").select("symbol", "close").rows()
        columns = dict(table.columns)
        for feature in features:
            if type(feature) in _MAKE:
                columns[feature.name] = list(_walk(rows, feature))
        return FeatureTable({one.name: columns[one.name] for one in features}, table.starts)

    return compute


def _walk(rows, feature):
    before, steps = None, None
    for symbol, close in rows:
        if symbol != before:
            before, steps = symbol, _MAKE[type(feature)](feature.length)
            next(steps)
        yield steps.send(close)
