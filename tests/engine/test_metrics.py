"""The metrics are what their formulas say, to the last bit, and plain numbers where a formula has no answer."""

from __future__ import annotations

import dataclasses
import math
import struct
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from decimal import Context, Decimal
from itertools import pairwise
from types import SimpleNamespace
from typing import cast
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from engine.errors import InputError
from engine.metrics import Metrics, metrics_of
from engine.model import Result, Settings
from engine.trials import Trial, TrialRow, sweep_table

CASH = 1_000.0
FIGURES = [field.name for field in dataclasses.fields(Metrics)]
Fills = Sequence[tuple[float, float, float]]


def result_of(
    equity: Sequence[float],
    times: Sequence[date] | pl.Series | None = None,
    fills: Fills = (),
    pnl: Sequence[float] = (),
) -> Result:
    """Return the tables that metrics read: rows of equity, a day apart unless told; fills are price, quantity, paid."""
    times = [date(2024, 1, 1) + timedelta(days=day) for day in range(len(equity))] if times is None else times
    names = ("price", "quantity", "commission")
    tables = SimpleNamespace(
        equity=pl.DataFrame({"timestamp": times, "equity": equity}, schema_overrides={"equity": pl.Float64}),
        fills=pl.DataFrame(list(fills), schema=dict.fromkeys(names, pl.Float64), orient="row"),
        trades=pl.DataFrame({"pnl": list(pnl)}, schema={"pnl": pl.Float64}),
    )
    return cast(Result, tables)


def metrics(
    equity: Sequence[float],
    times: Sequence[date] | pl.Series | None = None,
    fills: Fills = (),
    pnl: Sequence[float] = (),
    periods: float | None = None,
) -> Metrics:
    return metrics_of(result_of(equity, times, fills, pnl), Settings(cash=CASH), periods)


def bits(figures: Metrics) -> list[object]:
    values = dataclasses.astuple(figures)
    return [struct.pack("<d", value) if isinstance(value, float) else value for value in values]


def total(values: Sequence[float]) -> float:
    """Add from the first to the last."""
    added = 0.0
    for value in values:
        added += value
    return added


def naive(equity: Sequence[float], years: float, fills: Fills, pnl: Sequence[float]) -> Metrics:
    """Return the metrics by their formulas, in plain Python."""
    n = len(equity) - 1
    volatility = sharpe = sortino = cagr = turnover = 0.0
    if n and all(value > 0.0 for value in equity[:-1]):
        returns = [after / before - 1.0 for before, after in pairwise(equity)]
        mean = total(returns) / n
        deviation = math.sqrt(total([(one - mean) * (one - mean) for one in returns]) / (n - 1)) if n > 1 else 0.0
        downside = math.sqrt(total([min(one, 0.0) * min(one, 0.0) for one in returns]) / n)
        a_year = math.sqrt(n / years)
        volatility = deviation * a_year
        sharpe = mean / deviation * a_year if deviation else 0.0
        sortino = mean / downside * a_year if downside else math.inf if mean > 0.0 else 0.0
    elif n:
        volatility = sharpe = sortino = math.nan
    growth = equity[-1] / CASH
    if not growth > 0.0:
        cagr = -1.0
    elif n:
        context = Context(prec=28, traps=[])
        power = context.exp(context.divide(context.ln(Decimal(growth)), Decimal(years)))
        cagr = float(context.subtract(power, Decimal(1)))
    high, fall = CASH, 0.0
    for value in equity:
        high = max(high, value)
        fall = max(fall, (high - value) / high)
    average = total(equity) / len(equity)
    if not average > 0.0:
        turnover = math.nan
    elif n:
        turnover = total([price * abs(quantity) for price, quantity, _ in fills]) / average / years
    gains, losses = total([one for one in pnl if one > 0.0]), total([-one for one in pnl if one < 0.0])
    return Metrics(
        final_equity=equity[-1],
        total_return=growth - 1.0,
        cagr=cagr,
        volatility=volatility,
        sharpe=sharpe,
        sortino=sortino,
        max_drawdown=fall,
        trades=len(pnl),
        win_rate=len([one for one in pnl if one > 0.0]) / len(pnl) if pnl else 0.0,
        profit_factor=gains / losses if losses else math.inf if gains > 0.0 else 0.0,
        turnover=turnover,
        commission=total([paid for _, _, paid in fills]),
    )


MONEY = st.floats(0.0, 1e6)
WORTH = st.one_of(st.floats(100.0, 1e5), st.floats(-1e5, 1e5), st.just(0.0), st.just(1_000.0))
FILLS = st.lists(st.tuples(MONEY, st.floats(-1e4, 1e4), MONEY), max_size=30)


