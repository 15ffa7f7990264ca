"""Small markets and accounts, drawn by Hypothesis: what the laws are held to.

Prices stand on a coarse grid, so that bars meet levels to the last bit; there are holes, late and early listings, bars
without volume, and sudden jumps.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import polars as pl
from hypothesis import settings
from hypothesis import strategies as st

from engine.model import Settings

FACTOR = int(os.environ.get("EXACT_CHANGE_EXAMPLES", "1"))
"""So many times the examples, other ones each time; `--hypothesis-seed` chooses them."""


def examples(count: int) -> Callable[[Any], Any]:
    """Return Hypothesis settings: the same examples each time, unless a person asks for more."""
    return settings(max_examples=count * FACTOR, derandomize=FACTOR == 1, deadline=None)


class Row(NamedTuple):
    """A bar: its step among the timestamps, and one more column of the data, `score`."""

    step: int
    symbol: str
    open: float
    high: float
    low: float
    close: float
    volume: float
    score: float | None

    def with_prices(self, change: Callable[[float], float]) -> Row:
        """Return the bar with its prices changed; where that turns them upside down, high and low change places."""
        open_, close = change(self.open), change(self.close)
        low, high = sorted((change(self.low), change(self.high)))
        return self._replace(open=open_, high=high, low=low, close=close)


def _days(count: int) -> pl.Series:
    """Return weekdays."""
    return pl.Series([date(2024, 1, 1) + timedelta(days=day // 5 * 7 + day % 5) for day in range(count)])


def _moments(start: datetime, hours: int, unit: str, zone: str | None) -> Callable[[int], pl.Series]:
    def times(count: int) -> pl.Series:
        plain = pl.Series([start + timedelta(hours=hours * step) for step in range(count)], dtype=pl.Datetime("us"))
        zoned = plain if zone is None else plain.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
        return zoned.cast(pl.Datetime(unit, zone))  # type: ignore[arg-type]

    return times


CALENDARS: dict[str, Callable[[int], pl.Series]] = {
    "days": _days,
    "six hours": _moments(datetime(2024, 1, 1, 3), 6, "us", None),
    "an hour is struck twice": _moments(datetime(2024, 10, 26, 18), 1, "us", "Europe/Berlin"),
    "an hour is left out": _moments(datetime(2024, 3, 9, 1), 3, "ms", "America/New_York"),
    "half days": _moments(datetime(2024, 1, 1), 12, "ns", None),
}


@dataclass(frozen=True)
class Market:
    """Bars in the order of time, then of symbols."""

    calendar: str
    rows: tuple[Row, ...]

    @property
    def symbols(self) -> list[str]:
        """The symbols that have a bar, sorted."""
        return sorted({row.symbol for row in self.rows})

    @property
    def steps(self) -> list[int]:
        """The steps at which there is a bar."""
        return sorted({row.step for row in self.rows})

    def table(self) -> pl.DataFrame:
        """Return the bars as data for the engine."""
        frame = pl.DataFrame(self.rows, schema_overrides={"score": pl.Float64}, orient="row")
        times = CALENDARS[self.calendar](self.rows[-1].step + 1)
        return frame.select(times.gather(frame["step"]).alias("timestamp"), pl.exclude("step"))

    def changed(self, change: Callable[[Row], Row | None]) -> Market:
        """Return the market with each bar changed, or left out where that gives None."""
        rows = (change(row) for row in self.rows)
        return self.of(row for row in rows if row is not None)

    def of(self, rows: Any) -> Market:
        """Return a market of other bars, with the same calendar."""
        return replace(self, rows=tuple(sorted(rows, key=lambda row: (row.step, row.symbol))))


class Scale(NamedTuple):
    """The prices that there are: `base` and a whole number of `unit`s."""

    base: float
    unit: float

    def price(self, number: int) -> float:
        """Return a price: numbers from -3 to 18 are what bars have."""
        return self.base + self.unit * (number + 4)


SCALES = (Scale(0.0, 1.0), Scale(8.0, 0.25), Scale(0.0, 0.1), Scale(99.5, 0.05), Scale(2.0, 1.0 / 64.0))
VOLUMES = (100.0, 1_000_000.0, 0.0, 1.0, 10.0, 37.0, 250.0, 0.5)
JUMPS = (1.0, 1.0, 1.0, 4.0, 0.25, 32.0)
CELL = 3  # bytes


def _row(code: int, step: int, symbol: str, scale: Scale, factor: float) -> Row | None:
    """Return the bar that a number stands for; None for a hole. The number 0 is a bar that does not move."""
    code, open_ = divmod(code, 16)
    code, change = divmod(code, 16)
    code, above = divmod(code, 4)
    code, below = divmod(code, 4)
    present, volume = divmod(code % 128, 8)
    if present == 15:
        return None
    close = (open_ + change) % 16
    numbers = (open_, max(open_, close) + above, min(open_, close) - below, close)
    score = None if present == 14 else float(present)
    return Row(step, symbol, *(scale.price(number) * factor for number in numbers), VOLUMES[volume], score)


@st.composite
def markets(
    draw: st.DrawFn,
    *,
    scales: tuple[Scale, ...] = SCALES,
    jumps: tuple[float, ...] = JUMPS,
    calendars: tuple[str, ...] = tuple(CALENDARS),
    names: str = "ABCD",
) -> tuple[Market, Scale]:
    """Draw a market, and the scale of its prices."""
    scale, calendar = draw(st.sampled_from(scales)), draw(st.sampled_from(calendars))
    steps, symbols = draw(st.integers(1, 40)), draw(st.integers(1, len(names)))
    rows = []
    for symbol in names[:symbols]:
        # bytes are drawn and shrunk many times as fast as so many numbers
        bounds, cells = (
            draw(st.binary(min_size=4, max_size=4)),
            draw(st.binary(min_size=CELL * steps, max_size=CELL * steps)),
        )
        first = bounds[0] % steps if bounds[0] >= 192 else 0
        last = bounds[1] % steps if bounds[1] >= 192 else steps
        jump, factor = bounds[2] % steps, jumps[bounds[3] % len(jumps)]
        for step in range(first, max(first, last) + 1):
            code = int.from_bytes(cells[CELL * step : CELL * (step + 1)], "little")
            row = _row(code, step, symbol, scale, factor if step >= jump else 1.0) if step < steps else None
            if row is not None:
                rows.append(row)
    if not rows:
        rows.append(Row(0, names[0], *(scale.price(0),) * 4, 100.0, None))
    return Market(calendar, ()).of(rows), scale


_FIELDS: dict[str, tuple[object, ...]] = {
    "cash": (10_000.0, 1_000_000.0, 1_000.0, 150.5),
    "commission": (0.0, 0.001, 0.1),
    "slippage": (0.0, 0.0005, 0.05),
    "ruin": (0.0, 100.0, 990.0, 9_900.0),
    "commission_per_share": (0.0, 0.005, 1.0),
    "commission_fixed": (0.0, 1.0, 20.0),
    "commission_minimum": (0.0, 1.0, 25.0),
    "slippage_fixed": (0.0, 0.01, 0.5, 9.0),
    "volume_impact": (0.0, 0.1, 10.0),
    "volume_limit": (math.inf, 0.1, 0.5, 1.0, 0.025),
    "fill_at": ("next_open", "this_close", "next_close"),
    "short": (False, True),
    "leverage": (1.0, 1.5, 4.0),
    "borrow_rate": (0.0, 0.05, 30.0),
    "lot": (1.0, 0.5, 0.1, 0.01, 10.0, 1.0 / 3.0),
    "tick": (0.0, 0.01, 0.25, 1.0, 0.05, 5.0),
    "minimum_notional": (0.0, 20.0, 500.0),
}
NO_COSTS = {
    name: _FIELDS[name][:1]
    for name in (
        "commission",
        "slippage",
        "commission_per_share",
        "commission_fixed",
        "commission_minimum",
        "slippage_fixed",
        "volume_impact",
    )
}
"""Choices for `accounts` without any cost."""


def accounts(**choices: tuple[object, ...]) -> st.SearchStrategy[Settings]:
    """Draw settings: each field as it is by default, or one of some values; `choices` are other values for some."""
    fields = {**_FIELDS, **choices}
    drawn = {
        name: st.one_of(st.just(values[0]), st.sampled_from(values)) if len(values) > 1 else st.just(values[0])
        for name, values in fields.items()
    }
    always = {name: drawn.pop(name) for name in choices}
    return st.fixed_dictionaries(always, optional=drawn).map(lambda chosen: Settings(**chosen))
