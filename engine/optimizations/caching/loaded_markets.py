"""Load the content of a file once per process, not once per call.

How: What was loaded from a file stays in memory under a digest of its content: bars, arrays, and what runs have made of
these, such as signals and prices side by side. The next load reads the file, takes the digest, and finds it there. What
was used longest ago is dropped when the budget of bytes is full.

Exact: A market is found by the file's content, its format, and what to do with bad bars; it is kept only where the file
still has that content once it has been loaded. Arrays can't be written to, and each load hands out a table of its own,
so that whoever changes it changes no other.

Risk: Contents are told apart by 128 bits of XXH3, as the data of features is: no two differ by chance and agree in it,
but it is no proof against somebody who makes such a pair. Up to 1 GiB of markets stays in memory, also of files that
nobody loads again. A file is read twice more when it is first loaded.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import polars as pl

from engine.arrays import Arrays
from engine.catalog import optimization
from engine.disk import fingerprint_of
from engine.pipeline import Loaded, LoaderComponent
from engine.reference.loader import WAYS

BUDGET_BYTES = 1 << 30
_SIDE_BY_SIDE = 2  # prices stand in memory once more when a market is run again

Name = tuple[str, str, str]


class LoadedMarkets:
    """Loads what it does not have, by the inner component."""

    keeps_markets = True  # so `load` keeps the pipeline, with what its other components have found out

    def __init__(self, inner: LoaderComponent) -> None:
        self._inner = inner
        self._kept: OrderedDict[Name, Loaded] = OrderedDict()
        self._bytes = 0

    def __call__(self, source: Path | pl.DataFrame, on_bad_bars: str) -> Loaded:
        """Return what is loaded from a file, from memory where it is there; tables are left to the inner loader."""
        if not isinstance(source, Path) or on_bad_bars not in WAYS or (content := fingerprint_of(source)) is None:
            return self._inner(source, on_bad_bars)
        name = (content, source.suffix.lower(), on_bad_bars)
        if name in self._kept:
            self._kept.move_to_end(name)
            return _copy_of(self._kept[name])
        loaded = self._inner(source, on_bad_bars)
        # else it was written to meanwhile, and which content was read is not known
        if fingerprint_of(source) == content:
            self._keep(name, _copy_of(loaded))
        return loaded

    def _keep(self, name: Name, loaded: Loaded) -> None:
        size = _size(loaded)
        if size > BUDGET_BYTES:
            return
        self._kept[name] = loaded
        self._bytes += size
        while self._bytes > BUDGET_BYTES:
            self._bytes -= _size(self._kept.popitem(last=False)[1])


def _copy_of(loaded: Loaded) -> Loaded:
    """Return a market with a table of its own, over the same memory."""
    return loaded._replace(bars=loaded.bars.clone())


def _size(loaded: Loaded) -> int:
    size = int(loaded.bars.estimated_size())
    if isinstance(loaded.layout, Arrays):
        for column in loaded.layout.columns:
            size += column.nbytes
        for matrix in loaded.layout.matrices.values():
            size += _SIDE_BY_SIDE * matrix.nbytes
    return size


@optimization(component="loader", requires=["io/matrix_store"])
def loaded_markets(inner: LoaderComponent) -> LoaderComponent:
    """Wrap the loader."""
    return LoadedMarkets(inner)
