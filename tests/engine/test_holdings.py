"""Positions and trades: averages, whose costs are whose, and what a trade has seen."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from engine import Settings, StopLoss, TakeProfit
from tests.engine.scripted import FLAT, Row, change, fills, flat, last, market, order, play, trades

SHORT = Settings(cash=10_000.0, short=True)
TUESDAY, WEDNESDAY = date(2010, 1, 5), date(2010, 1, 6)


# Averages and costs.


@pytest.mark.parametrize("sign", [1, -1])
def test_an_addition_averages_the_entry_price_and_keeps_the_entry_time(sign: int) -> None:
    bars = [FLAT, FLAT, flat(110.0), flat(104.0)]
    result = play(bars, {0: order(sign * 20), 1: order(sign * 10), 2: order(sign * -30)}, SHORT)
    average = (100.0 * 20 + 110.0 * 10) / 30
    assert trades(result, "entry_timestamp", "quantity", "entry_price", "pnl") == [
        (3, TUESDAY, sign * 30.0, average, (104.0 - average) * (sign * 30)),
    ]


@pytest.mark.parametrize("sign", [1, -1])
def test_an_exit_in_parts_takes_its_part_of_the_entrys_costs_with_it(sign: int) -> None:
    costs = Settings(cash=10_000.0, short=True, commission_fixed=8.0, slippage_fixed=0.5)
    plan = {0: order(sign * 10), 1: order(sign * -5), 2: order(sign * -2), 3: order(sign * -3)}
    result = play([FLAT] * 5, plan, costs)
    assert trades(result, "quantity", "commission", "slippage") == [
        (2, sign * 5.0, 4.0 + 8.0, 2.5 + 2.5),
        (3, sign * 2.0, 4.0 * (2 / 5) + 8.0, 2.5 * (2 / 5) + 1.0),
        (4, sign * 3.0, (4.0 - 4.0 * (2 / 5)) + 8.0, (2.5 - 2.5 * (2 / 5)) + 1.5),
    ]
    assert result.trades["entry_price"].n_unique() == 1


def test_the_costs_of_an_addition_join_those_of_the_entry() -> None:
    costs = Settings(cash=10_000.0, commission_fixed=1.0, slippage_fixed=0.5)
    result = play([FLAT] * 4, {0: order(10), 1: order(30), 2: order(-40)}, costs)
    assert trades(result, "commission", "slippage") == [(3, 3.0, 5.0 + 15.0 + 20.0)]


def test_the_profits_of_all_trades_are_what_the_cash_gained() -> None:
    costs = Settings(cash=10_000.0, short=True, commission=0.25, slippage=0.125)
    bars = [flat(price) for price in (64.0, 64.0, 128.0, 32.0, 64.0, 16.0)]
    result = play(bars, {0: order(8), 1: order(-12), 2: order(-4), 3: order(16), 4: order(-8)}, costs)
    pnl = result.trades["pnl"].to_list()
    assert len(pnl) == 3
    assert last(result)["equity"] == 10_000.0 + (pnl[0] + pnl[1] + pnl[2])
    assert result.trades["commission"].sum() == result.fills["commission"].sum()
    assert result.trades["slippage"].sum() == result.fills["slippage"].sum()


def test_fractional_lots_close_to_nothing() -> None:
    """0.1 and 0.2 bought, 0.3 sold: with floats alone 5.6e-17 shares would stay."""
    result = play([FLAT] * 4, {0: order(0.1), 1: order(0.2), 2: order(-0.3)}, Settings(cash=100.0, lot=0.1))
    assert result.positions["quantity"].to_list() == [0.1, 0.3]
    assert last(result)["positions"] == 0
    assert trades(result, "quantity") == [(3, 0.3)]


# What a trade has seen.

ENTRY: Row = (100.0, 110.0, 95.0, 105.0)
BETWEEN: Row = (105.0, 120.0, 90.0, 110.0)
EXIT: Row = (108.0, 200.0, 50.0, 115.0)
AFTER: Row = (116.0, 300.0, 10.0, 100.0)
DAYS = [FLAT, ENTRY, BETWEEN, EXIT, AFTER]
AT_CLOSE = Settings(cash=10_000.0, short=True, fill_at="this_close")


def seen(sign: int, plan: dict[int, Any], settings: Settings = SHORT, **others: Any) -> list[tuple[Any, ...]]:
    """Return (step, bars, best price, worst price) of the trades, the prices from the excursions."""
    rows = trades(play(DAYS, plan, settings, **others), "bars", "entry_price", "mfe", "mae")
    for *_, mfe, mae in rows:
        assert mfe >= 0.0 >= mae
        assert repr(mfe) != "-0.0" != repr(mae)
    return [
        (step, bars, round(entry * (1 + sign * mfe), 9), round(entry * (1 + sign * mae), 9))
        for step, bars, entry, mfe, mae in rows
    ]


def mirrored(sign: int, high: float, low: float) -> tuple[float, float]:
    """Return the best and the worst price of a long, or of a short."""
    return (high, low) if sign > 0 else (low, high)


@pytest.mark.parametrize("sign", [1, -1])
def test_from_open_to_open_the_bars_before_that_of_the_exit_count_and_its_price(sign: int) -> None:
    assert seen(sign, {0: order(sign * 10), 2: order(-sign * 10)}) == [(3, 2, *mirrored(sign, 120.0, 90.0))]
    assert seen(sign, {0: order(sign * 10), 1: order(-sign * 10)}) == [(2, 1, *mirrored(sign, 110.0, 95.0))]


@pytest.mark.parametrize("sign", [1, -1])
def test_the_price_of_the_exit_counts_where_it_is_beyond_all_before(sign: int) -> None:
    terms = {"limit": 190.0} if sign > 0 else {"stop": 190.0}
    best = seen(sign, {0: order(sign * 10), 2: order(-sign * 10, **terms)})
    assert best == [(3, 2, *mirrored(sign, 190.0, 90.0))]


@pytest.mark.parametrize("sign", [1, -1])
def test_an_exit_on_the_bar_of_its_entry_has_seen_the_two_prices_alone(sign: int) -> None:
    rule = StopLoss(0.04) if sign > 0 else TakeProfit(0.04)
    assert seen(sign, {0: order(sign * 10)}, rules=(rule,)) == [(1, 0, *mirrored(sign, 100.0, 96.0))]


@pytest.mark.parametrize("sign", [1, -1])
def test_an_entry_within_a_bar_counts_that_bar_whole(sign: int) -> None:
    """What came before the entry can't be told from what came after."""
    terms = {"limit": 98.0} if sign > 0 else {"stop": 98.0}
    assert seen(sign, {0: order(sign * 10, **terms), 1: order(-sign * 10)}) == [(2, 1, *mirrored(sign, 110.0, 95.0))]