@examples(max_examples=300, deadline=None, derandomize=True)
@given(
    st.one_of(st.lists(st.floats(100.0, 1e5), min_size=1, max_size=60), st.lists(WORTH, min_size=1, max_size=60)),
    FILLS,
    st.lists(st.floats(-1e5, 1e5), max_size=40),
)
def test_the_bits_are_those_of_the_formulas_in_plain_python(
    equity: list[float], fills: list[tuple[float, float, float]], pnl: list[float]
) -> None:
    years = (len(equity) - 1) / 365.25
    assert bits(metrics(equity, fills=fills, pnl=pnl)) == bits(naive(equity, years, fills, pnl))


def test_the_figures_of_a_small_account_are_those_by_hand() -> None:
    """Returns of +0.25, -0.25 and +0.25 in three of four periods a year: the mean is 1/12."""
    equity = [1_000.0, 1_250.0, 937.5, 1_171.875]
    found = metrics(equity, fills=[(10.0, 20.0, 1.5), (12.5, -20.0, 2.0)], pnl=[30.0, -20.0, 0.0, 10.0], periods=4.0)
    assert found.final_equity == 1_171.875
    assert found.total_return == 0.171875
    assert found.cagr == pytest.approx(1.171875 ** (4 / 3) - 1.0, rel=1e-14)
    assert found.volatility == pytest.approx(math.sqrt(1 / 12) * 2.0)  # squares 1/36, 1/9, 1/36, over 2
    assert found.sharpe == pytest.approx(1 / 12 / math.sqrt(1 / 12) * 2.0)
    assert found.sortino == pytest.approx(1 / 12 / math.sqrt(0.0625 / 3) * 2.0)
    assert found.max_drawdown == 0.25
    assert (found.trades, found.win_rate, found.profit_factor) == (4, 0.5, 2.0)
    assert found.turnover == pytest.approx(450.0 / 1_089.84375 / 0.75)
    assert found.commission == 3.5


def test_cagr_is_the_total_return_a_year() -> None:
    times = [date(2020, 1, 1), date(2023, 12, 31), date(2023, 12, 31) + timedelta(days=1)]
    assert metrics([CASH, CASH, 2_000.0], times).cagr == pytest.approx(2.0 ** (1 / 4) - 1.0, rel=1e-14)


def test_a_fall_from_the_cash_at_the_start_is_a_drawdown() -> None:
    assert metrics([900.0, 950.0]).max_drawdown == 0.1


def test_the_periods_are_those_of_the_data() -> None:
    """Days and minutes of one length of time have the same growth a year, and the square root of their number."""
    equity = [CASH, 1_010.0, 1_000.0, 1_020.0]
    start = datetime(2024, 1, 1)
    daily = metrics(equity, [start + timedelta(days=place) for place in range(4)])
    minutes = metrics(equity, [start + timedelta(minutes=place) for place in range(4)])
    assert daily == metrics(equity)
    assert daily.sharpe == metrics(equity, periods=365.25).sharpe
    assert minutes.sharpe == metrics(equity, periods=365.25 * 1_440.0).sharpe
    assert minutes.volatility == pytest.approx(daily.volatility * math.sqrt(1_440.0))


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_the_unit_of_the_timestamps_does_not_matter(unit: str) -> None:
    equity = [CASH, 1_010.0, 1_005.0]
    times = pl.Series([date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 3)])
    assert metrics(equity, times.cast(pl.Datetime(unit))) == metrics(equity, times)  # type: ignore[arg-type]


def test_the_time_between_rows_is_the_true_one_where_the_clocks_change() -> None:
    """New York put its clocks forward on 2024-03-10: between noons of the days around it are 47 hours."""
    equity = [CASH, 1_100.0, 1_050.0]
    noons = [datetime(2024, 3, day, 12, tzinfo=ZoneInfo("America/New_York")) for day in (9, 10, 11)]
    zoned = pl.Series(noons, dtype=pl.Datetime("us", "America/New_York"))
    assert bits(metrics(equity, zoned)) == bits(metrics(equity, zoned.dt.convert_time_zone("UTC")))
    assert metrics(equity, zoned).sharpe == metrics(equity, periods=2 / (47.0 / 24.0 / 365.25)).sharpe
    assert metrics(equity, zoned.dt.replace_time_zone(None)).sharpe == metrics(equity, periods=365.25).sharpe


def test_the_periods_that_a_caller_names_count() -> None:
    equity = [CASH, 1_010.0, 1_005.0]
    weekend = [date(2024, 1, 5), date(2024, 1, 8), date(2024, 1, 9)]
    assert metrics(equity, weekend, periods=252.0) == metrics(equity, periods=252.0)
    assert metrics(equity, weekend) != metrics(equity)


@pytest.mark.parametrize("periods", [0.0, -1.0, math.inf, math.nan])
def test_periods_that_are_not_above_zero_are_refused(periods: float) -> None:
    with pytest.raises(InputError, match="periods a year"):
        metrics([CASH, CASH], periods=periods)


