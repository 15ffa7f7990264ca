"""Parity: equal bits, for every output; and where it fails, the first place in time."""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from optimizer.subject import Outputs

EXCEPTION = "exception"
"""The output that takes the place of all others where a run raises."""


def column_bytes(column: pl.Series) -> bytes:
    """Return the values of a column as bytes: -0.0 differs from 0.0, and one NaN from another.

    Missing values are told by a bit each, and their place is filled with a value that does not matter. A type that no
    engine should give, such as a list or an object, is taken as Arrow lays it out.
    """
    if not (column.dtype.is_numeric() or column.dtype.is_temporal() or column.dtype in (pl.String, pl.Boolean)):
        return _as_arrow(column)
    validity = b""
    if column.null_count():
        validity = np.packbits(column.is_not_null().to_numpy(), bitorder="little").tobytes()
    if column.dtype == pl.String:
        filled = column.fill_null("")
        lengths = filled.str.len_bytes().to_numpy().astype("<u8").tobytes()
        return bytes(validity + lengths + filled.str.join("").item().encode())
    values = column.to_physical()
    if column.null_count():
        values = values.fill_null(strategy="zero")
    return validity + np.ascontiguousarray(values.to_numpy()).tobytes()


def _as_arrow(column: pl.Series) -> bytes:
    try:
        return bytes(column.to_frame().write_ipc(None, compression="uncompressed").getvalue())
    except pl.exceptions.PolarsError:  # Python objects
        return repr(column.to_list()).encode()


def table_digest(table: pl.DataFrame) -> str:
    """Return the SHA-256 of a table: names, types, length, and the bits of every column."""
    digest = hashlib.sha256()
    for column in table:
        data = column_bytes(column)
        digest.update(f"{column.name}\0{column.dtype}\0{len(column)}\0{column.null_count()}\0{len(data)}\0".encode())
        digest.update(data)
    return digest.hexdigest()


def digests_of(outputs: Outputs) -> dict[str, str]:
    """Return the digest of every output."""
    return {name: table_digest(table) for name, table in outputs.items()}


@dataclass(frozen=True)
class Divergence:
    """The first place, in time, where two runs differ.

    `moment` is the number that stands for the timestamp in the data, None where there is none; `around` has the state
    of both sides in lines; `replay` is the command that shows this place again.
    """

    output: str
    field: str
    timestamp: str
    symbol: str
    expected: str
    obtained: str
    distance: str
    equal_before: str
    case: str = ""
    moment: int | None = None
    around: tuple[str, ...] = ()
    replay: str = ""

    @property
    def place(self) -> str:
        """Where it is, on one line."""
        symbol = f"symbol {self.symbol}" if self.symbol else "the whole account"
        parts = [self.timestamp, self.timestamp and symbol, f"{self.output}.{self.field}"]
        return "  ".join(part for part in parts if part)

    def __str__(self) -> str:
        """The whole of it, on lines."""
        distance = f"   ({self.distance})" if self.distance else ""
        before = f"{self.equal_before}, and all outputs" if self.timestamp else self.equal_before
        lines = [
            f"first at   {self.place}     equal before: {before}",
            f"expected   {self.expected}",
            f"obtained   {self.obtained}{distance}",
            *self.around,
        ]
        replay = [f"replay     {self.replay}"] if self.replay else []
        return "\n".join(([f"scenario   {self.case}"] if self.case else []) + lines + replay)


def first_divergence(
    *, expected: Outputs, obtained: Outputs, stages: Sequence[str], case: str = ""
) -> Divergence | None:
    """Return the earliest place where the outputs differ, or None where every bit is equal.

    A missing or surplus output, column or row is a difference. Among differences at one timestamp the output
    that comes about first counts. Where a side has raised, that is all there is to compare.
    """
    if EXCEPTION in expected or EXCEPTION in obtained:
        return _raised(expected.get(EXCEPTION), obtained.get(EXCEPTION), case)
    names = [*stages, *sorted((set(expected) | set(obtained)) - set(stages))]
    found = []
    for rank, name in enumerate(names):
        if (difference := _differs(name, expected.get(name), obtained.get(name), case)) is not None:
            found.append((difference[0], rank, difference[1]))
    return min(found, key=lambda item: item[:2])[2] if found else None


def _raised(expected: pl.DataFrame | None, obtained: pl.DataFrame | None, case: str) -> Divergence | None:
    if expected is not None and obtained is not None and table_digest(expected) == table_digest(obtained):
        return None
    return Divergence(EXCEPTION, "raised", "", "", _error_text(expected), _error_text(obtained), "", "nothing", case)


def _error_text(table: pl.DataFrame | None) -> str:
    return "no exception" if table is None else "; ".join(": ".join(map(str, row)) for row in table.rows())


