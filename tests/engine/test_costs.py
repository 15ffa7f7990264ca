"""What a fill costs, to the last bit, how its price comes onto a tick, and how much of a bar's volume it may take."""

from __future__ import annotations

from typing import Any

import pytest

from engine import Settings, StopLoss
from tests.engine.scripted import FLAT, Row, cancelled, fills, flat, last, market, order, play, rejected, trades

OPEN_102: Row = (102.0, 105.0, 101.0, 104.0)


def settings(**costs: Any) -> Settings:
    return Settings(cash=10_000.0, **costs)


# Commission.


@pytest.mark.parametrize(
    ("costs", "commission"),
    [
        ({}, 0.0),
        ({"commission": 0.001}, 102.0 * 30 * 0.001),
        ({"commission_per_share": 0.005}, 30 * 0.005),
        ({"commission_fixed": 1.5}, 1.5),
        (
            {"commission": 0.001, "commission_per_share": 0.005, "commission_fixed": 1.5},
            102.0 * 30 * 0.001 + 30 * 0.005 + 1.5,
        ),
        ({"commission_minimum": 2.0}, 2.0),
        ({"commission": 0.001, "commission_minimum": 3.0600000000000005}, 3.0600000000000005),  # one ulp more
        ({"commission": 0.001, "commission_minimum": 3.05}, 3.06),
    ],
)
def test_a_commission_is_its_parts_added_up_and_at_least_its_minimum(
    costs: dict[str, float], commission: float
) -> None:
    result = play([FLAT, OPEN_102, OPEN_102], {0: order(30), 1: order(-30)}, settings(**costs))
    assert result.fills["commission"].to_list() == [commission, commission]
    assert last(result)["cash"] == 10_000.0 - (102.0 * 30 + commission) - (102.0 * -30 + commission)
    assert result.trades["pnl"].to_list() == [0.0 - (commission + commission)]


def test_every_part_of_an_order_pays_the_minimum_and_the_fixed_commission() -> None:
    costs = settings(commission_fixed=1.0, commission_minimum=3.0, commission_per_share=0.25, volume_limit=0.01)
    result = play([FLAT] * 4, {0: order(14)}, costs)
    assert result.fills["commission"].to_list() == [10 * 0.25 + 1.0, 3.0]


# Slippage.


@pytest.mark.parametrize(
    ("costs", "bought", "sold"),
    [
        ({}, 102.0, 102.0),
        ({"slippage": 0.0005}, 102.0 * (1.0 + 0.0005), 102.0 * (1.0 - 0.0005)),
        ({"slippage_fixed": 0.01}, 102.0 + 0.01, 102.0 - 0.01),
        ({"slippage": 0.0005, "slippage_fixed": 0.01}, 102.0 * (1.0 + 0.0005) + 0.01, 102.0 * (1.0 - 0.0005) - 0.01),
        ({"volume_impact": 0.1}, 102.0 * (1.0 + 0.1 * 0.03 * 0.03), 102.0 * (1.0 - 0.1 * 0.03 * 0.03)),
        (
            {"slippage": 0.0005, "slippage_fixed": 0.01, "volume_impact": 0.1},
            102.0 * (1.0 + (0.0005 + 0.1 * 0.03 * 0.03)) + 0.01,
            102.0 * (1.0 - (0.0005 + 0.1 * 0.03 * 0.03)) - 0.01,
        ),
    ],
)
def test_slippage_is_against_the_trader_and_recorded_in_money(
    costs: dict[str, float], bought: float, sold: float
) -> None:
    result = play([FLAT, OPEN_102, OPEN_102], {0: order(30), 1: order(-30)}, settings(**costs))
    assert result.fills["price"].to_list() == [bought, sold]
    assert result.fills["slippage"].to_list() == [(bought - 102.0) * 30, (102.0 - sold) * 30]
    assert result.trades["slippage"].to_list() == [(bought - 102.0) * 30 + (102.0 - sold) * 30]
    assert result.trades["pnl"].to_list() == [(sold - bought) * 30]


@pytest.mark.parametrize(
    ("terms", "price"),
    [
        ({}, 99.0 * 0.99),
        ({"stop": 95.0}, 95.0 * 0.99),
        ({"trail": 0.04}, 100.0 * (1.0 - 0.04) * 0.99),
        ({"limit": 101.0}, 101.0),
        ({"limit": 90.0}, 99.0),  # the open, and no worse
        ({"stop": 95.0, "limit": 92.0}, 95.0),
    ],
)
def test_all_orders_but_those_with_a_limit_pay_slippage(terms: dict[str, float], price: float) -> None:
    bar = (99.0, 102.0, 94.0, 96.0)
    result = play([FLAT, FLAT, bar], {0: order(10, limit=100.0), 1: order(-10, **terms)}, settings(slippage=0.01))
    assert fills(result)[1:] == [(2, -10.0, price)]


