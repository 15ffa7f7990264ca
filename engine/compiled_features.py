"""Features in compiled code, on the flat columns of `engine.arrays.Columns`.

Each function takes the columns that its feature reads, `starts`, the feature's length, and the array that it fills: one
value a bar, NaN where a symbol has too few. Each does the additions, products and divisions of its twin in
`engine.reference.features`, in the same order.
"""

from __future__ import annotations

import math

import numpy as np

from engine.arrays import Floats, Ints
from engine.jit import compiled

BLOCK = 512  # bars whose sums stay in the first-level cache
AT_ONCE = 8  # window places added in one pass over a block; written out below


@compiled
def sma(closes: Floats, starts: Ints, length: int, means: Floats) -> None:
    """Fill in the simple moving average."""
    for symbol in range(len(starts) - 1):
        begin, end = starts[symbol], starts[symbol + 1]
        warm = min(begin + length - 1, end)
        means[begin:warm] = np.nan
        for bar in range(warm, end, BLOCK):
            _average_windows(closes[bar - length + 1 :], length, means[bar : min(bar + BLOCK, end)])


@compiled
def volatility(closes: Floats, starts: Ints, length: int, deviations: Floats) -> None:
    """Fill in the standard deviation of the returns."""
    returns = np.empty_like(closes)
    for bar in range(1, len(closes)):
        returns[bar] = closes[bar] / closes[bar - 1] - 1.0  # that of a symbol's first bar is not asked for
    means = np.empty(BLOCK)
    for symbol in range(len(starts) - 1):
        begin, end = starts[symbol], starts[symbol + 1]
        first = min(begin + length, end)
        deviations[begin:first] = np.nan
        for bar in range(first, end, BLOCK):
            block = deviations[bar : min(bar + BLOCK, end)]
            windows = returns[bar - length + 1 :]
            _average_windows(windows, length, means[: len(block)])
            _add_squares(windows, length, means, block)
            for place in range(len(block)):
                block[place] = math.sqrt(block[place] / (length - 1))


@compiled
def _average_windows(values: Floats, length: int, means: Floats) -> None:
    """Set `means[i]` to the sum of `values[i : i + length]`, oldest first, over `length`."""
    means[:] = 0.0
    oldest = 0
    while oldest + AT_ONCE <= length:
        v0, v1, v2, v3 = values[oldest:], values[oldest + 1 :], values[oldest + 2 :], values[oldest + 3 :]
        v4, v5, v6, v7 = values[oldest + 4 :], values[oldest + 5 :], values[oldest + 6 :], values[oldest + 7 :]
        for bar in range(len(means)):
            total = means[bar] + v0[bar] + v1[bar] + v2[bar] + v3[bar]
            means[bar] = total + v4[bar] + v5[bar] + v6[bar] + v7[bar]
        oldest += AT_ONCE
    while oldest < length:
        v0 = values[oldest:]
        for bar in range(len(means)):
            means[bar] += v0[bar]
        oldest += 1
    for bar in range(len(means)):
        means[bar] /= length


@compiled
def _add_squares(values: Floats, length: int, means: Floats, sums: Floats) -> None:
    """Set `sums[i]` to the sum of the squares of `values[i : i + length]` less `means[i]`, oldest first."""
    sums[:] = 0.0
    for oldest in range(length):
        v0 = values[oldest:]
        for bar in range(len(sums)):
            off = v0[bar] - means[bar]
            sums[bar] += off * off


@compiled
def ema(closes: Floats, starts: Ints, length: int, averages: Floats) -> None:
    """Fill in the exponential moving average."""
    weight = 2.0 / (length + 1)
    for symbol in range(len(starts) - 1):
        begin, end = starts[symbol], starts[symbol + 1]
        first = begin + length - 1
        averages[begin : min(first, end)] = np.nan
        if first >= end:
            continue
        total = 0.0
        for bar in range(begin, first + 1):
            total += closes[bar]
        average = total / length
        averages[first] = average
        for bar in range(first + 1, end):
            average = (closes[bar] - average) * weight + average
            averages[bar] = average


