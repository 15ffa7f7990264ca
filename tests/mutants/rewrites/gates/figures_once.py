"""The figures of a gate kept, and compared with each threshold."""

from __future__ import annotations

import math
from operator import ge, le
from weakref import WeakKeyDictionary

from engine.catalog import optimization
from engine.gates import MaxATRPercent, MinDollarVolume, MinMomentum, MinPrice
from engine.pipeline import GatesComponent
from engine.reference.gates import _series_of as series_of
from engine.reference.gates import atr_percent, dollar_volume, momentum, price

_FIGURES = {MinDollarVolume: dollar_volume, MinPrice: price, MaxATRPercent: atr_percent, MinMomentum: momentum}
_kept: WeakKeyDictionary = WeakKeyDictionary()


@optimization(component="gates")
def figures_once(inner: GatesComponent) -> GatesComponent:
    """Compute a figure once for all thresholds."""

    def evaluate(feed, gate, among):
        if type(gate) not in _FIGURES:
            return inner(feed, gate, among)
        kept = _kept.setdefault(feed, {})
        key = type(gate), gate.length
        if key not in kept:
            series = series_of(feed)
            kept[key] = [_FIGURES[type(gate)](series, bar, gate.length) for bar in range(len(series.close))]
        figures = kept[key] if among is None else [kept[key][bar] for bar in among]
        passes = ge if gate.rising else le
        return [not math.isnan(figure) and passes(figure, gate.threshold) for figure in figures]

    return evaluate
