"""Small markets, drawn by Hypothesis, and longer and wider ones, generated from a number that it draws.

Prices stand on few levels, so that bars meet each other to the last bit; there are holes, late and early listings, bars
without volume, and sudden jumps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

import polars as pl
from hypothesis import strategies as st

from engine.generate import generate_market
from engine.model import PRICES


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


class Ground(Protocol):
    """What a strategy is drawn for: the symbols that have a bar, and the steps at which there is one."""

    @property
    def symbols(self) -> Sequence[str]:
        """The symbols, sorted."""
        ...

    @property
    def steps(self) -> Sequence[int]:
        """The steps."""
        ...

    def table(self) -> pl.DataFrame:
        """Return the bars as data for the engine."""
        ...


class Scale(NamedTuple):
    """The prices that there are: `base` and a whole number of `unit`s.

    With `noise` each of them is moved up by a fraction of its own, so that its mantissa is full, and sums are rounded.
    So many numbers as `grain` says are one price: the more, the more often bars, levels and costs meet.
    """

    base: float
    unit: float
    noise: int = 0
    grain: int = 1

    def price(self, number: int) -> float:
        """Return a price: numbers from -3 to 18 are what bars have."""
        number = (number + 4) // self.grain
        price = self.base + self.unit * number
        if not self.noise:
            return price
        mixed = (number + 1) * 0x9E3779B97F4A7C15 * self.noise % (1 << 64)  # any odd number spreads the bits
        return price + self.unit * (mixed / (1 << 65))  # by less than half a unit: they stay in order


SCALES = (Scale(0.0, 1.0), Scale(8.0, 0.25), Scale(0.0, 0.1), Scale(99.5, 0.05), Scale(2.0, 1.0 / 64.0))
ROUGH_SCALES = (
    *(Scale(0.0, 1.0, 1), Scale(8.0, 0.25, 3), Scale(99.5, 0.05, 7), Scale(30.0, 0.7, 11)),
    *(Scale(0.0, 0.001), Scale(0.0, 0.001, 5), Scale(0.0, 50_000.0), Scale(950_000.0, 12_345.678, 13)),
)
"""Prices off the grid, very small and very large ones."""
TIED_SCALES = (Scale(1.0, 1.0, 0, 6), Scale(10.0, 0.5, 0, 4), Scale(99.5, 0.5, 3, 7), Scale(0.01, 0.01, 0, 5))
"""So few prices that most of what can be equal is equal now and then."""
VOLUMES = (100.0, 1_000_000.0, 0.0, 1.0, 10.0, 37.0, 250.0, 0.5)
JUMPS = (1.0, 1.0, 1.0, 4.0, 0.25, 32.0)
CELL = 3  # bytes
MOST_STEPS = 40
_BOUNDS = st.binary(min_size=4, max_size=4)
_CELLS = st.binary(min_size=CELL * MOST_STEPS, max_size=CELL * MOST_STEPS)
"""Bytes are drawn and shrunk many times as fast as so many numbers."""


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
    first, high, low, last = (scale.price(number) * factor for number in numbers)
    return Row(step, symbol, first, high, low, last, VOLUMES[volume], score)


@st.composite
def markets(
    draw: st.DrawFn,
    *,
    scales: tuple[Scale, ...] = SCALES,
    jumps: tuple[float, ...] = JUMPS,
    calendars: tuple[str, ...] = tuple(CALENDARS),
    names: str = "ABCD",
    longer: bool = False,
) -> tuple[Market, Scale]:
    """Draw a market, the `longer` of two if that is asked for, and the scale of its prices."""
    scale, calendar = draw(st.sampled_from(scales)), draw(st.sampled_from(calendars))
    steps, symbols = draw(st.integers(1, MOST_STEPS)), draw(st.integers(1, len(names)))
    steps = max(steps, draw(st.integers(1, MOST_STEPS))) if longer else steps
    rows = []
    drawn = [(draw(_BOUNDS), draw(_CELLS)) for _ in names]  # for all, and as many, that a count may shrink by itself
    for symbol, (bounds, cells) in zip(names[:symbols], drawn, strict=False):
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


LONG, WIDE = (2, 1_500), (72, 48)
"""Symbols and bars of the largest generated markets: past the blocks of compiled code, and past what a vector holds."""


@dataclass(frozen=True)
class Generated:
    """A window of a market that is generated from a seed: so many of its symbols, and of its steps from `first` on.

    One bar in `holes` is missing, and one in seven has no volume. All prices are multiplied by `factor`.
    """

    shape: tuple[int, int]
    seed: int
    symbols_taken: int
    first: int
    count: int
    holes: int
    factor: float

    @property
    def symbols(self) -> list[str]:
        """The symbols that have a bar, sorted."""
        return self.table()["symbol"].unique().sort().to_list()

    @property
    def steps(self) -> range:
        """The steps, from 0."""
        return range(self.table()["timestamp"].n_unique())

    def table(self) -> pl.DataFrame:
        """Return the bars as data for the engine, with a column `score`."""
        return _window(self)


@lru_cache(1)
def _whole(shape: tuple[int, int], seed: int) -> pl.DataFrame:
    symbols, bars = shape
    market = generate_market(symbols=symbols, bars=bars, seed=seed, late=0.3)
    step = pl.col("timestamp").rank("dense").cast(pl.Int64) - 1
    return market.with_columns(step.alias("step"), number=pl.int_range(pl.len()))


@lru_cache(1)
def _window(of: Generated) -> pl.DataFrame:
    bars = _whole(of.shape, of.seed)
    symbols = bars["symbol"].unique().sort()[: of.symbols_taken]
    taken = bars.filter(
        pl.col("symbol").is_in(symbols.implode()), pl.col("step").is_between(of.first, of.first + of.count - 1)
    )
    number = pl.col("number")
    kept = taken.filter((number % of.holes) != 1) if of.holes else taken
    kept = kept if len(kept) else bars.head(1)
    return kept.with_columns(
        *(pl.col(price) * of.factor for price in PRICES),
        volume=pl.when(number % 7 == 3).then(0.0).otherwise(pl.col("volume")),
        score=pl.when(number % 5 == 2).then(None).otherwise((number % 11).cast(pl.Float64)),
    ).drop("step", "number")


FACTORS = (1.0, 0.7310585786300049, 1e-4, 3.7e3)


@st.composite
def generated(draw: st.DrawFn, shape: tuple[int, int]) -> tuple[Generated, Scale]:
    """Draw a window of a generated market, and a scale about its prices."""
    symbols, bars = shape
    count = draw(st.integers(1, bars))
    factor = draw(st.sampled_from(FACTORS))
    market = Generated(
        shape,
        seed=draw(st.integers(0, 99)),
        symbols_taken=draw(st.sampled_from((1, symbols))),
        first=draw(st.integers(0, bars - count)),
        count=count,
        holes=draw(st.sampled_from((0, 11, 3))),
        factor=factor,
    )
    return market, Scale(10.0 * factor, 10.0 * factor)
