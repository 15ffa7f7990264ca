"""Reading a Parquet file of bars a piece at a time, each checked as the loader checks a whole one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from engine.errors import InputError
from engine.model import PRICES
from engine.reference.columns import COLUMNS, NEEDED, listed
from engine.reference.loader import check_bars

ROWS = 1 << 18  # in a piece, before those of its last timestamp are left to the next one
_SORT_HINT = "Sort its rows by timestamp, then symbol, or load it whole with engine.load"


class Piece(NamedTuple):
    """Bars of whole timestamps, sorted by timestamp, then symbol, and what was done to get them."""

    bars: pl.DataFrame
    notes: tuple[str, ...]


def symbols_of(path: Path) -> list[str]:
    """Return the symbols that a file names, sorted."""
    found: set[str] = set()
    for batch in _batches(path, ["symbol"]):
        found.update(one for one in batch["symbol"].unique().cast(pl.String) if one)
    return sorted(found)


def pieces_of(path: Path, on_bad_bars: str, rows: int = ROWS) -> Iterator[Piece]:
    """Yield the bars of a file in its order, checked and typed.

    Args:
        path: a long table in Parquet, its timestamps in order: those of a piece all come after those of the one before.
        on_bad_bars: "refuse", or "drop" to go on without the bad rows.
        rows: how many are read at a time.

    Raises:
        InputError: as the loader does, naming the row that the piece begins with; where timestamps are not in order.
    """
    begin, last = 1, None
    for raw in _whole_timestamps(_batches(path, None, rows)):
        where = f"{path}, rows from {begin}"
        begin += len(raw)
        if raw.select(
            pl.all_horizontal(pl.col(price).cast(pl.Float64).fill_nan(None).is_null() for price in PRICES).all()
        ).item():
            continue  # no bar at all, which the loader refuses in a file
        loaded = check_bars(raw, where, on_bad_bars)
        times = loaded.bars["timestamp"]
        if last is not None and times[0] <= last:
            raise InputError(f"timestamp {times[0]} comes after {last}", where=where, hint=_SORT_HINT)
        last = times[-1]
        yield Piece(loaded.bars, tuple(f"rows from {begin - len(raw)}: {note}" for note in loaded.notes))


def _whole_timestamps(batches: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Yield rows such that those of a timestamp that stand together stay together."""
    rest: pl.DataFrame | None = None
    for batch in batches:
        table = batch if rest is None else pl.concat([rest, batch])
        times = table["timestamp"]
        whole = len(times) - int(times.rle().struct.field("len")[-1])
        if whole:
            yield table[:whole]
        rest = table[whole:]
    if rest is not None:
        yield rest


def _batches(path: Path, columns: list[str] | None, rows: int = ROWS) -> Iterator[pl.DataFrame]:
    """Yield the rows of a file as they stand, without holding more than a few batches of them.

    Raises:
        InputError: where it can't be read, or is not a long table.
    """
    if path.suffix.lower() != ".parquet":
        raise InputError(
            f"format {path.suffix or path.name!r} can't be read in pieces", where=path, hint="Write it as Parquet"
        )
    if not path.is_file():
        raise InputError("no such file", where=path, hint="Give the path of a file with bars")
    try:
        # symbols stay numbers in a dictionary; nothing is read ahead
        with pq.ParquetFile(path, read_dictionary=["symbol"], pre_buffer=False, buffer_size=1 << 20) as file:
            _check_schema(file.schema_arrow, path)
            for batch in file.iter_batches(batch_size=rows, columns=columns, use_threads=False):
                if len(batch):
                    yield pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch])))
    except (pa.ArrowException, OSError) as error:
        first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"can't be read as Parquet ({first_line})",
            where=path,
            hint="The file is damaged, or not what its name says",
        ) from error


def _check_schema(schema: pa.Schema, path: Path) -> None:
    if missing := [name for name in COLUMNS if name not in schema.names]:
        raise InputError(
            f"column {listed(missing)} is missing; found {listed(schema.names) or 'no column'}", where=path, hint=NEEDED
        )
    if not pa.types.is_temporal(schema.field("timestamp").type):
        kind = schema.field("timestamp").type
        raise InputError(
            f"column 'timestamp' holds {kind}, not times", where=path, hint="Text is parsed by engine.load alone"
        )
