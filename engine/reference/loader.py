"""The loader: reads bars from a file or a table, and takes nothing on trust."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from engine.errors import InputError
from engine.model import PRICES
from engine.pipeline import Loaded

COLUMNS = ("timestamp", "symbol", *PRICES, "volume")
WAYS = ("refuse", "drop")
_NEEDED = f"Needed: {', '.join(COLUMNS)}"
_TIMES = "Dates or datetimes, or text like 2020-01-31 or 2020-01-31T15:30:00"
_KEYS = ["timestamp", "symbol"]
_ROW = "__row"


def _read_csv(path: Path) -> pl.DataFrame:
    return pl.read_csv(path, infer_schema=False, glob=False)


_READERS: dict[str, Callable[[Path], pl.DataFrame]] = {
    ".parquet": lambda path: pl.read_parquet(path, hive_partitioning=False, glob=False),
    ".feather": pl.read_ipc,
    ".arrow": pl.read_ipc,
    ".csv": _read_csv,
}


def load_bars(source: Path | pl.DataFrame, on_bad_bars: str = "refuse") -> Loaded:
    """Return the bars of a file or a table, checked, typed and sorted by timestamp, then symbol.

    Args:
        source: Parquet, Feather (`.feather`, `.arrow`) or CSV, or a Polars table; one row a bar, with the
            columns timestamp (date or datetime), symbol (text), open, high, low, close and volume. A row
            without any price is a missing bar.
        on_bad_bars: "refuse", or "drop" to go on without the bad rows.

    Raises:
        InputError: where a bar or the file can't be used; the message counts the rows and shows the first.
    """
    if on_bad_bars not in WAYS:
        raise InputError(f"unknown way with bad bars {on_bad_bars!r}", hint=f"Choose from {', '.join(WAYS)}")
    if isinstance(source, Path):
        return check_bars(read_file(source), source, on_bad_bars)
    return check_bars(source, "table", on_bad_bars)


def check_bars(raw: pl.DataFrame, where: object, on_bad_bars: str) -> Loaded:
    """Return the bars of a table as `load_bars` does; `where` is what its errors name."""
    if missing := [column for column in COLUMNS if column not in raw.columns]:
        raise InputError(f"column {_listed(missing)} is missing", where=where, hint=_NEEDED)
    if raw.is_empty():
        raise InputError("there are no rows", where=where, hint=_NEEDED)
    notes: list[str] = []
    bars = _typed(raw.select(COLUMNS).with_row_index(_ROW, offset=1), where, on_bad_bars, notes)
    bars = _without_missing_bars(bars, notes)
    bars = _without_bad_bars(bars, where, on_bad_bars, notes)
    if bars.is_empty():
        raise InputError("no bar is left", where=where, hint="Every row is a missing or a bad bar")
    if not bars.select(in_order=pl.struct(_KEYS).is_sorted()).item():
        bars = bars.sort(_KEYS)
        notes.append("rows were not in the order of timestamp and symbol: sorted")
    return Loaded(bars.select(COLUMNS).rechunk(), tuple(notes))


def read_file(path: Path) -> pl.DataFrame:
    """Return a file of bars as it stands, unchecked."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(_READERS)
        raise InputError(f"unknown format {path.suffix or path.name!r}", where=path, hint=f"Choose from {known}")
    if not path.is_file():
        raise InputError("no such file", where=path, hint="Give the path of a file with bars")
    if path.stat().st_size == 0:
        raise InputError("the file is empty", where=path, hint=_NEEDED)
    try:
        return reader(path)
    except (PolarsError, OSError, pl.exceptions.PanicException) as error:
        first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
        hint = "The file is damaged, cut off, or not what its name says"
        raise InputError(f"can't be read as {path.suffix[1:]} ({first_line})", where=path, hint=hint) from error


