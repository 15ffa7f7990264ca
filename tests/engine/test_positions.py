"""Positions are the fills added up, at the last closes, at every timestamp of the data."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import InputError
from engine.positions import positions_of

DAYS = [date(2024, 1, 1) + timedelta(days=day) for day in range(12)]
SYMBOLS = ["A", "B", "a", "É"]
COLUMNS = ("timestamp", "symbol", "quantity", "price", "value")

BarRow = tuple[date, str, float]
FillRow = tuple[date, str, float]


def bars_of(rows: list[BarRow], dtype: pl.DataType | None = None) -> pl.DataFrame:
    schema = {"timestamp": dtype or pl.Date(), "symbol": pl.String(), "close": pl.Float64()}
    return pl.DataFrame(rows, schema=schema, orient="row")


def fills_of(rows: list[FillRow], dtype: pl.DataType | None = None) -> pl.DataFrame:
    schema = {"timestamp": dtype or pl.Date(), "symbol": pl.String(), "quantity": pl.Float64()}
    return pl.DataFrame(rows, schema=schema, orient="row")


def naive(fills: list[FillRow], bars: list[BarRow], lot: float) -> list[tuple[date, str, float, float, float]]:
    """Return the rows by walking over the timestamps, with exact fractions of shares."""
    step = Fraction(int(lot)) if lot >= 1.0 else Fraction(1, round(1.0 / lot))
    held: dict[str, int] = {}
    closes: dict[str, float] = {}
    rows = []
    for timestamp in sorted({bar[0] for bar in bars}):
        closes |= {symbol: close for at, symbol, close in bars if at == timestamp}
        for at, symbol, quantity in fills:
            if at == timestamp:
                held[symbol] = held.get(symbol, 0) + round(Fraction(quantity) / step)
        for symbol in sorted(held):
            if held[symbol]:
                quantity = float(held[symbol] * step)
                rows.append((timestamp, symbol, quantity, closes[symbol], quantity * closes[symbol]))
    return rows


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[FillRow], list[BarRow], float]:
    """Draw bars with gaps, late listings and delistings, and fills where there are bars, several at a time."""
    lot = draw(st.sampled_from([1.0, 5.0, 100.0, 0.1, 0.01, 1e-8, 1.0 / 3.0, 1.0 / 49.0]))
    places = st.tuples(st.sampled_from(DAYS), st.sampled_from(SYMBOLS))
    where = sorted(draw(st.sets(places, min_size=1)))
    bars = [(*place, draw(st.floats(0.01, 1e4))) for place in where]
    counts = draw(st.lists(st.tuples(st.sampled_from(where), st.integers(-4, 4) | st.integers(-(10**6), 10**6))))
    step = Fraction(int(lot)) if lot >= 1.0 else Fraction(1, round(1.0 / lot))
    fills = [(*place, float(count * step)) for place, count in sorted(counts, key=lambda one: one[0][0])]
    return fills, bars, lot


@settings(max_examples=300, deadline=None, derandomize=True)
@given(histories())
def test_the_rows_are_those_of_a_walk_over_the_timestamps(history: tuple[list[FillRow], list[BarRow], float]) -> None:
    fills, bars, lot = history
    found = positions_of(fills_of(fills), bars_of(bars), lot)
    assert found.rows() == naive(fills, bars, lot)
    assert found.schema == dict(zip(COLUMNS, (pl.Date, pl.String, pl.Float64, pl.Float64, pl.Float64), strict=True))


def test_a_symbol_without_a_bar_is_held_at_its_last_close_to_the_end() -> None:
    bars = [(DAYS[0], "A", 10.0), (DAYS[0], "B", 5.0), (DAYS[1], "B", 6.0), (DAYS[2], "B", 7.0)]
    found = positions_of(fills_of([(DAYS[0], "A", 3.0)]), bars_of(bars), 1.0)
    assert found.rows() == [(day, "A", 3.0, 10.0, 30.0) for day in DAYS[:3]]


def test_what_is_bought_and_sold_within_a_timestamp_is_not_held_after_it() -> None:
    bars = [(day, "A", 10.0) for day in DAYS[:3]]
    fills = [(DAYS[0], "A", 5.0), (DAYS[0], "A", -5.0), (DAYS[1], "A", -2.0), (DAYS[1], "A", -1.0)]
    found = positions_of(fills_of(fills), bars_of(bars), 1.0)
    assert found.rows() == [(day, "A", -3.0, 10.0, -30.0) for day in DAYS[1:3]]


def test_ten_tenths_sold_at_once_leave_nothing() -> None:
    """As floats the tenths come to 0.9999999999999999."""
    bars = [(day, "A", 10.0) for day in DAYS]
    fills = [(day, "A", 0.1) for day in DAYS[:10]] + [(DAYS[10], "A", -1.0)]
    found = positions_of(fills_of(fills), bars_of(bars), 0.1)
    assert found["quantity"].to_list() == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]


def test_without_fills_there_are_columns_and_no_rows() -> None:
    found = positions_of(fills_of([]), bars_of([(DAYS[0], "A", 10.0)]), 1.0)
    assert found.shape == (0, 5)
    assert tuple(found.columns) == COLUMNS


def test_whole_quantities_may_be_integers() -> None:
    bars, fills = bars_of([(DAYS[0], "A", 10.0)]), fills_of([(DAYS[0], "A", 3.0)])
    whole = fills.with_columns(pl.col("quantity").cast(pl.Int64))
    assert positions_of(whole, bars, 1.0).equals(positions_of(fills, bars, 1.0))


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_timestamps_keep_their_type_and_tell_hours_apart_that_a_clock_shows_twice(unit: str) -> None:
    """New York put its clocks back on 2024-11-03: 01:30 came twice."""
    dtype = pl.Datetime(unit, "America/New_York")  # type: ignore[arg-type]
    utc = pl.Series([datetime(2024, 11, 3, hour, 30) for hour in (4, 5, 6, 7)])
    times = utc.cast(pl.Datetime(unit)).dt.replace_time_zone("UTC").dt.convert_time_zone("America/New_York")  # type: ignore[arg-type]
    bars = pl.DataFrame({"timestamp": times, "symbol": ["A"] * 4, "close": [1.0, 2.0, 3.0, 4.0]})
    fills = bars.select("timestamp", "symbol", quantity=pl.Series([0.0, 7.0, -7.0, 0.0])).slice(1, 2)
    found = positions_of(fills, bars, 1.0)
    assert found.schema["timestamp"] == dtype
    assert found["timestamp"].to_physical().to_list() == [times.to_physical()[1]]


def test_a_fill_without_a_bar_is_refused() -> None:
    bars = bars_of([(DAYS[0], "A", 10.0), (DAYS[1], "B", 10.0)])
    with pytest.raises(InputError, match="a fill of 'A' at 2024-01-02, where it has no bar"):
        positions_of(fills_of([(DAYS[1], "A", 1.0)]), bars, 1.0)


def test_its_inputs_are_left_as_they_are() -> None:
    bars, fills = bars_of([(DAYS[0], "A", 10.0)]), fills_of([(DAYS[0], "A", 1.0)])
    before = bars.clone(), fills.clone()
    positions_of(fills, bars, 1.0)
    assert bars.equals(before[0])
    assert fills.equals(before[1])
