"""Orders of every kind: where each fills, when it ends, and what its fill brings with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import pytest

from engine import Context, InputError, Order, Settings, StopLoss, TimeExit
from tests.engine.scripted import (
    FLAT,
    Row,
    cancel,
    cancelled,
    change,
    fills,
    flat,
    market,
    note,
    order,
    play,
    rejected,
    trades,
)

SHORT = Settings(cash=10_000.0, short=True)
THIS_CLOSE, NEXT_CLOSE = (Settings(cash=10_000.0, fill_at=when) for when in ("this_close", "next_close"))
BELOW_105, ABOVE_95 = 104.99999999999999, 95.00000000000001  # one ulp
WIDE: Row = (100.0, 115.0, 90.0, 100.0)


def ten_held(bar_after: Sequence[Row], **terms: Any) -> list[tuple[Any, ...]]:
    """Return the fills of a sale of ten shares that are held, which looks at bars from step 2 on."""
    return fills(play([FLAT, FLAT, *bar_after], {0: order(10), 1: order(-10, **terms)}))[1:]


# Where the kinds fill.


@pytest.mark.parametrize(
    ("bar", "price"),
    [
        ((99.0, 100.0, 95.0, 98.0), 95.0),  # touched
        ((99.0, 100.0, 90.0, 98.0), 95.0),  # passed on the way
        ((95.0, 96.0, 94.0, 95.0), 95.0),  # opened at it
        ((93.0, 97.0, 90.0, 96.0), 93.0),  # gapped through: the better open
        ((99.0, 100.0, ABOVE_95, 98.0), None),
    ],
)
def test_a_limit_buy_fills_at_its_limit_or_at_a_better_open(bar: Row, price: float | None) -> None:
    assert fills(play([FLAT, bar], {0: order(10, limit=95.0)})) == ([] if price is None else [(1, 10.0, price)])


@pytest.mark.parametrize(
    ("bar", "price"),
    [
        ((101.0, 105.0, 100.0, 102.0), 105.0),
        ((101.0, 110.0, 100.0, 102.0), 105.0),
        ((105.0, 106.0, 104.0, 105.0), 105.0),
        ((107.0, 110.0, 103.0, 104.0), 107.0),
        ((101.0, BELOW_105, 100.0, 102.0), None),
    ],
)
def test_a_limit_sale_fills_at_its_limit_or_at_a_better_open(bar: Row, price: float | None) -> None:
    assert ten_held([bar], limit=105.0) == ([] if price is None else [(2, -10.0, price)])


@pytest.mark.parametrize(
    ("bar", "price"),
    [
        ((101.0, 105.0, 100.0, 102.0), 105.0),
        ((101.0, 110.0, 100.0, 102.0), 105.0),
        ((105.0, 106.0, 104.0, 105.0), 105.0),
        ((107.0, 110.0, 103.0, 104.0), 107.0),  # gapped through: the worse open
        ((101.0, BELOW_105, 100.0, 102.0), None),
    ],
)
def test_a_stop_buy_fills_at_its_level_or_at_a_worse_open(bar: Row, price: float | None) -> None:
    assert fills(play([FLAT, bar], {0: order(10, stop=105.0)})) == ([] if price is None else [(1, 10.0, price)])


@pytest.mark.parametrize(
    ("bar", "price"),
    [
        ((99.0, 100.0, 95.0, 98.0), 95.0),
        ((99.0, 100.0, 90.0, 98.0), 95.0),
        ((95.0, 96.0, 94.0, 95.0), 95.0),
        ((93.0, 97.0, 90.0, 96.0), 93.0),
        ((99.0, 100.0, ABOVE_95, 98.0), None),
    ],
)
def test_a_stop_sale_fills_at_its_level_or_at_a_worse_open(bar: Row, price: float | None) -> None:
    assert ten_held([bar], stop=95.0) == ([] if price is None else [(2, -10.0, price)])


@pytest.mark.parametrize(
    ("limit", "bars", "filled"),
    [
        (107.0, [(106.0, 108.0, 104.0, 105.0)], (1, 106.0)),  # opens beyond the stop and within the limit
        (107.0, [(101.0, 106.0, 100.0, 102.0)], (1, 105.0)),  # reaches the stop
        (107.0, [(110.0, 111.0, 106.0, 108.0)], (1, 107.0)),  # opens beyond both and comes back to the limit
        (107.0, [(110.0, 111.0, 108.0, 109.0), (109.0, 110.0, 104.0, 105.0)], (2, 107.0)),  # comes back a bar later
        (107.0, [(110.0, 111.0, 108.0, 109.0), flat(90.0)], (2, 90.0)),  # and is then a limit order
        (103.0, [(101.0, 106.0, 100.0, 102.0), flat(110.0)], None),  # the stop is beyond the limit: 100 came before
        (103.0, [(101.0, 106.0, 100.0, 102.0), (102.0, 104.0, 101.0, 103.0)], (2, 102.0)),  # and it waits a bar
        (107.0, [(101.0, BELOW_105, 100.0, 102.0), flat(104.0)], None),  # a limit alone buys nothing
    ],
)
def test_a_stop_limit_buy_is_a_limit_order_once_its_stop_is_reached(
    limit: float, bars: list[Row], filled: tuple[int, float] | None
) -> None:
    result = play([FLAT, *bars], {0: order(10, stop=105.0, limit=limit)})
    assert fills(result) == ([(filled[0], 10.0, filled[1])] if filled else [])


@pytest.mark.parametrize(
    ("limit", "bars", "filled"),
    [
        (93.0, [(94.0, 96.0, 92.0, 95.0)], (2, 94.0)),
        (93.0, [(99.0, 100.0, 94.0, 98.0)], (2, 95.0)),
        (93.0, [(90.0, 94.0, 89.0, 92.0)], (2, 93.0)),
        (93.0, [(90.0, 92.0, 89.0, 91.0), (91.0, 96.0, 90.0, 95.0)], (3, 93.0)),
        (93.0, [(90.0, 92.0, 89.0, 91.0), flat(110.0)], (3, 110.0)),
        (97.0, [(99.0, 100.0, 94.0, 98.0), flat(90.0)], None),
        (97.0, [(99.0, 100.0, 94.0, 98.0), (98.0, 99.0, 96.0, 97.0)], (3, 98.0)),
        (93.0, [(99.0, 100.0, ABOVE_95, 98.0), flat(96.0)], None),
    ],
)
def test_a_stop_limit_sale_is_a_limit_order_once_its_stop_is_reached(
    limit: float, bars: list[Row], filled: tuple[int, float] | None
) -> None:
    assert ten_held(bars, stop=95.0, limit=limit) == ([(filled[0], -10.0, filled[1])] if filled else [])


def test_a_trailing_stop_starts_at_the_close_on_which_it_was_submitted_not_at_the_high() -> None:
    spike = (100.0, 150.0, 100.0, 100.0)
    result = play([FLAT, spike, (99.0, 99.0, 90.0, 95.0)], {0: order(10), 1: order(-10, trail=0.1)})
    assert fills(result)[1:] == [(2, -10.0, 100.0 * (1.0 - 0.1))]


@pytest.mark.parametrize(
    ("bar", "price"),
    [
        ((190.0, 195.0, 170.0, 175.0), 180.0),  # 200 less a tenth
        ((160.0, 195.0, 150.0, 175.0), 160.0),
        ((190.0, 195.0, 180.00000000000003, 185.0), None),
    ],
)
def test_a_trailing_stop_sale_follows_the_highs_of_complete_bars_alone(bar: Row, price: float | None) -> None:
    rising = (100.0, 200.0, 100.0, 190.0)  # 100 is not below 200 less a tenth: its high counts once it is complete
    assert ten_held([rising, bar], trail=0.1) == ([] if price is None else [(3, -10.0, price)])


@pytest.mark.parametrize(
    ("bar", "price"),
    [((52.0, 60.0, 51.0, 57.0), 50.0 * 1.1), ((57.0, 58.0, 51.0, 57.0), 57.0), ((52.0, 55.0, 51.0, 54.0), None)],
)
def test_a_trailing_stop_buy_follows_the_lows_of_complete_bars_alone(bar: Row, price: float | None) -> None:
    falling = (100.0, 109.0, 50.0, 60.0)  # 109 is below 100 and a tenth, 55.000000000000007 is what comes next
    result = play([FLAT, falling, bar], {0: order(10, trail=0.1)})
    assert fills(result) == ([] if price is None else [(2, 10.0, price)])


def test_a_trailing_stop_of_a_symbol_without_a_bar_starts_at_its_first_complete_one() -> None:
    bars = market(A=[None, (100.0, 120.0, 50.0, 110.0), (109.0, 110.0, 100.0, 105.0)], B=[FLAT] * 3)
    assert fills(play(bars, {0: order(-10, trail=0.1)}, SHORT)) == [(2, -10.0, 108.0)]


def test_the_kind_of_an_order_is_that_of_its_prices_and_it_is_recorded_with_them() -> None:
    terms: list[dict[str, Any]] = [
        {},
        {"limit": 1.0},
        {"stop": 300.0, "day": True},
        {"stop": 300.0, "limit": 301.0},
        {"trail": 0.5, "reason": "mine"},
    ]
    orders = play([FLAT], {0: [order(1, **one) for one in terms]}).orders
    assert orders["kind"].to_list() == ["market", "limit", "stop", "stop_limit", "trailing_stop"]
    recorded = orders.select("limit", "stop", "trail", "day", "parent", "reason").fill_nan(None).rows()
    assert recorded == [
        (None, None, None, False, 0, "signal"),
        (1.0, None, None, False, 0, "signal"),
        (None, 300.0, None, True, 0, "signal"),
        (301.0, 300.0, None, False, 0, "signal"),
        (None, None, 0.5, False, 0, "mine"),
    ]


def test_what_the_open_reaches_comes_before_what_the_bar_reaches() -> None:
    bar = (102.0, 103.0, 94.0, 95.0)
    result = play([FLAT, FLAT, bar], {0: order(10), 1: [order(-10, stop=95.0), order(-10, limit=101.0)]})
    assert fills(result)[1:] == [(2, -10.0, 102.0)]


def test_stops_come_before_limits_and_each_in_the_order_of_submission() -> None:
    doings = [order(1, limit=96.0), order(2, limit=97.0), order(3, stop=106.0), order(4, stop=105.0)]
    result = play([FLAT, (100.0, 110.0, 90.0, 100.0)], {0: doings})
    assert fills(result) == [(1, 3.0, 106.0), (1, 4.0, 105.0), (1, 1.0, 96.0), (1, 2.0, 97.0)]


# How long they last.


def test_an_order_is_good_till_it_is_cancelled_also_through_a_halt() -> None:
    bars = market(A=[FLAT, FLAT, None, None, FLAT, flat(94.0)], B=[FLAT] * 6)
    result = play(bars, {0: order(10, limit=95.0), 1: order(1)})
    assert fills(result) == [(4, 1.0, 100.0), (5, 10.0, 94.0)]


def test_a_day_order_ends_with_the_bar_where_a_bar_is_a_day() -> None:
    result = play([FLAT, FLAT, flat(50.0)], {0: order(10, limit=95.0, day=True)})
    assert fills(result) == []
    assert cancelled(result) == [(1, 1, 10.0, "expired")]


def test_a_day_order_waits_through_a_halt_for_the_day_that_its_symbol_trades() -> None:
    bars = market(A=[FLAT, None, FLAT, flat(50.0)], B=[FLAT] * 4)
    assert cancelled(play(bars, {0: order(10, limit=95.0, day=True)})) == [(2, 1, 10.0, "expired")]


MINUTES = [datetime(2024, 3, 4, 10, 0), datetime(2024, 3, 4, 10, 1), datetime(2024, 3, 4, 15, 59)]
MINUTES += [datetime(2024, 3, 5, 10, 0), datetime(2024, 3, 5, 10, 1), datetime(2024, 3, 6, 10, 0)]


def test_a_day_order_on_minutes_ends_before_the_first_bar_of_the_next_day() -> None:
    bars = market(MINUTES, A=[FLAT, FLAT, FLAT, flat(50.0), FLAT, FLAT])
    result = play(bars, {0: order(10, limit=95.0, day=True)})
    assert fills(result) == []
    assert cancelled(result) == [(3, 1, 10.0, "expired")]


def test_a_day_order_of_the_last_minute_is_for_the_next_day() -> None:
    bars = market(MINUTES, A=[FLAT, FLAT, FLAT, FLAT, flat(95.0), flat(50.0)])
    assert fills(play(bars, {2: order(10, limit=95.0, day=True)})) == [(4, 10.0, 95.0)]


def test_of_a_day_order_that_has_filled_in_part_the_rest_expires() -> None:
    settings = Settings(cash=10_000.0, volume_limit=0.004)
    result = play([FLAT, FLAT, FLAT], {0: order(10, day=True)}, settings)
    assert fills(result) == [(1, 4.0, 100.0)]
    assert cancelled(result) == [(1, 1, 6.0, "expired")]


def test_an_order_can_be_cancelled_once_and_not_after_it_filled() -> None:
    told: list[bool] = []
    cancels = [note(told, cancel(order_id)) for order_id in (1, 2, 2, 99, 0)]
    result = play([FLAT, FLAT, flat(40.0)], {0: [order(1), order(1, limit=50.0)], 1: cancels}, seen=told)
    assert told == [False, True, False, False, False]
    assert fills(result) == [(1, 1.0, 100.0)]
    assert cancelled(result) == [(1, 2, 1.0, "cancelled")]


def test_an_order_that_is_cancelled_at_the_close_that_submitted_it_never_fills() -> None:
    for settings in (None, THIS_CLOSE, NEXT_CLOSE):
        result = play([FLAT, FLAT], {0: [order(1), cancel(1)]}, settings)
        assert fills(result) == []
        assert cancelled(result) == [(0, 1, 1.0, "cancelled")]


def test_what_is_left_of_a_partly_filled_order_is_cancelled_and_what_filled_stays() -> None:
    result = play([FLAT] * 4, {0: order(10), 1: cancel(1)}, Settings(cash=10_000.0, volume_limit=0.004))
    assert fills(result) == [(1, 4.0, 100.0)]
    assert cancelled(result) == [(1, 1, 6.0, "cancelled")]


def test_open_orders_are_what_is_left_in_the_order_of_submission() -> None:
    seen: list[list[tuple[int, float, str]]] = []

    def open_now(symbol: str | None = None) -> Any:
        return note(
            seen, lambda context: [(one.order_id, one.quantity, one.kind) for one in context.open_orders(symbol)]
        )

    bars = market(A=[FLAT] * 3, B=[FLAT] * 3)
    plan = {
        0: [order(1, "B", limit=50.0), order(10), order(2, limit=50.0)],
        1: [open_now(), open_now("A"), cancel(1), open_now()],
    }
    play(bars, plan, Settings(cash=10_000.0, volume_limit=0.004), seen=seen)
    assert seen[0] == [(1, 1.0, "limit"), (2, 6.0, "market"), (3, 2.0, "limit")]
    assert seen[1] == seen[2] == [(2, 6.0, "market"), (3, 2.0, "limit")]


# Replaced.


def test_a_replaced_order_is_a_new_one_in_the_place_of_what_was_left_of_the_old() -> None:
    result = play([FLAT, FLAT, flat(94.0)], {0: order(10, limit=90.0, reason="dip"), 1: change(1, limit=95.0)})
    assert cancelled(result) == [(1, 1, 10.0, "replaced")]
    assert result.orders.select("order_id", "quantity", "kind", "limit", "parent", "reason").rows() == [
        (1, 10.0, "limit", 90.0, 0, "dip"),
        (2, 10.0, "limit", 95.0, 0, "dip"),
    ]
    assert result.fills["order_id"].to_list() == [2]


def test_a_replacement_is_for_what_was_left_unless_it_names_a_quantity() -> None:
    settings = Settings(cash=10_000.0, volume_limit=0.004)
    bars = [FLAT, FLAT, (100.0, 100.0, 100.0, 100.0, 9_000.0)]
    assert fills(play(bars, {0: order(10), 1: change(1)}, settings)) == [(1, 4.0, 100.0), (2, 6.0, 100.0)]
    assert fills(play(bars, {0: order(10), 1: change(1, quantity=20)}, settings)) == [(1, 4.0, 100.0), (2, 20.0, 100.0)]


def test_a_replacement_can_add_a_price_which_makes_it_another_kind() -> None:
    bars = market(A=[FLAT, None, flat(94.0)], B=[FLAT] * 3)
    for terms, kind in (({"limit": 95.0}, "limit"), ({"stop": 93.0}, "stop"), ({"trail": 0.1}, "trailing_stop")):
        result = play(bars, {0: order(10), 1: change(1, **terms)})
        assert result.orders["kind"].to_list() == ["market", kind]
    result = play([FLAT, FLAT], {0: order(10, limit=95.0), 1: change(1, stop=105.0)})
    assert result.orders["kind"].to_list() == ["limit", "stop_limit"]


def test_a_replacement_keeps_the_bracket_the_day_and_the_rules() -> None:
    terms: dict[str, Any] = {"limit": 90.0, "take_profit": 120.0, "rules": (TimeExit(2),)}
    result = play([FLAT, FLAT, flat(94.0), flat(94.0), flat(96.0)], {0: order(10, **terms), 1: change(1, limit=95.0)})
    assert result.orders.select("order_id", "parent", "kind", "reason").rows()[2] == (3, 2, "limit", "take_profit")
    assert trades(result) == [(4, 10.0, 96.0, "time_exit")]
    result = play([FLAT] * 3, {0: [order(10, limit=90.0, day=True), change(1, limit=95.0)]})
    assert cancelled(result)[1:] == [(1, 2, 10.0, "expired")]


def test_a_replaced_trailing_stop_keeps_the_mark_that_it_has_come_to() -> None:
    bars = [FLAT, FLAT, (100.0, 200.0, 100.0, 190.0), flat(190.0), (190.0, 195.0, 150.0, 160.0)]
    result = play(bars, {0: order(10), 1: order(-10, trail=0.1), 3: change(2, trail=0.2)})
    assert fills(result)[1:] == [(4, -10.0, 200.0 * (1.0 - 0.2))]


def test_a_replaced_trailing_stop_has_seen_the_bar_on_which_it_was_replaced() -> None:
    bars = [FLAT, FLAT, (100.0, 200.0, 100.0, 190.0), (190.0, 195.0, 150.0, 160.0)]
    result = play(bars, {0: order(10), 1: order(-10, trail=0.1), 2: change(2, trail=0.2)})
    assert fills(result)[1:] == [(3, -10.0, 200.0 * (1.0 - 0.2))]


def test_a_replacement_for_the_next_close_does_not_fill_at_this_one() -> None:
    result = play([FLAT, flat(90.0), flat(80.0)], {0: order(1), 1: change(1, quantity=50)}, NEXT_CLOSE)
    assert fills(result) == [(2, 50.0, 80.0)]


def test_a_replaced_stop_that_was_triggered_stays_so() -> None:
    beyond: Row = (110.0, 111.0, 108.0, 109.0)
    result = play([FLAT, beyond, flat(104.0)], {0: order(10, stop=105.0, limit=103.0), 1: change(1, limit=104.0)})
    assert fills(result) == [(2, 10.0, 104.0)]
    some = Settings(cash=10_000.0, volume_limit=0.004)
    result = play([FLAT, beyond, flat(104.0)], {0: order(10, stop=105.0), 1: change(1, quantity=3)}, some)
    assert fills(result) == [(1, 4.0, 110.0), (2, 3.0, 104.0)]


def test_a_replaced_day_order_ends_with_the_day_of_the_old_one() -> None:
    bars = market(MINUTES, A=[FLAT, FLAT, FLAT, flat(90.0), FLAT, FLAT])
    result = play(bars, {0: order(10, limit=80.0, day=True), 2: change(1, limit=95.0)})
    assert fills(result) == []


def test_where_nothing_is_left_nothing_is_replaced() -> None:
    seen: list[Order | None] = []
    play([FLAT, FLAT], {0: order(1), 1: note(seen, change(1, limit=1.0))}, seen=seen)
    assert seen == [None]


@pytest.mark.parametrize("terms", [{"stop": 90.0}, {"limit": 90.0}, {"trail": 2.0}, {"quantity": 0}])
def test_a_replacement_that_is_refused_leaves_the_order_as_it_was(terms: dict[str, float]) -> None:
    def attempt(context: Context) -> None:
        with pytest.raises(InputError):
            context.replace_order(2, **terms)

    result = play([FLAT, FLAT, FLAT, flat(50.0)], {0: order(10), 1: order(-10, trail=0.1), 2: attempt})
    assert cancelled(result) == []
    assert len(result.orders) == 2
    assert fills(result)[1:] == [(3, -10.0, 50.0)]


@pytest.mark.parametrize(("order_id", "quantity"), [(2, 10), (4, 5)])
def test_a_replacement_that_changes_sides_is_refused(order_id: int, quantity: float) -> None:
    """Of an order, or of a leg, which would never fill."""
    plan = {
        0: order(10),
        1: [order(-10, limit=150.0), order(5, take_profit=150.0)],
        2: change(order_id, quantity=quantity),
    }
    with pytest.raises(InputError):
        play([FLAT] * 4, plan)


# Brackets.

BRACKET = {"take_profit": 110.0, "stop_loss": 95.0}


def test_a_bracket_is_two_orders_that_the_fill_submits() -> None:
    result = play([FLAT, FLAT], {0: order(10, **BRACKET)})
    rows = result.orders.select("order_id", "timestamp", "quantity", "kind", "limit", "stop", "parent", "reason")
    assert rows.fill_nan(None).rows()[1:] == [
        (2, date(2010, 1, 5), -10.0, "limit", 110.0, None, 1, "take_profit"),
        (3, date(2010, 1, 5), -10.0, "stop", None, 95.0, 1, "stop_loss"),
    ]


@pytest.mark.parametrize(
    ("bar", "filled", "left"),
    [
        (WIDE, 95.0, 2),  # reaches both: the stop counts
        ((100.0, 112.0, 96.0, 111.0), 110.0, 3),
        ((100.0, 109.0, 94.0, 95.0), 95.0, 2),
    ],
)
def test_the_legs_of_an_entry_at_the_open_look_at_the_same_bar(bar: Row, filled: float, left: int) -> None:
    result = play([FLAT, bar, WIDE], {0: order(10, **BRACKET)})
    assert fills(result) == [(1, 10.0, 100.0), (1, -10.0, filled)]
    assert cancelled(result) == [(1, left, -10.0, "other leg filled")]


@pytest.mark.parametrize(
    ("bar", "price"),
    [(WIDE, 95.0), (flat(80.0), 80.0), (flat(120.0), 120.0), ((120.0, 121.0, 80.0, 90.0), 120.0)],
)
def test_a_leg_that_the_open_has_gapped_through_fills_there(bar: Row, price: float) -> None:
    result = play([FLAT, FLAT, bar], {0: order(10, **BRACKET)})
    assert fills(result)[1:] == [(2, -10.0, price)]


@pytest.mark.parametrize(
    ("bar", "price"), [(WIDE, 105.0), (flat(120.0), 120.0), (flat(80.0), 80.0), ((99.0, 100.0, 90.0, 95.0), 90.0)]
)
def test_the_bracket_of_a_short_is_the_mirror(bar: Row, price: float) -> None:
    result = play([FLAT, FLAT, bar], {0: order(-10, take_profit=90.0, stop_loss=105.0)}, SHORT)
    assert fills(result) == [(1, -10.0, 100.0), (2, 10.0, price)]


def test_the_legs_of_an_entry_within_the_bar_look_at_the_next() -> None:
    entry, after = (100.0, 120.0, 80.0, 100.0), (100.0, 112.0, 96.0, 100.0)
    for terms, price in (({"limit": 97.0}, 97.0), ({"stop": 103.0}, 103.0), ({"limit": 100.0}, 100.0)):
        result = play([FLAT, entry, after], {0: order(10, **terms, **BRACKET)})
        assert fills(result) == [(1, 10.0, price), (2, -10.0, 110.0)]


def test_the_legs_of_an_entry_at_the_close_look_at_the_next_bar() -> None:
    assert fills(play([WIDE, (100.0, 112.0, 96.0, 100.0)], {0: order(10, **BRACKET)}, THIS_CLOSE)) == [
        (0, 10.0, 100.0),
        (1, -10.0, 110.0),
    ]


def test_one_leg_may_stand_alone() -> None:
    result = play([FLAT, FLAT, WIDE], {0: order(10, take_profit=110.0)})
    assert fills(result)[1:] == [(2, -10.0, 110.0)]
    assert cancelled(result) == []


TENTH = Settings(cash=10_000.0, volume_limit=0.01)  # 10 of the 1000 shares that a bar has


def test_a_leg_that_fills_in_part_shortens_the_other() -> None:
    seen: list[list[tuple[int, float]]] = []
    look = note(seen, lambda context: [(one.order_id, one.quantity) for one in context.open_orders()])
    bars = [FLAT, FLAT, (110.0, 111.0, 109.0, 110.0, 400.0), (96.0, 97.0, 94.0, 95.0)]
    result = play(bars, {0: order(10, **BRACKET), 2: look}, TENTH, seen=seen)
    assert seen == [[(2, -6.0), (3, -6.0)]]
    assert fills(result)[1:] == [(2, -4.0, 110.0), (3, -6.0, 95.0)]
    assert cancelled(result)[-1] == (3, 2, -6.0, "other leg filled")


def test_a_stop_leg_that_filled_in_part_is_a_market_order_for_the_rest() -> None:
    bars = [FLAT, FLAT, (96.0, 97.0, 94.0, 95.0, 400.0), (99.0, 100.0, 98.0, 99.0)]
    result = play(bars, {0: order(10, **BRACKET)}, TENTH)
    assert fills(result)[1:] == [(2, -4.0, 95.0), (3, -6.0, 99.0)]


def test_each_part_that_fills_of_an_order_brings_its_own_bracket() -> None:
    result = play(
        [FLAT, FLAT, flat(101.0), WIDE], {0: order(15, **BRACKET)}, Settings(cash=10_000.0, volume_limit=0.01)
    )
    assert result.orders.select("order_id", "quantity", "parent").rows() == [
        (1, 15.0, 0),
        (2, -10.0, 1),
        (3, -10.0, 1),
        (4, -5.0, 1),
        (5, -5.0, 1),
    ]


def test_a_parent_that_is_cancelled_leaves_the_legs_of_what_has_filled() -> None:
    result = play([FLAT, FLAT, WIDE], {0: order(15, **BRACKET), 1: cancel(1)}, TENTH)
    assert fills(result) == [(1, 10.0, 100.0), (2, -10.0, 95.0)]
    assert cancelled(result) == [(1, 1, 5.0, "cancelled"), (2, 2, -10.0, "other leg filled")]


def test_legs_end_with_a_position_that_was_closed_otherwise() -> None:
    ends = [(2, 2, -10.0, "position closed"), (2, 3, -10.0, "position closed")]
    assert cancelled(play([FLAT, FLAT, FLAT, WIDE], {0: order(10, **BRACKET), 1: order(-10)})) == ends
    by_rule = play([FLAT, FLAT, FLAT, WIDE], {0: order(10, **BRACKET)}, rules=(TimeExit(1),))
    assert cancelled(by_rule) == ends
    assert len(by_rule.fills) == 2


def test_legs_end_with_a_position_that_turned_around() -> None:
    result = play([FLAT, FLAT, FLAT, WIDE], {0: order(10, **BRACKET), 1: order(-20)}, SHORT)
    assert cancelled(result) == [(2, 2, -10.0, "position closed"), (2, 3, -10.0, "position closed")]
    assert len(result.fills) == 2


def test_a_leg_never_sells_more_than_is_held() -> None:
    for settings in (None, SHORT):
        result = play([FLAT, FLAT, FLAT, WIDE], {0: order(10, **BRACKET), 1: order(-4)}, settings)
        assert fills(result)[1:] == [(2, -4.0, 100.0), (3, -6.0, 95.0)]
        assert cancelled(result)[-2:] == [(3, 2, -4.0, "position closed"), (3, 3, -4.0, "position closed")]


def test_a_leg_that_is_cancelled_leaves_the_other_alone() -> None:
    result = play([FLAT, FLAT, WIDE], {0: order(10, **BRACKET), 1: cancel(3)})
    assert fills(result)[1:] == [(2, -10.0, 110.0)]
    assert cancelled(result) == [(1, 3, -10.0, "cancelled")]


def test_a_replaced_leg_is_still_a_leg() -> None:
    bars = [FLAT, FLAT, FLAT, (100.0, 112.0, 96.0, 100.0)]
    moved = play(bars, {0: order(10, **BRACKET), 1: change(3, stop=97.0)})
    assert fills(moved)[1:] == [(3, -10.0, 97.0)]
    assert cancelled(moved) == [(1, 3, -10.0, "replaced"), (3, 2, -10.0, "other leg filled")]
    assert moved.orders.select("parent", "reason").row(3) == (1, "stop_loss")
    closed = play(bars, {0: order(10, **BRACKET), 1: [change(3, stop=97.0), order(-10)]})
    assert cancelled(closed)[1:] == [(2, 2, -10.0, "position closed"), (2, 4, -10.0, "position closed")]


def test_a_leg_never_adds_to_the_position() -> None:
    bars = [FLAT, FLAT, (110.0, 111.0, 109.0, 110.0, 600.0), flat(90.0)]
    result = play(bars, {0: order(10, **BRACKET), 1: change(3, quantity=-4)}, TENTH)
    assert [quantity for _, quantity, _ in fills(result)][1:] == [-6.0]


def test_the_bracket_of_an_order_that_turns_a_position_around_is_for_what_it_opened() -> None:
    result = play([FLAT] * 3, {0: order(-5), 1: order(15, **BRACKET)}, SHORT)
    assert result.orders["quantity"].to_list()[2:] == [-10.0, -10.0]


def test_an_order_that_only_closes_brings_no_bracket() -> None:
    result = play([FLAT] * 4, {0: order(10), 1: order(-10, **BRACKET)})
    assert len(result.orders) == 2


def test_a_bracket_of_an_order_that_is_rejected_or_cancelled_is_never_submitted() -> None:
    result = play([FLAT] * 3, {0: [order(1_000, **BRACKET), order(1, limit=50.0, **BRACKET)], 1: cancel(2)})
    assert len(result.orders) == 2
    assert rejected(result) == [(1, 1, "not enough cash")]


# Two exits that meet.


def test_a_queued_exit_comes_before_a_rule_and_a_leg() -> None:
    bars = [FLAT, FLAT, (99.0, 99.0, 50.0, 60.0)]
    result = play(bars, {0: order(10, **BRACKET), 1: order(-10)}, rules=(StopLoss(0.02),))
    assert trades(result) == [(2, 10.0, 99.0, "signal")]
    assert rejected(result) == []


def test_a_rule_comes_before_a_leg_even_where_the_leg_stands_nearer() -> None:
    result = play([FLAT, FLAT, (99.0, 99.0, 50.0, 60.0)], {0: order(10, stop_loss=97.0)}, rules=(StopLoss(0.05),))
    assert trades(result) == [(2, 10.0, 95.0, "stop_loss")]
    assert cancelled(result) == [(2, 2, -10.0, "position closed")]


FALLING: Row = (99.0, 99.0, 50.0, 60.0)


def test_of_a_rule_and_a_resting_stop_the_second_finds_nothing_in_a_cash_account() -> None:
    result = play([FLAT, FLAT, FALLING], {0: order(10), 1: order(-10, stop=97.0)}, rules=(StopLoss(0.05),))
    assert trades(result) == [(2, 10.0, 95.0, "stop_loss")]
    assert rejected(result) == [(2, 2, "more than is held")]


def test_of_two_resting_stops_the_second_finds_nothing_in_a_cash_account() -> None:
    result = play([FLAT, FLAT, FALLING], {0: order(10), 1: [order(-10, stop=95.0), order(-10, stop=97.0)]})
    assert fills(result)[1:] == [(2, -10.0, 95.0)]  # in the order of submission, not of the levels
    assert rejected(result) == [(2, 3, "more than is held")]


def test_where_shorts_are_allowed_the_second_of_two_exits_opens_one() -> None:
    by_stops = play([FLAT, FLAT, FALLING], {0: order(10), 1: [order(-10, stop=95.0), order(-10, stop=97.0)]}, SHORT)
    assert fills(by_stops)[1:] == [(2, -10.0, 95.0), (2, -10.0, 97.0)]
    by_rule = play([FLAT, FLAT, FALLING], {0: order(10), 1: order(-10, stop=97.0)}, SHORT, rules=(StopLoss(0.05),))
    assert fills(by_rule)[1:] == [(2, -10.0, 95.0), (2, -10.0, 97.0)]
    assert by_rule.positions["quantity"].to_list() == [10.0, -10.0]


# Market orders at the close.


def test_market_orders_fill_at_the_next_open_this_close_or_the_next_close() -> None:
    bars = [(100.0, 103.0, 99.0, 101.0), (102.0, 106.0, 101.0, 105.0)]
    for when, step, price in (("next_open", 1, 102.0), ("this_close", 0, 101.0), ("next_close", 1, 105.0)):
        result = play(bars, {0: order(10)}, Settings(cash=10_000.0, fill_at=when))
        assert fills(result) == [(step, 10.0, price)]


def test_at_the_close_a_halted_symbol_waits_for_its_next_close() -> None:
    bars = market(A=[FLAT, None, None, (90.0, 95.0, 90.0, 94.0)], B=[FLAT] * 4)
    for settings, step in ((THIS_CLOSE, 3), (NEXT_CLOSE, 3)):
        assert fills(play(bars, {1: order(10)}, settings)) == [(step, 10.0, 94.0)]


def test_the_bar_at_whose_close_a_position_opens_can_not_stop_it_out() -> None:
    low = (100.0, 100.0, 50.0, 100.0)
    for settings, step in ((THIS_CLOSE, 0), (NEXT_CLOSE, 1)):
        result = play([low, low, low], {0: order(10)}, settings, rules=(StopLoss(0.05),))
        assert fills(result) == [(step, 10.0, 100.0), (step + 1, -10.0, 95.0)]


def test_resting_orders_fill_within_the_bar_before_market_orders_at_its_close() -> None:
    result = play([FLAT, (100.0, 101.0, 94.0, 96.0)], {0: order(1, limit=95.0), 1: order(2)}, THIS_CLOSE)
    assert fills(result) == [(1, 1.0, 95.0), (1, 2.0, 96.0)]


def test_a_day_order_for_this_close_goes_on_for_one_more_bar_where_the_volume_did_not_do() -> None:
    """Its day is the first after that of its submission, as of any day order."""
    settings = Settings(cash=10_000.0, volume_limit=0.004, fill_at="this_close")
    result = play([FLAT] * 3, {0: order(10, day=True)}, settings)
    assert fills(result) == [(0, 4.0, 100.0), (1, 4.0, 100.0)]
    assert cancelled(result) == [(1, 1, 2.0, "expired")]


def test_an_exit_at_the_close_and_a_rule_of_the_next_open_can_not_both_sell_in_a_cash_account() -> None:
    """What the volume has left of the first waits for the next close, and the time is up at the open before."""
    settings = Settings(cash=10_000.0, volume_limit=0.01, fill_at="this_close")
    bars = [FLAT, (100.0, 100.0, 100.0, 100.0, 400.0), FLAT, FLAT]
    result = play(bars, {0: order(10, rules=(TimeExit(2),)), 1: order(-10)}, settings)
    assert fills(result) == [(0, 10.0, 100.0), (1, -4.0, 100.0), (2, -6.0, 100.0)]
    assert [reason for *_, reason in trades(result)] == ["signal", "time_exit"]


# What is refused, and what is cut.


@pytest.mark.parametrize(
    ("terms", "match"),
    [
        ({"limit": 0.0}, "a limit of 0.0"),
        ({"limit": -1.0}, "a limit of -1.0"),
        ({"stop": float("nan")}, "a stop of nan"),
        ({"stop": float("inf")}, "a stop of inf"),
        ({"take_profit": 0.0}, "a take_profit of 0.0"),
        ({"stop_loss": float("nan")}, "a stop_loss of nan"),
        ({"trail": 0.0}, "a trail of 0.0"),
        ({"trail": 1.0}, "a trail of 1.0"),
        ({"trail": float("nan")}, "a trail of nan"),
        ({"trail": 0.1, "limit": 90.0}, "a trailing stop with a limit or a stop"),
        ({"trail": 0.1, "stop": 90.0}, "a trailing stop with a limit or a stop"),
        ({"quantity": 0}, "an order for 0 shares of A"),
        ({"quantity": float("nan")}, "an order for nan shares of A"),
        ({"quantity": 1j}, "an order for 1j shares of A"),
        ({"symbol": "B"}, "an order for 'B', which is not in the data"),
        ({"rules": (0.05,)}, "a rule 0.05"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused_and_leaves_no_trace(terms: dict[str, Any], match: str) -> None:
    def attempt(context: Context) -> None:
        given = {"symbol": "A", "quantity": 1} | terms
        with pytest.raises(InputError, match=match):
            context.submit_order(**given)

    result = play([FLAT, FLAT], {0: [attempt, order(7)]})
    assert result.orders.select("order_id", "quantity").rows() == [(1, 7.0)]
    assert fills(result) == [(1, 7.0, 100.0)]


@pytest.mark.parametrize(("lot", "asked", "filled"), [(1.0, 10.9, 10.0), (0.1, 0.1 + 0.2, 0.3), (100.0, 299.9, 200.0)])
def test_a_quantity_is_cut_to_whole_lots_toward_zero(lot: float, asked: float, filled: float) -> None:
    settings = Settings(cash=1e6, lot=lot, short=True)
    for sign in (1.0, -1.0):
        result = play([FLAT, FLAT], {0: order(sign * asked)}, settings)
        assert result.orders["quantity"].to_list() == result.fills["quantity"].to_list() == [sign * filled]


def test_less_than_a_lot_is_rejected_at_once_and_recorded_as_it_was_asked_for() -> None:
    result = play([FLAT, FLAT], {0: [order(0.99), order(-0.5, limit=90.0)]})
    assert rejected(result) == [(0, 1, "less than a lot"), (0, 2, "less than a lot")]
    assert result.orders["quantity"].to_list() == result.rejections["quantity"].to_list() == [0.99, -0.5]
