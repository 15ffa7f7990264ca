"""Running digests: where two long runs part, without keeping either.

Time is cut into parts by the timestamps of the equity or, where there is none, of whichever output has some. After
each part an output has a digest of all its rows up to there, so that the first part in which two runs differ is known
from a few digests, and only that part has to be run again and looked at.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from optimizer.parity import column_bytes
from optimizer.subject import Outputs

PARTS = 16
_LENGTH = 16  # hex digits: to find a place by, not to prove anything with


def running_digests(outputs: Outputs) -> dict[str, Any]:
    """Return the ends of the parts, and for every output with timestamps its digest at each of them."""
    timed = {name: table for name, table in outputs.items() if "timestamp" in table.columns}
    clock = timed.get("equity", next(iter(timed.values()), None))
    if clock is None or clock.is_empty():
        return {"until": [], "digests": {}}
    moments = clock["timestamp"].to_physical().unique().sort().to_numpy()
    places = -(-np.arange(1, PARTS + 1) * len(moments) // PARTS) - 1
    until = [int(moments[place]) for place in dict.fromkeys(places.tolist())]
    return {"until": until, "digests": {name: _at(table, until) for name, table in timed.items()}}


def _at(table: pl.DataFrame, until: Sequence[int]) -> list[str]:
    """Return the digests of the rows up to each of these; a table is in the order of its timestamps."""
    times = table["timestamp"].to_physical().to_numpy()
    ends = np.searchsorted(times, np.asarray(until), side="right")
    digest = hashlib.sha256()
    found, start = [], 0
    for end in ends.tolist():
        for column in table[start:end]:
            digest.update(f"{column.name}\0{len(column)}\0".encode() + column_bytes(column))
        found.append(digest.hexdigest()[:_LENGTH])
        start = end
    return found


def first_part(expected: Mapping[str, Any], obtained: Mapping[str, Any]) -> int | None:
    """Return the end of the first part of time in which an output differs; None where the digests can't tell."""
    until: list[int] = expected["until"]
    if until != obtained["until"]:
        return None
    names = {*expected["digests"], *obtained["digests"]}
    differs = (
        end
        for place, end in enumerate(until)
        if any(_digest(expected, name, place) != _digest(obtained, name, place) for name in names)
    )
    return next(differs, None)


def _digest(side: Mapping[str, Any], name: str, place: int) -> str | None:
    digests = side["digests"].get(name)
    return digests[place] if digests else None
