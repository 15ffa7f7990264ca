"""What a compiled account holds and has queued."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.arrays import Floats, Ints

QUANTITY, ENTRY_PRICE, ENTRY_COMMISSION, ENTRY_SLIPPAGE, HIGHEST, LOWEST, CLOSE, MARK = range(8)
UNITS, ENTRY_STEP, BARS, FILLED_STEP, FILLED = range(5)
CASH, BORROWED, FEES, VALUE, EXPOSURE, SCALE = range(6)
HELD, QUEUED, UNCOUNTABLE = range(3)
ORDER, LOTS_LEFT = range(2)  # of the queue


class Market(NamedTuple):
    """Bars as time-major matrices of float64, (steps, symbols), in the currency of the data; NaN: no bar."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats


class State(NamedTuple):
    """An account between two steps of a timestamp. The first four are by symbol number.

    `position` is float64, (symbols, 8): quantity in shares, below 0 where short; entry price, commission and slippage;
    the water marks; the latest close, of what is held; and on margin the price that counts as an order fills, the
    close before this bar or that of a fill on it. `numbers` is int64, (symbols, 5): lots held, the step of the entry,
    complete bars since; and the last step that something filled on, with how many lots. `worth` is, on margin, what
    each counts for in `cash[VALUE]` and `cash[EXPOSURE]`, which are near what the reference adds up; `cash[SCALE]` is
    all that was added to them, so that it tells how near.

    `held` lists the symbols that are held, in order. `queue` has a row an order that waits: its number from 0 and the
    lots left of it, in order of submission. `sizes` says how many are held and queued, and whether something was
    beyond counting.
    """

    position: Floats
    numbers: Ints
    worth: Floats
    held: Ints
    queue: Ints
    cash: Floats
    sizes: Ints


def new_state(symbols: int, cash: float) -> State:
    """Return an account that holds nothing but cash."""
    state = State(
        position=np.zeros((symbols, 8)),
        numbers=np.zeros((symbols, 5), np.int64),
        worth=np.zeros(symbols),
        held=np.zeros(symbols, np.int64),
        queue=np.zeros((2 * symbols + 16, 2), np.int64),
        cash=np.zeros(6),
        sizes=np.zeros(3, np.int64),
    )
    state.cash[CASH] = cash
    state.numbers[:, FILLED_STEP] = -1
    return state
