"""What the outputs of a run tell of work that could not matter: bars that gates shut, and time after the last event."""

from __future__ import annotations

from typing import Any

import polars as pl

from optimizer.subject import Outputs

_KEYS = ("timestamp", "symbol")


def idle_in(outputs: Outputs) -> dict[str, Any]:
    """Return what could be left out of a run, as counts.

    `flagged` and `shut` are the rows of a table of flags, and those of them that have a flag which is off: bars that no
    gate combination lets through. `timestamps` and `still` are the rows of a table with one row a timestamp, and the
    rows at its end in which nothing but the timestamp changes any more.
    """
    found: dict[str, Any] = {"flagged": 0, "shut": 0, "timestamps": 0, "still": 0}
    for table in outputs.values():
        values = table.drop([name for name in _KEYS if name in table.columns])
        if not values.width or "timestamp" not in table.columns:
            continue
        if all(dtype == pl.Boolean for dtype in values.dtypes):
            found["flagged"] += len(table)
            found["shut"] += len(table) - int(values.select(pl.all_horizontal(pl.all()).sum()).item())
        elif "symbol" not in table.columns and len(table) > 1 and table["timestamp"].n_unique() == len(table):
            found["timestamps"] += len(table)
            found["still"] += _still(values)
    return found


def _still(values: pl.DataFrame) -> int:
    """Return how many rows at the end are as the last one, beside the first of them."""
    last = values.row(-1)
    count = 0
    for row in reversed(values.rows()):
        if row != last:
            break
        count += 1
    return max(0, count - 1)
