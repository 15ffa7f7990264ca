"""Leaving out bars as long as a case differs: what Hypothesis can't take out of the middle of what it has drawn."""

from __future__ import annotations

import time
from collections.abc import Callable

import polars as pl


def fewer_bars(bars: pl.DataFrame, differs: Callable[[pl.DataFrame], bool], *, seconds: float) -> pl.DataFrame:
    """Return the bars that it takes: symbols go first, then halves, quarters, and so on to single rows.

    Args:
        bars: the bars of a case that differs.
        differs: whether it does with other bars.
        seconds: after which what there is by then is returned.
    """
    end = time.monotonic() + seconds

    def without(here: pl.DataFrame, left: pl.DataFrame) -> pl.DataFrame:
        return left if not left.is_empty() and time.monotonic() < end and differs(left) else here

    for symbol in bars["symbol"].unique().sort().to_list():
        bars = without(bars, bars.filter(pl.col("symbol") != symbol))
    size = len(bars)
    while size > 1 and time.monotonic() < end:
        before, size = len(bars), max(size // 2, 1)
        start = 0
        while start < len(bars):
            left = without(bars, pl.concat([bars[:start], bars[start + size :]]))
            start, bars = (start if len(left) < len(bars) else start + size), left
        if size == 1 and len(bars) < before:
            size = 2  # once more: what has gone may have kept others
    return bars
