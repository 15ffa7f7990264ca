"""Reading a file of bars into a table as it stands."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from engine.errors import InputError
from engine.reference.columns import COLUMNS, NEEDED, listed
from engine.reference.page_headers import has_damaged_page

_DAMAGED = "The file is damaged, cut off, or not what its name says"


def _read_parquet(path: Path) -> pl.DataFrame:
    if has_damaged_page(path):
        raise OSError("a page has a count of values that can't be")
    return pl.read_parquet(path, hive_partitioning=False, glob=False)


def _read_ipc(path: Path) -> pl.DataFrame:
    return pl.scan_ipc(path, hive_partitioning=False, glob=False).collect()


def _read_csv(path: Path) -> pl.DataFrame:
    """Read all as text, then take for numbers each further column that has nothing else."""
    table = pl.read_csv(path, infer_schema=False, glob=False)
    twice = [
        (base[1], name) for name in table.columns if (base := _DUPLICATE.fullmatch(name)) and base[1] in table.columns
    ]
    if named := [base for base, _ in twice if base]:
        raise InputError(f"column {listed(dict.fromkeys(named))} stands in the header twice", where=path, hint=NEEDED)
    table = table.drop(name for _, name in twice)  # of the columns without a name one is enough to tell
    return table.with_columns(
        typed
        for values in table
        if values.name not in COLUMNS
        and (typed := values.cast(pl.Float64, strict=False)).null_count() == values.null_count()
    )


_DUPLICATE = re.compile(r"(.*)_duplicated_\d+", re.DOTALL)  # what Polars makes of a name that it has seen
_READERS: dict[str, Callable[[Path], pl.DataFrame]] = {
    ".parquet": _read_parquet,
    ".feather": _read_ipc,
    ".arrow": _read_ipc,
    ".ipc": _read_ipc,
    ".csv": _read_csv,
}


def read_file(path: Path) -> pl.DataFrame:
    """Return a file of bars as it stands, unchecked; of a CSV file, the columns that every long table has as text.

    Raises:
        InputError: where there is no such file, or it can't be read.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(_READERS)
        raise InputError(f"unknown format {path.suffix or path.name!r}", where=path, hint=f"Choose from {known}")
    if not path.is_file():
        raise InputError("no such file", where=path, hint="Give the path of a file with bars")
    if path.stat().st_size == 0:
        raise InputError("the file is empty", where=path, hint=NEEDED)
    try:
        return reader(path)
    except (PolarsError, OSError, pl.exceptions.PanicException) as error:
        first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
        what = f"can't be read as {path.suffix[1:]} ({first_line})"
        raise InputError(what, where=path, hint=_DAMAGED) from error