def _typed(bars: pl.DataFrame, where: object, on_bad_bars: str, notes: list[str]) -> pl.DataFrame:
    """Return the columns in their types, without the rows that have text in place of a number or a time."""
    columns = [
        _timestamps(bars["timestamp"], where),
        _symbols(bars["symbol"], where),
        *(_numbers(bars[column], where) for column in (*PRICES, "volume")),
    ]
    unreadable = pl.Series([False]).new_from_index(0, len(bars))
    for typed in columns:
        wrong = bars[typed.name].is_not_null() & typed.is_null()
        if wrong.any() and on_bad_bars == "refuse":
            _refuse_text(bars[typed.name], wrong, where)
        unreadable |= wrong
    if count := int(unreadable.sum()):
        first = int(unreadable.arg_true()[0]) + 1
        notes.append(f"{count} bad {_rows(count)} dropped (text in place of a number or a time: first row {first})")
    # NaN and null both say that there is no number; NaN is a number to the casts above
    return bars.with_columns(columns).with_columns(pl.col(pl.Float64).fill_nan(None)).filter(~unreadable)


def _numbers(values: pl.Series, where: object) -> pl.Series:
    if not (values.dtype.is_numeric() or values.dtype in (pl.String, pl.Null)):
        raise InputError(f"column {values.name!r} holds {values.dtype}, not numbers", where=where)
    return values.cast(pl.Float64, strict=False)


def _timestamps(values: pl.Series, where: object) -> pl.Series:
    if values.dtype in (pl.Date, pl.Datetime, pl.Null):
        return values
    if values.dtype != pl.String:
        raise InputError(f"column 'timestamp' holds {values.dtype}, not times", where=where, hint=_TIMES)
    dates = values.str.to_date("%Y-%m-%d", strict=False)
    times = values.str.replace(" ", "T", literal=True).str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", strict=False)
    return dates if dates.null_count() <= times.null_count() else times


def _symbols(values: pl.Series, where: object) -> pl.Series:
    if values.dtype not in (pl.String, pl.Categorical, pl.Enum, pl.Null):
        raise InputError(f"column 'symbol' holds {values.dtype}, not text", where=where)
    return values.cast(pl.String)


def _refuse_text(values: pl.Series, wrong: pl.Series, where: object) -> None:
    row, count = int(wrong.arg_true()[0]), int(wrong.sum())
    wanted = "a time" if values.name == "timestamp" else "a number"
    raise InputError(
        f"column {values.name!r}: {count} {_rows(count)} with text that is not {wanted}; "
        f"the first is row {row + 1}: {values[row]!r}",
        where=where,
        hint="Correct them, or go on without them: --on-bad-bars drop",
    )


def _without_missing_bars(bars: pl.DataFrame, notes: list[str]) -> pl.DataFrame:
    present = bars.filter(~pl.all_horizontal(pl.col(PRICES).is_null()))
    if missing := len(bars) - len(present):
        notes.append(f"{missing} {_rows(missing)} without any price: missing bars")
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


def _without_bad_bars(bars: pl.DataFrame, where: object, on_bad_bars: str, notes: list[str]) -> pl.DataFrame:
    """Refuse the bad rows or drop them; a row counts under the first thing that is wrong with it."""
    problem = pl.coalesce(pl.when(wrong).then(pl.lit(what)) for what, wrong in _BAD.items())
    checked = bars.with_columns(problem.alias("__problem"))
    bad = checked.filter(pl.col("__problem").is_not_null())
    if bad.is_empty():
        return bars
    counts = bad.group_by("__problem", maintain_order=True).agg(pl.len(), pl.first(_ROW))
    listed = "; ".join(f"{what}: {count} (first: row {row})" for what, count, row in counts.iter_rows())
    if on_bad_bars == "refuse":
        first = bad.row(0, named=True)
        shown = ", ".join(f"{column}={first[column]}" for column in COLUMNS)
        raise InputError(
            f"{len(bad)} bad {_rows(len(bad))}. {listed}. Row {first[_ROW]} is {shown}",
            where=where,
            hint="Correct them, or go on without them: --on-bad-bars drop",
        )
    notes.append(f"{len(bad)} bad {_rows(len(bad))} dropped ({listed})")
    return checked.filter(pl.col("__problem").is_null())


def _rows(count: int) -> str:
    return "row" if count == 1 else "rows"


def _listed(names: list[str]) -> str:
    return ", ".join(repr(name) for name in names)
