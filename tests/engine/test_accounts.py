"""What an account allows and owes: cash, margin, shorts, fees, ruin, target weights, gates, and its settings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from engine import Bar, Bars, Context, InputError, MinPrice, Settings, Strategy, TimeExit, load
from engine.gates import Gate
from engine.generate import weekdays
from tests.engine.scripted import (
    FLAT,
    Row,
    cancelled,
    fills,
    flat,
    last,
    market,
    note,
    order,
    play,
    rebalance,
    rejected,
    trades,
)


def settings(cash: float = 10_000.0, **others: Any) -> Settings:
    return Settings(cash=cash, **others)


SHORT, TWICE = settings(short=True), settings(short=True, leverage=2.0)
YEAR, DAY = 31_536_000.0, 86_400.0

# Cash.


def test_in_a_cash_account_the_commission_has_to_be_there_too() -> None:
    exact = play([FLAT, FLAT], {0: order(99)}, settings(commission_fixed=100.0))
    assert last(exact)["cash"] == 0.0
    assert rejected(play([FLAT, FLAT], {0: order(99)}, settings(commission_fixed=100.00000000001))) == [
        (1, 1, "not enough cash")
    ]


def test_the_cash_counts_when_an_orders_turn_comes() -> None:
    bars = market(A=[FLAT] * 3, B=[FLAT] * 3)
    sold_first = play(bars, {0: order(100), 1: [order(-50), order(50, "B")]})
    assert rejected(sold_first) == []
    bought_first = play(bars, {0: order(100), 1: [order(50, "B"), order(-50)]})
    assert rejected(bought_first) == [(2, 2, "not enough cash")]


def test_an_order_that_is_rejected_changes_nothing() -> None:
    result = play([FLAT] * 4, {0: order(10), 1: [order(1_000), order(-11)]})
    assert result.equity["cash"].to_list() == [10_000.0, 9_000.0, 9_000.0, 9_000.0]
    assert len(result.trades) == 0


# Margin.


def test_with_margin_the_exposure_may_be_the_leverage_times_the_equity_and_no_more() -> None:
    for sign in (1, -1):
        assert rejected(play([FLAT, FLAT], {0: order(sign * 200)}, TWICE)) == []
        assert rejected(play([FLAT, FLAT], {0: order(sign * 201)}, TWICE)) == [(1, 1, "not enough margin")]


def test_without_leverage_a_short_may_be_worth_the_equity() -> None:
    assert last(play([FLAT, FLAT], {0: order(-100)}, SHORT))["equity"] == 10_000.0
    assert rejected(play([FLAT, FLAT], {0: order(-101)}, SHORT)) == [(1, 1, "not enough margin")]


def test_leverage_alone_allows_no_shorts() -> None:
    assert rejected(play([FLAT, FLAT], {0: order(-1)}, settings(leverage=2.0))) == [(1, 1, "more than is held")]
    assert last(play([FLAT, FLAT], {0: order(150)}, settings(leverage=2.0)))["cash"] == -5_000.0


def test_longs_and_shorts_add_up_to_the_exposure() -> None:
    bars = market(A=[FLAT, FLAT], B=[FLAT, FLAT], C=[FLAT, FLAT])
    result = play(bars, {0: [order(100), order(-100, "B"), order(1, "C")]}, TWICE)
    assert rejected(result) == [(1, 3, "not enough margin")]
    assert last(result) == {
        "timestamp": date(2010, 1, 5),
        "cash": 10_000.0,
        "value": 0.0,
        "equity": 10_000.0,
        "positions": 2,
        "borrow_fees": 0.0,
    }


def test_the_exposure_is_held_against_the_equity_after_the_costs() -> None:
    assert rejected(play([FLAT, FLAT], {0: order(200)}, settings(leverage=2.0, commission_fixed=0.01))) == [
        (1, 1, "not enough margin")
    ]
    assert rejected(play([FLAT, FLAT], {0: order(199)}, settings(leverage=2.0, commission_fixed=50.0))) == []
    assert len(play([FLAT, FLAT], {0: order(199)}, settings(leverage=2.0, commission_fixed=50.01)).rejections) == 1


def test_what_else_is_held_counts_at_its_last_close() -> None:
    """100 A at 100, then at 110: an equity of 11,000, and room for 11,000 more in B."""
    for quantity, rejections in ((110, []), (111, [(2, 2, "not enough margin")])):
        bars = market(A=[FLAT, (100.0, 110.0, 100.0, 110.0), None], B=[FLAT] * 3)
        assert rejected(play(bars, {0: order(100), 1: order(quantity, "B")}, TWICE)) == rejections


def test_a_position_above_its_margin_is_kept_and_may_only_become_smaller() -> None:
    bars = [FLAT, FLAT, flat(70.0), flat(70.0), flat(70.0)]
    result = play(bars, {0: order(200), 2: [order(1), order(-50)], 3: order(-150)}, TWICE)
    assert rejected(result) == [(3, 2, "not enough margin")]
    assert fills(result)[1:] == [(3, -50.0, 70.0), (4, -150.0, 70.0)]
    assert last(result)["equity"] == 4_000.0


# Shorts.


def test_a_short_gains_where_the_price_falls() -> None:
    result = play([FLAT, FLAT, flat(90.0), flat(80.0)], {0: order(-10), 2: order(10)}, SHORT)
    assert result.equity["cash"].to_list() == [10_000.0, 11_000.0, 11_000.0, 10_200.0]
    assert result.equity["value"].to_list() == [0.0, -1_000.0, -900.0, 0.0]
    assert trades(result, "quantity", "entry_price", "exit_price", "pnl") == [(3, -10.0, 100.0, 80.0, 200.0)]


def test_a_short_is_covered_in_parts_and_added_to() -> None:
    result = play([FLAT, FLAT, flat(110.0), flat(90.0)], {0: order(-10), 1: order(-10), 2: order(15)}, SHORT)
    assert trades(result, "quantity", "entry_price", "pnl") == [(3, -15.0, 105.0, (90.0 - 105.0) * -15)]
    assert result.positions["quantity"].to_list() == [-10.0, -20.0, -5.0]


def test_an_order_through_zero_is_one_fill_that_closes_one_position_and_opens_another() -> None:
    """The exit's costs are split by shares: 10 of 25 close the long, 15 open the short."""
    costs = settings(short=True, commission_fixed=25.0, slippage_fixed=0.5)
    result = play([FLAT] * 4, {0: order(10), 1: order(-25), 2: order(15)}, costs)
    assert fills(result) == [(1, 10.0, 100.5), (2, -25.0, 99.5), (3, 15.0, 100.5)]
    names = ("quantity", "entry_timestamp", "entry_price", "exit_price", "commission", "slippage", "pnl")
    assert trades(result, *names) == [
        (2, 10.0, date(2010, 1, 5), 100.5, 99.5, 35.0, 10.0, -45.0),
        (3, -15.0, date(2010, 1, 6), 99.5, 100.5, 40.0, 15.0, -55.0),
    ]
    assert last(result)["equity"] == 10_000.0 - 45.0 - 55.0


