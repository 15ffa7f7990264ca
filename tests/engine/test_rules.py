"""Position rules: where each leaves, long and short, which of several counts, and what the water marks have seen."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from engine import InputError, Settings, StopLoss, TakeProfit, TimeExit, TrailingStop
from engine.rules import Rule
from tests.engine.scripted import FLAT, Row, fills, flat, market, order, play, trades

SHORT = Settings(cash=10_000.0, short=True)
THIS_CLOSE = Settings(cash=10_000.0, fill_at="this_close", short=True)
WIDE: Row = (100.0, 130.0, 70.0, 100.0)


def exits(bars: list[Row], rules: tuple[Rule, ...], quantity: float = 10) -> list[tuple[Any, ...]]:
    """Return (step, price, reason) of the trades of a position that is opened at 100 at step 1."""
    result = play([FLAT, FLAT, *bars], {0: order(quantity)}, SHORT, rules=rules)
    return trades(result, "exit_price", "reason")


# Where each leaves.


@pytest.mark.parametrize(
    ("rule", "bar", "price"),
    [
        (StopLoss(0.05), (101.0, 105.0, 100.0, 104.0), 105.0),  # touched
        (StopLoss(0.05), (101.0, 110.0, 100.0, 104.0), 105.0),  # passed on the way
        (StopLoss(0.05), (107.0, 110.0, 106.0, 107.0), 107.0),  # gapped through: the open
        (StopLoss(0.05), (101.0, 104.99999999999999, 100.0, 104.0), None),
        (TakeProfit(0.25), (99.0, 100.0, 75.0, 80.0), 75.0),
        (TakeProfit(0.25), (70.0, 71.0, 69.0, 70.0), 70.0),
        (TakeProfit(0.25), (99.0, 100.0, 75.00000000000001, 80.0), None),
        (TakeProfit(1.0), (1.0, 1.0, 1e-9, 1.0), None),  # a price is above 0
        (TakeProfit(2.0), (1.0, 1.0, 1e-9, 1.0), None),
    ],
)
def test_for_a_short_a_stop_lies_above_the_entry_and_a_target_below(rule: Rule, bar: Row, price: float | None) -> None:
    assert exits([bar], (rule,), -10) == ([] if price is None else [(2, price, rule.name)])


@pytest.mark.parametrize(
    ("bar", "price"),
    [((60.0, 62.5, 55.0, 56.0), 62.5), ((70.0, 71.0, 69.0, 70.0), 70.0), ((60.0, 62.4, 55.0, 56.0), None)],
)
def test_for_a_short_a_trailing_stop_follows_the_lows_of_the_bars_before(bar: Row, price: float | None) -> None:
    falling = (100.0, 100.0, 50.0, 60.0)  # its own high is above 50 and a quarter: the low counts once it is complete
    assert exits([falling, bar], (TrailingStop(0.25),), -10) == ([] if price is None else [(3, price, "trailing_stop")])


@pytest.mark.parametrize("quantity", [10, -10])
def test_a_time_exit_leaves_at_the_open_of_the_bar_that_many_bars_after_the_entry(quantity: float) -> None:
    bars: list[Row] = [(101.0, 105.0, 95.0, 100.0), (102.0, 105.0, 95.0, 100.0), (103.0, 105.0, 95.0, 100.0)]
    for count, step, price in ((1, 2, 101.0), (2, 3, 102.0), (3, 4, 103.0)):
        assert exits(bars, (TimeExit(count),), quantity) == [(step, price, "time_exit")]
    assert exits(bars, (TimeExit(4),), quantity) == []


def test_a_time_exit_counts_the_bars_of_the_symbol() -> None:
    bars = market(A=[FLAT, FLAT, None, flat(101.0), None, flat(102.0)], B=[FLAT] * 6)
    assert trades(play(bars, {0: order(10)}, rules=(TimeExit(2),))) == [(5, 10.0, 102.0, "time_exit")]


@pytest.mark.parametrize(("count", "step"), [(1, 2), (2, 3)])
def test_a_time_exit_counts_from_the_bar_of_the_entry_wherever_in_it_that_was(count: int, step: int) -> None:
    entry = (100.0, 105.0, 95.0, 100.0)
    for terms in ({"limit": 97.0}, {"stop": 103.0}, {}):
        result = play([FLAT, entry, FLAT, FLAT], {0: order(10, **terms)}, rules=(TimeExit(count),))
        assert [at for at, *_ in trades(result)] == [step]
    at_the_close = play([FLAT, entry, FLAT, FLAT], {1: order(10)}, THIS_CLOSE, rules=(TimeExit(count),))
    assert [at for at, *_ in trades(at_the_close)] == [step]


def test_rules_look_at_the_bar_of_an_entry_at_its_open_and_not_of_one_within_or_at_its_end() -> None:
    for terms, step in (({}, 1), ({"limit": 99.0}, 2), ({"stop": 101.0}, 2)):
        result = play([FLAT, WIDE, WIDE], {0: order(10, **terms)}, rules=(StopLoss(0.2),))
        assert [at for at, *_ in trades(result)] == [step]
    assert [at for at, *_ in trades(play([FLAT, WIDE, WIDE], {1: order(10)}, THIS_CLOSE, rules=(StopLoss(0.2),)))] == [
        2
    ]


def test_positions_leave_in_symbol_order_also_those_with_rules_of_their_own() -> None:
    bars = market(**{name: [FLAT, FLAT, flat(90.0)] for name in "CBAD"})
    own = {"rules": (TimeExit(1),)}
    doings = [order(1, "C"), order(1, "B", **own), order(-1, "A"), order(1, "D", **own)]
    result = play(bars, {0: doings}, SHORT, rules=(StopLoss(0.05), TakeProfit(0.05)))
    assert result.trades.select("symbol", "reason").rows() == [
        ("A", "take_profit"),
        ("B", "time_exit"),
        ("C", "stop_loss"),
        ("D", "time_exit"),
    ]


# Which of several counts.


@pytest.mark.parametrize("quantity", [10, -10])
def test_of_levels_that_one_bar_reaches_the_first_declared_counts(quantity: float) -> None:
    stop, target, trail = StopLoss(0.05), TakeProfit(0.25), TrailingStop(0.1)
    for rules in ((stop, target, trail), (target, trail, stop), (trail, stop, target)):
        assert [reason for *_, reason in exits([WIDE], rules, quantity)] == [rules[0].name]


@pytest.mark.parametrize(("quantity", "open_", "other"), [(10, 130.0, 70.0), (-10, 70.0, 130.0)])
def test_what_the_open_has_reached_counts_before_any_level(quantity: float, open_: float, other: float) -> None:
    bar = (open_, 130.0, 70.0, other)
    assert exits([bar], (StopLoss(0.05), TakeProfit(0.25)), quantity) == [(2, open_, "take_profit")]


def test_at_the_open_too_the_first_declared_counts() -> None:
    time, target = TimeExit(1), TakeProfit(0.25)
    assert exits([flat(130.0)], (time, target)) == [(2, 130.0, "time_exit")]
    assert exits([flat(130.0)], (target, time)) == [(2, 130.0, "take_profit")]
    assert exits([WIDE], (target, time)) == [(2, 100.0, "time_exit")]  # at the open, where the target is not reached


# Rules of a position's own.


def test_an_order_may_bring_rules_for_the_position_that_it_opens_in_place_of_the_strategys() -> None:
    bars: list[Row] = [FLAT, FLAT, (100.0, 100.0, 94.0, 95.0), (95.0, 95.0, 89.0, 95.0)]
    for own, left in (((StopLoss(0.1),), (3, 90.0)), (None, (2, 95.0)), ((), None)):
        result = play(bars, {0: order(10, rules=own)}, rules=(StopLoss(0.05),))
        assert trades(result, "exit_price") == ([left] if left else [])


def test_the_next_position_of_the_symbol_has_the_strategys_rules_again() -> None:
    bars: list[Row] = [FLAT, FLAT, (100.0, 100.0, 89.0, 100.0), FLAT, (100.0, 100.0, 89.0, 90.0)]
    result = play(bars, {0: order(10, rules=(StopLoss(0.1),)), 2: order(10)}, rules=(StopLoss(0.05),))
    assert trades(result) == [(2, 10.0, 90.0, "stop_loss"), (4, 10.0, 95.0, "stop_loss")]


def test_an_addition_brings_no_rules_and_keeps_those_that_are_there() -> None:
    plan = {0: order(10, rules=(StopLoss(0.1),)), 1: order(10, rules=(StopLoss(0.01),))}
    result = play([FLAT, FLAT, (100.0, 100.0, 95.0, 95.0), (95.0, 95.0, 90.0, 90.0)], plan, rules=(TimeExit(1),))
    assert trades(result) == [(3, 20.0, 90.0, "stop_loss")]


def test_what_turns_around_has_the_rules_of_the_order_that_turned_it() -> None:
    for own, price in ((None, 105.0), ((StopLoss(0.1),), 110.00000000000001)):
        plan = {0: order(10), 1: order(-20, rules=own)}
        result = play([FLAT, FLAT, FLAT, (100.0, 115.0, 100.0, 100.0)], plan, SHORT, rules=(StopLoss(0.05),))
        assert trades(result, "quantity", "exit_price")[1:] == [(3, -10.0, price)]


# Levels and water marks.


def test_levels_are_those_of_the_entry_price_with_its_slippage() -> None:
    costs = Settings(cash=10_000.0, slippage=0.01)
    result = play([FLAT, FLAT, (100.0, 100.0, 90.0, 95.0)], {0: order(10)}, costs, rules=(StopLoss(0.05),))
    assert fills(result)[1:] == [(2, -10.0, 101.0 * (1.0 - 0.05) * (1.0 - 0.01))]


@pytest.mark.parametrize(
    ("quantity", "added_at", "level"), [(10, 200.0, 150.0 * (1.0 - 0.1)), (-10, 50.0, 75.0 * (1.0 + 0.1))]
)
def test_after_an_addition_the_level_is_that_of_the_average(quantity: float, added_at: float, level: float) -> None:
    average = (100.0 + added_at) / 2
    result = play(
        [FLAT, FLAT, flat(added_at), (average, max(average, level), min(average, level), average)],
        {0: order(quantity), 1: order(quantity)},
        SHORT,
        rules=(StopLoss(0.1),),
    )
    assert trades(result, "quantity", "entry_price", "exit_price") == [(3, 2.0 * quantity, average, level)]


@pytest.mark.parametrize(
    ("fraction", "bars", "left"),
    [
        (0.1, [(200.0, 200.0, 134.0, 140.0)], (2, 135.0)),  # a mark of 150, the average, on the very bar
        (0.1, [(200.0, 200.0, 140.0, 140.0), flat(140.0)], (3, 140.0)),  # then of 200, its high
        (0.5, [(50.0, 50.0, 49.0, 50.0)], (2, 50.0)),  # still of 100, not of 75
    ],
)
def test_an_addition_raises_the_water_mark_to_the_average_and_never_lowers_it(
    fraction: float, bars: list[Row], left: tuple[int, float]
) -> None:
    result = play([FLAT, FLAT, *bars], {0: order(10), 1: order(10)}, rules=(TrailingStop(fraction),))
    assert trades(result, "exit_price") == [left]


def test_the_mark_starts_at_the_entry_and_has_seen_the_bar_of_an_entry_at_its_open_but_not_at_its_close() -> None:
    rules, after = (TrailingStop(0.1),), (185.0, 185.0, 171.0, 175.0)
    at_the_open = play([FLAT, (100.0, 200.0, 100.0, 190.0), after], {0: order(10)}, rules=rules)
    assert trades(at_the_open) == [(2, 10.0, 180.0, "trailing_stop")]
    at_the_close = play([FLAT, (100.0, 200.0, 100.0, 190.0), after], {1: order(10)}, THIS_CLOSE, rules=rules)
    assert trades(at_the_close) == [(2, 10.0, 171.0, "trailing_stop")]


def test_the_mark_has_seen_the_bar_of_an_entry_within_it_whole() -> None:
    """Bought at 95 on a bar that opened at 110: the mark is 110, though the price was there before the entry."""
    bars: list[Row] = [FLAT, (110.0, 110.0, 94.0, 96.0), flat(96.0)]
    assert trades(play(bars, {0: order(10, limit=95.0)}, rules=(TrailingStop(0.1),))) == [
        (2, 10.0, 96.0, "trailing_stop")
    ]


def test_a_missing_bar_moves_no_mark_and_fires_no_rule() -> None:
    bars = market(A=[FLAT, FLAT, None, (100.0, 100.0, 95.0, 95.0)], B=[FLAT] * 4)
    assert trades(play(bars, {0: order(10)}, rules=(StopLoss(0.05),))) == [(3, 10.0, 95.0, "stop_loss")]


def test_rules_mean_the_same_on_minutes() -> None:
    times = [datetime(2024, 3, 4, 15, minute) for minute in (57, 58, 59)] + [datetime(2024, 3, 5, 9, 30)]
    result = play(market(times, A=[FLAT, FLAT, FLAT, flat(90.0)]), {0: order(10)}, rules=(TimeExit(3), StopLoss(0.05)))
    assert trades(result) == [(3, 10.0, 90.0, "stop_loss")]


@pytest.mark.parametrize("bars", [0, -1, 1.5, float("nan")])
def test_a_time_exit_after_no_whole_number_of_bars_is_refused(bars: Any) -> None:
    with pytest.raises(InputError, match="A whole number of bars"):
        TimeExit(bars)


@pytest.mark.parametrize("rule", [StopLoss, TrailingStop, TakeProfit])
@pytest.mark.parametrize("fraction", [0.0, -0.1, float("nan"), float("inf")])
def test_a_fraction_of_no_size_is_refused(rule: Any, fraction: float) -> None:
    with pytest.raises(InputError, match="A fraction of the price"):
        rule(fraction)