@compiled
def rsi(closes: Floats, starts: Ints, length: int, indices: Floats) -> None:
    """Fill in the relative strength index."""
    for symbol in range(len(starts) - 1):
        begin, end = starts[symbol], starts[symbol + 1]
        first = begin + length
        indices[begin : min(first, end)] = np.nan
        if first >= end:
            continue
        gain = loss = 0.0
        for bar in range(begin + 1, first + 1):
            gain += _rise(closes[bar - 1], closes[bar])
            loss += _rise(closes[bar], closes[bar - 1])
        gain, loss = gain / length, loss / length
        indices[first] = _strength_index(gain, loss)
        for bar in range(first + 1, end):
            gain = (gain * (length - 1) + _rise(closes[bar - 1], closes[bar])) / length
            loss = (loss * (length - 1) + _rise(closes[bar], closes[bar - 1])) / length
            indices[bar] = _strength_index(gain, loss)


@compiled
def _rise(before: float, after: float) -> float:
    return after - before if after > before else 0.0


@compiled
def _strength_index(gain: float, loss: float) -> float:
    if loss == 0.0:
        return 100.0 if gain > 0.0 else 50.0
    return 100.0 - 100.0 / (1.0 + gain / loss)


@compiled
def atr(highs: Floats, lows: Floats, closes: Floats, starts: Ints, length: int, averages: Floats) -> None:
    """Fill in the average true range."""
    for symbol in range(len(starts) - 1):
        begin, end = starts[symbol], starts[symbol + 1]
        first = begin + length - 1
        averages[begin : min(first, end)] = np.nan
        if first >= end:
            continue
        total = highs[begin] - lows[begin]  # a first bar has no close before it
        for bar in range(begin + 1, first + 1):
            total += _true_range(highs[bar], lows[bar], closes[bar - 1])
        average = total / length
        averages[first] = average
        for bar in range(first + 1, end):
            present = _true_range(highs[bar], lows[bar], closes[bar - 1])
            average = (average * (length - 1) + present) / length
            averages[bar] = average


@compiled
def _true_range(high: float, low: float, before: float) -> float:
    return max(high - low, high - before, before - low)


@compiled
def momentum(closes: Floats, starts: Ints, length: int, changes: Floats) -> None:
    """Fill in the change over `length` bars."""
    for symbol in range(len(starts) - 1):
        begin, end = starts[symbol], starts[symbol + 1]
        warm = min(begin + length, end)
        changes[begin:warm] = np.nan
        for bar in range(warm, end):
            changes[bar] = closes[bar] / closes[bar - length] - 1.0


@compiled
def highest(highs: Floats, starts: Ints, length: int, tops: Floats) -> None:
    """Fill in the highest high, by windows that double: the top of two halves is the top of both."""
    for symbol in range(len(starts) - 1):
        begin, end = starts[symbol], starts[symbol + 1]
        for bar in range(begin, end):
            tops[bar] = highs[bar]
        width = 1
        while width < min(length, end - begin):
            step = min(width, length - width)
            for bar in range(end - 1, begin + step - 1, -1):  # from the end, while those before have their last width
                tops[bar] = max(tops[bar], tops[bar - step])
            width += step
        tops[begin : min(begin + length - 1, end)] = np.nan


@compiled
def lowest(lows: Floats, starts: Ints, length: int, bottoms: Floats) -> None:
    """Fill in the lowest low, as `highest` does."""
    for symbol in range(len(starts) - 1):
        begin, end = starts[symbol], starts[symbol + 1]
        for bar in range(begin, end):
            bottoms[bar] = lows[bar]
        width = 1
        while width < min(length, end - begin):
            step = min(width, length - width)
            for bar in range(end - 1, begin + step - 1, -1):
                bottoms[bar] = min(bottoms[bar], bottoms[bar - step])
            width += step
        bottoms[begin : min(begin + length - 1, end)] = np.nan