def test_a_short_turns_into_a_long_in_one_fill_too() -> None:
    result = play([FLAT, FLAT, flat(90.0), flat(95.0)], {0: order(-10), 1: order(30)}, SHORT)
    assert trades(result, "quantity", "pnl") == [(2, -10.0, 100.0)]
    assert last(result)["value"] == 20 * 95.0


def test_an_order_through_zero_that_the_margin_does_not_cover_is_rejected_whole() -> None:
    result = play([FLAT] * 3, {0: order(10), 1: order(-111)}, SHORT)
    assert rejected(result) == [(2, 2, "not enough margin")]
    assert result.positions["quantity"].to_list() == [10.0, 10.0]
    assert rejected(play([FLAT] * 3, {0: order(10), 1: order(-110)}, SHORT)) == []


# The fee for what is borrowed.


def test_a_short_pays_for_the_days_since_the_last_bar_a_weekend_is_three() -> None:
    closes = [100.0, 101.0, 102.0, 103.0, 104.0, 105.0, 106.0]  # Monday to Friday, Monday, Tuesday
    result = play(
        [flat(close) for close in closes], {2: order(-10), 5: order(10)}, settings(short=True, borrow_rate=0.1)
    )
    friday = 10 * 103.0 * (0.1 * (DAY / YEAR))
    monday = 10 * 104.0 * (0.1 * (3 * DAY / YEAR))
    tuesday = 10 * 105.0 * (0.1 * (DAY / YEAR))
    fees = [0.0, 0.0, 0.0, 0.0, friday, friday + monday, friday + monday + tuesday]
    assert result.equity["borrow_fees"].to_list() == fees
    assert last(result)["cash"] == 10_000.0 + 1_030.0 - friday - monday - tuesday - 1_060.0
    assert result.trades["pnl"].to_list() == [-30.0]  # the fee is the account's, not the trade's


