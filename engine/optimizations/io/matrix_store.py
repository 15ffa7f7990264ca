"""Map the laid-out market from disk in place of reading, checking, sorting and laying out a file.

How: After the first load of a file, its bars and both layouts, the time-major matrices and the columns by symbol, are
kept in the cache as uncompressed Arrow files. The next load of the same content maps them: the arrays are views of
the files, which the system shares between processes and reads in when they are touched. Only the column of symbols is
made again, from their numbers.

Exact: A market is found by the SHA-256 of the file's content, its format, and what to do with bad bars; the code and
the Polars that made it stand in the key as well. Every table of it has the key and a digest of its values, taken
again at each load: where one is missing or does not fit, the file is loaded as before and all are written again. Float
bits are stored as they are.

Risk: A market takes as much disk as memory, eight times its Parquet file, until the budget of the caches makes it
go. The first load pays for writing it, and every load for hashing the file and the tables. The arrays can't be
written to; Numba compiles its functions once more for such arrays, in the first run. A file in the cache that is cut
while it is mapped ends the process; the engine itself only ever replaces whole files.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl

from engine.arrays import FIELDS, Arrays, Columns, lay_out
from engine.catalog import optimization
from engine.disk import Key, cache_root, content_of, keep, kept, key_hash
from engine.pipeline import Loaded, LoaderComponent
from engine.reference.loader import WAYS

TABLES = ("bars", "columns", "matrices", "timestamps", "symbols", "notes")


@optimization(component="loader", requires=["vectorization/array_feed"], after=["io/parquet_copy"])
def matrix_store(inner: LoaderComponent) -> LoaderComponent:
    """Wrap the loader; tables are left to it."""

    def load(source: Path | pl.DataFrame, on_bad_bars: str) -> Loaded:
        if not isinstance(source, Path) or on_bad_bars not in WAYS or (content := content_of(source)) is None:
            return inner(source, on_bad_bars)
        key = {
            "what": "market",
            "source": content,
            "format": source.suffix.lower(),
            "on_bad_bars": on_bad_bars,
            "polars": pl.__version__,
        }
        folder = cache_root() / "markets" / key_hash(key)
        if (tables := _kept(folder, key)) is not None:
            return _loaded(tables)
        loaded = inner(source, on_bad_bars)
        layout = lay_out(loaded.bars)
        if content_of(source) == content:  # else it was written to meanwhile, and which content was read is not known
            _keep(folder, _tables(loaded, layout), key)
        return Loaded(loaded.bars, loaded.notes, layout)

    return load


def _keep(folder: Path, tables: Mapping[str, pl.DataFrame], key: Key) -> None:
    for name, table in tables.items():
        if not keep(folder / f"{name}.arrow", table, {**key, "table": name}):
            shutil.rmtree(folder, ignore_errors=True)  # a market without all of its tables is not read
            return


def _kept(folder: Path, key: Key) -> dict[str, pl.DataFrame] | None:
    tables = {}
    for name in TABLES:
        table = kept(folder / f"{name}.arrow", {**key, "table": name})
        if table is None:
            return None
        tables[name] = table
    return tables


def _tables(loaded: Loaded, layout: Arrays) -> dict[str, pl.DataFrame]:
    numbers = loaded.bars["symbol"].cast(pl.Enum(layout.symbols)).to_physical()
    starts, *columns = layout.columns
    return {
        "bars": loaded.bars.with_columns(symbol=numbers),
        "columns": pl.DataFrame(dict(zip(Columns._fields[1:], columns, strict=True))),
        "matrices": pl.DataFrame({field: layout.matrices[field].ravel() for field in FIELDS}),
        "timestamps": layout.timestamps.to_frame(),
        "symbols": pl.DataFrame({"symbol": layout.symbols, "end": starts[1:]}),
        "notes": pl.DataFrame({"note": list(loaded.notes)}, schema={"note": pl.String}),
    }


def _loaded(tables: Mapping[str, pl.DataFrame]) -> Loaded:
    symbols, timestamps = tables["symbols"]["symbol"], tables["timestamps"]["timestamp"]
    bars, by_symbol = tables["bars"], tables["columns"]
    starts = np.concatenate([np.zeros(1, np.int64), tables["symbols"]["end"].to_numpy()])
    shape = (len(timestamps), len(symbols))
    layout = Arrays(
        timestamps,
        symbols.to_list(),
        Columns(starts, *(by_symbol[name].to_numpy() for name in Columns._fields[1:])),
        {field: tables["matrices"][field].to_numpy().reshape(shape) for field in FIELDS},
    )
    named = bars.with_columns(symbol=symbols.gather(bars["symbol"]))
    return Loaded(named, tuple(tables["notes"]["note"]), layout)
