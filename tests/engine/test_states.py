"""The account around a divergence, from outputs alone, is what the broker itself would tell."""

from __future__ import annotations

from typing import Any

import polars as pl

from engine import Bars, Context, Settings, load
from engine.markets import blemished_market
from engine.scenarios import SCENARIOS
from engine.states import state_after
from engine.strategy import Strategy


class Watched(Strategy):
    """Runs another strategy, and takes down the account as the broker tells it after each call."""

    def __init__(self, inner: Strategy, seen: dict[int, Any]) -> None:
        self.inner, self.seen, self.features, self.rules = inner, seen, inner.features, inner.rules

    def __deepcopy__(self, memo: object) -> Watched:
        return self

    def on_bars(self, context: Context, bars: Bars) -> None:
        self.inner.on_bars(context, bars)
        moment = int(pl.Series([context.timestamp]).to_physical()[0])
        held = {symbol: context.get_position(symbol) for symbol in context.held()}
        self.seen[moment] = context.cash, held, context.open_orders()


def test_cash_positions_and_open_orders_are_those_of_the_broker() -> None:
    bars, scenario, seen = blemished_market(), SCENARIOS["restless"], {}
    outputs = load(bars, build=()).run(Watched(scenario.make(), seen), scenario.settings).outputs()
    for moment, (cash, held, orders) in list(seen.items())[20::37]:
        lines = state_after(outputs, bars, moment, "S0003")
        assert lines[0].startswith(f"cash {cash!r}")
        told = [line for line in lines if line.startswith("holds")]
        more = sum(int(line.split()[1]) for line in lines if line.startswith("...") and "positions" in line)
        assert len(told) + more == len(held)
        for symbol, position in held.items():
            line = next((one for one in told if f" {symbol} at " in one), None)
            assert line is None or line.startswith(f"holds {position.quantity:g} {symbol}")
        waiting = [line for line in lines if "waits" in line]
        assert {int(line.split()[1]) for line in waiting} <= {order.order_id for order in orders}
        assert bool(waiting) == bool(orders)


def test_water_marks_are_the_extremes_since_the_entry() -> None:
    bars = blemished_market()
    outputs = load(bars, build=()).run(SCENARIOS["level"].make(), Settings()).outputs()
    fill = outputs["fills"].row(0, named=True)
    symbol, moment = fill["symbol"], int(pl.Series([fill["timestamp"]]).to_physical()[0])
    of = bars.filter((pl.col("symbol") == symbol) & (pl.col("timestamp") == fill["timestamp"])).row(0, named=True)
    told = next(line for line in state_after(outputs, bars, moment, symbol) if line.startswith("holds"))
    assert told.endswith(f"highest high {of['high']!r}, lowest low {of['low']!r}")


def test_nothing_held_and_nothing_waiting_is_said() -> None:
    bars = blemished_market()
    outputs = load(bars, build=()).run(SCENARIOS["level"].make(), Settings()).outputs()
    first = int(bars["timestamp"].to_physical()[0])
    assert state_after(outputs, bars, first, "")[1:] == ["no positions", "no open orders"]
    assert state_after({}, bars, first, "") == []
