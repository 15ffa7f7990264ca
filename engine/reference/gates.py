"""Gates, one bar at a time, by plain loops."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.gates import Gate, MaxATRPercent, MinDollarVolume, MinMomentum, MinPrice
from engine.pipeline import Feed


@dataclass(frozen=True)
class Series:
    """All bars, symbol after symbol; `first[bar]` is the number of the first bar of the same symbol."""

    first: list[int]
    high: list[float]
    low: list[float]
    close: list[float]
    volume: list[float]


def evaluate_gate(feed: Feed, gate: Gate, among: Sequence[int] | None = None) -> list[bool]:
    """Return whether a gate passes, for every bar of the feed, symbol after symbol, or for those that are named.

    Args:
        feed: the bars.
        gate: what is asked.
        among: numbers of bars, counted over all bars sorted by symbol, then timestamp; all bars if None.
    """
    series = _series_of(feed)
    figure_of = _FIGURES[type(gate)]
    passed = []
    for bar in range(len(series.close)) if among is None else among:
        figure = figure_of(series, bar, gate.length)  # NaN, which is on neither side, where it is undefined
        passed.append(figure >= gate.threshold if gate.rising else figure <= gate.threshold)
    return passed


def _series_of(feed: Feed) -> Series:
    bars = feed.bars.sort("symbol", "timestamp")
    first: list[int] = []
    for count in bars["symbol"].rle().struct.field("len").to_list():
        first.extend([len(first)] * count)
    return Series(first, *(bars[name].to_list() for name in ("high", "low", "close", "volume")))


def dollar_volume(series: Series, bar: int, length: int) -> float:
    """Return the mean of close times volume over the last `length` bars."""
    start = bar - length + 1
    if start < series.first[bar]:
        return math.nan
    total = 0.0  # oldest first: the order of addition is part of the contract
    for place in range(start, bar + 1):
        total += series.close[place] * series.volume[place]
    return total / length


def price(series: Series, bar: int, length: int) -> float:  # noqa: ARG001 - a price needs no bars before it
    """Return the close."""
    return series.close[bar]


def true_range(series: Series, bar: int) -> float:
    """Return how far a bar reached, from the close before it."""
    high, low = series.high[bar], series.low[bar]
    if bar == series.first[bar]:
        return high - low
    before = series.close[bar - 1]
    return max(high - low, high - before, before - low)


def atr_percent(series: Series, bar: int, length: int) -> float:
    """Return the mean true range over the last `length` bars, in percent of the close."""
    start = bar - length + 1
    if start < series.first[bar]:
        return math.nan
    total = 0.0
    for place in range(start, bar + 1):
        total += true_range(series, place)
    return total / length / series.close[bar] * 100.0


def momentum(series: Series, bar: int, length: int) -> float:
    """Return the close over the close `length` bars earlier, less one."""
    start = bar - length
    if start < series.first[bar]:
        return math.nan
    return series.close[bar] / series.close[start] - 1.0


_FIGURES: dict[type[Gate], Callable[[Series, int, int], float]] = {
    MinDollarVolume: dollar_volume,
    MinPrice: price,
    MaxATRPercent: atr_percent,
    MinMomentum: momentum,
}