@pytest.mark.parametrize(
    ("days", "hours"),
    [((9, 10, 11), 23), ((10, 11, 12), 24)],  # in New York, 2024-03-10 has 23 hours
)
def test_the_fee_is_for_the_time_that_has_passed_also_where_clocks_change(days: tuple[int, ...], hours: int) -> None:
    zone = ZoneInfo("America/New_York")
    times = [datetime(2024, 3, day, tzinfo=zone) for day in days]
    result = play(market(times, A=[FLAT] * 3), {0: order(-10)}, settings(short=True, borrow_rate=0.1))
    assert last(result)["borrow_fees"] == 1_000.0 * (0.1 * (hours * 3_600.0 / YEAR))


def test_what_is_opened_and_closed_between_two_closes_pays_nothing_and_longs_never_do() -> None:
    account = settings(short=True, leverage=4.0, borrow_rate=0.1)
    result = play([FLAT, (100.0, 101.0, 99.0, 100.0), FLAT], {0: order(-10, take_profit=99.0)}, account)
    assert [step for step, *_ in fills(result)] == [1, 1]
    assert last(result)["borrow_fees"] == 0.0
    assert last(play([FLAT] * 3, {0: order(300)}, account))["borrow_fees"] == 0.0


def test_all_shorts_pay_at_their_last_closes_whatever_the_leverage() -> None:
    bars = market(A=[FLAT, (100.0, 120.0, 100.0, 120.0), None, None], B=[flat(50.0)] * 4)
    result = play(bars, {0: [order(-100), order(-20, "B")]}, settings(short=True, leverage=3.0, borrow_rate=0.5))
    a_day = (12_000.0 + 1_000.0) * (0.5 * (DAY / YEAR))
    assert result.equity["borrow_fees"].to_list() == [0.0, 0.0, a_day, a_day + a_day]


# The minimum notional.


def test_what_opens_or_adds_has_to_be_worth_the_minimum_notional_and_an_exit_has_not() -> None:
    least = settings(minimum_notional=500.0, short=True)
    result = play([FLAT] * 6, {0: order(5), 1: order(-4), 2: order(4), 3: order(-5), 4: order(-1)}, least)
    assert rejected(result) == [(3, 3, "below the minimum notional"), (5, 5, "below the minimum notional")]
    assert fills(result) == [(1, 5.0, 100.0), (2, -4.0, 100.0), (4, -5.0, 100.0)]


def test_each_part_that_fills_has_to_be_worth_the_minimum_notional_by_itself() -> None:
    result = play([FLAT] * 4, {0: order(12)}, settings(minimum_notional=1_000.0, volume_limit=0.01))
    assert fills(result) == [(1, 10.0, 100.0)]
    assert rejected(result) == [(2, 1, "below the minimum notional")]


# Ruin.


def test_a_ruined_account_fills_no_order_of_any_kind_and_its_last_row_stands() -> None:
    account = settings(short=True, ruin=9_500.0, borrow_rate=0.1)
    doings = [order(-10), order(10, stop=160.0), order(1, limit=90.0, stop_loss=50.0)]
    bars = [FLAT, FLAT, flat(155.0), flat(200.0), flat(50.0)]
    result = play(bars, {0: doings, 2: order(5)}, account, rules=(TimeExit(2),))
    assert fills(result) == [(1, -10.0, 100.0)]
    assert cancelled(result) == rejected(result) == []
    rows = result.equity.drop("timestamp").rows()
    assert rows[2] == rows[3] == rows[4]
    assert rows[2][2] == 11_000.0 - 1_000.0 * (0.1 * (DAY / YEAR)) - 1_550.0


