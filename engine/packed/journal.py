"""What the packed loop writes down: one array a column, in as few bytes as hold it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from engine.arrays import Floats, Ints, Steps

ORDERS, REJECTIONS, FILLS, TRADES = range(4)
Numbers = npt.NDArray[np.uint32]


class Journal(NamedTuple):
    """What happened, one place an event, for market orders of one account; `counts` says how many of each.

    Steps are numbers of timestamps; orders, fills and symbols are numbered from 0. Reason 0 is the signal, the others
    are the rules, from 1. A trade is two fills, and what the position has been through between them. Money and prices
    are in the currency of the data, quantities in shares.
    """

    order_step: Steps
    order_symbol: Numbers
    order_quantity: Floats
    order_reason: Numbers
    rejection_step: Steps
    rejection_order: Numbers
    fill_step: Steps
    fill_order: Numbers
    fill_price: Floats
    fill_commission: Floats
    fill_slippage: Floats
    trade_entry_fill: Numbers
    trade_exit_fill: Numbers
    trade_highest: Floats
    trade_lowest: Floats
    trade_bars: Steps
    cash: Floats
    value: Floats
    equity: Floats
    positions: Ints
    counts: Ints


def empty_journal(entries: int, steps: int) -> Journal:
    """Return room for all that can happen: an entry is one order, and at most one more leaves it again."""
    room = {"order": 2 * entries, "rejection": entries, "fill": 2 * entries, "trade": entries}
    columns: dict[str, Any] = {}
    for name in Journal._fields[: -len(_BY_STEP)]:
        event, _, what = name.partition("_")
        columns[name] = np.empty(room[event], _TYPES.get(what, np.float64))
    columns |= {name: np.empty(steps) for name in _BY_STEP[:3]}
    return Journal(**columns, positions=np.empty(steps, np.int64), counts=np.zeros(4, np.int64))


class Desk:
    """Where journals wait to be written to again: memory that has been touched before is several times as fast."""

    KEPT, MOST_ENTRIES = 2, 100_000  # of the class, which is still there when the interpreter ends and journals go

    def __init__(self) -> None:
        self._waiting: list[Journal] = []
        self.lent = 0  # so many, so far

    def lend(self, entries: int, steps: int) -> Lent:
        """Return a journal with room for so many entries and timestamps, in which nothing stands."""
        self.lent += 1
        while self._waiting:
            journal = self._waiting.pop()
            if len(journal.rejection_step) >= entries and len(journal.positions) == steps:
                journal.counts[:] = 0
                return Lent(journal, self)
        return Lent(empty_journal(entries, steps), self)

    def take_back(self, journal: Journal) -> None:
        """Take a journal that nobody reads any more, where it is of a size to be kept."""
        if len(self._waiting) < self.KEPT and len(journal.rejection_step) <= self.MOST_ENTRIES:
            self._waiting.append(journal)


class Lent:
    """A journal that goes back to its desk when nobody holds this any more."""

    def __init__(self, journal: Journal, desk: Desk) -> None:
        self.journal = journal
        self._desk = desk

    def __del__(self) -> None:
        self._desk.take_back(self.journal)


_BY_STEP = ("cash", "value", "equity", "positions", "counts")
_TYPES: dict[str, type[np.generic]] = {
    "step": np.int32,
    "bars": np.int32,
    **dict.fromkeys(("symbol", "reason", "order", "entry_fill", "exit_fill"), np.uint32),
}
