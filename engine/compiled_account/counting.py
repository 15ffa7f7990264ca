"""Lots and ticks as `engine.grid` counts them, compiled: counts are int64, exact up to `terms.MOST`.

A count is below 2**50 and its step is whole or one over a whole number, so both are exact as float64, and a value is
one rounded quotient, or an exact product rounded once: what Python's integers give.
"""

from __future__ import annotations

import numpy as np

from engine.compiled_account.state import UNCOUNTABLE, State
from engine.compiled_account.terms import Terms
from engine.grid import NEAR, RELATIVE
from engine.jit import inlined

FAR = 2.0**62  # what is below fits an int64


@inlined
def whole_steps(number: float, whole: int, parts: int, up: bool) -> float:
    """Return `Grid.above` (up) or `Grid.below` of a number, as a float."""
    steps = number / whole if parts == 1 else number * parts
    nearest = np.rint(steps)
    if abs(steps - nearest) <= NEAR + abs(steps) * RELATIVE:
        return float(nearest)
    return float(np.ceil(steps) if up else np.floor(steps))


@inlined
def lots_value(terms: Terms, lots: int) -> float:
    """Return so many lots in shares: `Grid.value`."""
    return float(lots * terms.lot_whole if terms.lot_parts == 1 else lots / terms.lot_parts)


@inlined
def lots_toward_zero(state: State, terms: Terms, quantity: float) -> int:
    """Return `Grid.toward_zero` of a number of shares; 0, and a flag in the state, where it is too large to count."""
    lots = whole_steps(quantity, terms.lot_whole, terms.lot_parts, quantity < 0.0)
    if not abs(lots) < terms.most_lots:
        state.sizes[UNCOUNTABLE] = 1
        return 0
    return int(lots)


@inlined
def lots_below(terms: Terms, quantity: float) -> int:
    """Return `Grid.below` of a number of shares, or 2**62 where that is less."""
    lots = whole_steps(quantity, terms.lot_whole, terms.lot_parts, False)
    return int(lots) if lots < FAR else 2**62


@inlined
def on_tick(state: State, terms: Terms, price: float, up: bool) -> float:
    """Return the price on the tick above (up) or below; itself where there are no ticks."""
    if terms.tick_parts == 0:
        return price
    ticks = whole_steps(price, terms.tick_whole, terms.tick_parts, up)
    if not abs(ticks) < terms.most_ticks:
        state.sizes[UNCOUNTABLE] = 1
        return price
    count = int(ticks)
    return float(count * terms.tick_whole if terms.tick_parts == 1 else count / terms.tick_parts)