def test_an_account_with_an_equity_of_its_ruin_lives_and_one_below_zero_never_does() -> None:
    lives = play([FLAT, FLAT, flat(95.0), flat(100.0)], {0: order(100), 2: order(-100)}, settings(ruin=9_500.0))
    assert len(lives.fills) == 2
    bars = [FLAT, FLAT, flat(49.0), flat(100.0)]
    dies = play(bars, {0: order(200), 2: order(-200)}, TWICE)
    assert len(dies.fills) == 1
    assert dies.equity["equity"].to_list() == [10_000.0, 10_000.0, -200.0, -200.0]


# Target weights.


def submitted(result: Any) -> list[tuple[str, float]]:
    return result.orders.select("symbol", "quantity").rows()


def test_target_weights_are_fractions_of_the_equity_at_the_closes() -> None:
    bars = market(A=[FLAT, FLAT], B=[flat(30.0)] * 2)
    result = play(bars, {0: rebalance(A=0.5, B=0.2)})
    assert submitted(result) == [("A", 50.0), ("B", 66.0)]  # 66.67 is cut off
    assert result.orders["reason"].to_list() == ["rebalance", "rebalance"]


def test_what_is_sold_comes_first_each_in_symbol_order_and_what_is_not_named_goes() -> None:
    bars = market(**{name: [FLAT] * 3 for name in "ABCDE"})
    result = play(bars, {0: rebalance(B=0.5, D=0.2, E=0.3), 1: rebalance(A=0.3, B=0.2, C=0.2, D=0.3)})
    assert submitted(result)[3:] == [("B", -30.0), ("E", -30.0), ("A", 30.0), ("C", 20.0), ("D", 10.0)]
    assert rejected(result) == []


def test_a_weight_that_is_met_takes_no_order_and_none_sells_all() -> None:
    result = play([FLAT] * 3, {0: rebalance(A=0.5), 1: rebalance(A=0.5), 2: rebalance()})
    assert submitted(result) == [("A", 50.0), ("A", -50.0)]


def test_market_orders_that_wait_count_as_filled() -> None:
    bars = market(A=[FLAT, None, None, FLAT], B=[FLAT] * 4)
    plan = {0: rebalance(A=0.5), 1: rebalance(A=0.5), 2: rebalance(A=0.3)}
    assert submitted(play(bars, plan)) == [("A", 50.0), ("A", -20.0)]


def test_a_buy_that_waits_for_what_is_not_named_any_more_is_undone() -> None:
    bars = market(A=[FLAT, None, FLAT], B=[FLAT] * 3)
    result = play(bars, {0: rebalance(A=0.5), 1: rebalance(B=0.5)})
    assert set(result.positions["symbol"]) == {"B"}


def test_a_symbol_without_a_bar_yet_is_left_out() -> None:
    bars = market(A=[None, FLAT, FLAT], B=[FLAT] * 3)
    assert submitted(play(bars, {0: rebalance(A=0.5, B=0.5)})) == [("B", 50.0)]


@pytest.mark.parametrize("weights", [{"TYPO": 0.5}, {"A": float("nan")}])
def test_weights_that_make_no_sense_are_refused(weights: dict[str, float]) -> None:
    with pytest.raises(InputError):
        play([FLAT, FLAT], {0: rebalance(**weights)})


def test_weights_come_to_fractions_of_lots_cut_toward_zero_and_shorts_where_they_are_allowed() -> None:
    tenths = settings(lot=0.1, short=True)
    result = play([flat(70.0)] * 3, {0: rebalance(A=0.5), 1: rebalance(A=-0.5)}, tenths)
    assert submitted(result) == [("A", 71.4), ("A", -142.8)]  # 71.43 of each
    assert result.positions["quantity"].to_list() == [71.4, -71.4]


