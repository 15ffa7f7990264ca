"""What stands around a divergence: the bar, the state before it, and what each side made of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from optimizer.parity import Divergence
from optimizer.subject import Outputs

State = Callable[[Outputs, pl.DataFrame, int, str], Sequence[str]]
"""`Subject.state`: the state after a timestamp, from outputs, in lines."""
LOAD = "load"
"""The stage of loading: the data as it was loaded."""
_MOST = 6  # rows of an output that are shown of a side


def with_surroundings(
    divergence: Divergence, *, expected: Outputs, obtained: Outputs, bars: pl.DataFrame | None, state: State
) -> Divergence:
    """Return a divergence with the state around it; as it is where it has no place in time.

    Args:
        divergence: the first one of these outputs.
        expected: the outputs of the control, or of what was recorded.
        obtained: those of the candidate.
        bars: the data of the run as the control loads it, or None where it is not at hand.
        state: what tells the state after a timestamp.
    """
    moment = divergence.moment
    if moment is None or bars is None:
        return divergence
    times = bars["timestamp"].to_physical()
    earlier = times.filter(times < moment)
    lines = _bar(bars, moment, divergence.symbol)
    if len(earlier):
        before = state(expected, bars, int(earlier[-1]), divergence.symbol)
        lines += _told("before", before)
    lines += _sides(
        [*_events(expected, obtained, moment, divergence.symbol), *state(expected, bars, moment, divergence.symbol)],
        [*_events(obtained, expected, moment, divergence.symbol), *state(obtained, bars, moment, divergence.symbol)],
    )
    return replace(divergence, around=tuple(lines))


def _told(label: str, lines: Sequence[str]) -> list[str]:
    return [f"{label if number == 0 else '':<10} {line}" for number, line in enumerate(lines)]


def _bar(bars: pl.DataFrame, moment: int, symbol: str) -> list[str]:
    """Return the bar of the symbol, and the one before it."""
    if not symbol:
        return []
    upto = bars.filter((pl.col("symbol") == symbol) & (pl.col("timestamp").to_physical() <= moment)).tail(2)
    rows = ["  ".join(f"{name} {value}" for name, value in row.items()) for row in upto.iter_rows(named=True)]
    return _told("bars", rows)


def _events(side: Outputs, other: Outputs, moment: int, symbol: str) -> list[str]:
    """Return the rows of this timestamp that the other side does not have: those of the symbol, the others counted."""
    lines = []
    for name, table in side.items():
        if "timestamp" not in table.columns or name in ("features", "gates", LOAD):
            continue
        here = _at(table, moment)
        theirs = {repr(row) for row in _at(other[name], moment).rows()} if name in other else set()
        rows = [row for row in here.iter_rows(named=True) if repr(tuple(row.values())) not in theirs]
        shown = [row for row in rows if not symbol or row.get("symbol", symbol) == symbol]
        lines += [f"{name}: {_row(row)}" for row in shown[:_MOST]]
        if more := len(rows) - len(shown[:_MOST]):
            lines.append(f"{name}: and {more} rows of other symbols that differ")
    return lines


def _at(table: pl.DataFrame, moment: int) -> pl.DataFrame:
    return table.filter(pl.col("timestamp").to_physical() == moment).drop("timestamp")


def _row(row: dict[str, Any]) -> str:
    """Return a row in words, without what it does not have."""
    return "  ".join(f"{name} {value}" for name, value in row.items() if value is not None and value == value)


def _sides(expected: Sequence[str], obtained: Sequence[str]) -> list[str]:
    """Return what differs between the two sides, and then what is the same in both."""
    both = [line for line in expected if line in obtained]
    return [
        *_told("control", [line for line in expected if line not in both] or ["nothing that the other has not"]),
        *_told("candidate", [line for line in obtained if line not in both] or ["nothing that the other has not"]),
        *_told("both", both),
    ]