def test_the_exit_of_a_rule_and_a_fill_at_the_close_pay_slippage_too() -> None:
    costs = settings(slippage=0.01, fill_at="this_close")
    result = play([FLAT, (100.0, 100.0, 90.0, 90.0)], {0: order(10)}, costs, rules=(StopLoss(0.05),))
    assert fills(result) == [(0, 10.0, 100.0 * 1.01), (1, -10.0, 100.0 * 1.01 * (1.0 - 0.05) * 0.99)]


def test_the_impact_is_that_of_the_part_that_fills() -> None:
    result = play([FLAT] * 3, {0: order(14)}, settings(volume_impact=10.0, volume_limit=0.01))
    assert fills(result) == [
        (1, 10.0, 100.0 * (1.0 + 10.0 * 0.01 * 0.01)),
        (2, 4.0, 100.0 * (1.0 + 10.0 * 0.004 * 0.004)),
    ]


def test_a_sale_brings_nothing_at_worst() -> None:
    penny: Row = (0.01, 0.01, 0.01, 0.01)
    result = play([penny] * 3, {0: order(10, limit=0.01), 1: order(-10)}, settings(slippage_fixed=0.02))
    assert fills(result) == [(1, 10.0, 0.01), (2, -10.0, 0.0)]
    assert result.fills["slippage"].to_list() == [0.0, 0.1]
    short = play([penny] * 2, {0: order(-10)}, settings(slippage_fixed=0.02, short=True))
    assert rejected(short) == [(1, 1, "worth nothing after its costs")]


# Ticks.


@pytest.mark.parametrize(
    ("open_", "bought", "sold"),
    [
        (100.003, 100.01, 100.0),
        (100.0, 100.0, 100.0),
        (0.29, 0.29, 0.29),  # 0.29 * 100 is 28.999999999999996
        (0.57, 0.57, 0.57),  # 0.57 * 100 is 56.99999999999999
        (100.00000000001, 100.0, 100.0),  # within a billionth of a tick
    ],
)
def test_a_price_comes_onto_a_tick_against_the_trader(open_: float, bought: float, sold: float) -> None:
    result = play([FLAT, flat(open_), flat(open_)], {0: order(10), 1: order(-10)}, settings(tick=0.01))
    assert result.fills["price"].to_list() == [bought, sold]


def test_slippage_comes_before_the_tick_which_is_part_of_it() -> None:
    result = play([FLAT, flat(100.0), flat(100.0)], {0: order(10), 1: order(-10)}, settings(tick=0.25, slippage=0.0001))
    assert result.fills["price"].to_list() == [100.25, 99.75]
    assert result.fills["slippage"].to_list() == [2.5, 2.5]


def test_a_limit_comes_onto_the_tick_that_is_no_worse_and_a_stop_onto_the_nearest() -> None:
    doings = [
        order(1, limit=95.004),
        order(-1, limit=105.006),
        order(1, stop=105.004),
        order(1, stop=105.006),
        order(-1, stop=95.006),
        order(1, limit=105.009, stop=105.001),
    ]
    orders = play([FLAT], {0: doings}, settings(tick=0.01)).orders
    assert orders["limit"].fill_nan(None).to_list() == [95.0, 105.01, None, None, None, 105.0]
    assert orders["stop"].fill_nan(None).to_list() == [None, None, 105.0, 105.01, 95.01, 105.0]


def test_the_legs_of_a_bracket_and_the_level_of_a_trailing_stop_are_on_ticks() -> None:
    bars = [FLAT, FLAT, (99.0, 99.0, 96.669, 97.0), (97.0, 97.0, 96.67, 97.0)]
    result = play(bars, {0: order(10, take_profit=110.004), 1: order(-10, trail=0.03333)}, settings(tick=0.01))
    assert result.orders["limit"][1] == 110.01
    assert fills(result)[1:] == [(2, -10.0, 96.67)]  # 96.667, but for the tick


def test_a_limit_is_kept_where_the_better_open_lies_between_ticks() -> None:
    result = play([FLAT, flat(94.996)], {0: order(10, limit=95.0)}, settings(tick=0.01))
    assert fills(result) == [(1, 10.0, 95.0)]
    result = play([FLAT, FLAT, flat(105.004)], {0: order(10), 1: order(-10, limit=105.0)}, settings(tick=0.01))
    assert fills(result)[1:] == [(2, -10.0, 105.0)]


# Volume.

TENTH = settings(volume_limit=0.01)  # 10 of the 1000 shares that a bar has, unless it says otherwise


