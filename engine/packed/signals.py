"""Signals as bits: one bit a symbol, a row of 64-bit words a timestamp.

A row is AND-ed with the set of what is held, so that a step costs a few words and not a look at every symbol.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from engine.arrays import Bools, Columns, Ints, Steps, arrays_of, passing, signal_of
from engine.jit import compiled_in_place
from engine.model import FeatureTable, PassTable
from engine.pipeline import Feed
from engine.strategy import DeclaredStrategy

Words = npt.NDArray[np.uint64]
WORD = 64
_EIGHT = 8


class Signals(NamedTuple):
    """Where to enter and where to leave: uint64 of shape (timestamps, words); bit s % 64 of word s // 64 is symbol s.

    `entries` is the number of bits in `enter`.
    """

    enter: Words
    leave: Words
    entries: int


class Keeper:
    """Keeps the signals of one market, by the conditions and gates that they come from; what is oldest goes first."""

    def __init__(self, budget_bytes: int) -> None:
        self._budget = budget_bytes
        self._kept: OrderedDict[Hashable, Signals] = OrderedDict()
        self._bytes = 0

    def find(self, key: Hashable, make: Callable[[], Signals]) -> Signals:
        """Return what is kept under a key, or else make it and keep it."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        made = self._kept[key] = make()
        self._bytes += _size(made)
        while self._bytes > self._budget and len(self._kept) > 1:
            self._bytes -= _size(self._kept.popitem(last=False)[1])
        return made


def _size(signals: Signals) -> int:
    return signals.enter.nbytes + signals.leave.nbytes


def keep_signals(feed: Feed, budget_bytes: int) -> None:
    """Let the signals that are found on a feed be kept with its market."""
    arrays_of(feed).kept.setdefault("signals", Keeper(budget_bytes))


def signals_on(feed: Feed, strategy: DeclaredStrategy, features: FeatureTable, passes: PassTable) -> Signals:
    """Return the signals of a declared strategy on a feed of arrays, from memory where they are kept."""
    arrays = arrays_of(feed)
    keeper: Keeper | None = arrays.kept.get("signals")

    def make() -> Signals:
        return signals_of(strategy, features, passes, arrays.columns, len(arrays.timestamps))

    return make() if keeper is None else keeper.find((strategy.entry, strategy.exit, tuple(strategy.gates)), make)


def signals_of(
    strategy: DeclaredStrategy, features: FeatureTable, passes: PassTable, columns: Columns, steps: int
) -> Signals:
    """Return the signals of a declared strategy: entries only where all of its gates pass."""
    enter = signal_of(strategy.entry, features, columns)
    if passes.columns:
        enter &= passing(passes, len(enter))
    leave = signal_of(strategy.exit, features, columns)
    return Signals(_packed(enter, columns, steps), _packed(leave, columns, steps), int(np.count_nonzero(enter)))


def signals_in(enter: Bools, leave: Bools) -> Signals:
    """Return the signals of matrices of flags, of shape (timestamps, symbols)."""
    return Signals(_packed_rows(enter), _packed_rows(leave), int(np.count_nonzero(enter)))


def words_of(symbols: int) -> int:
    """Return how many words hold a bit for each symbol."""
    return (symbols + WORD - 1) // WORD


def _packed(flags: Bools, columns: Columns, steps: int) -> Words:
    words = np.zeros((steps, words_of(len(columns.starts) - 1)), np.uint64)
    whole = len(flags) // _EIGHT * _EIGHT
    _set_bits(flags[:whole].view(np.uint64), flags, columns.starts, columns.step, words)
    return words


def _packed_rows(flags: Bools) -> Words:
    """Return the bits of rows of flags; what fills the last word up is 0."""
    steps, symbols = flags.shape
    room = np.zeros((steps, words_of(symbols) * 8), np.uint8)
    packed = np.packbits(flags, axis=1, bitorder="little")
    room[:, : packed.shape[1]] = packed
    words: Any = room.view("<u8")
    return words.astype(np.uint64, copy=False)  # type: ignore[no-any-return]


@compiled_in_place
def _set_bits(eights: Words, flags: Bools, starts: Ints, step: Steps, words: Words) -> None:
    """Set the bit of every flag, for flags that are flat by symbol; `eights` are the same, eight in a word."""
    symbol, bar = 0, 0
    while bar < len(flags):
        at_once = bar % _EIGHT == 0 and bar // _EIGHT < len(eights)
        if at_once and not eights[bar // _EIGHT]:
            bar += _EIGHT
            continue
        if flags[bar]:
            while bar >= starts[symbol + 1]:
                symbol += 1
            words[step[bar], symbol >> 6] |= np.uint64(1) << np.uint64(symbol & 63)
        bar += 1