@pytest.mark.parametrize("sign", [1, -1])
def test_an_entry_at_a_close_has_not_seen_its_bar(sign: int) -> None:
    rules = (TakeProfit(0.1),) if sign > 0 else (StopLoss(0.1),)  # 115.5, on the bar after
    assert seen(sign, {1: order(sign * 10)}, AT_CLOSE, rules=rules) == [(2, 1, *mirrored(sign, 115.5, 105.0))]


@pytest.mark.parametrize("sign", [1, -1])
def test_an_exit_at_a_close_has_seen_its_bar_which_is_complete(sign: int) -> None:
    assert seen(sign, {1: order(sign * 10), 2: order(-sign * 10)}, AT_CLOSE) == [(2, 1, *mirrored(sign, 120.0, 90.0))]
    assert seen(sign, {1: [order(sign * 10), order(-sign * 10)]}, AT_CLOSE) == [(1, 0, 105.0, 105.0)]


@pytest.mark.parametrize("sign", [1, -1])
def test_an_exit_in_parts_tells_of_each_part_what_it_has_seen(sign: int) -> None:
    plan = {0: order(sign * 10), 1: order(-sign * 4), 3: order(-sign * 6)}
    assert seen(sign, plan) == [(2, 1, *mirrored(sign, 110.0, 95.0)), (4, 3, *mirrored(sign, 200.0, 50.0))]