def test_one_row_has_no_time_to_grow_in() -> None:
    found = metrics([1_100.0], fills=[(10.0, 1.0, 0.0)])
    assert found.total_return == pytest.approx(0.1)
    assert (found.cagr, found.volatility, found.sharpe, found.sortino, found.turnover) == (0.0, 0.0, 0.0, 0.0, 0.0)


def test_a_single_return_has_no_deviation_but_a_downside() -> None:
    found = metrics([CASH, 900.0], periods=1.0)
    assert (found.volatility, found.sharpe) == (0.0, 0.0)
    assert found.sortino == pytest.approx(-1.0)


def test_an_account_that_does_nothing_is_all_zeros() -> None:
    found = metrics([CASH] * 5)
    assert dataclasses.astuple(found) == (CASH, *[0.0] * 6, 0, *[0.0] * 4)


@pytest.mark.parametrize(("pnl", "factor"), [([5.0, 3.0], math.inf), ([0.0], 0.0), ([], 0.0)])
def test_profits_without_a_loss_are_an_infinite_factor_and_nothing_is_none(pnl: list[float], factor: float) -> None:
    assert metrics([CASH], pnl=pnl).profit_factor == factor


@pytest.mark.parametrize("last", [0.0, -50.0])
def test_an_account_that_ends_with_nothing_has_lost_all_a_year(last: float) -> None:
    found = metrics([CASH, 500.0, last])
    assert found.cagr == -1.0
    assert found.max_drawdown == 1.0 - last / CASH
    assert math.isfinite(found.volatility)
    assert found.sharpe < 0.0


@pytest.mark.parametrize("low", [0.0, -50.0])
def test_a_return_on_nothing_is_not_defined(low: float) -> None:
    """Also where the account recovers, and where it stands still as a ruined one does."""
    for after in (low, 800.0):
        found = metrics([CASH, low, after])
        assert all(math.isnan(one) for one in (found.volatility, found.sharpe, found.sortino))


def test_an_equity_so_near_zero_that_returns_overflow_is_as_one_of_zero() -> None:
    assert math.isnan(metrics([CASH, 1e-300, 1e300, 1.0]).sharpe)


def test_turnover_over_less_than_nothing_is_not_defined() -> None:
    assert math.isnan(metrics([CASH, -1_500.0], fills=[(10.0, 1.0, 0.0)]).turnover)


def test_growth_that_no_number_holds_is_infinite_and_warns_of_nothing() -> None:
    seconds = [datetime(2024, 1, 1), datetime(2024, 1, 1, 0, 0, 1)]
    assert metrics([CASH, 2_000.0], seconds).cagr == math.inf
    assert metrics([CASH, 500.0], seconds).cagr == -1.0


def test_whole_quantities_may_be_integers() -> None:
    found = result_of([CASH, 1_010.0], fills=[(10.0, 3.0, 0.0), (11.0, -3.0, 0.0)])
    whole = cast(
        Result,
        SimpleNamespace(**vars(found) | {"fills": found.fills.with_columns(pl.col("quantity").cast(pl.Int64))}),
    )
    assert bits(metrics_of(whole, Settings(cash=CASH))) == bits(metrics_of(found, Settings(cash=CASH)))


def test_the_bits_do_not_depend_on_how_the_tables_lie_in_memory() -> None:
    equity = [CASH * (1.0 + 0.001 * (place % 7)) for place in range(100)]
    whole = result_of(equity)
    pieces = [whole.equity.slice(place, 10) for place in range(0, 100, 10)]
    parted = cast(Result, SimpleNamespace(**vars(whole) | {"equity": pl.concat(pieces, rechunk=False)}))
    assert bits(metrics_of(parted, Settings(cash=CASH))) == bits(metrics_of(whole, Settings(cash=CASH)))


@pytest.mark.parametrize("change", [lambda value: value, lambda value: -value])
def test_the_types_are_pythons_own(change: Callable[[float], float]) -> None:
    """They cross to other processes by their exact type."""
    found = metrics([CASH, 1_010.0, change(900.0), 950.0], fills=[(10.0, 1.0, 0.5)], pnl=[1.0, -2.0])
    for field in dataclasses.fields(Metrics):
        assert type(getattr(found, field.name)).__name__ == field.type


def test_a_sweep_has_a_column_for_each_with_its_type() -> None:
    rows = {0: TrialRow(metrics([CASH, 1_010.0]), "digest", None), 1: TrialRow(None, None, "Error")}
    table = sweep_table([Trial(SimpleNamespace, {"x": 1}), Trial(SimpleNamespace, {"x": 2})], rows)  # type: ignore[arg-type]
    assert table.columns == ["trial", "x", *FIGURES, "digest", "error"]
    assert [name for name in FIGURES if table.schema[name] == pl.Int64] == ["trades"]
    assert table.row(1)[2:-2] == (None,) * len(FIGURES)
