"""The columns of a table of bars: their names, and their values in their types."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date

import polars as pl

from engine.errors import InputError
from engine.model import PRICES

FIELDS = (*PRICES, "volume")
COLUMNS = ("timestamp", "symbol", *FIELDS)
NEEDED = f"Needed: {', '.join(COLUMNS)}"
DROP_HINT = "Correct them, or go on without them: --on-bad-bars drop"
_TIMES = "Dates or datetimes, or text like 2020-01-31, 2020-01-31T15:30:00 or 2020-01-31T15:30:00+01:00"
_FORMS = ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z")
_FIRST, _FIRST_NS, _LAST_NS = date(1000, 1, 1), date(1678, 1, 1), date(2262, 1, 1)
_UNUSABLE = re.compile(r"|\*|\^.*\$|.*\0.*", re.DOTALL)
_SHOWN = 6


def extras_of(schema: Mapping[str, pl.DataType]) -> tuple[list[str], list[str]]:
    """Return the names of a long table's extra columns, in its order: those that are kept, and those that are not.

    What holds numbers, or nothing at all, is kept; but not under a name that Polars takes for a pattern or Arrow can't
    pass on.
    """
    kept: list[str] = []
    dropped: list[str] = []
    for name, dtype in schema.items():
        if name not in COLUMNS:
            of_numbers = dtype.is_numeric() or dtype == pl.Null
            (kept if of_numbers and _UNUSABLE.fullmatch(name) is None else dropped).append(name)
    return kept, dropped


def extra_values(values: pl.Series) -> pl.Series:
    """Return an extra column as float64: null and every NaN become the one NaN that Python has; infinity stays."""
    return values.cast(pl.Float64).fill_nan(None).fill_null(float("nan"))


def numbers(values: pl.Series, where: object) -> pl.Series:
    """Return a column as float64, with null in place of text that is no number.

    Raises:
        InputError: where the column holds neither numbers nor text.
    """
    if not (values.dtype.is_numeric() or values.dtype in (pl.String, pl.Null)):
        raise InputError(f"column {values.name!r} holds {values.dtype}, not numbers", where=where)
    return values.cast(pl.Float64, strict=False)


def timestamps(values: pl.Series, where: object) -> pl.Series:
    """Return the column of timestamps: dates and datetimes as they are, text parsed, with null where it is no time.

    The form that most of the text has counts for the whole column, the first of `_FORMS` where several fit as well.
    An offset makes the time one in UTC. Datetimes are in microseconds, or nanoseconds where the text is finer.

    Raises:
        InputError: where the column holds neither times nor text.
    """
    if values.dtype in (pl.Date, pl.Datetime, pl.Null):
        return values
    if values.dtype != pl.String:
        raise InputError(f"column 'timestamp' holds {values.dtype}, not times", where=where, hint=_TIMES)
    best = _parsed(values, _FORMS[0])
    for form in _FORMS[1:]:
        if best.null_count() == values.null_count():
            break
        parsed = _parsed(values, form)
        best = parsed if parsed.null_count() < best.null_count() else best
    return best


def _parsed(values: pl.Series, form: str) -> pl.Series:
    if "T" not in form:
        return _from_year_1000(values.str.to_date(form, strict=False))
    text = values.str.replace(" ", "T", literal=True)
    times = _from_year_1000(text.str.to_datetime(form, strict=False))
    if "%.f" in form and times.null_count() < len(times) and text.str.contains(r"\.\d{7}").any():
        days = times.dt.date()
        if days.is_between(_FIRST_NS, _LAST_NS, closed="left").all():  # all that 64 bits of nanoseconds reach
            return text.str.to_datetime(form, strict=False, time_unit="ns")
    return times


def _from_year_1000(times: pl.Series) -> pl.Series:
    """Return the times with null before the year 1000: 24-01-31 is no time, and not one of the year 24."""
    early = times.dt.date() < _FIRST
    return times.set(early, None) if early.any() else times


def symbols(values: pl.Series, where: object) -> pl.Series:
    """Return the column of symbols as text.

    Raises:
        InputError: where it holds something else.
    """
    if values.dtype not in (pl.String, pl.Categorical, pl.Enum, pl.Null):
        raise InputError(f"column 'symbol' holds {values.dtype}, not text", where=where)
    return values.cast(pl.String)


def unreadable(values: pl.Series, typed: pl.Series, where: object, on_bad_bars: str) -> pl.Series:
    """Return where a column has text that its type can't take.

    Raises:
        InputError: where there is some, and bad bars are refused.
    """
    wrong = values.is_not_null() & typed.is_null()
    if on_bad_bars == "refuse" and wrong.any():
        row, count = int(wrong.arg_true()[0]), int(wrong.sum())
        wanted = "a time" if values.name == "timestamp" else "a number"
        raise InputError(
            f"column {values.name!r}: {counted(count, 'row')} with text that is not {wanted}; "
            f"the first is row {row + 1}: {values[row]!r}",
            where=where,
            hint=DROP_HINT,
        )
    return wrong


def counted(count: int, what: str) -> str:
    """Return a number of things: 1 row, 2 rows."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def listed(names: Iterable[str]) -> str:
    """Return names in quotes, the first few of many."""
    quoted = [repr(name) for name in names]
    more = len(quoted) - _SHOWN
    return ", ".join(quoted if more <= 1 else [*quoted[:_SHOWN], f"and {more} more"])
