"""Orders: what ends them, and where they may fill."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import pairwise
from typing import Any

import polars as pl
from hypothesis import given

from engine.fuzzing.accounts import NO_COSTS
from engine.fuzzing.actions import Replace, Submit
from engine.fuzzing.markets import Market
from engine.fuzzing.script import Script
from engine.fuzzing.scripts import Drawn, cases
from engine.model import Bars, Result, Settings
from engine.strategy import Context
from tests.properties.comparing import assert_same, run
from tests.properties.examples import examples
from tests.properties.recounting import Lots

Record = dict[str, Any]
LEG_FILLED = "other leg filled"
NEVER_OPEN = ("less than a lot", "outside its gates")
REJECTED = (
    *NEVER_OPEN,
    "more than is held",
    "worth nothing after its costs",
    "below the minimum notional",
    "not enough cash",
    "not enough margin",
)
ROUNDED = 1e-9  # of a lot or a tick: what counts as a whole number of them


@dataclass
class Life:
    """An order and what became of it; `step` of each record is the number of its timestamp."""

    order: Record
    fills: list[Record]
    ends: list[Record]

    @property
    def step(self) -> int:
        """The step on which it was submitted."""
        step: int = self.order["step"]
        return step


def with_steps(table: pl.DataFrame, result: Result) -> list[Record]:
    """Return the rows of an output, each with the step of its timestamp and the moment as a number."""
    moments = result.bars["timestamp"].unique(maintain_order=True).to_physical()
    steps = table["timestamp"].to_physical().replace_strict(moments, range(len(moments)), return_dtype=pl.Int64)
    return table.with_columns(step=steps).to_dicts()


def lives_of(result: Result) -> list[Life]:
    """Return every order with its fills and its end, by number."""
    lives = {order["order_id"]: Life(order, [], []) for order in with_steps(result.orders, result)}
    for fill in with_steps(result.fills, result):
        lives[fill["order_id"]].fills.append(fill)
    for table in (result.rejections, result.cancellations):
        for end in with_steps(table, result):
            lives[end["order_id"]].ends.append(end)
    return list(lives.values())


def bars_of(result: Result) -> dict[tuple[int, str], Record]:
    """Return the bars by step and symbol."""
    return {(bar["step"], bar["symbol"]): bar for bar in with_steps(result.bars, result)}


def levels_are_on_ticks(market: Market, settings: Settings) -> bool:
    """Whether rounding to ticks changes no price of the market."""
    return settings.tick == 0.0 or all(
        price / settings.tick == int(price / settings.tick) for row in market.rows for price in row[2:6]
    )


@examples(100)
@given(cases())
def test_what_filled_and_what_ended_of_an_order_is_all_of_it_or_it_is_still_open(case: Drawn) -> None:
    """An order is filled whole, rejected, cancelled, or open after the last bar; no two of these.

    It ends at most once. The legs of a bracket are the exception: what one fills is taken off the other each time.
    """
    market, script, settings = case
    lots = Lots(settings.lot)
    for life in lives_of(run(market, script, settings)):
        asked = life.order["quantity"]
        records = [*life.fills, *life.ends]
        assert all(one["quantity"] * asked > 0.0 for one in records), "the other sign"
        assert all(one["symbol"] == life.order["symbol"] for one in records)
        assert all(end["reason"] == LEG_FILLED for end in life.ends[:-1])
        if any(end["reason"] in NEVER_OPEN for end in life.ends):
            assert [one["quantity"] for one in records] == [asked]
            continue
        done = sum(lots.count(one["quantity"]) for one in records)
        assert abs(lots.shares(done)) <= abs(asked)
        if life.ends and life.ends[-1]["reason"] != LEG_FILLED:
            assert lots.shares(done) == asked
            assert all(one["step"] <= life.ends[-1]["step"] for one in records), "a fill after the end"


@examples(100)
@given(cases(bracketed=True, gated=False, volume_limit=(0.1, math.inf, 0.025)))
def test_the_two_legs_of_a_bracket_together_fill_no_more_than_one_of_them(case: Drawn) -> None:
    """So at most one fills whole. A leg that was replaced by another quantity is another bracket's matter."""
    market, script, settings = case
    script = replace(script, actions=tuple(one for one in script.actions if not isinstance(one, Replace)))
    lots = Lots(settings.lot)
    for one, other in pairwise(lives_of(run(market, script, settings))):
        pair = one.order["reason"] == "take_profit" and other.order["reason"] == "stop_loss"
        if pair and one.order["parent"] == other.order["parent"] != 0:
            filled = sum(lots.count(fill["quantity"]) for fill in (*one.fills, *other.fills))
            assert abs(lots.shares(filled)) <= abs(one.order["quantity"])
            assert one.order["quantity"] == other.order["quantity"]


