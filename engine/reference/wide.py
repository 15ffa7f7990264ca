"""Wide tables: one row a timestamp, and a column for each field of each symbol."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import numpy as np
import polars as pl

from engine.errors import InputError
from engine.reference.columns import FIELDS, listed, numbers, unreadable

Header = dict[str, dict[str, str]]
"""For each symbol, in order, the column of each of its fields."""
_FIELD = f"(?P<field>{'|'.join(FIELDS)})"
_FORMS = {
    "<SYMBOL>_<field>": re.compile(rf"(?P<symbol>.+)_{_FIELD}", re.DOTALL),
    "<field>_<SYMBOL>": re.compile(rf"{_FIELD}_(?P<symbol>.+)", re.DOTALL),
    "<SYMBOL>.<field>": re.compile(rf"(?P<symbol>.+)\.{_FIELD}", re.DOTALL),
    "<field>.<SYMBOL>": re.compile(rf"{_FIELD}\.(?P<symbol>.+)", re.DOTALL),
}
_FIVE = "open, high, low, close and volume"
_WANTED = (
    f"A wide table has a column timestamp, and for every symbol {_FIVE}, all named in one way: "
    f"{', '.join(_FORMS)}. Other columns need a long table, one row a bar, with a column symbol"
)
_CLOSES = (
    f"The engine needs {_FIVE} of every symbol, not its closes alone: as columns like A_open, A_high, A_low, A_close "
    "and A_volume, or as a long table, one row a bar"
)


def wide_header(schema: Mapping[str, pl.DataType], where: object) -> Header | None:
    """Return which column of a wide table is what; None where the table is a long one, or neither.

    Raises:
        InputError: where a wide table's columns are too many, too few, or can be read in two ways.
    """
    names = [name for name in schema if name != "timestamp"]
    readings = {form: _read(pattern, names) for form, pattern in _FORMS.items()}
    form = max(readings, key=lambda form: len(readings[form]))  # the first one, where two read as many
    found = len(readings[form])
    if "symbol" in schema or sum(name in FIELDS for name in names) >= max(found, 1):
        return None
    if found == 0:
        _refuse_closes(schema, names, where)
        return None
    if "timestamp" not in schema:
        raise InputError("column 'timestamp' is missing from a wide table", where=where, hint=_WANTED)
    whole = {form: header for form in _FORMS if (header := _whole(readings[form], names)) is not None}
    if len(whole) > 1:
        raise InputError(f"the columns can be read as {' and as '.join(whole)}", where=where, hint=_WANTED)
    if not whole:
        raise InputError(_fault(form, readings[form], names), where=where, hint=_WANTED)
    return whole.popitem()[1]


def lay_long(raw: pl.DataFrame, header: Header, where: object, on_bad_bars: str) -> tuple[pl.DataFrame, pl.Series]:
    """Return a wide table as a long one, row after row with its symbols in order, and which bars can't be read.

    The long table has the number of the wide row, from 0, as its first column, `row`; its timestamps are those of
    the wide table as they stand. Its prices and volumes are float64, with NaN where there is no number.

    Raises:
        InputError: where a column does not hold numbers, and bad bars are refused.
    """
    shape = (len(raw), len(header))
    wrong = np.zeros(shape, np.bool_)
    fields = {field: np.empty(shape) for field in FIELDS}
    for number, columns in enumerate(header.values()):
        for field, name in columns.items():
            values = raw.get_column(name)
            typed = numbers(values, where)
            wrong[:, number] |= unreadable(values, typed, where, on_bad_bars).to_numpy()
            fields[field][:, number] = typed.to_numpy()
    row = np.repeat(np.arange(shape[0], dtype=np.uint32), shape[1])
    table = {
        "row": pl.Series(row),
        "timestamp": raw.get_column("timestamp").gather(row),
        "symbol": pl.Series([*header], dtype=pl.String).gather(np.tile(np.arange(shape[1], dtype=np.uint32), shape[0])),
    }
    flat = {field: pl.Series(values.ravel()) for field, values in fields.items()}
    return pl.DataFrame(table | flat), pl.Series(wrong.ravel())


def _read(pattern: re.Pattern[str], names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return the symbol and the field of each column whose name has this form."""
    matches = ((name, pattern.fullmatch(name)) for name in names)
    return {name: (match["symbol"], match["field"]) for name, match in matches if match}


def _header(reading: Mapping[str, tuple[str, str]]) -> Header:
    header: Header = {symbol: {} for symbol in sorted({symbol for symbol, _ in reading.values()})}
    for name, (symbol, field) in reading.items():
        header[symbol][field] = name
    return header


def _whole(reading: Mapping[str, tuple[str, str]], names: list[str]) -> Header | None:
    """Return the header where every column has this form and every symbol all of its fields."""
    header = _header(reading)
    whole = len(reading) == len(names) and all(len(columns) == len(FIELDS) for columns in header.values())
    return header if whole else None


def _fault(form: str, reading: Mapping[str, tuple[str, str]], names: list[str]) -> str:
    if others := [name for name in names if name not in reading]:
        return f"columns named {form} ({listed(reading)}) beside others ({listed(others)})"
    header = _header(reading)
    partial = [symbol for symbol, columns in header.items() if len(columns) < len(FIELDS)]
    symbol, columns = partial[0], header[partial[0]]
    missing = ", ".join(field for field in FIELDS if field not in columns)
    more = f"; symbols {listed(partial[1:])} are not whole either" if len(partial) > 1 else ""
    return f"symbol {symbol!r} has only the columns {listed(columns.values())}, and no {missing}{more}"


def _refuse_closes(schema: Mapping[str, pl.DataType], names: list[str], where: object) -> None:
    """Refuse a table of timestamps and one column of numbers a symbol."""
    if "timestamp" in schema and names and all(schema[name].is_numeric() for name in names):
        what = f"a wide table with one column a symbol ({listed(names)})"
        raise InputError(what, where=where, hint=_CLOSES)