def test_a_change_of_lots_is_the_number_as_it_is_typed() -> None:
    """0.3 held and 0.1 wanted: the difference is 0.19999999999999998, and two lots."""
    tenths = settings(1_000.0, lot=0.1)
    result = play([FLAT] * 3, {0: rebalance(A=0.03), 1: rebalance(A=0.01)}, tenths)
    assert submitted(result) == [("A", 0.3), ("A", -0.2)]
    assert result.positions["quantity"].to_list() == [0.3, 0.1]


# What a strategy is called with.


class Both(Strategy):
    """Writes down what it is called with, in one way or the other."""

    def __init__(self, seen: list[Any]) -> None:
        self.seen = seen

    def __deepcopy__(self, memo: object) -> Both:
        return self


class BarByBar(Both):
    """By `on_bar`."""

    def on_bar(self, context: Context, bar: Bar) -> None:
        self.seen.append((context.timestamp, bar.symbol, bar.close, context.close("A"), context.close("B")))


class AllAtOnce(Both):
    """By `on_bars`."""

    def on_bars(self, context: Context, bars: Bars) -> None:
        b = bars.get("B")
        self.seen.append((bars.timestamp, len(bars), [bar.symbol for bar in bars], b.close if b else None))
        assert context.bars is bars


def test_a_strategy_is_called_for_each_bar_in_symbol_order_or_once_a_timestamp() -> None:
    bars = market(B=[flat(50.0), None, flat(52.0)], A=[None, flat(101.0), flat(102.0)])
    one, two, three = weekdays(3)
    by_bar: list[Any] = []
    load(bars, build=()).run(BarByBar(by_bar))
    assert repr(by_bar[0]) == repr((one, "B", 50.0, float("nan"), 50.0))
    assert by_bar[1:] == [
        (two, "A", 101.0, 101.0, 50.0),
        (three, "A", 102.0, 102.0, 52.0),
        (three, "B", 52.0, 102.0, 52.0),
    ]
    at_once: list[Any] = []
    load(bars, build=()).run(AllAtOnce(at_once))
    assert at_once == [(one, 1, ["B"], 50.0), (two, 1, ["A"], None), (three, 2, ["A", "B"], 52.0)]


def test_the_context_shows_the_account_as_it_is() -> None:
    seen: list[Any] = []

    def look(context: Context) -> Any:
        position = context.get_position("B")
        held = None if position is None else (position.quantity, position.entry_price, position.entry_timestamp)
        return context.cash, context.equity, context.held(), held

    bars = market(A=[FLAT] * 3, B=[FLAT, (100.0, 110.0, 100.0, 110.0), flat(120.0)])
    play(bars, {0: [order(5, "B"), order(1)], 1: note(seen, look), 2: note(seen, look)}, seen=seen)
    assert seen == [
        (9_400.0, 9_400.0 + 100.0 + 550.0, ["A", "B"], (5.0, 100.0, date(2010, 1, 5))),
        (9_400.0, 9_400.0 + 100.0 + 600.0, ["A", "B"], (5.0, 100.0, date(2010, 1, 5))),
    ]


# Gates, which look at what opens or adds.

DEAR: Sequence[Gate] = (MinPrice(100.0),)
CHEAP = flat(99.0)


def test_outside_its_gates_nothing_is_opened_or_added_to_long_or_short() -> None:
    bars = [FLAT, FLAT, CHEAP, CHEAP, CHEAP, CHEAP]
    for sign in (1, -1):
        plan = {0: order(sign * 10), 2: order(sign * 5), 3: order(sign * -10), 4: order(sign * 1)}
        result = play(bars, plan, SHORT, gates=DEAR)
        assert rejected(result) == [(2, 2, "outside its gates"), (4, 4, "outside its gates")]
        assert [quantity for _, quantity, _ in fills(result)] == [sign * 10.0, sign * -10.0]


def test_the_legs_of_a_bracket_and_rules_ask_no_gates() -> None:
    bars = [FLAT, FLAT, CHEAP, (99.0, 99.0, 90.0, 90.0)]
    for sign, leg in ((1, {"stop_loss": 95.0}), (-1, {"take_profit": 95.0})):
        assert fills(play(bars, {0: order(sign * 10, **leg)}, SHORT, gates=DEAR))[1:] == [(3, sign * -10.0, 95.0)]
    assert fills(play(bars, {0: order(10)}, rules=(TimeExit(1),), gates=DEAR))[1:] == [(2, -10.0, 99.0)]