@examples(100)
@given(cases(bracketed=True, gated=False, volume_limit=(0.1, math.inf, 0.025)))
def test_the_legs_of_brackets_only_ever_close_a_position(case: Drawn) -> None:
    market, script, settings = case
    result = run(market, script, settings)
    lots = Lots(settings.lot)
    held: dict[str, int] = defaultdict(int)
    legs = set(result.orders.filter(pl.col("parent") != 0)["order_id"])
    for fill in result.fills.iter_rows(named=True):
        before, units = held[fill["symbol"]], lots.count(fill["quantity"])
        held[fill["symbol"]] = after = before + units
        if fill["order_id"] in legs:
            assert abs(after) < abs(before)
            assert before * after >= 0


@examples(100)
@given(cases())
def test_a_limit_order_never_fills_at_a_worse_price_than_its_limit(case: Drawn) -> None:
    market, script, settings = case
    for life in lives_of(run(market, script, settings)):
        limit = life.order["limit"]
        for fill in life.fills:
            if not math.isnan(limit):
                assert fill["price"] <= limit if fill["quantity"] > 0 else fill["price"] >= limit


@examples(100)
@given(cases(**NO_COSTS))
def test_the_first_fill_of_a_stop_is_at_its_level_or_at_a_worse_open(case: Drawn) -> None:
    """Without costs. A part that waits for the volume of a later bar fills at that one's open, as a market order does.

    A bar without volume triggers a stop, too, where volume is limited: then its first fill is at a later open.
    """
    market, script, settings = case
    result = run(market, script, settings)
    bars = bars_of(result)
    on_ticks = levels_are_on_ticks(market, settings)
    for life in lives_of(result):
        if life.order["kind"] == "stop" and life.fills:
            fill, level = life.fills[0], life.order["stop"]
            bar = bars[fill["step"], fill["symbol"]]
            worse = fill["price"] >= level if fill["quantity"] > 0 else fill["price"] <= level
            assert worse or (settings.volume_limit < math.inf and (not on_ticks or fill["price"] == bar["open"]))
            if on_ticks:
                assert fill["price"] in (level, bar["open"])


@examples(100)
@given(cases(**NO_COSTS))
def test_without_costs_every_fill_is_at_a_price_of_its_bar(case: Drawn) -> None:
    """Where there are ticks that the bar is not on, at most one tick away from one."""
    market, script, settings = case
    result = run(market, script, settings)
    bars = bars_of(result)
    margin = 0.0 if levels_are_on_ticks(market, settings) else settings.tick
    for fill in with_steps(result.fills, result):
        bar = bars[fill["step"], fill["symbol"]]
        assert bar["low"] - margin <= fill["price"] <= bar["high"] + margin
        assert fill["commission"] == 0.0
        assert settings.tick or fill["slippage"] == 0.0


@examples(100)
@given(cases())
def test_costs_are_never_in_favour_of_the_trader(case: Drawn) -> None:
    market, script, settings = case
    fills = run(market, script, settings).fills
    assert (fills["commission"] >= settings.commission_minimum).all()
    assert (fills["commission"] >= fills["price"] * fills["quantity"].abs() * settings.commission).all()
    assert (fills["slippage"] >= 0.0).all()
    assert (fills["price"] >= 0.0).all()


@examples(100)
@given(cases(volume_limit=(0.5, 0.1, 1.0, 0.025, math.inf)))
def test_nothing_fills_without_a_bar_or_beyond_its_share_of_the_bars_volume(case: Drawn) -> None:
    market, script, settings = case
    result = run(market, script, settings)
    bars = bars_of(result)
    filled: dict[tuple[int, str], float] = defaultdict(float)
    for fill in with_steps(result.fills, result):
        place = fill["step"], fill["symbol"]
        assert place in bars
        filled[place] += abs(fill["quantity"])
        if settings.volume_limit < math.inf or settings.volume_impact:
            assert bars[place]["volume"] > 0.0
    if settings.volume_limit < math.inf:
        for place, shares in filled.items():
            assert shares <= settings.volume_limit * bars[place]["volume"] + ROUNDED * settings.lot


