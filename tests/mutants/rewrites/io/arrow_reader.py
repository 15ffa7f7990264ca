"""A loader that reads by Arrow what is Arrow or Parquet."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pyarrow as pa
from pyarrow import ipc, parquet

from engine.catalog import optimization
from engine.pipeline import LoaderComponent
from engine.reference.loader import check_bars

_READ = {".arrow": lambda path: ipc.open_file(path).read_all(), ".parquet": lambda path: parquet.read_table(path)}


@optimization(component="loader")
def arrow_reader(inner: LoaderComponent) -> LoaderComponent:
    """Read by another library, and check as before."""

    def load(source, on_bad_bars):
        if not isinstance(source, Path) or source.suffix not in _READ or on_bad_bars not in ("refuse", "drop"):
            return inner(source, on_bad_bars)
        try:
            table = pl.DataFrame(pl.from_arrow(_READ[source.suffix](source)))
        except (pa.ArrowException, OSError):
            return inner(source, on_bad_bars)  # which tells what is wrong with it
        return check_bars(table, source, on_bad_bars)

    return load
