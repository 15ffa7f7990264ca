"""Where a declared strategy's conditions hold, found some symbols at a time: two bits a bar.

The features and gates are those of a build, over the whole history of some symbols: a feature sees each of its bars,
in order, whatever the chunks are.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.arrays import FIELDS, Arrays, Bools, Columns, Floats, passing, signal_of
from engine.errors import InputError
from engine.large.store import LargeStore, Progress
from engine.model import Bars, PassTable
from engine.pipeline import Loaded, Pipeline
from engine.reference.feed import DataFeed
from engine.strategy import DeclaredStrategy

BLOCK_BYTES = 1 << 23  # of a column of the symbols that are worked on at once
Bits = npt.NDArray[np.uint8]


class Signals(NamedTuple):
    """Packed flags, (symbols, timestamps), false where a bar is missing."""

    enter: Bits
    leave: Bits


class BlockFeed:
    """Some symbols of a store over all time, as the features and gates of a build take them.

    Symbols without any bar are left out. Of the fields of a bar, only those that are asked for are read; the others
    are NaN.
    """

    def __init__(self, store: LargeStore, first: int, last: int, fields: frozenset[str]) -> None:
        self._store = store
        self._block = first, last
        values = {name: store.read_symbols(name, first, last) for name in FIELDS if name in fields}
        self.present: Bools = values["close"] == values["close"]
        counts = np.count_nonzero(self.present, axis=1)
        self.symbols = [store.symbols[first + number] for number in np.flatnonzero(counts)]
        starts = np.zeros(len(self.symbols) + 1, np.int64)
        np.cumsum(counts[counts > 0], out=starts[1:])
        self.step = np.tile(np.arange(self.present.shape[1], dtype=np.int32), len(self.present))[self.present.ravel()]
        unread = np.broadcast_to(np.nan, len(self.step))
        flat = [self._flat(values[name]) if name in values else unread for name in FIELDS]
        self.arrays = Arrays(store.timestamps, self.symbols, Columns(starts, self.step, *flat), {})

    def _flat(self, values: Floats) -> Floats:
        """Return the values of the bars that there are, symbol after symbol."""
        return values.ravel() if self.present.all() else values[self.present]

    @cached_property
    def bars(self) -> pl.DataFrame:
        """The table of the bars, with all columns of the data, for what does not work on arrays."""
        store = self._store
        columns = {name: self._flat(store.read_symbols(name, *self._block)) for name in store.fields}
        symbols = pl.Series(self.symbols, dtype=pl.String)
        number = np.repeat(np.arange(len(self.symbols)), np.diff(self.arrays.columns.starts))
        keys = {"timestamp": store.timestamps.gather(self.step), "symbol": symbols.gather(number)}
        return pl.DataFrame(keys | columns)[np.argsort(self.step, kind="stable")]

    def __iter__(self) -> Iterator[Bars]:
        return iter(DataFeed(Loaded(self.bars, ())))


def signals_of(store: LargeStore, strategy: DeclaredStrategy, pipeline: Pipeline, progress: Progress) -> Signals:
    """Return where the strategy would enter and leave.

    Raises:
        InputError: where the data does not have a column that a feature needs, or two gates have one name.
    """
    steps, symbols = len(store.timestamps), len(store.symbols)
    shape = (symbols, (steps + 7) // 8)
    signals = Signals(np.empty(shape, np.uint8), np.empty(shape, np.uint8))
    at_once = max(1, BLOCK_BYTES // (8 * steps))
    for first in range(0, symbols, at_once):
        last = min(first + at_once, symbols)
        feed = BlockFeed(store, first, last, _needed(strategy))
        for packed, flags in zip(signals, _flags(feed, strategy, pipeline), strict=True):
            packed[first:last] = np.packbits(_laid_out(flags, feed.present), axis=1, bitorder="little")
        progress("symbols looked at for signals", last, symbols)
    return signals


def chunk_of(packed: Bits, first: int, last: int) -> Bools:
    """Return the flags of the timestamps from `first` to before `last`, (symbols, timestamps)."""
    begin = first // 8
    whole = np.unpackbits(packed[:, begin : (last + 7) // 8], axis=1, bitorder="little")
    flags: Bools = np.ascontiguousarray(whole[:, first - 8 * begin : last - 8 * begin]).view(np.bool_)
    return flags


def _needed(strategy: DeclaredStrategy) -> frozenset[str]:
    """Return the fields of a bar that are read: those of the features, or all, where a gate may look at any."""
    asked = {name for feature in strategy.features for name in feature.inputs}
    return frozenset(FIELDS) if strategy.gates else frozenset({"close"} | asked)


def _flags(feed: BlockFeed, strategy: DeclaredStrategy, pipeline: Pipeline) -> tuple[Bools, Bools]:
    """Return where it would enter and leave, flat over the bars."""
    columns = feed.arrays.columns
    if not feed.symbols:
        return np.zeros(0, np.bool_), np.zeros(0, np.bool_)
    features = pipeline.features(feed, strategy.features)
    enter = signal_of(strategy.entry, features, columns)
    gates = {}
    for gate in strategy.gates:
        if gate.name in gates:
            raise InputError(f"two gates {gate.name}", hint="One is enough: the one that lets fewer bars through")
        gates[gate.name] = pipeline.gates(feed, gate, None)
    if gates:
        enter &= passing(PassTable(gates, features.starts), len(enter))
    return enter, signal_of(strategy.exit, features, columns)


def _laid_out(flags: Bools, present: Bools) -> Bools:
    """Return flat flags in their places, false where a bar is missing."""
    laid: Bools = np.zeros(present.shape, np.bool_)
    laid[present] = flags
    return laid