def test_a_resting_order_asked_its_gates_when_it_was_submitted() -> None:
    result = play([FLAT, CHEAP, flat(95.0)], {0: order(10, limit=95.0)}, gates=DEAR)
    assert fills(result) == [(2, 10.0, 95.0)]


def test_a_strategy_behind_gates_is_shown_what_passes_and_what_is_held_and_all_in_its_context() -> None:
    class Shown(Both):
        gates = tuple(DEAR)

        def on_bars(self, context: Context, bars: Bars) -> None:
            self.seen.append(("".join(bar.symbol for bar in bars), len(context.bars), bars.get("B") is None))
            if len(self.seen) == 1:
                context.submit_order("A", 1)

    seen: list[Any] = []
    bars = market(A=[FLAT, CHEAP, CHEAP], B=[CHEAP, CHEAP, CHEAP], C=[CHEAP, FLAT, CHEAP])
    load(bars, build=()).run(Shown(seen))
    assert seen == [("A", 3, True), ("AC", 3, True), ("A", 3, True)]


def test_what_turns_a_position_around_outside_its_gates_is_rejected() -> None:
    result = play([FLAT, FLAT, CHEAP, CHEAP], {0: order(10), 2: order(-20)}, SHORT, gates=DEAR)
    assert rejected(result) == [(2, 2, "outside its gates")]


def test_an_order_outside_its_gates_is_recorded_as_what_it_was() -> None:
    result = play([CHEAP], {0: order(10, limit=95.0, day=True)}, gates=DEAR)
    assert result.orders.select("kind", "limit", "day").rows() == [("limit", 95.0, True)]


# Settings.


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"cash": -1.0}, "cash of -1.0"),
        ({"cash": float("inf")}, "cash of inf"),
        ({"commission": float("nan")}, "commission of nan"),
        ({"commission_minimum": -0.01}, "commission_minimum of -0.01"),
        ({"slippage": -0.01}, "slippage of -0.01"),
        ({"volume_impact": float("inf")}, "volume_impact of inf"),
        ({"volume_limit": 0.0}, "volume_limit of 0.0"),
        ({"volume_limit": float("nan")}, "volume_limit of nan"),
        ({"fill_at": "open"}, "fill_at of 'open'"),
        ({"leverage": 0.99}, "leverage of 0.99"),
        ({"borrow_rate": -0.01}, "borrow_rate of -0.01"),
        ({"lot": 0.0}, "a lot of 0.0"),
        ({"lot": 0.3}, "a lot of 0.3"),
        ({"tick": 1.5}, "a tick of 1.5"),
        ({"minimum_notional": -1.0}, "minimum_notional of -1.0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(given: dict[str, Any], match: str) -> None:
    with pytest.raises(InputError, match=match):
        Settings(**given)


def test_the_settings_default_to_a_free_cash_account_of_whole_shares() -> None:
    plain = Settings()
    assert (plain.cash, plain.commission, plain.slippage, plain.leverage, plain.short) == (1e6, 0.0, 0.0, 1.0, False)
    assert (plain.lot, plain.tick, plain.ticks, plain.fill_at) == (1.0, 0.0, None, "next_open")


def test_the_records_have_the_columns_that_are_agreed() -> None:
    bars: list[Row] = [FLAT] * 3
    result = play(bars, {0: order(10), 1: order(-10)})
    ended = "order_id timestamp symbol quantity reason"
    columns = {
        "rejections": ended,
        "cancellations": ended,
        "fills": "order_id timestamp symbol quantity price commission slippage",
        "trades": "timestamp symbol entry_timestamp quantity entry_price exit_price commission slippage pnl mfe mae "
        "bars reason",
        "orders": "order_id timestamp symbol quantity kind limit stop trail day parent reason",
        "equity": "timestamp cash value equity positions borrow_fees",
    }
    assert {name: " ".join(table.columns) for name, table in result.account().items()} == columns