def test_an_order_fills_in_parts_over_as_many_bars_as_the_volume_takes() -> None:
    bars = [FLAT, flat(100.0), flat(101.0, 400.0), flat(102.0, 0.0), flat(103.0), flat(104.0)]
    result = play(bars, {0: order(25)}, TENTH)
    assert fills(result) == [(1, 10.0, 100.0), (2, 4.0, 101.0), (4, 10.0, 103.0), (5, 1.0, 104.0)]
    assert result.fills["order_id"].to_list() == [1, 1, 1, 1]


def test_the_orders_of_a_bar_share_its_volume_in_their_order_buys_and_sales_alike() -> None:
    result = play([FLAT] * 4, {0: [order(6), order(6)], 1: [order(-5), order(3)]}, TENTH)
    rows = result.fills.select("order_id", "quantity").rows()
    assert rows == [(1, 6.0), (2, 4.0), (2, 2.0), (3, -5.0), (4, 3.0)]
    assert [step for step, *_ in fills(result)] == [1, 1, 2, 2, 2]


def test_queued_and_resting_orders_share_the_volume_and_symbols_do_not() -> None:
    bars = market(A=[FLAT, FLAT, FLAT], B=[FLAT, FLAT, FLAT])
    result = play(bars, {0: [order(8, limit=100.0), order(7), order(9, "B")]}, TENTH)
    assert result.fills.select("order_id", "quantity").rows() == [(2, 7.0), (3, 9.0), (1, 3.0), (1, 5.0)]


def test_what_the_volume_allows_is_cut_to_whole_lots() -> None:
    bars = [FLAT, flat(100.0, 199.0), flat(100.0, 99.0), flat(100.0, 350.0)]
    assert [part for _, part, _ in fills(play(bars, {0: order(5)}, TENTH))] == [1.0, 3.0]
    tenths = settings(volume_limit=0.01, lot=0.1)
    assert [part for _, part, _ in fills(play(bars, {0: order(5)}, tenths))] == [1.9, 0.9, 2.2]


def test_a_bar_without_volume_fills_nothing_only_where_the_volume_counts() -> None:
    bars = [FLAT, flat(100.0, 0.0), flat(101.0)]
    assert fills(play(bars, {0: order(5)}, settings())) == [(1, 5.0, 100.0)]
    assert fills(play(bars, {0: order(5)}, TENTH)) == [(2, 5.0, 101.0)]


def test_a_bar_without_volume_fills_nothing_where_there_is_an_impact_and_no_limit() -> None:
    result = play([FLAT, flat(100.0, 0.0), flat(101.0)], {0: order(10)}, settings(volume_impact=10.0))
    assert fills(result) == [(2, 10.0, 101.0 * (1.0 + 10.0 * 0.01 * 0.01))]


def test_an_order_that_is_rejected_takes_no_volume() -> None:
    result = play([FLAT] * 3, {0: [order(1_000), order(50)]}, settings(volume_limit=0.101))
    assert rejected(result) == [(1, 1, "not enough cash")]
    assert fills(result) == [(1, 50.0, 100.0)]


def test_an_order_that_is_rejected_halfway_keeps_what_has_filled() -> None:
    result = play([FLAT] * 4, {0: order(101)}, settings(volume_limit=0.06))
    assert fills(result) == [(1, 60.0, 100.0)]
    assert result.rejections.select("quantity", "reason").rows() == [(41.0, "not enough cash")]


def test_a_rule_sells_what_the_volume_allows_and_looks_again_at_the_next_bar() -> None:
    low: Row = (99.0, 99.0, 94.0, 96.0, 400.0)
    result = play([FLAT, FLAT, low, flat(98.0), flat(90.0)], {0: order(10)}, TENTH, rules=(StopLoss(0.05),))
    assert trades(result) == [(2, 4.0, 95.0, "stop_loss"), (4, 6.0, 90.0, "stop_loss")]
    assert cancelled(result) == [(2, 2, -6.0, "the bar's volume is used up")]
    assert result.orders["quantity"].to_list() == [10.0, -10.0, -6.0]


def test_a_leg_waits_where_a_rule_has_taken_the_volume() -> None:
    low: Row = (99.0, 99.0, 94.0, 96.0, 400.0)
    plan = {0: order(10, stop_loss=97.0)}
    result = play([FLAT, FLAT, low, flat(98.0)], plan, TENTH, rules=(StopLoss(0.05),))
    assert trades(result) == [(2, 4.0, 95.0, "stop_loss"), (3, 6.0, 98.0, "stop_loss")]
    assert cancelled(result)[1:] == [(3, 2, -4.0, "position closed")]