def _differs(
    name: str, expected: pl.DataFrame | None, obtained: pl.DataFrame | None, case: str
) -> tuple[float, Divergence] | None:
    if expected is None and obtained is None:
        return None
    if expected is None or obtained is None:
        missing = "missing" if obtained is None else "surplus"
        have = ("a table", "no table") if obtained is None else ("no table", "a table")
        return -math.inf, Divergence(name, f"({missing} output)", "", "", *have, "", "nothing", case)
    if expected.schema != obtained.schema:
        return -math.inf, Divergence(
            name, "(columns)", "", "", _schema_text(expected), _schema_text(obtained), "", "nothing", case
        )
    row = first_different_row(expected, obtained)
    return None if row is None else _at_row(name, expected, obtained, row, case)


def first_different_row(expected: pl.DataFrame, obtained: pl.DataFrame) -> int | None:
    """Return the number of the first row that differs in any bit, or None; the schemas are equal."""
    common = min(len(expected), len(obtained))
    first = common if len(expected) != len(obtained) else None
    for column in expected.columns:
        place = _first_different(expected[column][:common], obtained[column][:common])
        if place is not None and (first is None or place < first):
            first = place
    return first


def _first_different(expected: pl.Series, obtained: pl.Series) -> int | None:
    if expected.dtype == pl.String:
        differs = expected.ne_missing(obtained).to_numpy()
    else:
        differs = _bits(expected) != _bits(obtained)
        differs |= (expected.is_null() != obtained.is_null()).to_numpy()
    return int(np.argmax(differs)) if differs.any() else None


def _bits(column: pl.Series) -> np.ndarray[Any, Any]:
    values = column.to_physical()
    if values.null_count():
        values = values.fill_null(strategy="zero")
    array = np.ascontiguousarray(values.to_numpy())
    return array.view(f"u{array.dtype.itemsize}") if array.dtype.kind == "f" else array


def _at_row(name: str, expected: pl.DataFrame, obtained: pl.DataFrame, row: int, case: str) -> tuple[float, Divergence]:
    want = _located(expected, row)
    have = _located(obtained, row)
    before = f"{row} {name}" if name.endswith("s") else f"{row} rows"
    if want.key != have.key:
        missing = want.key < have.key  # the earlier of the two is the one that the other side lacks
        side = want if missing else have
        texts = (_row_text(side.row), "no such row") if missing else ("no such row", _row_text(side.row))
        field, distance = ("(missing row)" if missing else "(surplus row)"), ""
    else:
        side = want
        field = next(
            column
            for column in expected.columns
            if _first_different(expected[column][row : row + 1], obtained[column][row : row + 1]) is not None
        )
        texts = _value_text(want.row[field]), _value_text(have.row[field])
        distance = distance_text(want.row[field], have.row[field])
    when, symbol = str(side.row.get("timestamp", "")), _plain(str(side.row.get("symbol", "")))
    place = side.key[0]
    moment = int(place) if math.isfinite(place) else None
    return place, Divergence(name, field, when, symbol, *texts, distance, before, case, moment)


class _Row(NamedTuple):
    key: tuple[float, str]  # the number of the timestamp as it is: as a float, nanoseconds would be lost
    row: dict[str, Any]


def _located(table: pl.DataFrame, number: int) -> _Row:
    """Return a row with its place in time; past the end of the table is after everything."""
    if number >= len(table):
        return _Row((math.inf, "\U0010ffff"), {})
    row = table.row(number, named=True)
    moment = table["timestamp"].to_physical()[number] if "timestamp" in row else None
    return _Row((math.inf if moment is None else moment, str(row.get("symbol", ""))), row)


def _plain(text: str) -> str:
    """Return a text from the data with all that is not plain written out."""
    return text if text.isprintable() else repr(text)[1:-1]


def _schema_text(table: pl.DataFrame) -> str:
    return ", ".join(f"{column} {dtype}" for column, dtype in table.schema.items())


def _row_text(row: dict[str, Any]) -> str:
    return "  ".join(f"{key}={value!r}" if isinstance(value, str) else f"{key}={value}" for key, value in row.items())


def _value_text(value: object) -> str:
    return f"{value.hex()}  {value!r}" if isinstance(value, float) else repr(value)


def distance_text(expected: object, obtained: object) -> str:
    """Return how far two floats are apart in units in the last place, in words."""
    if not (isinstance(expected, float) and isinstance(obtained, float)):
        return ""
    if math.isnan(expected) or math.isnan(obtained):
        return "not a number on one side, or another payload"
    distance = _ordinal(obtained) - _ordinal(expected)
    if distance == 0:
        return "the sign of zero"
    return f"{abs(distance)} ulp {'above' if distance > 0 else 'below'}"


def _ordinal(value: float) -> int:
    """Return the place of a float among all floats, in order."""
    bits: int = struct.unpack("<q", struct.pack("<d", value))[0]
    return bits if bits >= 0 else -(bits & 0x7FFF_FFFF_FFFF_FFFF)