def day_of(timestamp: date) -> date:
    """Return the day, by the clock of the data."""
    return timestamp.date() if isinstance(timestamp, datetime) else timestamp


@examples(100)
@given(cases())
def test_a_day_order_never_fills_after_the_first_day_that_its_symbol_trades(case: Drawn) -> None:
    """Counted from the bar after the one on which it was submitted; a fill at this very close is before that."""
    market, script, settings = case
    result = run(market, script, settings)
    bars = with_steps(result.bars, result)
    for life in lives_of(result):
        if life.order["day"]:
            later = [bar for bar in bars if bar["symbol"] == life.order["symbol"] and bar["step"] > life.step]
            last = day_of(later[0]["timestamp"]) if later else None
            assert all(day_of(fill["timestamp"]) == last or fill["step"] == life.step for fill in life.fills)
            after = [bar for bar in bars if last is not None and day_of(bar["timestamp"]) > last]
            done = life.ends or not lots_left(life, len(bars), Lots(settings.lot))
            assert done or not after or (result.equity["equity"] < settings.ruin).any()


@examples(100)
@given(cases(fill_at=("next_open", "next_close")))
def test_what_the_strategy_orders_fills_after_its_bar(case: Drawn) -> None:
    market, script, settings = case
    for life in lives_of(run(market, script, settings)):
        ordered = life.order["parent"] == 0 and life.order["reason"] in ("signal", "rebalance")
        assert not ordered or all(fill["step"] > life.step for fill in life.fills)


@examples(100)
@given(cases())
def test_the_open_orders_that_a_strategy_sees_are_those_that_have_not_ended(case: Drawn) -> None:
    """What ends or fills on the very bar on which it looks may do so before or after it looks."""
    market, script, settings = case
    shown: list[dict[int, float]] = []
    result = run(market, watching(script, shown), settings)
    lots, lives = Lots(settings.lot), {life.order["order_id"]: life for life in lives_of(result)}
    for step, orders in enumerate(shown):
        for number, life in lives.items():
            low, high = sorted((lots_left(life, step - 1, lots), lots_left(life, step, lots)))
            left = lots.count(orders.get(number, 0.0))
            submitted_later = left == 0 and life.step >= step
            assert low <= left <= high or submitted_later
        assert all(lives[number].step <= step for number in orders)


def lots_left(life: Life, step: int, lots: Lots) -> int:
    """Return what is left of an order after a step, in lots; 0 for one that never was open."""
    if any(end["reason"] in NEVER_OPEN for end in life.ends):
        return 0
    done = sum(lots.count(one["quantity"]) for one in (*life.fills, *life.ends) if one["step"] <= step)
    return lots.count(life.order["quantity"]) - done


def watching(script: Script, shown: list[dict[int, float]]) -> Script:
    """Return the script, made to take down the open orders at each timestamp."""

    class Watching(Script):
        def on_bars(self, context: Context, bars: Bars) -> None:
            shown.append({order.order_id: order.quantity for order in context.open_orders()})
            super().on_bars(context, bars)

    return Watching(script.actions, script.features, script.gates, script.rules, script.by_bar)


@examples(100)
@given(cases())
def test_an_order_that_is_rejected_leaves_no_trace(case: Drawn) -> None:
    """Taken out of the script it changes nothing but the numbers of the other orders.

    Scripts of orders alone: to cancel, to replace and to target weights is to look at the orders there are.
    """
    market, script, settings = case
    numbered = (
        replace(one, terms=(*one.terms, ("reason", f"order {number}")))
        for number, one in enumerate(script.actions)
        if isinstance(one, Submit)
    )
    script = replace(script, actions=tuple(numbered))
    result = run(market, script, settings)
    rejected = {life.order["reason"] for life in lives_of(result) if is_rejected(life)}
    kept = tuple(one for one in script.actions if dict(one.terms)["reason"] not in rejected)
    tables = ("cancellations", "fills", "trades", "orders", "equity")
    expected, obtained = (
        {name: getattr(one, name).select(pl.exclude("order_id", "parent")) for name in tables}
        for one in (result, run(market, replace(script, actions=kept), settings))
    )
    expected["orders"] = expected["orders"].filter(~pl.col("reason").is_in(list(rejected)))
    assert_same(expected, obtained)


def is_rejected(life: Life) -> bool:
    """Whether an order was rejected whole, by what the account or the grid of lots is."""
    return bool(life.ends) and life.ends[0]["reason"] in REJECTED and not life.fills