@pytest.mark.parametrize("sign", [1, -1])
def test_what_turns_around_starts_afresh(sign: int) -> None:
    plan = {0: order(sign * 10), 1: order(-sign * 20), 2: order(sign * 10)}
    first, second = seen(sign, plan)[:1], seen(-sign, plan)[1:]
    assert first == [(2, 1, *mirrored(sign, 110.0, 95.0))]
    assert second == [(3, 1, *mirrored(-sign, 120.0, 90.0))]


def test_a_trade_counts_the_bars_of_its_symbol() -> None:
    bars = market(A=[FLAT, FLAT, None, None, FLAT, FLAT], B=[FLAT] * 6)
    assert trades(play(bars, {0: order(10), 4: order(-10)}), "bars", "mfe", "mae") == [(5, 2, 0.0, 0.0)]


def test_an_excursion_is_of_the_entry_price_with_its_slippage() -> None:
    costs = Settings(cash=10_000.0, slippage=0.01)
    result = play([FLAT, FLAT, FLAT], {0: order(10), 1: order(-10)}, costs)
    assert trades(result, "mfe", "mae") == [(2, 0.0, 99.0 / 101.0 - 1.0)]


# The tables.


def test_a_trade_has_the_reason_of_the_order_that_closed_it() -> None:
    plan = {0: order(10, reason="in"), 1: order(-5, reason="half"), 2: order(-5, limit=100.0, reason="rest")}
    assert [reason for *_, reason in trades(play([FLAT] * 4, plan))] == ["half", "rest"]


def test_positions_are_held_after_each_timestamp_at_their_last_closes() -> None:
    bars = market(B=[FLAT, FLAT, flat(90.0), None], A=[FLAT, FLAT, FLAT, flat(50.0)])
    result = play(bars, {0: [order(1, "B"), order(-2)], 2: order(2)}, SHORT)
    assert result.positions.rows() == [
        (TUESDAY, "A", -2.0, 100.0, -200.0),
        (TUESDAY, "B", 1.0, 100.0, 100.0),
        (WEDNESDAY, "A", -2.0, 100.0, -200.0),
        (WEDNESDAY, "B", 1.0, 90.0, 90.0),
        (date(2010, 1, 7), "B", 1.0, 90.0, 90.0),
    ]
    assert result.equity["value"].to_list() == [0.0, -100.0, -110.0, 90.0]
    assert result.equity["positions"].to_list() == [0, 2, 2, 1]


def test_the_equity_is_its_cash_and_its_value_to_the_last_bit() -> None:
    costs = Settings(cash=1_000.1, short=True, lot=0.1, commission=0.001)
    bars = market(A=[flat(0.1), flat(0.3), flat(0.7)], B=[flat(0.2), flat(0.6), flat(1.1)])
    result = play(bars, {0: [order(3.3), order(-7.7, "B")], 1: order(1.1)}, costs)
    row = last(result)
    assert row["value"] == 0.0 + 4.4 * 0.7 + -7.7 * 1.1
    assert row["equity"] == row["cash"] + row["value"]
    cash = 1_000.1
    for quantity, price in ((3.3, 0.3), (-7.7, 0.6), (1.1, 0.7)):
        cash -= price * quantity + price * abs(quantity) * 0.001
    assert row["cash"] == cash


def test_what_filled_and_what_ended_is_all_that_was_ordered() -> None:
    account = Settings(cash=10_000.0, volume_limit=0.004)
    result = play([FLAT] * 4, {0: order(10, limit=100.0), 1: change(1, limit=99.0)}, account)
    assert fills(result) == [(1, 4.0, 100.0)]
    assert result.cancellations.select("order_id", "quantity").rows() == [(1, 6.0)]


def test_what_filled_and_what_ended_is_all_that_was_ordered_of_a_leg_too() -> None:
    account = Settings(cash=10_000.0, volume_limit=0.01)
    bars = [FLAT, FLAT, (110.0, 110.0, 109.0, 110.0, 400.0), flat(90.0)]
    result = play(bars, {0: order(10, take_profit=110.0, stop_loss=95.0)}, account)
    of_stop = [table.filter(order_id=3)["quantity"].sum() for table in (result.fills, result.cancellations)]
    assert sum(of_stop) == -10.0
