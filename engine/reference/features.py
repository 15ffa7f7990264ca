"""Features, one symbol at a time, by plain loops over its bars, oldest first.

The order of every addition is part of the contract. A list has a value a bar; NaN where there are too few bars.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import polars as pl

from engine.errors import InputError
from engine.features import ATR, EMA, KNOWN, RSI, SMA, DataColumn, Feature, Highest, Lowest, Momentum, Volatility
from engine.model import Bar, FeatureTable
from engine.pipeline import Feed

Values = list[float]


def mean(values: Values) -> float:
    """Return the mean, added oldest first."""
    total = 0.0
    for value in values:
        total += value
    return total / len(values)


def sma(closes: Values, length: int) -> Values:
    """Return the mean of the last `length` closes."""
    means = [math.nan] * len(closes)
    for end in range(length, len(closes) + 1):
        means[end - 1] = mean(closes[end - length : end])
    return means


def ema(closes: Values, length: int) -> Values:
    """Return the exponential average of the closes, begun with the mean of the first `length`."""
    averages = [math.nan] * len(closes)
    if len(closes) < length:
        return averages
    weight = 2.0 / (length + 1)
    average = mean(closes[:length])
    averages[length - 1] = average
    for bar in range(length, len(closes)):
        average = (closes[bar] - average) * weight + average
        averages[bar] = average
    return averages


def smoothed(values: Values, length: int) -> Values:
    """Return Wilder's average, begun with the mean of the first `length` values."""
    averages = [math.nan] * len(values)
    if len(values) < length:
        return averages
    average = mean(values[:length])
    averages[length - 1] = average
    for bar in range(length, len(values)):
        average = (average * (length - 1) + values[bar]) / length
        averages[bar] = average
    return averages


def rsi(closes: Values, length: int) -> Values:
    """Return Wilder's relative strength index."""
    # the first bar has no change
    gains = smoothed([close - before if close > before else 0.0 for before, close in pairwise(closes)], length)
    losses = smoothed([before - close if close < before else 0.0 for before, close in pairwise(closes)], length)
    indices = [math.nan] * len(closes)
    for bar in range(length, len(closes)):
        indices[bar] = strength_index(gains[bar - 1], losses[bar - 1])
    return indices


def strength_index(gain: float, loss: float) -> float:
    """Return the index of an average gain and an average loss."""
    if loss == 0.0:
        return 100.0 if gain > 0.0 else 50.0
    return 100.0 - 100.0 / (1.0 + gain / loss)


def atr(highs: Values, lows: Values, closes: Values, length: int) -> Values:
    """Return Wilder's average of the true ranges."""
    ranges = [highs[0] - lows[0]]
    for high, low, before in zip(highs[1:], lows[1:], closes, strict=False):
        ranges.append(max(high - low, high - before, before - low))
    return smoothed(ranges, length)


def volatility(closes: Values, length: int) -> Values:
    """Return the sample standard deviation of the last `length` returns."""
    returns = [math.nan]  # the first bar has none
    returns.extend(close / before - 1.0 for before, close in pairwise(closes))
    deviations = [math.nan] * len(closes)
    for bar in range(length, len(closes)):
        window = returns[bar - length + 1 : bar + 1]
        middle = mean(window)
        total = 0.0
        for value in window:
            total += (value - middle) * (value - middle)
        deviations[bar] = math.sqrt(total / (length - 1))
    return deviations


def momentum(closes: Values, length: int) -> Values:
    """Return the close over the close `length` bars earlier, less one."""
    changes = [math.nan] * len(closes)
    for bar in range(length, len(closes)):
        changes[bar] = closes[bar] / closes[bar - length] - 1.0
    return changes


def highest(highs: Values, length: int) -> Values:
    """Return the highest of the last `length` highs."""
    tops = [math.nan] * len(highs)
    for end in range(length, len(highs) + 1):
        tops[end - 1] = max(highs[end - length : end])
    return tops


def lowest(lows: Values, length: int) -> Values:
    """Return the lowest of the last `length` lows."""
    bottoms = [math.nan] * len(lows)
    for end in range(length, len(lows) + 1):
        bottoms[end - 1] = min(lows[end - length : end])
    return bottoms


def as_it_stands(values: Values, length: int) -> Values:  # noqa: ARG001 - one bar needs no others
    """Return the values."""
    return values


_COMPUTE: dict[type[Feature], Callable[..., Values]] = {
    SMA: sma,
    EMA: ema,
    RSI: rsi,
    ATR: atr,
    Volatility: volatility,
    Momentum: momentum,
    Highest: highest,
    Lowest: lowest,
    DataColumn: as_it_stands,
}


def compute_features(feed: Feed, features: Sequence[Feature]) -> FeatureTable:
    """Compute every feature for every symbol of the feed.

    Raises:
        InputError: where a feature is of no known type, or the data does not have a column that it needs.
    """
    if unknown := [feature for feature in features if type(feature) not in _COMPUTE]:
        known = ", ".join(one.__name__ for one in KNOWN)
        raise InputError(f"unknown feature {type(unknown[0]).__name__}", hint=f"Choose from {known}")
    bars = feed.bars.sort("symbol", "timestamp")
    needed = dict.fromkeys(name for feature in features for name in feature.inputs)
    inputs = {name: numbers_of(bars, name).to_list() for name in needed}
    columns: dict[str, Values] = {feature.name: [] for feature in features}
    starts: dict[str, int] = {}
    start = 0
    for count, symbol in bars["symbol"].rle().struct.unnest().iter_rows():
        starts[symbol], end = start, start + count
        for feature in features:
            own = [inputs[name][start:end] for name in feature.inputs]
            columns[feature.name].extend(_COMPUTE[type(feature)](*own, feature.length))
        start = end
    return FeatureTable(columns, starts)


def numbers_of(bars: pl.DataFrame, name: str) -> pl.Series:
    """Return a column of the data as float64, in the order of its rows, with NaN for null.

    Raises:
        InputError: where there is none, or it does not hold numbers.
    """
    if name not in bars.columns:
        others = [column for column in bars.columns if column not in Bar._fields]
        hint = f"Beside those of a bar it has {', '.join(others)}" if others else "It has none beside those of a bar"
        raise InputError(f"no column {name!r} in the data", hint=hint)
    values = bars[name]
    if not values.dtype.is_numeric() and values.dtype != pl.Null:  # a column of nothing but null has no other type
        hint = "Make them numbers before the data is loaded"
        raise InputError(f"column {name!r} of the data holds {values.dtype}, not numbers", hint=hint)
    return values.cast(pl.Float64).fill_null(math.nan)
