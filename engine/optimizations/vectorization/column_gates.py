"""Evaluate gates in compiled code, on columns.

How: The prices of each symbol stand one after another, without holes. A compiled loop computes the gate's figure for
each bar that is asked about and compares it with the threshold.

Exact: Every figure is computed as the reference does it: windows added oldest first from zero, then the same
divisions and products. No fastmath, no fused multiply-add, no running sum.

Risk: The first call in a new process loads compiled code from disk, or compiles it (seconds) where there is none.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.arrays import Bools, Columns, Floats, Ints, arrays_of, as_flags
from engine.catalog import optimization
from engine.gates import Gate, MaxATRPercent, MinDollarVolume, MinMomentum, MinPrice
from engine.jit import compiled_in_place
from engine.pipeline import Feed, GatesComponent
from engine.strategy import are_known_gates

DOLLAR_VOLUME, PRICE, ATR_PERCENT, MOMENTUM = range(4)
_KINDS: dict[type[Gate], int] = {
    MinDollarVolume: DOLLAR_VOLUME,
    MinPrice: PRICE,
    MaxATRPercent: ATR_PERCENT,
    MinMomentum: MOMENTUM,
}


@compiled_in_place
def _dollar_volume(close: Floats, volume: Floats, bar: int, length: int) -> float:
    total = 0.0
    for place in range(bar - length + 1, bar + 1):
        total += close[place] * volume[place]
    return float(total / length)


@compiled_in_place
def _true_range(high: Floats, low: Floats, close: Floats, bar: int, first: int) -> float:
    if bar == first:
        return float(high[bar] - low[bar])
    before = close[bar - 1]
    return float(max(high[bar] - low[bar], high[bar] - before, before - low[bar]))


@compiled_in_place
def _atr_percent(high: Floats, low: Floats, close: Floats, bar: int, first: int, length: int) -> float:
    total = 0.0
    for place in range(bar - length + 1, bar + 1):
        total += _true_range(high, low, close, place, first)
    return float(total / length / close[bar] * 100.0)


@compiled_in_place
def _evaluate(
    kind: int,
    length: int,
    threshold: float,
    rising: bool,
    starts: Ints,
    high: Floats,
    low: Floats,
    close: Floats,
    volume: Floats,
    among: Ints,
    passed: Bools,
) -> None:
    """Set `passed[i]` to whether the gate passes on bar `among[i]`; the bars are in rising order."""
    needed = length if kind == MOMENTUM else length - 1  # bars before
    symbol = 0
    for place in range(len(among)):
        bar = among[place]
        while starts[symbol + 1] <= bar:
            symbol += 1
        first = starts[symbol]
        if bar - needed < first:
            passed[place] = False
            continue
        if kind == DOLLAR_VOLUME:
            figure = _dollar_volume(close, volume, bar, length)
        elif kind == PRICE:
            figure = close[bar]
        elif kind == ATR_PERCENT:
            figure = _atr_percent(high, low, close, bar, first, length)
        else:
            figure = close[bar] / close[bar - length] - 1.0
        passed[place] = figure >= threshold if rising else figure <= threshold


@optimization(component="gates", requires=["vectorization/array_feed"])
def column_gates(inner: GatesComponent) -> GatesComponent:
    """Replace the plain loops; gates of other kinds are left to them."""

    def evaluate(feed: Feed, gate: Gate, among: Sequence[int] | None) -> Sequence[bool]:
        if not are_known_gates([gate]):
            return inner(feed, gate, among)
        columns: Columns = arrays_of(feed).columns
        asked = np.arange(len(columns.close)) if among is None else np.asarray(among, np.int64)
        passed = np.empty(len(asked), np.bool_)
        _evaluate(
            _KINDS[type(gate)],
            gate.length,
            float(gate.threshold),
            gate.rising,
            columns.starts,
            columns.high,
            columns.low,
            columns.close,
            columns.volume,
            asked,
            passed,
        )
        return as_flags(passed)

    return evaluate
