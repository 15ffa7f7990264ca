"""The loader: reads bars from a file or a table, and takes nothing on trust."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from engine.errors import InputError
from engine.model import PRICES
from engine.pipeline import Loaded
from engine.reference.columns import (
    COLUMNS,
    DROP_HINT,
    FIELDS,
    NEEDED,
    counted,
    extra_values,
    extras_of,
    listed,
    numbers,
    symbols,
    timestamps,
    unreadable,
)
from engine.reference.reading import read_file
from engine.reference.wide import Header, lay_long, wide_header

WAYS = ("refuse", "drop")
_KEYS = ["timestamp", "symbol"]
_ROW = "__row"


def load_bars(source: Path | pl.DataFrame, on_bad_bars: str = "refuse") -> Loaded:
    """Return the bars of a file or a table, checked, typed and sorted by timestamp, then symbol.

    Args:
        source: Parquet, Feather (Arrow IPC: `.feather`, `.arrow`, `.ipc`) or CSV, or a Polars table. A long one has
            one row a bar, with the columns timestamp (date or datetime), symbol (text), open, high, low, close and
            volume, and any others; a wide one has one row a timestamp, with columns like A_open (see
            `engine.reference.wide`). A bar without any price is a missing one.
        on_bad_bars: "refuse", or "drop" to go on without the bad rows.

    Returns:
        The columns above, prices and volume as float64, then a long table's other columns of numbers as float64 in
        their order, with NaN where they have none; and notes of what was dropped or sorted.

    Raises:
        InputError: where a bar or the file can't be used; the message counts the rows and shows the first.
    """
    if on_bad_bars not in WAYS:
        raise InputError(f"unknown way with bad bars {on_bad_bars!r}", hint=f"Choose from {', '.join(WAYS)}")
    if isinstance(source, Path):
        return check_bars(read_file(source), source, on_bad_bars)
    return check_bars(source, "table", on_bad_bars)


def check_bars(raw: pl.DataFrame, where: object, on_bad_bars: str, unread: Sequence[str] = ()) -> Loaded:
    """Return the bars of a table as `load_bars` does.

    Args:
        raw: the table as it was read; it is not changed.
        where: what its errors name.
        on_bad_bars: as for `load_bars`.
        unread: the extra columns that would be dropped, where they were not read.

    Raises:
        InputError: as `load_bars`.
    """
    header = wide_header(raw.schema, where)
    if header is None and (missing := [column for column in COLUMNS if column not in raw.columns]):
        what = f"column {listed(missing)} is missing; found {listed(raw.columns) or 'no column'}"
        raise InputError(what, where=where, hint=NEEDED)
    if raw.is_empty():
        raise InputError("there are no rows", where=where, hint=NEEDED)
    notes: list[str] = []
    kept, dropped = ([], []) if header else extras_of(raw.schema)
    if dropped := [*unread, *dropped]:
        notes.append(
            f"{counted(len(dropped), 'extra column')} dropped (no numbers, or no usable name): {listed(dropped)}"
        )
    unit = "bar" if header else "row"
    bars, wrong = _typed_wide(raw, header, where, on_bad_bars) if header else _typed(raw, where, on_bad_bars)
    kind = bars.schema["timestamp"]
    if raw.schema["timestamp"] == pl.String and isinstance(kind, pl.Datetime) and kind.time_zone:
        notes.append("timestamps have an offset: taken as the same times in UTC")
    bars = _without_text(bars, wrong, unit, notes)
    bars = _without_missing_bars(bars, unit, notes)
    bars = _without_bad_bars(bars, unit, where, on_bad_bars, notes)
    if bars.is_empty():
        raise InputError("no bar is left", where=where, hint="Every row is a missing or a bad bar")
    if not bars.select(in_order=pl.struct(_KEYS).is_sorted()).item():
        bars = bars.sort(_KEYS)
        notes.append("rows were not in the order of timestamp and symbol: sorted")
    return Loaded(_with_extras(bars, raw, kept), tuple(notes))


def _typed(raw: pl.DataFrame, where: object, on_bad_bars: str) -> tuple[pl.DataFrame, pl.Series]:
    """Return the numbered rows of a long table with their columns in their types, and which rows can't be read."""
    bars = raw.select(COLUMNS).with_row_index(_ROW, offset=1)
    columns = [
        timestamps(bars["timestamp"], where),
        symbols(bars["symbol"], where),
        *(numbers(bars[column], where) for column in FIELDS),
    ]
    wrong = pl.Series([False]).new_from_index(0, len(bars))
    for typed in columns:
        wrong |= unreadable(bars[typed.name], typed, where, on_bad_bars)
    return bars.with_columns(columns), wrong


def _typed_wide(raw: pl.DataFrame, header: Header, where: object, on_bad_bars: str) -> tuple[pl.DataFrame, pl.Series]:
    """Return the bars of a wide table as `_typed` does, each with the number of its wide row."""
    times = timestamps(raw["timestamp"], where)
    wrong_times = unreadable(raw["timestamp"], times, where, on_bad_bars)
    bars, wrong = lay_long(raw.with_columns(timestamp=times), header, where, on_bad_bars)
    wrong |= wrong_times.gather(bars["row"])
    return bars.select((pl.col("row") + 1).alias(_ROW), *COLUMNS), wrong


def _without_text(bars: pl.DataFrame, wrong: pl.Series, unit: str, notes: list[str]) -> pl.DataFrame:
    """Return the bars without those that have text in place of a number or a time."""
    # NaN and null both say that there is no number; NaN is a number to the casts before
    bars = bars.with_columns(pl.col(FIELDS).fill_nan(None))
    if not wrong.any():
        return bars
    first = bars[_ROW][int(wrong.arg_true()[0])]
    what = f"text in place of a number or a time: first row {first}"
    notes.append(f"{counted(int(wrong.sum()), f'bad {unit}')} dropped ({what})")
    return bars.filter(~wrong)


def _without_missing_bars(bars: pl.DataFrame, unit: str, notes: list[str]) -> pl.DataFrame:
    present = bars.filter(~pl.all_horizontal(pl.col(PRICES).is_null()))
    if missing := len(bars) - len(present):
        notes.append(f"{counted(missing, unit)} without any price: missing bars")
    return present


_BAD: dict[str, pl.Expr] = {
    "the timestamp is missing": pl.col("timestamp").is_null(),
    "the symbol is missing": pl.col("symbol").is_null() | (pl.col("symbol") == ""),
    "a price is missing": pl.any_horizontal(pl.col(PRICES).is_null()),
    "a price is infinite": pl.any_horizontal(pl.col(PRICES).is_infinite()),
    "a price is zero or negative": pl.any_horizontal(pl.col(PRICES) <= 0),
    "the high is below the low": pl.col("high") < pl.col("low"),
    "the open is outside low and high": ~pl.col("open").is_between(pl.col("low"), pl.col("high")),
    "the close is outside low and high": ~pl.col("close").is_between(pl.col("low"), pl.col("high")),
    "the volume is missing, infinite or negative": ~pl.col("volume").is_finite().fill_null(value=False)
    | (pl.col("volume") < 0),
    "the timestamp and symbol stand in another row too": pl.struct(_KEYS).is_duplicated(),
}


def _without_bad_bars(bars: pl.DataFrame, unit: str, where: object, on_bad_bars: str, notes: list[str]) -> pl.DataFrame:
    """Refuse the bad bars or drop them; a bar counts under the first thing that is wrong with it."""
    problem = pl.coalesce(pl.when(wrong).then(pl.lit(what)) for what, wrong in _BAD.items())
    checked = bars.with_columns(problem.alias("__problem"))
    bad = checked.filter(pl.col("__problem").is_not_null())
    if bad.is_empty():
        return bars
    counts = bad.group_by("__problem", maintain_order=True).agg(pl.len(), pl.first(_ROW))
    listing = "; ".join(f"{what}: {count} (first: row {row})" for what, count, row in counts.iter_rows())
    if on_bad_bars == "refuse":
        first = bad.row(0, named=True)
        shown = ", ".join(f"{column}={first[column]}" for column in COLUMNS)
        what = f"{counted(len(bad), f'bad {unit}')}. {listing}. Row {first[_ROW]} is {shown}"
        raise InputError(what, where=where, hint=DROP_HINT)
    notes.append(f"{counted(len(bad), f'bad {unit}')} dropped ({listing})")
    return checked.filter(pl.col("__problem").is_null())


def _with_extras(bars: pl.DataFrame, raw: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Return the checked bars with the extra columns of their rows; they take no part in the checks."""
    whole = bars.select(COLUMNS).rechunk()
    if not names:
        return whole
    rows = bars[_ROW] - 1
    extras = [extra_values(raw.get_column(name)) for name in names]
    if len(rows) < len(raw) or not rows.is_sorted():
        extras = [values.gather(rows) for values in extras]
    return whole.hstack(extras).rechunk()
